"""Chosen metrics: the light list that arms and sweeps are compared in, and any others by name.

All metrics of a recording take most of a second, more than many a run; those of the light
list take a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module

from analysis.base.metric import Metric, metrics_of
from analysis.measures import SUBJECTS
from analysis.metrics import losses, market_quality, shocks
from analysis.metrics import worst_moment as worst

LIGHT: tuple[Metric, ...] = (
    market_quality.max_drawdown,
    market_quality.max_run_up,
    market_quality.realised_volatility,
    market_quality.realised_volatility_1min,
    market_quality.realised_volatility_5min,
    market_quality.long_run_volatility,
    market_quality.excess_volatility,
    shocks.shock_largest_move,
    shocks.shock_overshoot,
    shocks.shock_lasting_move,
    shocks.shock_half_recovery,
    losses.liquidation_count,
    losses.liquidation_notional,
    losses.bad_debt,
    worst.spread_at_worst,
    worst.depth_at_worst,
    market_quality.worst_spread,
    market_quality.worst_depth,
    market_quality.median_loop_gain,
    market_quality.worst_loop_gain,
)
"""What runs are compared in if nothing else is asked for."""

ALL = "all"


@cache
def _known() -> dict[str, Metric]:
    modules = (import_module(f"analysis.{subject}") for subject in SUBJECTS)
    return {each.function.__name__: each for module in modules for each in metrics_of(module)}


def names() -> list[str]:
    """Names of all metrics."""
    return list(_known())


def find(name: str) -> Metric | None:
    """The metric of a name, with or without what it is repeated for or divided by; None if unknown.

    `BTC.max_drawdown` and `volume_share.dealers` are found as `max_drawdown` and `volume_share`.
    """
    known = _known()
    if name == ALL:
        return next(iter(known.values()))
    return next((known[part] for part in [name, *name.split(".")] if part in known), None)


def chosen(wanted: Sequence[str] | None, also: str | None = None) -> tuple[Metric, ...]:
    """The metrics of these names, `LIGHT` if none are given, and one more.

    Parameters
    ----------
    wanted : sequence of str or None
        As `find` takes them; "all" stands for all.
    also : str, optional
    """
    if wanted is not None and ALL in wanted:
        return tuple(_known().values())
    found: list[Metric | None] = list(LIGHT) if wanted is None else [find(name) for name in wanted]
    if also is not None:
        found.append(find(also))
    by_name = {each.function.__name__: each for each in found if each is not None}
    return tuple(by_name.values())
