"""Quiet and crash: what hedging multiplies a fall by, beside what it does to the market before.

With impact that is concave the gain of hedging is highest at small moves, so that gamma at the price makes
a quiet market trend or swing before it amplifies a fall. The two panels show both prices of the same gamma.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.base.arms import BASE, MUTED
from analysis.facts.bands import LIQUID
from analysis.figures.style import GRID, INK, PALE, SMALL, dress, legend_above, plain_log
from analysis.sweeps.curves import curves
from analysis.sweeps.gain_curve import FALL, subjects, to_scale
from analysis.sweeps.table import Sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUIET = "quiet_variance_ratio_1min"


def assets_of(sweep: Sweep) -> list[str]:
    """Assets of which both panels can be drawn."""
    return [asset for asset in subjects(sweep) if f"{asset}.{QUIET}" in sweep.metrics]


def quiet_and_crash(sweep: Sweep, asset: str) -> Figure:
    """Amplification of the fall, and the variance ratio of one minute before it, over the swept key."""
    from matplotlib.figure import Figure

    from analysis.gallery import DPI

    figure = Figure(figsize=(10.4, 4.3), dpi=DPI, layout="constrained")
    crash, quiet = figure.subplots(1, 2)
    curves(sweep, f"{asset}.{FALL}", ax=crash, is_ratio=True)
    curves(sweep, f"{asset}.{QUIET}", ax=quiet)
    dress(crash, "In the fall: what hedging multiplies it by", crash.get_xlabel(), f"fall, {BASE} / {MUTED}")
    dress(quiet, "Before it: whether the price trends or swings", quiet.get_xlabel(), "variance ratio, 1 min")
    for ax in (crash, quiet):
        legend_above(ax, ax.get_legend_handles_labels()[0])
    to_scale(crash, sweep.ratios(f"{asset}.{FALL}")["value"])
    _beside_the_ordinary(quiet, sweep, asset)
    return figure


def _beside_the_ordinary(ax: Axes, sweep: Sweep, asset: str) -> None:
    """The band of liquid markets, the market without the hedges, and a scale for ratios."""
    ax.axhspan(*LIQUID, color=GRID, alpha=0.7, lw=0, zorder=0)
    without = float(np.nanmean(sweep.values(f"{asset}.{QUIET}", MUTED).to_numpy()))
    ax.axhline(without, color=PALE, lw=1.2, ls=(0, (4, 2)), zorder=1)
    said = f"dashed: hedges muted, {without:.2f}; band: liquid markets"
    ax.text(1.0, 0.02, said, transform=ax.transAxes, ha="right", va="bottom", fontsize=SMALL, color=INK)
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, 0.5), max(high, 2.0))
    plain_log(ax.yaxis)
