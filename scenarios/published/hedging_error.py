"""Hedging error: what hedging at times, or within a band, leaves, and what it costs.

Times to expiry are fractions of a year of 365 days, the market's; N hedges fall at 0, T / N, ...,
(N - 1) T / N. Where the literature counts 21 trading days a month these are 21 even parts of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis import theory
from scenarios.replicate import FOLDER, Row, Rows, estimated, exact, measured, replication
from sim.listing import SECONDS_PER_YEAR
from sim.recording import Recording

SCENARIO = FOLDER / "hedging_error.toml"
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
COST, HEDGES = 0.005, 52  # Leland's case
LELAND_VOLATILITY, LELAND_PRICE, PRICE, LELAND_PROFIT = 0.22695, 9.0347, 7.9656, -0.26
COSTS = (0.0005, 0.001, 0.002, 0.004)  # of Whalley & Wilmott's case
WARM_UP = 1000  # steps
SECOND = 1.0 / 86400.0


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
        "time.steps": (looks or hedges) + 1,
        "populations.dealers.exposure.expiries_days": [seconds / 86400.0 + SECOND],
        "populations.dealers.hedging.interval_seconds": seconds / hedges,
    }


@replication(
    source="Derman & Kamal (1999); Leland (1985); Whalley & Wilmott (1997)",
    about="Error and cost of hedging an option in discrete time.",
    runs=3000,
    quick_runs=200,
)
def hedging_error(runs: int, workers: int, quick: bool) -> Rows:
    """By the number of hedges; at Leland's volatility; within Whalley and Wilmott's band."""
    return [*by_number(runs, workers), *leland(runs, workers), *whalley_wilmott(runs, workers, quick)]


def by_number(runs: int, workers: int) -> list[Row]:
    """S.d. of the profit by number of hedges, and its slope."""
    found = measured(SCENARIO, profit, [hedged(*case) for case in SIMULATED], runs, workers)
    rows, spreads = [], []
    for (seconds, hedges), profits in zip(SIMULATED, found, strict=True):
        span = "a month" if seconds == MONTH else "a year"
        published = SIMULATED[seconds, hedges]
        spreads.append(blocks(profits))
        label = f"s.d. of the profit, {span}, {hedges} hedges"
        rows.append(estimated(label, published, spreads[-1], 0.02 * published, "quote"))
    for name, cases in (("a month", slice(0, 3)), ("a year", slice(3, 6))):
        counts = np.log([hedges for _, hedges in list(SIMULATED)[cases]])
        slopes = np.polyfit(counts, np.log(spreads[cases]), 1)[0]
        rows.append(estimated(f"slope of log s.d. on log hedges, {name}", -0.5, slopes, 0.02))
    return rows


def blocks(profits: list[float], count: int = 20) -> np.ndarray:
    """Standard deviations of so many groups of runs; each is little biased."""
    groups = np.array_split(np.array(profits), min(count, len(profits) // 10))
    return np.array([np.std(group, ddof=1) * (1 + 0.25 / (group.size - 1)) for group in groups])


def leland(runs: int, workers: int) -> list[Row]:
    """A call sold at Leland's volatility, and one hedged at it by the rule, with costs."""
    costs = {"venues.market.taker_fee_bps": COST * 1e4}
    case = hedged(YEAR, HEDGES) | costs | {"populations.dealers.opens_hedged": False}
    volatility = float(theory.leland_volatility(0.2, COST, 1 / HEDGES))
    rule = {"populations.dealers.hedging.type": "leland", "populations.dealers.hedging.cost": COST}
    variants = [case | {"assets.X.smile.atm": volatility}, case | rule]
    sold, ruled = (np.array(each) for each in measured(SCENARIO, premium_and_profit, variants, runs, workers))
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


def whalley_wilmott(runs: int, workers: int, quick: bool) -> list[Row]:
    """Powers of the cost with which the band and what is paid grow, far from expiry."""
    looks = 2000 if quick else 4000
    rule = {"type": "whalley_wilmott", "risk_aversion": 4.0}
    variants = [
        hedged(0.1 * YEAR, looks)
        | {"populations.dealers.exposure.expiries_days": [365.0]}
        | {f"populations.dealers.hedging.{name}": setting for name, setting in rule.items()}
        | {"populations.dealers.hedging.cost": cost, "venues.market.taker_fee_bps": cost * 1e4}
        for cost in COSTS
    ]
    found = np.array(measured(SCENARIO, band_and_cost, variants, max(runs // 50, 20), workers))
    means = [part.mean(axis=1) for part in np.array_split(found, 10, axis=1)]
    band, paid = (np.polyfit(np.log(COSTS), np.log(np.array(means)[:, :, k].T), 1)[0] for k in range(2))
    return [
        estimated("power of the cost in the band", 1 / 3, band, 0.02),
        estimated("power of the cost in what is paid", 2 / 3, paid, 0.02),
    ]
