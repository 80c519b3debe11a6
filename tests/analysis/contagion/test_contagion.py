"""Contagion: who moved the price against whom, on prices and positions small enough to add up by hand."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from matplotlib.figure import Figure
from synthetic import (
    DEALERS,
    LEVERED,
    MAKERS,
    NAMES,
    NOISE,
    VAULTS,
    a_crash,
    a_market,
    a_recording,
    fills,
    rows,
)

from analysis.base.metric import Undefined, measure, metrics_of
from analysis.contagion import contagion as subject
from analysis.contagion.contagion import bearers, contagion, network
from analysis.contagion.plots import contagion_graph, contagion_matrix
from sim.messages.columns import TABLES, Column
from sim.recording.recording import Recording
from sim.records import FORCED, HEDGE, SHOCK, TRADE

CHARGES = {name: TABLES["moves"][name] for name in ("step", "asset", "population", "reason")}
CHARGES["half_ticks"] = Column("f8", "half ticks")


def move(step, population, half_ticks, reason=TRADE, asset=0):
    return {
        "step": step,
        "population": population,
        "half_ticks": half_ticks,
        "reason": reason,
        "asset": asset,
        "venue": 0,
    }


def prices(steps):
    return {"BTC.mid": np.full(steps, 100.0)}


def a_fall(**tables) -> Recording:
    """Four steps; dealers hedge, a levered account is sold out, makers requote, half a tick a quarter."""
    columns = {
        "dealers.net_delta": [10.0, 10.0, -20.0, 0.0],
        "levered.net_delta": [100.0, 40.0, 40.0, 40.0],
        "makers.net_delta": [0.0, 60.0, 60.0, 60.0],
    }
    moves = rows(
        "moves",
        move(0, DEALERS, -1000, HEDGE),  # before any delta is known
        move(1, DEALERS, -8, HEDGE),
        move(1, MAKERS, -4),
        move(2, LEVERED, -40, FORCED),
        move(2, DEALERS, 2),
        move(3, MAKERS, 12),
    )
    return a_recording(prices(4) | columns, moves=moves, **tables)


def test_the_cost_is_the_move_times_what_was_held_before_it():
    """Dealers' hedge of 8 half ticks of .25 cost levered accounts, long 100 then, 200."""
    found = contagion(a_fall())
    assert (found.index.name, found.columns.name) == ("mover", "bearer")
    assert found.loc["dealers", "levered"] == pytest.approx(2 * 100 - 0.5 * 40)
    assert found.loc["levered", "makers"] == pytest.approx(10 * 60)
    assert found.loc["makers"].to_dict() == pytest.approx(
        {"makers": 0 - 3 * 60, "dealers": 1 * 10 + 3 * 20, "levered": 1 * 100 - 3 * 40}
    )


def test_hedging_and_forced_trades_have_rows_of_their_own():
    """Dealers hedge and also trade; only the first is called hedging."""
    found = contagion(a_fall(), by_reason=True)
    assert list(found.index) == ["makers", "dealers (hedging)", "dealers", "levered (forced)"]
    assert found.loc["dealers (hedging)", "levered"] == pytest.approx(200)
    assert found.loc["dealers", "levered"] == pytest.approx(-20)
    assert found.groupby(lambda name: name.split(" (")[0]).sum().loc["dealers", "levered"] == pytest.approx(
        180
    )


def test_all_movers_together_cost_what_the_mid_took_from_the_delta():
    """In a crash of an hour: minus the sum of delta before x change of the mid, population by population."""
    crash = a_crash()
    rng, held = np.random.default_rng(1), {}
    for name in ("levered", "makers"):
        held[f"{name}.net_delta"] = np.cumsum(rng.normal(size=3600))
    series = {name: crash.column("series", name) for name in crash.table("series").column_names} | held
    recording = Recording(crash.market, {"series": series, "moves": crash.table("moves")})
    total = contagion(recording, by_reason=True).sum()
    change = np.diff(series["BTC.mid"])
    for name in ("levered", "makers"):
        expected = -(change * held[f"{name}.net_delta"][:-1]).sum()
        assert total[name] == pytest.approx(expected, rel=1e-9)


def test_through_makers_charges_what_they_answered(monkeypatch):
    """The makers' 4 half ticks down are the dealers', who sold to them; their way back is their own."""
    with pytest.raises(Undefined, match="does not say"):
        contagion(a_fall(), through_makers=True)
    monkeypatch.setitem(TABLES, "charges", CHARGES)
    moves = {name: a_fall().column("moves", name) for name in CHARGES}
    moves["half_ticks"] = np.array([-1000, -11.5, -0.5, -40, 2, 12.0])
    found = contagion(a_fall(charges=moves), through_makers=True)
    assert found.loc["dealers", "levered"] == pytest.approx(11.5 / 4 * 100 - 20)
    assert found.loc["makers", "levered"] == pytest.approx(0.5 / 4 * 100 - 120)
    assert found.sum().to_dict() == pytest.approx(contagion(a_fall()).sum().to_dict())


def two_assets(*traded):
    """A market of BTC and ETH in which the given (population, venue) pairs have a fill each."""
    market = a_market(3)
    market["assets"].append({"name": "ETH", "spot": 3000.0, "half_tick": 0.5})
    market["instruments"] += ["ETH-perpetual"]
    market["venues"].append(
        market["venues"][0] | {"name": "eth", "asset": "ETH", "instrument": "ETH-perpetual"}
    )
    columns = {"BTC.mid": np.full(3, 100.0), "ETH.mid": np.full(3, 30.0)}
    for population in (DEALERS, VAULTS, LEVERED):
        columns[f"{NAMES[population]}.net_delta"] = np.full(3, 10.0)
    tape = fills(
        *(
            {
                "taker_population": who,
                "maker_population": -1,
                "venue": venue,
                "instrument": venue and 3,
                "qty": 1,
            }
            for who, venue in traded
        )
    )
    moves = rows("moves", move(1, NOISE, -4), move(2, NOISE, -8, asset=1))
    return a_recording(columns, market, moves=moves, fills=tape)


def test_of_several_assets_only_those_who_trade_one_are_counted():
    """Net delta is a sum over assets: dealers trade BTC, vaults ETH, levered accounts both."""
    recording = two_assets((DEALERS, 0), (VAULTS, 2), (LEVERED, 0), (LEVERED, 2))
    assert (bearers(recording, "BTC"), bearers(recording, "ETH")) == (["dealers"], ["vaults"])
    assert contagion(recording).loc["noise"].to_dict() == {"dealers": 10.0, "vaults": 40.0}
    assert list(contagion(recording, "ETH").columns) == ["vaults"]


def test_without_a_move_or_a_delta_there_is_no_contagion():
    """The reason is given, and every metric is undefined for it."""
    still = a_recording(prices(4) | {"dealers.net_delta": np.ones(4)})
    unknown = a_recording(prices(4), moves=rows("moves", move(1, MAKERS, 1)))
    for recording in (still, unknown):
        with pytest.raises(Undefined, match="no mid moved"):
            contagion(recording)
        found = measure(recording, metrics_of(subject))
        assert all(entry["value"] is None and entry["reason"] for entry in found.values())


def test_the_graph_has_an_edge_for_every_cost_to_another():
    """Gains and costs to oneself are no edges; light ones can be left out."""
    graph = network(contagion(a_fall()))
    assert isinstance(graph, nx.DiGraph)
    assert dict(graph.edges) == {
        ("dealers", "levered"): {"weight": pytest.approx(180)},
        ("makers", "dealers"): {"weight": pytest.approx(70)},
        ("levered", "dealers"): {"weight": pytest.approx(100)},
        ("levered", "makers"): {"weight": pytest.approx(600)},
    }
    assert set(network(contagion(a_fall()), share=0.25).edges) == {
        ("dealers", "levered"),
        ("levered", "makers"),
    }


def test_metrics_name_what_hedging_and_forced_trades_cost_others():
    """Dealers' hedges cost levered accounts 200; forced trades dealers 100 and makers 600."""
    found = measure(a_fall(), metrics_of(subject))
    assert found["contagion_of_hedging"]["value"] == pytest.approx(200)
    assert found["contagion_of_forced_trades"]["value"] == pytest.approx(700)
    assert found["largest_contagion"]["value"] == pytest.approx(600)


def drawn(draw, recording):
    return draw(recording, Figure(figsize=(7.4, 4.2)).subplots())


def test_the_matrix_shows_its_money():
    """Every cell of weight is written; the title names the largest cost, the bar its unit."""
    ax = drawn(contagion_matrix, a_fall())
    assert ax.get_title("left").startswith("Levered (forced) cost makers 600")
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "makers",
        "dealers (hedging)",
        "dealers",
        "levered (forced)",
    ]
    written = {text.get_text() for text in ax.texts}
    assert {"600", "200", "−180"} <= written
    (bar,) = [each for each in ax.figure.axes if each is not ax]
    assert "quote currency" in bar.get_ylabel()


def test_the_graph_is_drawn_with_the_colours_of_the_populations():
    """Nodes are named; an edge is as wide as its money."""
    from analysis.figures.style import colours

    recording = a_fall()
    ax = drawn(contagion_graph, recording)
    assert {"levered", "makers", "dealers", "600", "180"} <= {text.get_text() for text in ax.texts}
    widths = sorted(patch.get_linewidth() for patch in ax.patches)
    assert widths[-1] == pytest.approx(widths[-2] * 600 / 180)
    heaviest = max(ax.patches, key=lambda patch: patch.get_linewidth())
    assert np.allclose(heaviest.get_edgecolor()[:3], to_rgb(colours(recording)["levered"]))


def to_rgb(colour):
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def test_nothing_is_drawn_where_nobody_lost_by_another():
    """A rise, held long by all."""
    recording = a_recording(
        prices(3) | {"dealers.net_delta": np.ones(3)}, moves=rows("moves", move(1, LEVERED, 4, SHOCK))
    )
    for draw in (contagion_matrix, contagion_graph):
        with pytest.raises(Undefined, match="against another"):
            drawn(draw, recording)


def test_a_population_that_is_neutral_up_to_whole_lots_bears_nothing():
    """A thousand dealers at half a lot of .001 each are flat below half a unit."""
    moves = rows("moves", move(1, MAKERS, -4), move(2, MAKERS, -4))
    held = {"dealers.net_delta": [0.4, -0.5, 0.1], "makers.net_delta": [0.4, -0.5, 0.1]}
    found = contagion(a_recording(prices(3) | held, moves=moves)).loc["makers"]
    assert found.to_dict() == {"dealers": 0.0, "makers": pytest.approx(0.4 - 0.5)}
