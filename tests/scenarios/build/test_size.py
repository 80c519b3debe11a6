"""How much memory a market takes is reckoned before it is built, about right, and held to a limit."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from small_market import LPS, MAKERS, SPOT, small_market, small_scenario

from scenarios.build import size
from scenarios.build.build import build
from scenarios.build.loading import load
from scenarios.file.components import POPULATION
from scenarios.file.errors import ScenarioError
from scenarios.process import memory_limit as memory
from sim.setup.misfit import Misfit

ROUTE = {"venues": ["perp"]}
ROWS = 4000
POPULATIONS: tuple[Mapping[str, Any], ...] = (
    LPS,
    {"name": "noise", "type": "noise.NoiseTraders", "venue": "perp", "limit_rate": 1e-6, "market_rate": 1e-6},
    {"name": "levered", "type": "levered.LeveredTraders"},
    {"name": "vaults", "type": "vaults.OptionVaults", "route": ROUTE},
    {"name": "momentum", "type": "momentum.MomentumTraders", "venue": "perp"},
    {
        "name": "dealers",
        "type": "dealers.OptionDealers",
        "exposure": {"type": "synthetic", "open_interest": 5000.0},
        "route": ROUTE,
    },
)


def measured(population: Mapping[str, Any], rows: int) -> int:
    """Most bytes that are allocated while a market with so many rows is built and takes a step."""
    gc.collect()
    tracemalloc.start()
    model = small_market({**population, "count": rows})
    model.step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("population", POPULATIONS, ids=lambda population: population["name"])
def test_a_row_takes_about_what_its_population_says(population: Mapping[str, Any]) -> None:
    measured(population, 2)  # whatever is made once
    found = (measured(population, ROWS) - measured(population, 2)) / ROWS
    factory = POPULATION.find(population["type"])
    table = {key: value for key, value in population.items() if key not in ("name", "type", "count")}
    said = factory.bytes_of_row(factory.Parameters.model_validate(table))
    assert found / 3 < said < 3 * found


def test_a_maker_takes_a_quote_a_level_and_side() -> None:
    factory = POPULATION.find(MAKERS["type"])
    two, four = (
        factory.bytes_of_row(factory.Parameters.model_validate({"venue": "perp", "levels": levels}))
        for levels in (2, {"dist": "uniform", "low": 4.0, "high": 4.0})
    )
    assert four - two == 4 * 750


def test_the_series_is_reckoned_from_the_columns_it_has() -> None:
    scenario = load("calm", {"time.steps": 10})
    own = next(part for part in size.parts(scenario) if part.key == ("time", "steps"))
    assert own.bytes == len(build(scenario).recorder.names) * size.PER_RECORDED * 10


def test_a_ladder_is_reckoned_as_it_is_allocated() -> None:
    model = small_market(venues=("perp",))
    own = model.venues[0]
    assert type(own).bytes_at(SPOT, own.parameters) == own._storage.columns.ladder.nbytes


def test_what_does_not_fit_is_refused_with_what_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what would fit does."""
    monkeypatch.setattr(memory, "limit_bytes", lambda: 2 * 10**8)
    with pytest.raises(Misfit, match=r"and there are 0\.2 GB") as caught:
        size.check(load("calm", {"time.steps": 10**7}))
    assert caught.value.key == ("time", "steps")
    (fitting,) = caught.value.allowed
    size.check(load("calm", {"time.steps": int(fitting.removeprefix("at most ").replace(",", ""))}))
    monkeypatch.setattr(memory, "limit_bytes", lambda: 1000)
    with pytest.raises(Misfit) as caught:
        size.check(load("calm"))
    assert caught.value.allowed == ("less, and less of the rest",)


def test_a_horizon_that_no_memory_holds_is_refused_with_one_that_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a look a step, of an average and a mid each."""
    own = {
        "name": "hft",
        "type": "high_frequency.HighFrequencyMakers",
        "venue": "perp",
        "memory_seconds": [5.0],
    }
    said = r"hft\.horizon_seconds: found 10,000,000,000.0; takes about 160\.0 GB of memory.*allowed: at most "
    monkeypatch.setattr(memory, "limit_bytes", lambda: 10**9)
    with pytest.raises(ScenarioError, match=said):
        small_market(own | {"horizon_seconds": 1e10})
    scenario = small_scenario(own | {"horizon_seconds": 1e6})
    (part,) = [part for part in size.parts(scenario) if part.key[-1] == "horizon_seconds"]
    flow = scenario.market().populations[0]._flow
    assert part.bytes == flow.past.nbytes + flow.past_mid.nbytes


def test_the_limit_of_a_control_group_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "jobs" / "mine"
    inner.mkdir(parents=True)
    (inner / "memory.max").write_text("max\n")
    (inner.parent / "memory.max").write_text("5000000\n")
    own = tmp_path / "own"
    own.write_text("0::/jobs/mine\n")
    monkeypatch.setattr(memory, "GROUPS", tmp_path)
    monkeypatch.setattr(memory, "OWN_GROUP", own)
    assert memory.limit_bytes() == 5_000_000
    (inner.parent / "memory.max").unlink()
    assert memory.limit_bytes() > 5_000_000
    monkeypatch.setattr(memory, "OWN_GROUP", tmp_path / "none")
    assert memory.limit_bytes() > 5_000_000
