"""The impact of probes: what is undefined says why, in numbers, figures and words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.probes import plots
from analysis.probes.impact import NO_END, NOT_MEASURED, NOT_MOVED, ONE_SIZE, Impact, Seed
from analysis.probes.observed import Probe, Schedule, World
from scenarios.terminal.probe_table import _undefined

SCHEDULE = Schedule(at=30.0, over=10.0, horizons=(60.0,), step=1.0)
SHARES = (1e-4, 1e-3)


def entry(moves: tuple[float, ...], demand: float = 0.0) -> dict[str, Any]:
    """Of two seeds that agree: the move of each size, the same at all times."""
    probes = [
        Probe(-1e5 * share, 1.0, False, [move] * SCHEDULE.times.size, 5.0, 60.0, True, True)
        for share, move in zip(SHARES, moves, strict=False)
    ]
    seed = Seed(World(1e5, 9e-4, demand, 100.0), probes)
    return {"arm": "muted"} | Impact(SHARES[: len(moves)], SCHEDULE, [seed, seed]).entry()


def said(found: dict[str, Any]) -> str:
    return "\n".join(_undefined(found))


def test_nothing_is_said_of_what_is_defined() -> None:
    assert said(entry((0.001, 0.003))) == ""


def test_a_size_that_moves_nothing_takes_the_law_with_it() -> None:
    found = entry((-0.001, 0.003))
    assert found["exponent"] == {"value": None, "interval": None, "reason": NOT_MOVED}
    assert found["sizes"][0]["prefactor"]["reason"] == NOT_MOVED
    assert "reason" not in found["sizes"][1]["prefactor"]
    assert said(found).startswith("undefined: exponent, prefactor, ")
    assert said(found).endswith(f"Y of 0.01%, closed forms of 0.01%, closed forms of 0.1%: {NOT_MOVED}")


def test_one_size_has_no_exponent() -> None:
    assert said(entry((0.001,))) == f"undefined: exponent: {ONE_SIZE}"


def test_a_demand_that_was_never_measured_makes_no_gain() -> None:
    found = entry((0.001, 0.003), demand=np.nan)
    (gain,) = found["gain"]
    assert (gain["gain"]["reason"], gain["amplification"], "reason" in gain) == (NOT_MEASURED, None, False)
    assert (
        said(found)
        == f"undefined: closed forms of 0.01%, closed forms of 0.1%, gain after 60 s: {NOT_MEASURED}"
    )


def test_a_gain_of_one_or_more_has_no_end() -> None:
    """A unit moves 100 x 0.001 / 10 = 0.01."""
    found = entry((0.001, 0.003), demand=150.0)
    assert found["gain"][0]["gain"]["value"] == pytest.approx(1.5)
    assert said(found) == f"undefined: 1/(1 - gain) after 60 s: {NO_END}"


def test_the_figure_names_the_sizes_it_cannot_show_and_its_legend_hides_nothing() -> None:
    figure = Figure(figsize=(11.6, 4.2), layout="constrained")
    first, second = figure.subplots(1, 2)
    found = entry((-0.001, 0.003))
    plots.impact(found, first)
    plots.decay(found, second)
    figure.draw_without_rendering()
    named = [[text.get_text() for text in ax.get_legend().get_texts()] for ax in (first, second)]
    assert named[0][2] == f"{plots.NOT_ABOVE}: 0.01%"
    assert named[1] == [f"0.01%: {plots.NOT_ABOVE}", "0.1%", "end of the order"]
    legend = second.get_legend().get_window_extent()
    assert not legend.overlaps(second.get_window_extent())
    assert legend.x1 <= figure.bbox.x1
