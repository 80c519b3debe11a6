"""Liquidity providers: what they deposit, and what those who hedge do about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_market import ARBITRAGEURS, LPS, MAKERS, SPOT, VENUES, population, small_market, units, value_shock

from scenarios.file.errors import ScenarioError
from sim.model import Model

HEDGED: dict[str, Any] = LPS | {
    "count": 6,
    "deposit": {"dist": "lognormal", "median": 100.0, "sigma": 0.5},
    "hedged_share": 1.0,
    "hedging": {"width": 0.001},
    "route": {"venues": ["linear"]},
}
MARKET = ("linear", "pool", "desk")


def market_of(*others: dict[str, Any], shocks: Any = (), **changes: Any) -> Model:
    return small_market(HEDGED | changes, *others, venues=MARKET, shocks=shocks)


def pool_delta(model: Model) -> np.ndarray:
    """Units of the asset that each provider has in the pool."""
    share = model.ledger.universe.names.index("pool-share")
    own = population(model, "lps")
    held: np.ndarray = model.ledger.position[share, own.accounts] * float(model.ledger.terms[share]["delta"])
    return held


def test_a_deposit_is_lots_of_the_asset_and_cash_of_equal_value() -> None:
    model = market_of(hedged_share=0.0, capital=0.0)
    lps = population(model, "lps")
    assert pool_delta(model) == pytest.approx(lps.deposit * 0.001, rel=1e-6)
    assert (units(model, "lps", "BTC-spot") == 0).all()
    value = lps.deposit * 0.001 * SPOT
    assert model.view.cash[lps.accounts] == pytest.approx(0.001 * value, rel=1e-6)
    assert model.worth()[lps.accounts] == pytest.approx(2.001 * value, rel=1e-6)


def test_rows_that_hedge_open_delta_neutral_and_others_hold_no_perpetual() -> None:
    model = market_of(hedged_share=0.5, count=40)
    lps = population(model, "lps")
    assert 5 < lps.is_hedged.sum() < 35
    net = pool_delta(model) + units(model, "lps", "BTC-perpetual")
    assert np.abs(net[lps.is_hedged]).max() <= 0.0005 + 1e-6
    assert (units(model, "lps", "BTC-perpetual")[~lps.is_hedged] == 0).all()


def test_the_opening_hedge_counts_in_the_hedges_lots() -> None:
    model = small_market(HEDGED, venues=MARKET, settings={"linear": {"lot": 0.01}, "pool": {"lot": 0.001}})
    net = pool_delta(model) + units(model, "lps", "BTC-perpetual")
    assert np.abs(net).max() <= 0.005 + 1e-6


@pytest.mark.parametrize("change", [-0.1, 0.1])
def test_they_sell_into_a_fall_and_buy_into_a_rise(change: float) -> None:
    model = market_of(ARBITRAGEURS, shocks=[value_shock(3.0, change)])
    opening = units(model, "lps", "BTC-perpetual")
    model.run()
    traded = units(model, "lps", "BTC-perpetual") - opening
    held = pool_delta(model)
    assert (np.sign(traded) == np.sign(change)).all()
    assert np.abs(held + units(model, "lps", "BTC-perpetual")).max() <= 0.001 * held.max() + 0.001
    moved = held.sum() / (population(model, "lps").deposit.sum() * 0.001)
    assert moved == pytest.approx((1 + change) ** -0.5, rel=2e-3)


@pytest.mark.parametrize("then", [0.0, -0.15])
def test_they_may_hedge_in_their_own_pool_and_end_neutral_all_the_same(then: float) -> None:
    """What they buy there is in part their own; they look again and buy the rest."""
    makers = MAKERS | {"count": 10, "size": 5.0}
    dear = {"perp": {"taker_fee_bps": 10.0}, "pool": {"fee_bps": 1.0}}
    shocks = [value_shock(3.0, 0.1), value_shock(60.0, then)]
    arbitrageurs = ARBITRAGEURS | {"book": "perp", "share": 0.5}
    own = HEDGED | {"route": {"venues": ["perp", "pool"]}}
    venues = ("perp", "pool", "desk")
    model = small_market(own, makers, arbitrageurs, venues=venues, settings=dear, shocks=shocks, steps=120)
    model.run()
    net = pool_delta(model) + units(model, "lps", "BTC-perpetual") + units(model, "lps", "BTC-spot")
    assert np.abs(net / pool_delta(model)).max() <= 0.001 + 1e-4
    assert (units(model, "lps", "BTC-spot") >= 0).all(), "spot is never sold short"
    fills = model.recording().fills.query("taker_population == 'lps' and reason == 'hedge'")
    bought = fills[fills["qty"] > 0].groupby("venue")["qty"].sum()
    assert bought["pool"] > 0.2 * bought["perp"]
    assert all(residual < 1e-12 for residual in model.residuals().values())


def test_a_passive_population_is_no_hedger_and_sends_nothing() -> None:
    passive, hedged = (population(market_of(hedged_share=s), "lps") for s in (0.0, 1.0))
    assert (passive.hedges, hedged.hedges) == (False, True)
    model = market_of(ARBITRAGEURS, hedged_share=0.0, shocks=[value_shock(3.0, -0.1)])
    model.run()
    fills = model.recording().fills
    assert not ((fills["taker_population"] == "lps") & (fills["reason"] == "hedge")).any()


def test_each_population_counts_the_shares_of_its_own_pool() -> None:
    second = HEDGED | {"name": "others", "pool": "second", "deposit": 7.0}
    settings = {"second": VENUES["pool"]}
    model = small_market(HEDGED, second, venues=(*MARKET, "second"), settings=settings)
    assert units(model, "others", "BTC-perpetual") == pytest.approx([-7.0] * 6)
    model.run()
    assert units(model, "others", "BTC-perpetual") == pytest.approx([-7.0] * 6, abs=0.01)


def test_a_venue_that_is_no_pool_takes_no_deposit() -> None:
    with pytest.raises(
        ScenarioError, match=r'populations\.lps\.pool: "linear" takes no .* add_liquidity; allowed: pool'
    ):
        market_of(pool="linear")


def test_the_recording_says_how_much_of_their_gamma_is_hedged() -> None:
    """Rows that do not hedge count in the net gamma of the series, and must not in that of hedgers."""
    lps = LPS | {"count": 10, "hedged_share": 0.5}
    market = small_market(lps, MAKERS, steps=1).run().market
    entries = {entry["name"]: entry for entry in market["populations"]}
    assert 0 < entries["lps"]["hedged_share"] < 1
    assert entries["lps"]["asset"] == "BTC"
    assert (entries["makers"]["hedged_share"], entries["makers"]["asset"]) == (0.0, None)
