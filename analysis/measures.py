"""Measures: the metrics there are, found by looking through the subjects of this package.

All metrics of a recording take most of a second, more than many a run; the light ones, in which
arms and sweeps are compared if nothing else is asked for, take a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

from analysis.base.metric import Metric, measure, metrics_of
from sim.recording.recording import Recording

SUBJECTS = (
    "metrics.market_quality",
    "metrics.failure",
    "metrics.worst_moment",
    "metrics.shocks",
    "metrics.losses",
    "attribution.attribution",
    "cascades.cascades",
    "cascades.branching",
    "facts.stylized",
    "contagion.contagion",
    "contagion.counterparties",
    "contagion.concentration",
    "contagion.covar",
)
"""Modules of `analysis` whose metrics are measured, in this order."""

ALL = "all"

LIGHT = (
    "max_drawdown",
    "max_run_up",
    "realised_volatility",
    "realised_volatility_1min",
    "realised_volatility_5min",
    "long_run_volatility",
    "excess_volatility",
    "shock_largest_move",
    "shock_overshoot",
    "shock_lasting_move",
    "shock_half_recovery",
    "liquidation_count",
    "liquidation_notional",
    "bad_debt",
    "spread_at_worst",
    "depth_at_worst",
    "worst_spread",
    "worst_depth",
    "median_loop_gain",
    "worst_loop_gain",
)


@cache
def known() -> dict[str, Metric]:
    """Every metric by its name."""
    modules = (import_module(f"analysis.{subject}") for subject in SUBJECTS)
    return {each.function.__name__: each for module in modules for each in metrics_of(module)}


def light() -> tuple[Metric, ...]:
    """What runs are compared in if nothing else is asked for."""
    return tuple(known()[name] for name in LIGHT)


def metrics(recording: Recording) -> dict[str, dict[str, Any]]:
    """Every metric of a recording.

    Returns
    -------
    dict
        name -> {value, unit, source}, where an undefined value is None and has a `reason`.
    """
    return measure(recording, known().values())


def find(name: str) -> Metric | None:
    """The metric of a name, with or without what it is repeated for or divided by; None if unknown.

    `BTC.max_drawdown` and `volume_share.dealers` are found as `max_drawdown` and `volume_share`.
    """
    if name == ALL:
        return next(iter(known().values()))
    return next((known()[part] for part in [name, *name.split(".")] if part in known()), None)


def chosen(wanted: Sequence[str] | None, also: str | None = None) -> tuple[Metric, ...]:
    """The metrics of these names, the light ones if none are given, and one more.

    Parameters
    ----------
    wanted : sequence of str or None
        As `find` takes them; "all" stands for all.
    also : str, optional
    """
    if wanted is not None and ALL in wanted:
        return tuple(known().values())
    found: list[Metric | None] = list(light()) if wanted is None else [find(name) for name in wanted]
    if also is not None:
        found.append(find(also))
    return tuple(dict.fromkeys(each for each in found if each is not None))
