"""Sobol indices: Ishigami's, which are known, and refusals of designs that are not whole."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from SALib.sample import sobol
from synthetic_sweep import a_cube, a_sweep

from analysis.base.metric import Undefined
from analysis.sweeps.sensitivity import analysed, sensitivity, table, write
from analysis.sweeps.table import Sweep, key_label, label_of, unit_of

KEYS = ["populations.dealers.exposure.gamma", "venues.market.impact", "populations.dealers.count"]
FIRST, TOTAL = (0.3139, 0.4424, 0.0), (0.5576, 0.4424, 0.2437)
"""Of Ishigami's function with a = 7, b = 0.1 (Ishigami & Homma 1990; Saltelli et al. 2000)."""


def ishigami(x):
    return np.sin(x[..., 0]) + 7 * np.sin(x[..., 1]) ** 2 + 0.1 * x[..., 2] ** 4 * np.sin(x[..., 0])


def saltelli(blocks):
    """Rows in the order of the sampler, three keys between -pi and pi."""
    problem = {"num_vars": 3, "names": KEYS, "bounds": [[-np.pi, np.pi]] * 3}
    return sobol.sample(problem, blocks, calc_second_order=False, seed=3)


def a_folder(folder, blocks=64, replicates=2, **options):
    """A sweep of Ishigami's function, with a little noise over seeds that averaging takes out."""
    points = [dict(zip(KEYS, map(float, row), strict=True)) for row in saltelli(blocks)]

    def values(point, arm, rng):
        return {"X.max_drawdown": float(ishigami(np.array(list(point.values())))), "bad_debt": 0.0}

    return a_sweep(folder, points, values, design="saltelli", replicates=replicates, **options)


def test_ishigamis_indices_are_found():
    """With 4,096 blocks within 0.02, and inside the intervals."""
    frame = analysed(KEYS, ishigami(saltelli(4096)))
    assert frame["first"].to_numpy() == pytest.approx(FIRST, abs=0.02)
    assert frame["total"].to_numpy() == pytest.approx(TOTAL, abs=0.02)
    for kind, known in (("first", FIRST), ("total", TOTAL)):
        assert (frame[f"{kind}_low"] <= np.array(known) + 1e-4).all()
        assert (frame[f"{kind}_high"] >= np.array(known) - 1e-4).all()


def test_a_folder_gives_the_indices_of_its_means(tmp_path):
    """Rows are taken by design_id whatever their order in the file, and written as JSON and Parquet."""
    folder = a_folder(tmp_path / "sweep")
    runs = pd.read_parquet(folder / "runs.parquet")
    runs.sample(frac=1.0, random_state=1).to_parquet(folder / "runs.parquet")
    found = sensitivity(folder)
    assert (found.metric, found.arm, found.points, found.runs) == ("X.max_drawdown", "base", 320, 640)
    pd.testing.assert_frame_equal(found.frame, analysed(KEYS, ishigami(saltelli(64))))
    json_file, parquet = write(found, folder)
    entry = json.loads(json_file.read_text())
    index = entry["keys"][KEYS[1]]["first"]
    assert index["interval"][0] < index["value"] < index["interval"][1]
    assert pd.read_parquet(parquet)["total"].tolist() == found.frame["total"].tolist()
    lines = table(found).splitlines()
    assert [line.split()[0] for line in lines[3:6]] == list(
        found.frame.sort_values("total", ascending=False).index
    )
    assert sensitivity(folder).entry() == found.entry()


def test_missing_and_failed_runs_are_counted(tmp_path):
    """Three runs never made at two points, one that failed."""
    lost = {(5, 0), (5, 1), (9, 1)}
    folder = a_folder(
        tmp_path / "sweep",
        drop=lambda row: (row["design_id"], row["replicate"]) in lost,
        fail=lambda row: (row["design_id"], row["replicate"]) == (11, 0),
    )
    with pytest.raises(Undefined, match=r"4 of 640 runs .* are missing, at 3 of 320 points \(1 failed\)"):
        sensitivity(folder)


def test_a_run_that_failed_and_was_repeated_is_not_missing(tmp_path):
    folder = a_folder(tmp_path / "sweep", blocks=8)
    runs = pd.read_parquet(folder / "runs.parquet")
    failed = runs.iloc[:1].assign(status="failed", run_id="first try")
    pd.concat([failed, runs]).to_parquet(folder / "runs.parquet")
    assert sensitivity(folder).runs == 80


def test_equal_points_share_a_run_and_are_not_missing(tmp_path):
    folder = a_folder(tmp_path / "sweep", blocks=8)
    runs = pd.read_parquet(folder / "runs.parquet")
    runs.assign(run_id="one for all").to_parquet(folder / "runs.parquet")
    assert sensitivity(folder).runs == 80


def test_an_undefined_metric_is_refused(tmp_path):
    folder = a_folder(tmp_path / "sweep", blocks=8)
    runs = pd.read_parquet(folder / "runs.parquet")
    runs.loc[3, "X.max_drawdown"] = np.nan
    runs.to_parquet(folder / "runs.parquet")
    with pytest.raises(Undefined, match="undefined in 1 of 80 runs"):
        sensitivity(folder, "X.max_drawdown")


def test_what_cannot_be_asked_is_refused(tmp_path):
    """Another design, an unknown metric or arm, a constant, rows out of order, a folder of something else."""
    folder = a_folder(tmp_path / "sweep", blocks=8)
    with pytest.raises(ValueError, match=r'no run has a value of "bad_det"; there are X\.max_drawdown'):
        sensitivity(folder, "bad_det")
    with pytest.raises(ValueError, match='no run of the arm "muted"; there are base'):
        sensitivity(folder, arm="muted")
    with pytest.raises(Undefined, match="bad_debt is 0 at every point"):
        sensitivity(folder, "bad_debt")
    design = pd.read_parquet(folder / "design.parquet")
    design.assign(design_id=design["design_id"].to_numpy()[::-1]).to_parquet(folder / "design.parquet")
    with pytest.raises(ValueError, match="not in the order A, AB_1"):
        sensitivity(folder)
    design.iloc[:-1].to_parquet(folder / "design.parquet")
    with pytest.raises(ValueError, match="39 design points are no whole number of blocks of 5"):
        sensitivity(folder)
    with pytest.raises(ValueError, match="not a sweep's folder"):
        sensitivity(tmp_path)


def test_another_design_is_refused(tmp_path):
    folder = a_sweep(tmp_path / "cube", a_cube(KEYS, 10), lambda *_: {"bad_debt": 1.0}, design="lhs")
    with pytest.raises(ValueError, match='design = "saltelli"; this sweep\'s is "lhs"'):
        sensitivity(folder)


def test_means_and_ratios_are_those_of_the_runs(tmp_path):
    """Student's interval of a point by hand; a ratio of arms pairs their seeds."""

    def values(point, arm, rng):
        luck = rng.normal()
        return {"bad_debt": (2.0 if arm == "base" else 1.0) * (5 + luck)}

    points = [{KEYS[1]: 0.01}, {KEYS[1]: 0.02}]
    sweep = Sweep.read(a_sweep(tmp_path / "arms", points, values, replicates=9, arms=("base", "muted")))
    own = sweep.values("bad_debt").loc[0].to_numpy()
    row = sweep.means("bad_debt").loc[0]
    assert row["value"] == pytest.approx(own.mean())
    assert row["high"] - row["value"] == pytest.approx(2.306 * own.std(ddof=1) / 3, rel=1e-3)
    ratio = sweep.ratios("bad_debt").loc[1]
    assert ratio[["value", "low", "high"]].tolist() == pytest.approx([2.0, 2.0, 2.0])
    assert sweep.arms == ["base", "muted"]


def test_names_carry_units():
    assert unit_of("BTC.volume_share.dealers") == "1"
    assert label_of("bad_debt") == "bad debt (quote)"
    assert label_of("BTC.max_drawdown") == "BTC max drawdown (%)"
    assert key_label("populations.dealers.hedging.interval_seconds") == "dealers hedging interval seconds (s)"
    assert key_label("venues.market.impact") == "market impact (price per unit)"
