"""Designs of sweeps: their points, and the mistakes one can make in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sweeping import GRID, TAG, VOLATILITY, scenario, written

from scenarios import load
from scenarios.arms.samples import unit_points
from scenarios.file.errors import ScenarioError
from scenarios.sweeps.designs import points_of

IMPACT = "venues.market.impact"


def points(folder: Path, sweep: str) -> list[dict[str, object]]:
    return points_of(scenario(folder, sweep))


def test_a_grid_is_every_combination_the_last_key_turning_fastest(tmp_path):
    found = [(point[VOLATILITY], point[TAG]) for point in points(tmp_path, GRID)]
    assert found == [(0.2, 0), (0.2, 1), (0.2, 2), (0.5, 0), (0.5, 1), (0.5, 2)]


def test_a_row_that_leaves_a_key_out_has_the_scenario_s_own_value(tmp_path):
    given = f'[sweep]\ndesign = "list"\nrows = [{{"{VOLATILITY}" = 0.1}}, {{"{TAG}" = 4}}]\n'
    assert points(tmp_path, given) == [{VOLATILITY: 0.1, TAG: 0}, {VOLATILITY: 0.5, TAG: 4}]


def test_a_latin_hypercube_has_one_point_in_every_slice_of_every_key(tmp_path):
    given = f"""[sweep]\ndesign = "lhs"\npoints = 20\n[sweep.over]
"{VOLATILITY}" = {{low = 0.1, high = 10.0, log = true}}
"{TAG}" = {{low = 1, high = 20}}
"{IMPACT}" = [0.01, 0.02]
"""
    found = points(tmp_path, given)
    slices = [int(20 * np.log(point[VOLATILITY] / 0.1) / np.log(100.0)) for point in found]
    assert sorted(slices) == list(range(20))
    assert sorted(point[TAG] for point in found) == list(range(1, 21)), "whole numbers, both ends included"
    assert [point[IMPACT] for point in found].count(0.01) == 10
    assert points(tmp_path, given) == found, "equal files give equal points"
    assert points(tmp_path, given.replace("points = 20", "points = 20")) == found


def test_sobol_points_are_a_net():
    """Of 2^4 scrambled Sobol points each dyadic interval of length 1/16 holds one, in every dimension."""
    cube = unit_points("sobol", 16, 3, 7)
    assert (np.sort((16 * cube).astype(int), axis=0) == np.arange(16)[:, None]).all()


def test_saltelli_rows_replace_one_column_at_a_time():
    """Saltelli (2002): for each base row A, then A with column k of B, then B."""
    cube = unit_points("saltelli", 8, 3, 7).reshape(8, 5, 3)
    first, last = cube[:, :1], cube[:, -1:]
    for column in range(3):
        mixed = cube[:, 1 + column : 2 + column]
        others = [k for k in range(3) if k != column]
        assert (mixed[..., others] == first[..., others]).all()
        assert (mixed[..., column] == last[..., column]).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('design = "gird"', '25: sweep.design: found "gird"; did you mean "grid"?'),
        ('design = "grid"', "24: sweep.over: missing"),
        ('design = "lhs"\nover = {"time.steps" = {low = 1, high = 4}}', "24: sweep.points: missing"),
        ('design = "list"', "24: sweep.rows: missing"),
        (
            'design = "sobol"\npoints = 10\nover = {"time.steps" = {low = 1, high = 4}}',
            "26: sweep.points: found 10; must be a power of two, such as 8 or 16",
        ),
        (
            'design = "grid"\npoints = 4\nover = {"time.steps" = [1, 2]}',
            "26: sweep.points: is for the design lhs or sobol or saltelli, not for grid",
        ),
        (
            'design = "grid"\n[sweep.over]\n"time.stps" = [1, 2]',
            '27: sweep.over.time.stps: unknown key; did you mean "steps"?',
        ),
        (
            'design = "grid"\n[sweep.over]\n"time.steps" = [1, 0]',
            "27: sweep.over.time.steps: found 0; allowed: at least 1",
        ),
        (
            'design = "grid"\n[sweep.over]\n"seed" = [1, 2]',
            "27: sweep.over.seed: cannot be swept; every run has the same",
        ),
        (
            'design = "grid"\nover = {"time.steps" = [2, 2]}',
            "26: sweep.over.time.steps: a value stands twice in the list",
        ),
        (
            'design = "lhs"\npoints = 4\n[sweep.over]\n"time.steps" = {low = 3, high = 2}',
            "28: sweep.over.time.steps: high (2) must be above low (3)",
        ),
        (
            'design = "list"\nrows = [{"time.steps" = 2}, {"venues.markt.impact" = 2.0}]',
            '26: sweep.rows.1.venues.markt.impact: nothing in venues is named "markt"; did you mean',
        ),
        (
            'design = "grid"\narms = ["base", "mutd"]\nover = {"time.steps" = [2]}',
            '26: sweep.arms.1: no arm is named "mutd"; did you mean "muted"?',
        ),
        (
            'design = "grid"\nmetrics = ["max_drowdown"]\nover = {"time.steps" = [2]}',
            '26: sweep.metrics.0: no metric is named "max_drowdown"; did you mean "max_drawdown"?',
        ),
        (
            'design = "grid"\nover = {"time.steps" = [2]}\n[sweep.stop]\nmetric = "X.nothing"\n'
            "half_width = 0.1\nmax_replicates = 9",
            '28: sweep.stop.metric: no metric is named "X.nothing"',
        ),
    ],
)
def test_a_mistake_in_a_sweep_is_named_by_line_key_and_remedy(tmp_path, monkeypatch, text, message):
    path = written(tmp_path, f"[sweep]\n{text}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScenarioError) as caught:
        load(path.name)
    assert f"troubled.toml:{message}" in str(caught.value)
    assert not any(word in str(caught.value) for word in ("pydantic", "Input", "validat", "list["))
