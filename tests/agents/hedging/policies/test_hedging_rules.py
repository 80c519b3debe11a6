"""Hedging rules: Leland's volatility, Whalley and Wilmott's band, and time decay alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from small_market import ARBITRAGEURS, LPS, SPOT, option_delta, population, small_market, units, value_shock

from analysis.feedback import theory
from scenarios import load
from scenarios.file.errors import ScenarioError
from scenarios.published import hedging_error

YEAR = 365 * 86400.0
DAYS, STEP, VOLATILITY = 10.0, 3600.0, 0.5
ASSET = {"smile": {"atm": VOLATILITY, "skew": 0.0, "curvature": 0.0}}


def book(sign: float, shocks: Any = (), steps: int = 1, opens_hedged: bool = True, **rule: Any):
    """One dealer with 100 calls at the money who looks every hour, after so many steps."""
    dealer = {
        "name": "dealers",
        "type": "dealers.OptionDealers",
        "count": 1,
        "cash": 1e9,
        "latency_seconds": 0.0,
        "opens_hedged": opens_hedged,
        "exposure": {
            "type": "synthetic",
            "open_interest": 100.0,
            "expiries_days": [DAYS],
            "strikes": 0,
            "put_share": 0.0,
            "sign": sign,
        },
        "hedging": {"interval_seconds": STEP, "synchrony": 1.0, **rule},
        "route": {"venues": ["linear"]},
    }
    model = small_market(
        dealer, venues=("linear", "desk"), steps=steps + 1, step_seconds=STEP, shocks=shocks, asset=ASSET
    )
    for _ in range(steps):
        model.step()
    return model


def delta(price: float, seconds_left: float, volatility: float = VOLATILITY) -> float:
    """Of one call struck at the opening price."""
    total = volatility * np.sqrt(seconds_left / YEAR)
    return float(norm.cdf(np.log(price / SPOT) / total + 0.5 * total))


def gamma(price: float, seconds_left: float) -> float:
    total = VOLATILITY * np.sqrt(seconds_left / YEAR)
    return float(norm.pdf(np.log(price / SPOT) / total + 0.5 * total) / (price * total))


def hedge(model) -> float:
    return float(units(model, "dealers", "BTC-perpetual")[0])


@pytest.mark.parametrize(("sign", "factor"), [(-1.0, 1.0), (1.0, -1.0)])
def test_leland_hedges_by_a_volatility_raised_for_short_and_lowered_for_long_gamma(sign, factor):
    model = book(sign, [value_shock(0.0, 0.05)], type="leland", cost=0.0008)
    volatility = float(theory.leland_volatility(VOLATILITY, factor * 0.0008, STEP / YEAR))
    assert abs(volatility - VOLATILITY) > 0.04
    expected = -sign * 100 * delta(1.05 * SPOT, DAYS * 86400, volatility)
    assert hedge(model) == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize("jump", [-0.04, 0.04])
def test_whalley_wilmott_trades_back_to_the_edge_of_the_band_of_theory(jump):
    cost, aversion = 0.001, 1e-5
    model = book(-1.0, [value_shock(0.0, jump)], type="whalley_wilmott", cost=cost, risk_aversion=aversion)
    price, left = (1 + jump) * SPOT, DAYS * 86400
    half = float(theory.whalley_wilmott_half_band(cost, price, 100 * gamma(price, left), aversion))
    net = -100 * delta(price, left) + hedge(model)
    assert abs(-100 * (delta(price, left) - delta(SPOT, left))) > half + 1.0
    assert net == pytest.approx(-half if jump > 0 else half, abs=0.001)


def test_whalley_wilmott_does_nothing_within_the_band():
    model = book(-1.0, [value_shock(0.0, 0.001)], type="whalley_wilmott", cost=0.01, risk_aversion=1e-7)
    assert hedge(model) == pytest.approx(100 * delta(SPOT, DAYS * 86400), abs=0.001)


def test_decay_trades_what_time_has_changed_and_not_what_the_move_has():
    """Long calls above the strike: delta rises as time passes, so the hedger sells."""
    model = book(1.0, [value_shock(0.0, 0.03)], steps=25, type="decay")
    price, left = 1.03 * SPOT, DAYS * 86400
    decay = 100 * (delta(price, left - 24 * STEP) - delta(price, left))
    assert decay > 0.3
    assert hedge(model) == pytest.approx(-100 * delta(SPOT, left) - decay, abs=0.02)
    assert float(option_delta(model, "dealers")[0]) + hedge(model) > 5.0  # the move is not hedged


def test_a_book_that_opens_unhedged_is_hedged_on_the_market():
    model = book(-1.0, type="time", opens_hedged=False)
    assert hedge(model) == pytest.approx(100 * delta(SPOT, DAYS * 86400), abs=0.001)
    fills = model.recording().fills
    assert (fills.loc[fills["venue"] == "linear", "reason"] == "hedge").all()
    assert model.venues[0].parameters.impact == 0.0


@pytest.mark.parametrize("rule", ["leland", "decay"])
def test_policies_that_revalue_options_refuse_what_has_none(rule):
    said = f'"{rule}" needs adjusted_delta, which an exposure of constant gamma does not give; allowed: band,'
    with pytest.raises(ScenarioError, match=said):
        constant_gamma(type=rule)
    with pytest.raises(
        ScenarioError, match=f'"{rule}" needs adjusted_delta, which a share of a pool does no'
    ):
        providers(type=rule)


def constant_gamma(gamma: float = -0.02, shocks: Any = (), **rule: Any):
    """One dealer whose delta is gamma times the move, in units."""
    dealer = {
        "name": "dealers",
        "type": "dealers.OptionDealers",
        "cash": 1e9,
        "latency_seconds": 0.0,
        "exposure": {"type": "constant_gamma", "gamma": gamma},
        "hedging": {"synchrony": 1.0, **rule},
        "route": {"venues": ["linear"]},
    }
    return small_market(dealer, venues=("linear", "desk"), shocks=shocks)


def providers(**rule: Any):
    """Two providers of a pool who hedge all they have there, next to an arbitrageur who moves it."""
    lps = LPS | {"hedged_share": 1.0, "hedging": {"synchrony": 1.0, **rule}, "route": {"venues": ["linear"]}}
    venues = ("linear", "pool", "desk")
    return small_market(lps, ARBITRAGEURS, venues=venues, shocks=[value_shock(3.0, -0.1)])


@pytest.mark.parametrize("jump", [-0.04, 0.04])
def test_whalley_wilmott_stops_at_the_edge_for_constant_gamma(jump):
    cost, aversion, gamma = 0.001, 1e-5, -0.02
    rule = {"type": "whalley_wilmott", "cost": cost, "risk_aversion": aversion}
    model = constant_gamma(gamma, [value_shock(0.0, jump)], **rule)
    model.step()
    half = float(theory.whalley_wilmott_half_band(cost, (1 + jump) * SPOT, abs(gamma), aversion))
    net = gamma * jump * SPOT + hedge(model)
    assert abs(gamma * jump * SPOT) > half + 1.0
    assert net == pytest.approx(-half if jump > 0 else half, abs=0.001)


def test_whalley_wilmott_stops_at_the_edge_for_liquidity_providers():
    """Gamma of x units in a pool at price P is -x / 2P."""
    cost, aversion = 0.001, 0.02
    model = providers(type="whalley_wilmott", cost=cost, risk_aversion=aversion)
    model.run()
    lps = population(model, "lps")
    share = model.ledger.universe.names.index("pool-share")
    delta = model.ledger.position[share, lps.accounts] * float(model.ledger.terms[share]["delta"])
    price = float(model.view.assets[0]["mid"])
    half = theory.whalley_wilmott_half_band(cost, price, 0.5 * delta / price, aversion)
    assert (abs(delta - 500.0) > half + 1.0).all()
    assert delta + units(model, "lps", "BTC-perpetual") == pytest.approx(half, rel=0.02)


def test_the_profit_of_hedging_at_times_is_that_worked_out_by_hand():
    """A call sold, hedged 52 times a year on the recorded path, and settled at the value it expires at."""
    model = load(hedging_error.SCENARIO, hedging_error.hedged(YEAR, 52)).market()
    recording = model.run()
    path = np.append(recording.series["X.mid"].to_numpy(), model.view.assets[0]["value"])
    left = 1.0 - np.arange(52) / 52
    d1 = np.log(path[:52] / 100.0) / (0.2 * np.sqrt(left)) + 0.1 * np.sqrt(left)
    premium = 100.0 * (norm.cdf(0.1) - norm.cdf(-0.1))
    by_hand = premium + norm.cdf(d1) @ np.diff(path[:53]) - max(path[52] - 100.0, 0.0)
    assert hedging_error.profit(recording) == pytest.approx(by_hand, abs=1e-4)


def test_a_book_whose_delta_is_unknown_is_not_hedged() -> None:
    """A NaN is no number of lots."""
    model = book(-1.0, [value_shock(STEP, 0.05)])
    before = hedge(model)
    model.ledger.universe.contracts["volatility"][:] = np.nan
    model.step()
    assert hedge(model) == before
