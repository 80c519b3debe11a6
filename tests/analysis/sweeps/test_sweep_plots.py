"""Figures of sweeps show what the tables hold, and each design gets the figure that suits it."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from SALib.sample import sobol
from synthetic_sweep import GAMMA, IMPACT, a_cube, a_grid, a_sweep, feedback

from analysis.base.metric import Undefined
from analysis.feedback.theory import sale_amplification
from analysis.sweeps import plots as sweep_plots
from analysis.sweeps.cells import edges_of, labelled, table
from analysis.sweeps.curves import curves
from analysis.sweeps.failed_cells import FAILURE
from analysis.sweeps.gain_curve import gain_curve
from analysis.sweeps.gain_curve import points as points_of_gain
from analysis.sweeps.parallel_coordinates import parallel_coordinates
from analysis.sweeps.phase_diagram import phase_diagram
from analysis.sweeps.quiet_and_crash import quiet_and_crash
from analysis.sweeps.sensitivity import sensitivity
from analysis.sweeps.stability import theoretical_gain
from analysis.sweeps.table import Sweep
from scenarios.build.loading import load

matplotlib.use("Agg")

IMPACTS = [0.002, 0.004, 0.008, 0.016]
GAMMAS = [-10.0, -7.0, -4.0, -1.0]
COUNT = "populations.dealers.count"


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """Four by four points around the edge of stability, base and muted."""
    points = a_grid(venues__market__impact=IMPACTS, populations__dealers__exposure__gamma=GAMMAS)
    return a_sweep(tmp_path_factory.mktemp("grid"), points, feedback, arms=("base", "muted"))


def meshes(figure):
    return [each for ax in figure.axes for each in ax.collections if isinstance(each, QuadMesh)]


def test_a_phase_diagram_colours_the_means(grid):
    """A cell a point, in the places the keys say; units on the colour bar."""
    sweep = Sweep.read(grid)
    figure = phase_diagram(sweep, "X.max_drawdown", keys=(IMPACT, GAMMA))
    drawn = np.ma.getdata(meshes(figure)[0].get_array()).reshape(4, 4)
    means = sweep.means("X.max_drawdown")["value"]
    for row, gamma in enumerate(GAMMAS):
        for column, impact in enumerate(IMPACTS):
            of = sweep.design[(sweep.design[IMPACT] == impact) & (sweep.design[GAMMA] == gamma)].index[0]
            assert drawn[row, column] == means[of]
    assert figure.axes[-1].get_ylabel() == "X max drawdown (%)"
    assert figure.axes[0].get_xscale() == "log"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["theory: loop gain = 1"]


def test_the_theoretical_gain_is_impact_times_the_sum_of_gammas():
    """Ten dealers of gamma -5 at an impact of 0.01: a half, and one at twice the impact."""
    scenario = load("linear_feedback").resolved()
    assert theoretical_gain(scenario, {IMPACT: np.array([0.01, 0.02])}) == pytest.approx([0.5, 1.0])
    assert theoretical_gain(scenario, {COUNT: np.array([20.0]), GAMMA: np.array([-2.0])}) == pytest.approx(
        [0.4]
    )
    with pytest.raises(Undefined, match="not one venue of linear impact"):
        theoretical_gain(load("calm").resolved(), {})


def test_cells_whose_interval_holds_one_are_hatched(grid):
    """Exactly those points whose ratio is not clearly above or below 1."""
    sweep = Sweep.read(grid)
    ratios = sweep.ratios("X.max_drawdown")
    unsure = ((ratios["low"] <= 1) & (ratios["high"] >= 1)).sum()
    figure = phase_diagram(sweep, "X.max_drawdown", is_ratio=True)
    hatched = [p for p in figure.axes[0].patches if isinstance(p, Rectangle) and p.get_hatch()]
    assert len(hatched) == unsure > 0


def failing(point, arm, rng):
    """Base fails at the largest impact in a quarter of the runs, muted too where gamma is largest."""
    is_failed = point[IMPACT] == IMPACTS[-1] and rng.integers(4) == 0
    share = {"base": is_failed, "muted": is_failed and point[GAMMA] == GAMMAS[0]}
    return feedback(point, arm, rng) | {"market_failed": float(share[arm])}


def test_cells_in_which_a_market_failed_are_crossed_with_the_share_of_runs(tmp_path):
    """Where both arms failed there is no ratio; where base did, it is a lower bound; the cross says where."""
    points = a_grid(venues__market__impact=IMPACTS, populations__dealers__exposure__gamma=GAMMAS)
    sweep = Sweep.read(a_sweep(tmp_path / "failing", points, failing, arms=("base", "muted")))
    ratios, shares = sweep.ratios("X.max_drawdown"), sweep.failures(["base", "muted"])
    own = sweep.design[IMPACT] == IMPACTS[-1]
    assert (shares[~own] == 0).all()
    by_hand = sweep.values("market_failed").mean(axis=1)
    assert (shares == by_hand).all()
    both = own & (sweep.design[GAMMA] == GAMMAS[0])
    assert (by_hand[both] > 0).all()
    assert ratios.loc[both, "bound"].tolist() == ["neither"]
    assert ratios.loc[both, "value"].isna().all()
    assert set(ratios.loc[own & ~both & (shares > 0), "bound"]) == {"lower"}
    assert ratios.loc[own & ~both, "value"].notna().all()
    assert set(sweep.ratios("X.median_loop_gain")["bound"]) == {""}, "it does not only grow"
    figure = phase_diagram(sweep, "X.max_drawdown", is_ratio=True, keys=(IMPACT, GAMMA))
    crosses = [line.get_xydata()[0].tolist() for line in figure.axes[0].lines if line.get_gid() == FAILURE]
    assert sorted(crosses) == sorted(sweep.design.loc[shares > 0, [IMPACT, GAMMA]].to_numpy().tolist())
    said = [text.get_text() for text in figure.axes[0].texts]
    assert sorted(said) == sorted(f"{share:.0%}" for share in shares[shares > 0])
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "a market failed, % of runs" in legend
    muted = phase_diagram(sweep, "X.max_drawdown", arm="muted", keys=(IMPACT, GAMMA))
    assert len([line for line in muted.axes[0].lines if line.get_gid() == FAILURE]) == 1


def test_undefined_points_have_no_colour(tmp_path):
    def values(point, arm, rng):
        return {"bad_debt": np.nan if point[IMPACT] > 0.01 else 1.0 + point[IMPACT] * rng.random()}

    points = a_grid(venues__market__impact=IMPACTS, populations__dealers__exposure__gamma=GAMMAS)
    sweep = Sweep.read(a_sweep(tmp_path / "holes", points, values))
    figure = phase_diagram(sweep, "bad_debt", keys=(IMPACT, GAMMA))
    masked = np.ma.getmaskarray(meshes(figure)[0].get_array()).reshape(4, 4)
    assert masked[:, 3].all()
    assert not masked[:, :3].any()
    assert "undefined" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_third_key_makes_panels(tmp_path):
    """One panel a value, the colours shared; theory's line moves with the third key."""
    points = a_grid(
        venues__market__impact=IMPACTS,
        populations__dealers__exposure__gamma=GAMMAS,
        populations__dealers__count=[5, 10, 20],
    )
    sweep = Sweep.read(a_sweep(tmp_path / "three", points, feedback, replicates=4))
    figure = phase_diagram(sweep, "X.max_drawdown")
    found = meshes(figure)[:3]
    assert len({(mesh.norm.vmin, mesh.norm.vmax) for mesh in found}) == 1
    assert [ax.get_title(loc="left") for ax in figure.axes[:3]] == [
        f"dealers count = {n}" for n in (5, 10, 20)
    ]


def test_labels_keep_their_distance():
    crowded = np.array([0.03, 0.06, 0.13, 0.26, 0.39, 0.52])
    assert labelled(crowded, is_log=True, most=5) == [0.03, 0.06, 0.13, 0.26, 0.52]
    assert labelled(crowded, is_log=True, most=30) == crowded.tolist()
    assert labelled(np.array([1.0, 2.0, 3.0]), is_log=False, most=3) == [1.0, 2.0, 3.0]
    assert labelled(np.array([4.0]), is_log=True, most=3) == [4.0]


def test_edges_lie_halfway():
    assert edges_of(np.array([1.0, 2.0, 4.0]), is_log=False).tolist() == [0.5, 1.5, 3.0, 5.0]
    assert edges_of(np.array([1.0, 4.0, 16.0]), is_log=True) == pytest.approx([0.5, 2.0, 8.0, 32.0])


def test_lines_show_means_and_intervals(tmp_path):
    """A line an arm; heights and bars are those of the table."""
    points = a_grid(venues__market__impact=IMPACTS)
    folder = a_sweep(
        tmp_path / "one", points, lambda p, a, r: feedback({**p, GAMMA: -5.0}, a, r), arms=("base", "muted")
    )
    sweep = Sweep.read(folder)
    ax = curves(sweep, "X.max_drawdown", ax=Figure().subplots())
    means = {arm: sweep.means("X.max_drawdown", arm) for arm in ("base", "muted")}
    drawn = {line.get_label(): line for line in ax.lines if line.get_label() in means}
    for arm, line in drawn.items():
        assert line.get_xdata().tolist() == IMPACTS
        assert line.get_ydata().tolist() == means[arm]["value"].tolist()
    bars = [each for each in ax.collections if isinstance(each, LineCollection)]
    low, high = bars[0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx(means["base"].loc[0, ["low", "high"]].tolist())
    assert ax.get_ylabel() == "mean X max drawdown (%)"


def test_few_values_of_a_second_key_become_lines(tmp_path):
    points = a_grid(venues__market__impact=IMPACTS, populations__dealers__hedging__type=["time", "band"])
    folder = a_sweep(tmp_path / "two", points, lambda p, a, r: feedback({**p, GAMMA: -5.0}, a, r))
    ax = curves(Sweep.read(folder), "X.max_drawdown", ax=Figure().subplots())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "dealers hedging type = band",
        "dealers hedging type = time",
    ]


def test_parallel_coordinates_have_a_line_a_point(tmp_path):
    """Coloured by the metric, the highest drawn last."""
    keys = [IMPACT, GAMMA, COUNT]
    folder = a_sweep(
        tmp_path / "cube",
        a_cube(keys, 24),
        lambda p, a, r: {"bad_debt": p[IMPACT] + p[GAMMA] ** 2},
        design="lhs",
        over={key: {"low": 0.0, "high": 1.0} for key in keys},
    )
    ax = parallel_coordinates(Sweep.read(folder), ax=Figure().subplots())
    (drawn,) = (each for each in ax.collections if isinstance(each, LineCollection))
    values = drawn.get_array()
    assert values.size == 24
    assert (np.diff(values) >= 0).all()
    assert [segment[-1, 1] for segment in drawn.get_segments()] == pytest.approx(
        (values - values.min()) / np.ptp(values)
    )


def saltelli(folder):
    problem = {"num_vars": 2, "names": [IMPACT, GAMMA], "bounds": [[0, 1], [0, 1]]}
    rows = sobol.sample(problem, 32, calc_second_order=False, seed=1)
    points = [dict(zip([IMPACT, GAMMA], map(float, row), strict=True)) for row in rows]
    return a_sweep(
        folder,
        points,
        lambda p, a, r: {"bad_debt": p[IMPACT] + 0.3 * p[GAMMA]},
        design="saltelli",
        replicates=1,
    )


def test_bars_are_as_long_as_the_indices(tmp_path):
    found = sensitivity(saltelli(tmp_path / "indices"))
    ax = sweep_plots.indices(found, Figure().subplots())
    widths = [bar.get_width() for bar in ax.containers[0]]
    frame = found.frame.sort_values("total")
    assert widths == frame["first"].tolist()
    assert [text.get_text() for text in ax.get_yticklabels()][-1] == "market impact (price per unit)"


def test_every_design_gets_what_suits_it(grid, tmp_path):
    """Files are written, and named for what they show."""
    written = [path.name for path in sweep_plots.save_all(grid, "X.max_drawdown", tmp_path / "figures")]
    assert written == ["phase_diagram_X_max_drawdown.png", "phase_diagram_amplification_X_max_drawdown.png"]
    assert all((tmp_path / "figures" / name).stat().st_size > 10_000 for name in written)
    names = [picture.name for picture in sweep_plots.pick(saltelli(tmp_path / "indices"))]
    assert names == ["sensitivity_bad_debt", "parallel_coordinates_bad_debt"]
    keys = [IMPACT, GAMMA, COUNT]
    cube = a_sweep(tmp_path / "cube", a_cube(keys, 8), lambda p, *_: {"bad_debt": p[IMPACT]}, design="sobol")
    assert [picture.name for picture in sweep_plots.pick(cube)] == ["parallel_coordinates_bad_debt"]
    one = a_sweep(
        tmp_path / "one", a_grid(venues__market__impact=IMPACTS), lambda p, *_: {"bad_debt": p[IMPACT]}
    )
    assert [picture.name for picture in sweep_plots.pick(one)] == ["lines_bad_debt"]


def test_a_grid_with_a_hole_is_no_phase_diagram(tmp_path):
    points = a_grid(venues__market__impact=IMPACTS, populations__dealers__exposure__gamma=GAMMAS)[1:]
    sweep = Sweep.read(a_sweep(tmp_path / "hole", points, feedback))
    with pytest.raises(Undefined, match="no full grid"):
        phase_diagram(sweep)


def test_a_table_has_a_row_a_value_up(grid):
    sweep = Sweep.read(grid)
    x, y, cells = table(sweep, sweep.means("X.max_drawdown")["value"], (IMPACT, GAMMA))
    assert (x.tolist(), y.tolist(), cells.shape) == (IMPACTS, GAMMAS, (4, 4))


BEGINS, LOOK = (
    "populations.dealers.exposure.begins_below",
    "populations.dealers.hedging.interval_seconds.median",
)


def of_a_sale(point, arm, rng):
    """A fall amplified as the square root says, of a gain that falls with the distance; fails at 0."""
    gain = 1.0 - 100 * point[BEGINS]
    noise = 1 + 0.01 * rng.normal()
    factor = 1.0 if arm == "muted" else (gain + np.sqrt(gain**2 + 4)) / 2
    return {
        "BTC.shock_largest_move": 0.01 * factor * noise,
        "BTC.shock_hedged": gain * (1.0 if arm == "muted" else 2.0),
        "BTC.quiet_variance_ratio_1min": 1.1 if arm == "muted" else 1.1 + gain,
        "market_failed": float(arm == "base" and point[BEGINS] == 0.0),
    }


@pytest.fixture(scope="module")
def sales(tmp_path_factory):
    """Sales by where gamma begins and how often hedgers look."""
    points = [{BEGINS: begins, LOOK: look} for begins in (0.0, 0.004, 0.008) for look in (5.0, 60.0)]
    own = {"arms": ("base", "muted"), "scenario": "where_gamma_lies"}
    return a_sweep(tmp_path_factory.mktemp("sales"), points, of_a_sale, **own)


def test_amplification_stands_at_the_gain_of_the_muted_arm(sales):
    """Points lie on the law that made them; those in which a market failed are open."""
    sweep = Sweep.read(sales)
    found = points_of_gain(sweep, "BTC")
    assert found["gain"].to_numpy() == pytest.approx(np.repeat([1.0, 0.6, 0.2], 2))
    assert found["value"].to_numpy() == pytest.approx(sale_amplification(found["gain"]), rel=1e-6)
    assert found["bound"].tolist() == ["lower", "lower", "", "", "", ""]
    ax = gain_curve(sweep, "BTC", Figure().subplots())
    drawn = {line.get_label(): line for line in ax.lines}
    linear, root = (drawn[label].get_xydata() for label in drawn if label[:6] in ("linear", "square"))
    assert linear[-1, 1] == np.inf or np.isnan(linear[-1, 1])
    assert root[:, 1] == pytest.approx(sale_amplification(root[:, 0]))
    is_open = [line for line in ax.lines if line.get_markerfacecolor() == "white" and line.get_xdata().size]
    assert sorted(x for line in is_open for x in line.get_xdata()) == [1.0, 1.0]


def test_the_quiet_market_stands_beside_the_crash(sales):
    figure = quiet_and_crash(Sweep.read(sales), "BTC")
    crash, quiet = figure.axes
    lines = [line for line in quiet.lines if line.get_label().startswith("dealers")]
    assert [line.get_ydata().tolist() for line in lines] == [pytest.approx([2.1, 1.7, 1.3])] * 2
    assert "fraction of the price" in crash.get_xlabel()
    assert any(line.get_ydata()[0] == pytest.approx(1.1) for line in quiet.lines)


def test_a_sweep_of_sales_is_drawn_by_gain_and_one_without_is_not(sales, grid):
    names = [picture.name for picture in sweep_plots.pick(sales)]
    assert names[-2:] == ["amplification_by_gain_BTC", "quiet_and_crash_BTC"]
    assert not [picture.name for picture in sweep_plots.pick(grid) if "by_gain" in picture.name]
    assert len(sweep_plots.pick(sales, "BTC.shock_largest_move")) == 2
