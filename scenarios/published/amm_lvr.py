"""Loss versus rebalancing: what arbitrage takes from a pool, without fees and with them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.feedback import theory
from scenarios.file.library import REPLICATED
from scenarios.replications.replicate import Row, Rows, estimated, measured, replication
from sim.recording.recording import Recording
from sim.setup.listing import SECONDS_PER_YEAR

SCENARIO = REPLICATED / "amm_lvr.toml"
DAY, BLOCK = 86400.0, 12.0
FEES_BPS = (0, 1, 5, 10, 30, 100)
DAILY = 0.05  # volatility a day
OTHERS = (0.025, 0.1)
WORTH, SPOT = 4e6, 2000.0  # of each pool at the opening; its worth goes with the root of the price
TRADED = (0.806, 0.455, 0.294, 0.122, 0.040)
"""Published probability of a trade in a block, by fee from 1 to 100 basis points."""


class Taken(NamedTuple):
    """What arbitrage took, by fee.

    Attributes
    ----------
    profit : ndarray of float64
        A day, in basis points of what the pool is worth then.
    traded : ndarray of float64
        Trades a block.
    """

    profit: np.ndarray
    traded: np.ndarray


def taken(recording: Recording) -> Taken:
    """Profit and trades of every pool's arbitrageur, both legs of a trade at what they were filled at."""
    first = recording.market["steps"] // 6  # until then the wide pools are not yet at their edges
    fills = recording.fills
    fills = fills[fills["step"] >= first]
    price = recording.series["X.mid"].to_numpy()[fills["step"].to_numpy()]
    fills = fills.assign(share=fills["qty"] * fills["price"] / (WORTH * np.sqrt(price / SPOT)))
    lot = next(venue["lot"] for venue in recording.market["venues"] if venue["name"] == "market")
    seconds = (recording.market["steps"] - first) * recording.market["step_seconds"]
    profits, trades = [], []
    for fee in FEES_BPS:
        own = fills[fills["taker_population"] == f"arbitrageurs_{fee}"]
        profits.append(-own["share"].sum() * lot * 1e4 * DAY / seconds)
        trades.append((own["venue"] == f"pool_{fee}").sum() * BLOCK / seconds)
    return Taken(np.array(profits), np.array(trades))


@replication(
    source="Milionis, Moallemi, Roughgarden & Zhang (2022); Milionis, Moallemi & Roughgarden (2023)",
    about="Arbitrage against a constant-product pool: rate, trades a block, and profit by fee.",
    runs=48,
    quick_runs=4,
)
def amm_lvr(runs: int, workers: int, quick: bool) -> Rows:
    """At 5% a day by fee, and without a fee at other volatilities."""
    steps, fewer = (10_000, 6_000) if quick else (57_600, 7_200)
    variants = [
        {"time.steps": count, "assets.X.driver.volatility": daily * (SECONDS_PER_YEAR / DAY) ** 0.5}
        for daily, count in ((DAILY, steps), *((daily, fewer) for daily in OTHERS))
    ]
    main, *others = measured(SCENARIO, taken, variants, runs, workers)
    rows = [rebalancing(daily, found) for daily, found in zip((DAILY, *OTHERS), (main, *others), strict=True)]
    for place, (fee, published) in enumerate(zip(FEES_BPS[1:], TRADED, strict=True), 1):
        traded = [each.traded[place] for each in main]
        rows.append(
            estimated(
                f"trades a block, fee {fee} bp", 100 * published, 100 * np.array(traded), 2 * published, "%"
            )
        )
    for place, fee in enumerate(FEES_BPS[1:], 1):
        expected = 1e4 * float(theory.arbitrage_profit(fee * 1e-4, DAILY, BLOCK / DAY))
        profits = [each.profit[place] for each in main]
        rows.append(
            estimated(f"arbitrage profit, fee {fee} bp", expected, profits, 0.02 * expected, "bp a day")
        )
    return rows


def rebalancing(daily: float, found: list[Taken]) -> Row:
    """Loss versus rebalancing: what arbitrage takes without a fee."""
    expected = 1e4 * float(theory.loss_versus_rebalancing(daily))
    profits = [each.profit[0] for each in found]
    label = f"loss versus rebalancing, {100 * daily:g}% a day"
    return estimated(label, expected, profits, 0.02 * expected, "bp a day")
