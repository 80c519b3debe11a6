"""Measures: every metric of a recording, from every subject there is."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from analysis.base.metric import measure, metrics_of
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


def metrics(recording: Recording) -> dict[str, dict[str, Any]]:
    """Every metric of a recording.

    Returns
    -------
    dict
        name -> {value, unit, source}, where an undefined value is None and has a `reason`.
    """
    modules = (import_module(f"analysis.{subject}") for subject in SUBJECTS)
    return measure(recording, (each for module in modules for each in metrics_of(module)))
