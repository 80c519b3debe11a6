"""Hedging error: what hedging at times, or within a band, leaves, and what it costs.

Times to expiry are fractions of a year of 365 days, the market's; N hedges fall at 0, T / N, ...,
(N - 1) T / N. Where the literature counts 21 trading days a month these are 21 even parts of it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from analysis.feedback import theory
from scenarios.file.library import REPLICATED
from scenarios.replications.replicate import (
    Plan,
    Row,
    Rows,
    carried_out,
    estimated,
    exact,
    replication,
    resampled,
)
from sim.recording.recording import Recording
from sim.setup.listing import SECONDS_PER_YEAR

SCENARIO = REPLICATED / "hedging_error.toml"
MONTH, YEAR = SECONDS_PER_YEAR / 12, SECONDS_PER_YEAR
SIMULATED = {
    (MONTH, 21): 0.426,
    (MONTH, 84): 0.218,
    (MONTH, 252): 0.127,
    (YEAR, 12): 1.919,
    (YEAR, 52): 0.958,
    (YEAR, 252): 0.440,
}
"""S.d. of the profit, by time to expiry and hedges (exact simulation of Derman & Kamal's set-up)."""
SPANS = {MONTH: "a month", YEAR: "a year"}
COST, HEDGES = 0.005, 52  # Leland's case
LELAND_VOLATILITY, LELAND_PRICE, PRICE, LELAND_PROFIT = 0.22695, 9.0347, 7.9656, -0.26
COSTS = (0.0005, 0.001, 0.002, 0.004)  # of Whalley & Wilmott's case
WARM_UP = 1000  # steps


def profit(recording: Recording) -> float:
    """Profit of the dealer, everything marked at the end."""
    table = recording.populations
    return float(table.loc[table["population"] == "dealers", "pnl"].iloc[0])


def premium_and_profit(recording: Recording) -> tuple[float, float]:
    """What the call was sold at, and the dealer's profit."""
    fills = recording.fills
    sold = fills.loc[fills["instrument"].str.endswith("-C"), "price"]
    return float(sold.iloc[0]), profit(recording)


def band_and_cost(recording: Recording) -> tuple[float, float]:
    """Root mean square of the dealer's net delta, and fees paid, once it has met its band."""
    series, fills = recording.series, recording.fills
    start = series["step"] >= WARM_UP
    paid = fills.loc[(fills["step"] >= WARM_UP) & (fills["taker_population"] == "dealers"), "fee"].sum()
    return float(np.sqrt(np.mean(series.loc[start, "dealers.net_delta"] ** 2))), float(paid)


def hedged(seconds: float, hedges: int, looks: int | None = None) -> dict[str, Any]:
    """A call of that time to expiry, hedged so many times."""
    step = seconds / (looks or hedges)
    return {
        "time.step_seconds": step,
        "time.steps": looks or hedges,
        "populations.dealers.exposure.expiries_days": [seconds / 86400.0],
        "populations.dealers.hedging.interval_seconds": seconds / hedges,
    }


@replication(
    source="Derman & Kamal (1999); Leland (1985); Whalley & Wilmott (1997)",
    about="Error and cost of hedging an option in discrete time.",
    runs=2000,
    quick_runs=160,
)
def hedging_error(runs: int, workers: int, quick: bool) -> Rows:
    """By the number of hedges; at Leland's volatility; within Whalley and Wilmott's band."""
    few = min(runs // 10, 50)
    plans = [
        *(Plan(SCENARIO, profit, hedged(*case), runs) for case in SIMULATED),
        *(Plan(SCENARIO, premium_and_profit, case, runs) for case in leland_cases()),
        *(Plan(SCENARIO, band_and_cost, case, few) for case in band_cases(2000 if quick else 4000)),
    ]
    found = carried_out(plans, workers)
    by_times, sold, ruled, bands = found[:6], found[6], found[7], found[8:]
    return [
        *by_number(np.array(by_times)),
        *leland(np.array(sold), np.array(ruled)),
        *powers(np.array(bands)),
    ]


def by_number(profits: np.ndarray) -> list[Row]:
    """S.d. of the profit by number of hedges, and its slope; `profits` has a row a case."""
    rows = []
    for (seconds, hedges), found in zip(SIMULATED, profits, strict=True):
        label = f"s.d. of the profit, {SPANS[seconds]}, {hedges} hedges"
        published = SIMULATED[seconds, hedges]
        rows.append(resampled(label, published, found, spread, 0.02 * published, "quote"))
    for seconds, name in SPANS.items():
        cases = [place for place, case in enumerate(SIMULATED) if case[0] == seconds]
        slope = partial(slope_of_spread, np.log([case[1] for case in SIMULATED if case[0] == seconds]))
        rows.append(resampled(f"slope of log s.d. on log hedges, {name}", -0.5, profits[cases], slope, 0.02))
    return rows


def spread(profits: np.ndarray) -> float:
    """Standard deviation of the last axis."""
    return float(np.std(profits, ddof=1))


def slope_of_spread(log_hedges: np.ndarray, profits: np.ndarray) -> float:
    """Slope of the logarithm of the standard deviation on that of the number of hedges."""
    return float(np.polyfit(log_hedges, np.log(np.std(profits, axis=1, ddof=1)), 1)[0])


def leland_cases() -> list[dict[str, Any]]:
    """A call sold and hedged at Leland's volatility; one sold at 20% and hedged by his rule."""
    costs = {"venues.market.taker_fee_bps": COST * 1e4, "populations.dealers.opens_hedged": False}
    case = hedged(YEAR, HEDGES) | costs
    rule = {"populations.dealers.hedging.type": "leland", "populations.dealers.hedging.cost": COST}
    return [
        case | {"assets.X.smile.atm": float(theory.leland_volatility(0.2, COST, 1 / HEDGES))},
        case | rule,
    ]


def leland(sold: np.ndarray, ruled: np.ndarray) -> list[Row]:
    """Leland's volatility, what it adds to the premium, and what is left after costs."""
    volatility = float(theory.leland_volatility(0.2, COST, 1 / HEDGES))
    short = LELAND_PROFIT - (LELAND_PRICE - PRICE)
    return [
        exact("Leland's volatility", LELAND_VOLATILITY, volatility, 5e-6),
        exact("premium at Leland's volatility", LELAND_PRICE, sold[0, 0], 5e-4, "quote"),
        exact("premium at 20%", PRICE, ruled[0, 0], 5e-4, "quote"),
        estimated(
            "profit after costs, sold at Leland's volatility", LELAND_PROFIT, sold[:, 1], 0.03, "quote"
        ),
        estimated("profit after costs, sold at 20%, Leland's rule", short, ruled[:, 1], 0.03, "quote"),
    ]


def band_cases(looks: int) -> list[dict[str, Any]]:
    """Whalley and Wilmott's rule at several costs, the venue's the same, far from expiry."""
    rule = {"type": "whalley_wilmott", "risk_aversion": 4.0}
    return [
        hedged(0.1 * YEAR, looks)
        | {"populations.dealers.exposure.expiries_days": [365.0]}
        | {f"populations.dealers.hedging.{name}": setting for name, setting in rule.items()}
        | {"populations.dealers.hedging.cost": cost, "venues.market.taker_fee_bps": cost * 1e4}
        for cost in COSTS
    ]


def powers(found: np.ndarray) -> list[Row]:
    """Powers of the cost with which the band and what is paid grow."""
    return [
        resampled("power of the cost in the band", 1 / 3, found[:, :, 0], power, 0.02),
        resampled("power of the cost in what is paid", 2 / 3, found[:, :, 1], power, 0.02),
    ]


def power(values: np.ndarray) -> float:
    """Slope of the logarithm of the mean over runs on that of the cost."""
    return float(np.polyfit(np.log(COSTS), np.log(values.mean(axis=1)), 1)[0])
