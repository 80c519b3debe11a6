"""Counterparties: option books added up from fills, and who could not pay after a sudden move."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from small_market import LPS, MAKERS, small_market, value_shock
from synthetic import a_recording, fills, rows

from analysis.base.metric import Undefined, measure, metrics_of
from analysis.contagion import counterparties
from analysis.contagion.counterparties import balances, distress, exposures, sudden_move
from analysis.contagion.counterparty_plots import sudden_moves
from analysis.contagion.option_books import option_books
from sim.recording.recording import Recording
from sim.records import EXPIRY, OPENING

SYSTEM = ("outside", "fees", "insurance", "end_users", "clearing")
PEOPLE = ("writers", "longs", "shorts")
NAMES = SYSTEM + PEOPLE
WRITER, LONG, SHORT = 5, 6, 7  # accounts, one a population


def a_world(*traded):
    """One account a population, at 100; opening fills of (instrument, lots, price, taker, maker)."""
    market = {
        "name": "by_hand",
        "step_seconds": 1.0,
        "assets": [{"name": "X", "spot": 100.0, "half_tick": 0.5}],
        "venues": [
            {"name": "book", "asset": "X", "instrument": "X-perpetual", "lot": 0.5},
            {"name": "desk", "asset": None, "instrument": None, "lot": 0.0},
        ],
        "populations": [{"name": name, "type": "system" if name in SYSTEM else "a.B"} for name in NAMES],
        "instruments": ["X-perpetual", "X-86400s-100-P", "X-1s-100-C"],
        "shocks": [],
    }
    fields = ("instrument", "qty", "price", "taker", "maker")
    tape = fills(*(dict(zip(fields, each, strict=True)) | {"reason": OPENING} for each in traded))
    opening = np.array([0.0, 0, 30, 0, 0, 50, 150, 500])
    cash, equity = opening.copy(), opening.copy()
    for what, lots, price, taker, maker in traded:
        paid = lots * 0.5 * price
        for account, side in ((taker, 1), (maker, -1)):
            cash[account] -= side * paid
            equity[account] -= 0 if what == 0 else side * paid
    accounts = rows("populations", *({"account": a, "population": a} for a in range(len(NAMES))))
    accounts |= {"cash": cash, "equity": equity, "pnl": equity - opening}
    series = {"X.mid": np.full(2, 100.0), "X.mark": np.full(2, 100.0)}
    recording = a_recording(series, market, fills=tape, populations=accounts)
    if any(what for what, *_ in traded):
        accounts["equity"] = equity + option_books(recording).values()
        accounts["pnl"] = accounts["equity"] - opening
        recording = a_recording(series, market, fills=tape, populations=accounts)
    return recording


def test_the_fund_pays_first_and_winners_bear_the_rest():
    """Ten units long against ten short fall by 20%: of 200 owed 150 are there, 30 in the fund."""
    found = sudden_move(a_world((0, 20, 100.0, LONG, SHORT)), -0.2).clearing
    assert found.payments[LONG] == pytest.approx(150)
    assert found.payments[2] == pytest.approx(180)  # the exchange owed 200
    lost = dict(zip(NAMES, found.losses, strict=True))
    assert lost == pytest.approx(dict.fromkeys(NAMES, 0.0) | {"insurance": 30, "shorts": 20})
    assert [NAMES[a] for a in np.flatnonzero(found.is_default)] == ["insurance", "longs"]
    assert found.rounds == 2


def test_a_move_that_all_can_pay_for_breaks_nobody():
    """The same two, 10% up: the short pays 100 of its 500; before any move nobody owes anything."""
    world = a_world((0, 20, 100.0, LONG, SHORT))
    found = exposures(world, 0.1)
    assert found.loc["shorts", "insurance"] == found.loc["insurance", "longs"] == pytest.approx(100)
    assert found.to_numpy().sum() == pytest.approx(200)
    assert not sudden_move(world, 0.1).clearing.is_default.any()
    with pytest.raises(Undefined, match="nobody owes anything"):
        sudden_move(world, 0.0)


def test_a_writers_creditors_are_the_holders_of_its_options():
    """Four puts struck at 100, worth the fall after it: 80 owed by who has 50 and the premium."""
    world = a_world((1, -8, 1.0, WRITER, 3))
    owed = exposures(world, -0.2)
    assert owed.loc["writers", "end_users"] == pytest.approx(80, rel=1e-4)
    found = sudden_move(world, -0.2).clearing
    assert found.payments[WRITER] == pytest.approx(54)
    assert found.losses[3] == pytest.approx(26, rel=1e-3)


def test_options_are_shared_out_to_their_holders_and_netted_within_a_contract():
    """Six puts written, two bought back: four owed, three to one holder and one to another."""
    world = a_world((1, -12, 1.0, WRITER, 3), (1, 4, 1.0, WRITER, 3), (1, 2, 1.0, SHORT, 3))
    held = option_books(world).units.toarray()[:, 0]
    assert (held[WRITER], held[3], held[SHORT]) == (-4, 3, 1)
    owed = exposures(world, -0.5)
    assert owed.loc["writers", "end_users"] == pytest.approx(3 * owed.loc["writers", "shorts"])


def test_expired_options_are_gone():
    """A call of one second is no debt after two; only the put is on the books."""
    world = a_world((2, -8, 1.0, WRITER, 3), (1, -8, 1.0, WRITER, 3))
    assert option_books(world).contracts.number.tolist() == [1]


def test_prices_at_expiry_or_takeover_say_nothing_about_volatility():
    """A contract that was only ever booked at such a price is left out."""
    world = a_world((1, -8, 1.0, WRITER, 3))
    tape = {name: world.column("fills", name).copy() for name in world.table("fills").column_names}
    tape["reason"][:] = EXPIRY
    again = Recording(
        world.market,
        {name: world.table(name) for name in ("series", "populations")} | {"fills": tape},
    )
    assert option_books(again).contracts.number.size == 0


def test_outsiders_pay_whatever_they_owe():
    """End users began with nothing; short ten units, they pay the whole of a rise."""
    found = sudden_move(a_world((0, 20, 100.0, LONG, 3)), 0.5).clearing
    assert found.payments[3] == pytest.approx(500)
    assert not found.losses.any()


def test_distress_reaches_those_who_have_claims():
    """Longs lose 100 of 150; the fund of 30 owes that to shorts, whose claim is a fifth of 500."""
    first, final = distress(a_world((0, 20, 100.0, LONG, SHORT)), -0.1)
    assert first[[2, LONG, SHORT]] == pytest.approx([0, 2 / 3, 0])
    assert final[[2, LONG, SHORT]] == pytest.approx([1, 2 / 3, 100 / 500])


def test_metrics_say_what_a_fifth_would_do_and_to_whom():
    """The first story again, by name; a rise of a fifth breaks nobody."""
    found = measure(a_world((0, 20, 100.0, LONG, SHORT)), metrics_of(counterparties))
    values = {name: entry["value"] for name, entry in found.items()}
    assert values["unpaid_after_fall.insurance"] == pytest.approx(30)
    assert values["unpaid_after_fall.shorts"] == pytest.approx(20)
    assert (values["defaults_after_fall"], values["defaults_after_rise"]) == (2, 0)
    assert values["debtrank_after_fall"] == pytest.approx((30 + 200) / 730)
    empty = measure(a_world(), metrics_of(counterparties))
    assert {entry["reason"] for entry in empty.values()} == {"nobody owes anything at the end of the run"}


def test_the_figure_stacks_who_bears_what():
    """At -20%: 30 to the fund and 20 to the shorts; the title sums them."""
    ax = sudden_moves(a_world((0, 20, 100.0, LONG, SHORT)), Figure(figsize=(7.4, 4.2)).subplots())
    assert ax.get_title("left").startswith("A gap of 20% would leave 50 ")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["insurance", "shorts"]
    (top,) = [line for line in ax.get_lines() if len(line.get_xdata()) > 2]
    assert np.interp(-20, top.get_xdata(), top.get_ydata()) == pytest.approx(50e-6)
    with pytest.raises(Undefined, match="everybody could pay"):
        sudden_moves(a_world((0, 2, 100.0, LONG, SHORT)), Figure().subplots())


@pytest.fixture(scope="module")
def a_run():
    """A run with dealers, end users, levered accounts, makers and a hedged pool, and its model."""
    dealers = {
        "name": "dealers",
        "type": "dealers.OptionDealers",
        "count": 6,
        "exposure": {"type": "synthetic", "open_interest": 400.0, "share": 0.5},
        "route": {"venues": ["perp", "pool"]},
    }
    levered = {"name": "levered", "type": "levered.LeveredTraders", "count": 20}
    model = small_market(dealers, levered, MAKERS, LPS, steps=30, shocks=[value_shock(5.0, -0.01)])
    return model, model.run()


def test_option_books_are_those_of_the_ledger(a_run):
    """Units of every holder exactly; value and gamma up to the last second's decay."""
    model, recording = a_run
    books, ledger = option_books(recording), model.ledger
    dense = len(ledger.universe.names)
    held = np.zeros((ledger.cash.size, len(ledger.universe.contract_names)))
    for slot in range(ledger.contract.shape[0]):
        used = ledger.contract[slot] >= 0
        held[ledger.account_of[used], ledger.contract[slot][used]] += ledger.qty[slot][used]
    own = held[:, books.contracts.number - dense] * books.contracts.lot
    assert books.units.toarray()[ledger.account_of] == pytest.approx(own[ledger.account_of])
    assert books.values()[ledger.account_of] == pytest.approx(model.view.holder_value, rel=1e-4)
    gamma = recording.column("series", "dealers.net_gamma")[-1]
    codes = recording.column("populations", "population")
    found = books.gammas(0)[codes == list(recording.names("populations")).index("dealers")].sum()
    assert found == pytest.approx(gamma, rel=1e-3)  # the ledger's is at the mid


def test_balances_are_those_of_the_ledger(a_run):
    """Perpetuals and spot of every account, the pool's reserves and its shares too."""
    model, recording = a_run
    held, ledger = balances(recording), model.ledger
    worth = ledger.terms["lot"] * ledger.terms["price"]
    for name, found in (("BTC-perpetual", held.perpetuals), ("BTC-spot", held.spot)):
        number = ledger.universe.names.index(name)
        expected = ledger.position[number] * worth[number]
        assert found == pytest.approx(expected, abs=1e-5 * np.abs(expected).max())
    assert np.asarray(held.shares.sum(axis=0)).ravel() == pytest.approx([1.0], rel=1e-3)
    fund = list(recording.names("populations")).index("insurance")
    codes = recording.column("populations", "population")
    system = [each["type"] == "system" for each in recording.market["populations"]]
    assert not held.is_limited[np.array(system)[codes] & (codes != fund)].any()


def test_the_debts_of_a_pool_are_what_it_holds(a_run):
    """Its shares are worth its reserves after the move, so it never fails."""
    _, recording = a_run
    owed = exposures(recording, -0.3)
    held = balances(recording)
    (pool,) = held.pools
    assert owed.loc["pool", "lps"] == pytest.approx(held.cash[pool] + 0.7 * held.spot[pool], rel=1e-3)
    assert not sudden_move(recording, -0.3).clearing.is_default[pool]
