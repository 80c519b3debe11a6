"""Covered vaults: they hedge nothing, and who buys what they write owns it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from buying_dealers import VAULTS, buying, lots_of
from places import TWO_ASSETS
from scipy.stats import norm
from small_market import SPOT, option_delta, population, small_market, units, value_shock

from analysis.base.arms import MUTED
from scenarios import load
from scenarios.arms.arms import hedgers
from scenarios.file.errors import ScenarioError
from sim.model import Model
from sim.records import OPTIONS
from sim.setup.listing import END_USERS

LOT = 0.001
FLAT = {"smile": {"atm": 0.8, "skew": 0.0, "curvature": 0.0}}


def written(model: Model) -> np.ndarray:
    """Numbers of the contracts that vaults wrote."""
    return np.flatnonzero(lots_of(model, "vaults"))


def gamma(strike: float, seconds: float, volatility: float) -> float:
    """Of Black 1976, a unit."""
    total = volatility * math.sqrt(seconds / (365 * 86400))
    return float(norm.pdf(math.log(SPOT / strike) / total + total / 2)) / (SPOT * total)


def test_vaults_and_those_who_buy_have_no_gamma_together() -> None:
    model = buying(asset=FLAT, steps=1)
    numbers = written(model)
    assert (lots_of(model, "vaults") + lots_of(model, "dealers"))[numbers].tolist() == [0] * numbers.size
    assert (model.ledger.wide[0, numbers] == 0).all(), "end users have no part in it"
    model.run()
    series = model.recording().series
    strike, _ = population(model, "vaults").strike(SPOT, 86400.0, 0.3, 1000.0)
    short = -population(model, "vaults").written.sum() * gamma(strike, 86400.0, 0.8)
    assert series["vaults.net_gamma"].iloc[-1] == pytest.approx(short, rel=1e-6)
    own = 1.0 * gamma(SPOT, 86400.0, 0.8)  # at most, of the unit that is their own chain
    assert series["dealers.net_gamma"].iloc[-1] == pytest.approx(-short, abs=own)


def test_each_buyer_gets_its_share_by_size_to_the_lot() -> None:
    model = buying()
    dealers = population(model, "dealers")
    (number,) = written(model)
    holders = model.ledger.holder_of[dealers.accounts]
    mine = model.ledger.contract[:, holders] == number
    got = np.where(mine, model.ledger.qty[:, holders], 0).sum(axis=0)
    total = -int(lots_of(model, "vaults")[number])
    vaults = population(model, "vaults").rows
    assert got.sum() == total
    assert got == pytest.approx(total * dealers.gross / dealers.gross.sum(), abs=vaults)
    assert np.ptp(got) > 100


@pytest.mark.parametrize("order", [("lps", "dealers", "vaults"), ("lps", "vaults", "dealers")])
def test_dealers_open_neutral_in_what_they_bought_whoever_is_named_first(order: tuple[str, ...]) -> None:
    model = buying({}, *order)
    assert (option_delta(model, "dealers") > 0.5).all()
    net = option_delta(model, "dealers") + units(model, "dealers", "BTC-perpetual")
    assert np.abs(net).max() <= 0.5 * LOT + 1e-9


@pytest.mark.parametrize(("change", "side"), [(-0.02, 1), (0.02, -1)])
def test_a_dealer_long_what_it_bought_hedges_against_the_move(change: float, side: int) -> None:
    model = buying(shocks=[value_shock(5.0, change)], steps=20)
    before = option_delta(model, "dealers").sum()
    model.run()
    fills = model.recording().fills
    hedged = fills.loc[fills["reason"] == "hedge", "qty"].sum() * LOT
    assert side * hedged > 5.0
    assert hedged == pytest.approx(before - option_delta(model, "dealers").sum(), abs=7 * LOT)
    assert set(fills.loc[fills["reason"] == "hedge", "taker_population"]) == {"dealers"}


def test_at_expiry_vaults_pay_their_buyers_and_end_users_nothing_of_it() -> None:
    model = buying({"first_epoch_seconds": 10.0, "cash": 1e6}, shocks=[value_shock(5.0, 0.2)], steps=15)
    (number,) = written(model)
    strike = float(model.view.contracts["strike"][number])
    paid = population(model, "vaults").written.sum() * (1.2 * SPOT - strike)
    model.run()
    fills = model.recording().fills
    name = model.recording().market["instruments"][len(model.ledger.terms) + number]
    expired = fills[(fills["reason"] == "expiry") & (fills["instrument"] == name)]
    value = expired["qty"] * expired["price"] * LOT
    got = value.groupby(expired["taker_population"]).sum() if len(expired) else value
    assert -got["dealers"] == pytest.approx(paid, rel=1e-9)
    assert got["vaults"] == pytest.approx(paid, rel=1e-9)
    assert "end_users" not in got.index


def test_sold_to_end_users_nobody_in_the_market_is_long() -> None:
    model = buying({"buyers": "end_users"})
    (number,) = written(model)
    assert lots_of(model, "dealers")[number] == 0
    assert model.ledger.wide[0, number] == -lots_of(model, "vaults")[number]
    assert model.tape.fills["maker"][model.tape.fills["instrument"] == OPTIONS + number].max() == END_USERS


def test_they_trade_nothing_but_options() -> None:
    model = buying(shocks=[value_shock(5.0, -0.05)], steps=20)
    held = model.ledger.position[:, population(model, "vaults").accounts].copy()
    model.run()
    assert (model.ledger.position[:, population(model, "vaults").accounts] == held).all()
    assert not population(model, "vaults").hedges


def test_the_arm_without_hedges_says_nothing_of_vaults_that_have_none() -> None:
    change = {"populations.vaults.type": VAULTS["type"], "populations.vaults.buyers": "dealers"}
    scenario = load("linear_crash", change)
    assert set(hedgers(load("linear_crash"))) - set(hedgers(scenario)) == {"vaults"}
    assert MUTED not in scenario.arms


@pytest.mark.parametrize(
    ("buyers", "said"),
    [
        ("deelers", 'no population is named "deelers"'),
        ("vaults", '"vaults" is the seller'),
        ("lps", '"lps" holds no options'),
    ],
)
def test_who_cannot_buy_is_refused_by_name(buyers: str, said: str) -> None:
    with pytest.raises(ScenarioError, match=said) as refused:
        buying({"buyers": buyers})
    assert "populations.vaults.buyers" in str(refused.value)
    assert "end_users, " in str(refused.value)
    assert "dealers" in str(refused.value)


def test_dealers_of_another_asset_are_no_buyers() -> None:
    said = r'populations.vaults.buyers: "dealers" trades options of BTC, and vaults writes them on ETH'
    with pytest.raises(ScenarioError, match=said) as refused:
        load(str(TWO_ASSETS), {"populations.vaults.buyers": "dealers"}).market()
    assert str(refused.value).endswith("allowed: end_users")


def test_who_buys_has_to_be_said() -> None:
    with pytest.raises(ScenarioError, match="buyers"):
        small_market({name: value for name, value in VAULTS.items() if name != "buyers"})
