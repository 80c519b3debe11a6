"""Chains: what is in them, and their split over books, to the lot."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from small_market import population, small_market

from agents.option_chains.chains import Chain, Contract, Holding, Snapshot, apportion, split
from agents.option_chains.formats.base import FIELDS
from agents.option_chains.synthetic import Synthetic
from scenarios.file.errors import ScenarioError
from sim.records import OPTIONS
from sim.setup.draws import Draws
from sim.setup.instruments import Universe
from sim.setup.listing import Listing, Smile
from sim.setup.misfit import Misfit

SPOT = 60_000.0
LOT = 0.01
CRASH = "data/deribit_options_snapshot_20260205T212937Z.csv"
GOOD = {
    "timestamp": "2026-02-05T21:00:00+00:00",
    "currency": "BTC",
    "option_type": "call",
    "strike": "66000",
    "expiry_datetime": "2026-02-06T21:00:00Z",
    "implied_volatility": "0.6",
    "open_interest": "10.5",
    "futures_price": "66000",
}


def listing() -> Listing:
    return Listing(1, 1.0, Universe(["BTC"]), [SPOT], [Smile()])


def held(books: Any, universe: Universe) -> np.ndarray:
    """Lots of each contract that all books hold together."""
    totals = np.zeros(len(universe.contract_names), np.int64)
    np.add.at(totals, books.instrument - OPTIONS, books.lots)
    return totals


def write(path: Path, *rows: dict[str, str], columns: tuple[str, ...] = tuple(GOOD)) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def snapshot(path: Path, **fields: Any) -> Snapshot:
    return Snapshot(file=str(path), **fields)


interests = st.lists(st.floats(0.001, 1e5), min_size=1, max_size=25)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    interests=interests,
    rows=st.integers(1, 40),
    slots=st.integers(1, 12),
    share=st.floats(0, 1),
    sign=st.floats(-1, 1),
    multiplier=st.floats(0.01, 10),
    seed=st.integers(0, 2**32),
)
def test_the_books_hold_the_share_of_every_contract_to_the_lot(
    interests: list[float], rows: int, slots: int, share: float, sign: float, multiplier: float, seed: int
) -> None:
    own = listing()
    sign, share = round(sign, 6) + 0.0, round(share, 6)
    holding = Holding(sign=sign, sign_puts=0.0 - sign / 2, share=share, contract_multiplier=multiplier)
    contracts = [Contract(SPOT + i, 3600.0, i % 3 > 0, 0.5, amount) for i, amount in enumerate(interests)]
    weights = np.random.default_rng(seed).lognormal(0, 1.5, rows)
    books = split(
        Chain(contracts, len(contracts), {}), holding, LOT, weights, slots, Draws(seed, "dealers"), own, 0
    )
    totals = dict(zip(own.universe.contract_names, held(books, own.universe), strict=True))
    for i, (contract, amount) in enumerate(zip(contracts, interests, strict=True)):
        side = sign if contract.is_call else -sign / 2
        lots = round(abs(side) * share * multiplier * amount / LOT)
        name = f"BTC-3600s-{SPOT + i:g}-{'C' if contract.is_call else 'P'}"
        assert totals.get(name, 0) == (lots if side > 0 else -lots)
    assert (books.lots != 0).all()
    fits = len(interests) <= rows * slots
    assert books.slots(rows) <= (slots if fits and len(interests) == 1 else slots + len(interests))


@settings(deadline=None, max_examples=100, derandomize=True)
@given(weights=st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=50), total=st.integers(0, 10**12))
def test_apportioned_lots_sum_and_stay_within_one_of_the_exact_share(
    weights: list[float], total: int
) -> None:
    parts = apportion(np.array(weights), total)
    exact = np.array(weights) / sum(weights) * total
    assert parts.sum() == total
    assert (parts >= 0).all()
    assert (np.abs(parts - exact) <= 1 + 1e-9 * total).all()


def test_books_take_as_many_contracts_as_slots_and_differ_by_one_at_most() -> None:
    contracts = [Contract(SPOT + i, 3600.0, True, 0.5, 100.0) for i in range(30)]
    books = split(Chain(contracts, 30, {}), Holding(), LOT, np.ones(100), 8, Draws(1, "d"), listing(), 0)
    per_row = np.bincount(books.row, minlength=100)
    assert per_row.max() == 8
    assert per_row.min() >= 7


def test_every_book_takes_as_many_contracts_as_it_has_slots_itself() -> None:
    contracts = [Contract(SPOT + i, 3600.0, True, 0.5, 100.0 * (1 + i % 7)) for i in range(30)]
    slots = np.random.default_rng(1).integers(1, 21, 100)
    books = split(Chain(contracts, 30, {}), Holding(), LOT, np.ones(100), slots, Draws(1, "d"), listing(), 0)
    assert np.bincount(books.row, minlength=100).tolist() == slots.tolist()
    assert np.unique(np.stack([books.row, books.instrument]), axis=1).shape[1] == books.row.size


@pytest.mark.parametrize("slots", [1, 3, 8])
@pytest.mark.parametrize("rows", [4, 7, 100])
def test_books_of_equal_slots_are_dealt_to_in_turn(rows: int, slots: int) -> None:
    contracts = [Contract(SPOT + i, 3600.0, True, 0.5, 100.0 * (1 + i % 7)) for i in range(30)]
    own, draws = listing(), Draws(1, "d")
    books = split(Chain(contracts, 30, {}), Holding(), LOT, np.ones(rows), slots, draws, own, 0)
    order = np.argsort(draws.uniforms("chain.deal", rows), kind="stable")
    turn = order[np.arange(books.row.size) % rows]
    assert books.row.tolist() == turn.tolist()


def test_a_larger_book_holds_more_of_a_contract() -> None:
    contracts = [Contract(SPOT, 3600.0, True, 0.5, 100.0)]
    books = split(
        Chain(contracts, 1, {}), Holding(), LOT, np.array([1.0, 3.0]), 1, Draws(1, "d"), listing(), 0
    )
    assert dict(zip(books.row.tolist(), books.lots.tolist(), strict=True)) == {0: -2500, 1: -7500}


def test_sign_minus_one_is_short_and_gamma_exposure_convention_is_long_calls_short_puts() -> None:
    call, put = Contract(SPOT, 1.0, True, 0.5, 1.0), Contract(SPOT, 1.0, False, 0.5, 1.0)
    assert (Holding().lots(call, LOT), Holding().lots(put, LOT)) == (-100, -100)
    usual = Holding(sign_calls=1, sign_puts=-1)
    assert (usual.lots(call, LOT), usual.lots(put, LOT)) == (100, -100)
    assert Holding(sign=-0.3).lots(call, LOT) == -30


def test_a_synthetic_chain_lays_its_open_interest_out_around_the_spot() -> None:
    table = Synthetic(
        open_interest=1000.0,
        expiries_days=[1.0, 30.0],
        expiry_weights=[3.0, 1.0],
        strikes=20,
        put_share=0.6,
        skew_to_otm=0.05,
        dispersion=0.03,
    )
    chain = table.chain(listing(), 0)
    amount = np.array([c.open_interest for c in chain.contracts])
    is_call = np.array([c.is_call for c in chain.contracts])
    strike = np.array([c.strike for c in chain.contracts])
    assert len(chain.contracts) == chain.rows == 2 * 2 * 41
    assert amount.sum() == pytest.approx(1000.0)
    assert amount[~is_call].sum() == pytest.approx(600.0)
    assert amount[[c.seconds == 86400.0 for c in chain.contracts]].sum() == pytest.approx(750.0)
    assert strike[is_call][np.argmax(amount[is_call])] == pytest.approx(1.05 * SPOT)
    assert strike[~is_call][np.argmax(amount[~is_call])] == pytest.approx(0.95 * SPOT)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"expiry_weights": [1.0]}, "3 expiries_days but 1 expiry_weights"),
        ({"expiry_weights": [0.0, 0.0, 0.0]}, "sum to 0"),
        ({"strikes": 100, "spacing": 0.01}, "must be below 1"),
    ],
)
def test_a_chain_that_cannot_be_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Synthetic(open_interest=1.0, **fields)


def test_a_chain_with_one_narrow_peak_between_strikes_still_sums() -> None:
    table = Synthetic(open_interest=10.0, skew_to_otm=0.005, dispersion=1e-5)
    assert sum(c.open_interest for c in table.chain(listing(), 0).contracts) == pytest.approx(10.0)


def test_a_snapshot_keeps_moneyness_and_time_to_expiry(tmp_path: Path) -> None:
    path = write(tmp_path / "chain.csv", GOOD)
    (contract,) = snapshot(path).chain(listing(), 0).contracts
    assert contract == Contract(SPOT, 86400.0, True, 0.6, 10.5)
    (unscaled,) = snapshot(path, rescale=False).chain(listing(), 0).contracts
    assert unscaled.strike == 66000.0


def test_bad_rows_of_a_snapshot_are_counted_by_reason(tmp_path: Path) -> None:
    bad = [
        {"implied_volatility": ""},
        {"implied_volatility": "nan"},
        {"implied_volatility": "inf"},
        {"implied_volatility": "-0.3"},
        {"implied_volatility": "0"},
        {"implied_volatility": "0,65"},
        {"implied_volatility": "1e-5"},
        {"open_interest": "inf"},
        {"open_interest": "-1"},
        {"open_interest": ""},
        {"open_interest": "0.0"},
        {"expiry_datetime": "2026-02-05T21:00:00Z"},
        {"expiry_datetime": "soon"},
        {"timestamp": "now"},
        {"strike": "0"},
        {"strike": "60k"},
        {"option_type": "straddle"},
        {"futures_price": ""},
        {"futures_price": "a lot"},
        {"currency": "ETH"},
    ]
    path = write(tmp_path / "chain.csv", GOOD, *(GOOD | fields for fields in bad))
    with path.open("a") as file:
        file.write("2026-02-05T21:00:00+00:00,BTC\n")
    chain = snapshot(path, most_left_out=1.0).chain(listing(), 0)
    assert len(chain.contracts) == 1
    assert chain.rows == 21
    assert chain.dropped == {
        "an unreadable time": 1,
        "no implied volatility": 2,
        "an infinite implied volatility": 1,
        "an implied volatility below 0": 1,
        "an implied volatility of 0": 1,
        "an unreadable implied volatility": 1,
        "an implied volatility below 0.1% a year": 1,
        "an infinite open interest": 1,
        "an open interest below 0": 1,
        "open interest missing": 2,
        "no open interest": 1,
        "an expiry that is past": 1,
        "an unreadable expiry": 1,
        "no strike above 0": 1,
        "an unreadable strike": 1,
        "an unreadable type of option": 1,
        "no price of the future": 1,
        "an unreadable price of the future": 1,
    }
    assert chain.reading is not None
    assert chain.reading.left_out["an expiry that is past"].first == 'line 14, column "expiry_datetime"'
    assert chain.reading.left_out["an unreadable expiry"].first == 'line 15, column "expiry_datetime"'
    assert chain.said()["first_dropped"]["no implied volatility"] == 'line 3, column "implied_volatility"'


def test_rows_of_one_contract_are_merged_and_counted(tmp_path: Path) -> None:
    """Their open interest adds up, the volatility of the first stays, and every row is accounted for."""
    again = GOOD | {"open_interest": "4.5", "implied_volatility": "0.9"}
    others = [GOOD | {"strike": "70000"}, GOOD | {"option_type": "put"}, GOOD | {"open_interest": "0"}]
    chain = snapshot(write(tmp_path / "chain.csv", GOOD, again, *others)).chain(listing(), 0)
    assert chain.contracts[0] == Contract(SPOT, 86400.0, True, 0.6, 15.0)
    assert (len(chain.contracts), chain.merged, sum(chain.dropped.values())) == (3, 1, 1)
    assert chain.rows == len(chain.contracts) + chain.merged + sum(chain.dropped.values())


def test_merged_rows_are_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "chain.csv", GOOD, GOOD, GOOD)
    exposure = {"type": "chain", "file": str(path)}
    model = small_market(dealers_with(exposure), venues=("linear", "desk"))
    dealers = population(model, "dealers")
    assert dealers.report()["merged"] == 2
    assert dealers.report()["contracts"] == 1
    assert -dealers.books.lots.sum() == round(3 * 10.5 / 0.001)


def test_a_file_that_is_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_bytes(b"timestamp,currency\n\x80\x81\n")
    with pytest.raises(Misfit, match=r"chain\.csv is not a text file of comma-separated values: see line 2$"):
        snapshot(path).chain(listing(), 0)
    path.write_text(",".join(FIELDS) + "\n" + "x" * 200_000)
    with pytest.raises(Misfit, match=r"chain\.csv is not a file of comma-separated values: "):
        snapshot(path).chain(listing(), 0)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "chain.csv", GOOD, columns=tuple(name for name in GOOD if name != "strike"))
    with pytest.raises(Misfit, match='no column "strike"; it needs timestamp, '):
        snapshot(path).chain(listing(), 0)


def test_a_currency_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    path = write(tmp_path / "chain.csv", GOOD, GOOD | {"currency": "ETH"})
    with pytest.raises(Misfit, match='no rows of currency "SOL"') as caught:
        snapshot(path, currency="SOL").chain(listing(), 0)
    assert (caught.value.key, caught.value.allowed) == (("currency",), ("BTC", "ETH"))
    path = write(tmp_path / "chain.csv", GOOD | {"open_interest": "0"})
    with pytest.raises(ValueError, match="1 with no open interest"):
        snapshot(path).chain(listing(), 0)


def dealers_with(exposure: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "dealers",
        "type": "dealers.OptionDealers",
        "count": 50,
        "exposure": exposure,
        "route": {"venues": ["linear"]},
    }


def test_a_chain_error_names_the_file_at_the_edge(tmp_path: Path) -> None:
    path = write(tmp_path / "chain.csv", GOOD | {"currency": "ETH"})
    said = r'^small: populations\.dealers\.exposure\.file: .*chain\.csv has no rows of currency "BTC"; .*ETH$'
    with pytest.raises(ScenarioError, match=said):
        small_market(dealers_with({"type": "chain", "file": str(path)}), venues=("linear", "desk"))


def test_a_real_chain_is_held_to_the_lot_and_its_bad_rows_are_reported(shared: Path) -> None:
    path = shared / CRASH
    exposure = {"type": "chain", "file": str(path), "share": 0.25, "contract_multiplier": 0.5}
    model = small_market(dealers_with(exposure), venues=("linear", "desk"))
    dealers = population(model, "dealers")
    with path.open() as file:
        rows = [row for row in csv.DictReader(file) if row["currency"] == "BTC"]
    assert len(rows) == 902
    assert dealers.exposure.dropped["no open interest"] == 80
    expected = [round(0.25 * 0.5 * float(row["open_interest"]) / 0.001) for row in rows]
    assert -dealers.books.lots.sum() == sum(expected)
    said = dealers.report()
    assert said["chain_rows"] == 902
    assert said["contracts"] == sum(lots > 0 for lots in expected)
    assert said["gross_units"] == pytest.approx(sum(expected) * 0.001)
    assert said["dropped"] == dealers.exposure.dropped
    on_ledger = model.ledger.contract_total[model.ledger.population_of[dealers.first]]
    assert on_ledger.sum() == dealers.books.lots.sum()
    assert np.count_nonzero(on_ledger) == said["contracts"]
