"""Cascades: trees computed by hand, branching processes that give back their ratio, tails of known slope."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from synthetic import DEALERS, LEVERED, a_market, a_recording, rows

from analysis.base.metric import Undefined, measure, metrics_of
from analysis.base.power_law import FEWEST, power_law
from analysis.cascades import branching, cascades
from analysis.cascades import plots as cascade_plots
from sim.recording.recording import Recording


def a_family(*entries: tuple[int, float, float, dict[int, float]], **more: Any) -> Recording:
    """Liquidations of (parent, time, notional, weights of others); a rest of the weight is exogenous."""
    generation: list[int] = []
    root: list[int] = []
    listed, causes = [], []
    for number, (parent, time, notional, weights) in enumerate(entries):
        generation.append(0 if parent < 0 else generation[parent] + 1)
        root.append(number if parent < 0 else root[parent])
        total = sum(weights.values())
        causes += [
            {"cause_id": number + 1, "liquidation_id": source, "weight": weight}
            for source, weight in weights.items()
        ]
        listed.append(
            {
                "id": number,
                "step": int(time),
                "account": number % 7,
                "population": LEVERED if number % 3 else DEALERS,
                "instrument": 0,
                "notional": notional,
                "parent": parent,
                "generation": generation[-1],
                "root": root[-1],
                "share_hedging": 0.25 * total,
                "share_forced": 0.75 * total,
                "share_exogenous": 1 - total,
            }
        )
    table = rows("liquidations", *listed) | {
        "time": np.array([entry[1] for entry in entries]),
        "share_liquidations": np.array([sum(entry[3].values()) for entry in entries]),
        "cause": np.arange(len(entries)) + 1,
    }
    steps = int(max(entry[1] for entry in entries)) + 2
    mid = 65000.0 - np.arange(steps)
    return a_recording(
        {"BTC.mid": mid}, a_market(steps), liquidations=table, causes=rows("causes", *causes), **more
    )


def two_trees() -> Recording:
    """One liquidation brings about two, the second of them a third; another stands alone."""
    return a_family(
        (-1, 1.0, 100.0, {}),
        (0, 2.0, 50.0, {0: 0.8}),
        (0, 3.0, 70.0, {0: 0.5, 1: 0.3}),
        (-1, 3.5, 500.0, {}),
        (2, 6.0, 10.0, {2: 0.6, 3: 0.1}),
    )


def branched(ratio: float, roots: int, seed: int) -> Recording:
    """Cascades of a branching process: a Poisson number of children each, a few seconds later."""
    rng = np.random.default_rng(seed)
    found = [(-1, time) for time in rng.uniform(100, 1500, roots)]
    at = 0
    while at < len(found):
        delays = rng.exponential(4.0, rng.poisson(ratio))
        found += [(at, found[at][1] + delay) for delay in delays]
        at += 1
    sizes = rng.lognormal(11, 1.1, len(found))
    return a_family(
        *(
            (parent, time, notional, {} if parent < 0 else {parent: 1.0})
            for (parent, time), notional in zip(found, sizes, strict=True)
        )
    )


def test_the_sizes_of_two_trees_are_counted_by_hand() -> None:
    """Four descend from the first liquidation over five seconds, in two generations; one stands alone."""
    first, second = cascades.cascades(two_trees()).to_dict("records")
    assert (first["root"], first["count"], first["notional"]) == (0, 4, 230.0)
    assert (first["depth"], first["duration"], first["start"]) == (2, 5.0, 1.0)
    assert (first["accounts"], first["populations"]) == (4, 2)
    assert (second["root"], second["count"], second["depth"], second["duration"]) == (3, 1, 0, 0.0)


def test_the_metrics_of_two_trees_are_those_on_paper() -> None:
    """Weights on others are 0.8, 0.8 and 0.7 of five liquidations; losses weigh by notional."""
    recording = two_trees()
    assert branching.branching_ratio(recording) == pytest.approx(2.3 / 5)
    assert branching.effective_cascade_size(recording) == pytest.approx(1 / (1 - 0.46))
    assert cascades.cascade_count(recording) == 2
    assert cascades.mean_cascade_size(recording) == 2.5
    assert cascades.largest_cascade_count(recording) == 4
    assert cascades.largest_cascade_notional(recording) == 500.0
    assert cascades.cascade_depth(recording) == 2
    assert cascades.largest_cascade_duration(recording) == 5.0
    lost = (50 * 0.8 + 70 * 0.8 + 10 * 0.7) / 730
    assert cascades.share_of_loss_by_liquidations(recording) == pytest.approx(lost)
    assert cascades.share_of_loss_by_hedging(recording) == pytest.approx(0.25 * lost)
    assert cascades.share_of_loss_by_forced(recording) == pytest.approx(0.75 * lost)
    assert cascades.share_of_loss_by_exogenous(recording) == pytest.approx(1 - lost)


def test_the_genealogy_holds_every_parent_and_marks_the_largest() -> None:
    """The last liquidation hangs on two others, by 0.6 and 0.1; the weights into a node add up to 1."""
    graph = cascades.genealogy(two_trees())
    assert dict(graph.pred[4]) == {
        2: {"weight": 0.6, "is_tree": True},
        3: {"weight": 0.1, "is_tree": False},
    }
    assert nx.is_directed_acyclic_graph(graph)
    for node, held in graph.nodes(data=True):
        assert graph.in_degree(node, "weight") + held["exogenous"] == pytest.approx(1)
    assert graph.nodes[4] == {
        "population": "levered",
        "exogenous": pytest.approx(0.3),
        "time": 6.0,
        "notional": 10.0,
        "account": 4,
        "generation": 2,
        "root": 0,
    }


def test_a_cascade_is_a_tree_of_largest_parents() -> None:
    """What is left of the graph when everyone keeps one parent is an arborescence."""
    family = cascades.tree(two_trees(), 0)
    assert sorted(family.edges) == [(0, 1), (0, 2), (2, 4)]
    assert nx.is_arborescence(family)
    with pytest.raises(KeyError, match="no cascade starts with liquidation 1"):
        cascades.tree(two_trees(), 1)


def test_without_liquidations_or_without_their_causes_nothing_is_defined() -> None:
    """Every metric says why it has no value; none is a zero."""
    none = a_recording()
    untraced = a_recording(
        liquidations=rows(
            "liquidations", {"parent": -1, "root": -1, "share_exogenous": np.nan, "notional": 9.0}
        )
    )
    for recording, reason in ((none, "nobody was liquidated"), (untraced, cascades.UNTRACED)):
        entries = measure(recording, [*metrics_of(cascades), *metrics_of(branching)])
        assert len(entries) == 16
        assert {entry["reason"] for entry in entries.values()} == {reason}
        for figure in (
            cascade_plots.cascade_sizes,
            cascade_plots.largest_cascade,
            cascade_plots.cascade_causes,
        ):
            with pytest.raises(Undefined, match=reason):
                figure(recording, Figure().subplots())


def test_a_branching_process_gives_back_its_ratio_and_mean_size() -> None:
    """With n = 0.6 a cascade has 2.5 liquidations on average, and the intervals say how surely."""
    covered = 0
    for seed in range(20):
        recording = branched(0.6, 150, seed)
        estimate = branching.branching(recording)
        covered += estimate.low <= 0.6 <= estimate.high
        # Where each has one parent or none, the effective size is the mean size itself.
        mean = cascades.mean_cascade_size(recording)
        assert branching.effective_cascade_size(recording) == pytest.approx(mean)
    assert covered >= 16
    large = branched(0.6, 4000, 99)
    assert branching.branching_ratio(large) == pytest.approx(0.6, abs=0.02)
    assert cascades.mean_cascade_size(large) == pytest.approx(2.5, abs=0.12)


def test_sizes_of_a_branching_process_are_borel() -> None:
    """The observed shares of cascades of 1, 2, 3, ... are those of Borel's distribution."""
    sizes = cascades.cascades(branched(0.5, 4000, 5))["count"].to_numpy()
    for size in (1, 2, 3, 5):
        chance = branching.borel(np.array([size]), 0.5)[0]
        assert np.mean(sizes == size) == pytest.approx(chance, abs=4 * np.sqrt(chance / 4000))


def test_borel_by_hand() -> None:
    """P(1) = e^-n, P(2) = n e^-2n, P(3) = 3/2 n^2 e^-3n; the whole is 1 and its mean 1 / (1 - n)."""
    n, sizes = 0.7, np.arange(1, 2000)
    chance = branching.borel(sizes, n)
    assert chance[:3] == pytest.approx([np.exp(-n), n * np.exp(-2 * n), 1.5 * n**2 * np.exp(-3 * n)])
    assert chance.sum() == pytest.approx(1)
    assert sizes @ chance == pytest.approx(1 / (1 - n))
    assert branching.borel_tail(3, n) == pytest.approx([1, 1 - chance[0], 1 - chance[0] - chance[1]])
    assert list(branching.borel(np.array([1, 2]), 0.0)) == [1, 0]
    with pytest.raises(ValueError, match="not between 0 and 1"):
        branching.borel(sizes, 1.2)


def test_an_interval_takes_ten_cascades() -> None:
    """With two cascades the ratio has no interval, and its metrics say so."""
    estimate = branching.branching(two_trees())
    assert np.isnan(estimate.low)
    assert np.isnan(estimate.high)
    with pytest.raises(Undefined, match="too few cascades"):
        branching.branching_ratio_low(two_trees())


@pytest.mark.parametrize("alpha", [1.8, 2.5, 3.2])
def test_the_exponent_of_a_power_law_is_found(alpha: float) -> None:
    """Of sixty samples of a zeta distribution at least fifty intervals of 95% hold its exponent."""
    rng = np.random.default_rng(3)
    fits = [power_law(np.minimum(rng.zipf(alpha, 400), 10**9), xmin=1) for _ in range(60)]
    assert sum(abs(fit.alpha - alpha) < 1.96 * fit.error for fit in fits) >= 52
    assert np.mean([fit.alpha for fit in fits]) == pytest.approx(alpha, rel=0.02)
    spread = np.std([fit.alpha for fit in fits])
    assert np.mean([fit.error for fit in fits]) == pytest.approx(spread, rel=0.35)


def test_the_tail_begins_where_the_power_law_does() -> None:
    """Sizes below eight are flat and above it fall off with exponent 2.5: both are found."""
    rng = np.random.default_rng(11)
    whole = np.minimum(rng.zipf(2.5, 200_000), 10**6)
    sizes = np.concatenate([rng.integers(1, 8, 1500), whole[whole >= 8][:2000]])
    fit = power_law(sizes)
    assert 6 <= fit.xmin <= 14
    assert abs(fit.alpha - 2.5) < 3 * fit.error
    assert fit.distance < 0.04
    assert fit.tail(np.array([fit.xmin]))[0] == 1


def test_too_few_sizes_have_no_tail() -> None:
    """Forty-nine sizes, or a thousand equal ones, are not fitted."""
    rng = np.random.default_rng(0)
    for sizes in (rng.zipf(2.0, FEWEST - 1), np.ones(1000, int)):
        with pytest.raises(Undefined, match="no tail"):
            power_law(sizes)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_trees_partition_the_liquidations(draws: list[int], random: Any) -> None:
    """Whatever the parents, counts and notionals add up and every cascade is drawn without crossing."""
    parents = [-1 if draw % 3 == 0 else draw % max(1, number) for number, draw in enumerate(draws)]
    parents[0] = -1
    recording = a_family(
        *(
            (parent, float(number), 1.0 + random.random(), {} if parent < 0 else {parent: 1.0})
            for number, parent in enumerate(parents)
        )
    )
    found = cascades.cascades(recording)
    assert found["count"].sum() == len(parents)
    assert found["notional"].sum() == pytest.approx(recording.column("liquidations", "notional").sum())
    assert branching.branching_ratio(recording) == pytest.approx(1 - len(found) / len(parents))
    family = cascades.tree(recording, int(found["root"][0]))
    place = cascade_plots.rows(family)
    leaves = sorted(place[node] for node in family if family.out_degree(node) == 0)
    assert leaves == list(range(len(leaves)))
    for node in family:
        held = [place[child] for child in family.successors(node)]
        assert not held or min(held) <= place[node] <= max(held)


def panel() -> Any:
    figure = Figure(figsize=(7.4, 4.2), dpi=100)
    figure.subplots_adjust(left=0.12, right=0.925, top=0.83, bottom=0.12)
    return figure.subplots()


def test_the_tree_is_drawn_with_a_disc_for_each_liquidation() -> None:
    """Discs stand at their times since the root; lines join each to its parent."""
    ax = cascade_plots.largest_cascade(two_trees(), panel())
    discs = np.concatenate([np.asarray(each.get_offsets()) for each in ax.collections[1:]])
    assert sorted(discs[:, 0]) == [0, 1, 2, 5]
    bends = ax.collections[0].get_segments()
    assert sorted((bend[0][0], bend[-1][0]) for bend in bends) == [(0, 1), (0, 2), (2, 5)]
    assert ax.get_title("left") == "4 liquidations of 230 descend from one, in 2 generations over 5 s"


def test_the_sizes_are_drawn_as_shares_at_least_so_large() -> None:
    """Both cascades have one liquidation at least, half of them four."""
    ax = cascade_plots.cascade_sizes(two_trees(), panel())
    drawn = np.asarray(ax.get_lines()[0].get_xydata())
    assert drawn.tolist() == [[1, 100], [4, 50]]
    assert "Branching ratio 0.46; the largest cascade has 4" in ax.get_title("left")


def test_the_causes_add_up_to_the_whole() -> None:
    """Wherever somebody was liquidated the three bars reach 100%."""
    ax = cascade_plots.cascade_causes(branched(0.6, 60, 2), panel())
    *_, top = [patch for patch in ax.patches if patch.get_label() == "exogenous"]
    values = top.get_data().values
    assert np.all(np.isclose(values, 100) | (values == 0))
    assert np.isclose(values, 100).any()


def test_one_cascade_has_no_distribution() -> None:
    """A single tree is drawn as a tree, not as a distribution of sizes."""
    recording = a_family((-1, 1.0, 9.0, {}), (0, 2.0, 9.0, {0: 1.0}))
    with pytest.raises(Undefined, match="one cascade alone"):
        cascade_plots.cascade_sizes(recording, panel())


def test_a_liquidation_of_unknown_cause_stands_alone() -> None:
    """Where some causes are traced and one is not, that one is a cascade of its own and has no weight."""
    recording = two_trees()
    table = {name: recording.column("liquidations", name).copy() for name in recording.liquidations}
    table["parent"][4] = table["root"][4] = -1
    for name in ("share_hedging", "share_forced", "share_exogenous", "share_liquidations"):
        table[name][4] = np.nan
    partly = Recording(recording.market, {"series": recording.table("series"), "liquidations": table})
    assert cascades.cascades(partly)["root"].tolist() == [0, 3, 4]
    assert branching.branching_ratio(partly) == pytest.approx(1.6 / 4)
