"""Same scenario and seed, same bytes; and nobody's draws depend on who else is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from places import ROOT
from small_market import orders_of

from scenarios import load, market
from sim.model import Model
from sim.records import LIMIT

SMALL = {
    "time.steps": 60,
    "populations.dealers.count": 60,
    "populations.levered.count": 300,
    "populations.levered.leverage": 40.0,
    "shocks.0.at": 10.0,
    "shocks.0.over_seconds": 20.0,
}
WRITE = """
import json, sys
from scenarios import market
market("linear_crash", **json.loads(sys.argv[1])).run().write(sys.argv[2])
"""
TINY = {
    "time.steps": 2,
    "populations.makers.count": 2,
    "populations.noise.count": 4,
    "populations.fundamental.count": 3,
    "populations.momentum.count": 2,
    "populations.hedged_lps.count": 2,
    "populations.passive_lps.count": 2,
    "populations.dealers.count": 4,
    "populations.dealers.exposure.strikes": 2,
    "populations.vaults.count": 1,
    "populations.levered.count": 5,
    "shocks.0.at": 0.0,
}
DRAWS = """
import json, sys
import numba
import numpy as np
from scenarios import market
assert numba.config.DISABLE_JIT
sys.path += ["tests/support", "tests/sim"]
from test_determinism import draws
with np.errstate(over="ignore"):
    print(json.dumps(draws(market("linear_crash", **json.loads(sys.argv[1])))))
"""


def in_another_process(program: str, *arguments: str, **environment: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-W", "ignore::RuntimeWarning", "-c", program, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7", **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return answer.stdout


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


def draws(model: Model) -> dict[str, list[float]]:
    """What a tiny market draws: every column of every population, and the orders of noise."""
    columns = {
        f"{p.name}.{name}": np.asarray(value, float).ravel().tolist()
        for p in model.populations
        for name, value in sorted(vars(p).items())
        if isinstance(value, np.ndarray) and value.dtype.names is None and value.dtype != np.uint64
    }
    books = next(p for p in model.populations if p.name == "dealers").books
    columns["dealers.books"] = np.concatenate(books).astype(float).tolist()
    sent = orders_of(model, "noise", 2)
    for field in ("time", "account", "kind", "qty"):
        columns[f"noise.{field}"] = sent[field].astype(float).tolist()
    return columns


def noise_orders(overrides: Mapping[str, Any], more: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Orders of the noise traders in a short crash, and the mid of each step as they saw it."""
    scenario = load("linear_crash", {**SMALL, **overrides})
    if more is not None:
        scenario.populations = [more(scenario.populations[0]), *scenario.populations]
    model = scenario.market()
    sent = orders_of(model, "noise", 60)
    mid = model.recording().series["BTC.mid"].to_numpy()
    return sent, np.concatenate([[65_000.0], mid[:-1]])


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    market("linear_crash", **SMALL).run().write(tmp_path / "here")
    market("linear_crash", **SMALL).run().write(tmp_path / "again")
    in_another_process(WRITE, json.dumps(SMALL), str(tmp_path / "there"))
    here = files(tmp_path / "here")
    assert set(here) >= {"series.parquet", "fills.parquet", "moves.parquet", "liquidations.parquet"}
    assert files(tmp_path / "again") == here
    assert files(tmp_path / "there") == here


def test_another_seed_writes_others(tmp_path: Path) -> None:
    market("linear_crash", **SMALL).run().write(tmp_path / "one")
    market("linear_crash", rng=2, **SMALL).run().write(tmp_path / "two")
    assert files(tmp_path / "one")["series.parquet"] != files(tmp_path / "two")["series.parquet"]


def test_a_population_that_does_nothing_changes_nothing_of_the_others() -> None:
    def idle(entry: Any) -> Any:
        table = {"name": "idle", "type": "noise.NoiseTraders", "venue": "perp", "count": 7}
        return type(entry).model_validate({**table, "limit_rate": 0.0, "market_rate": 0.0})

    plain, mid = noise_orders({})
    among, same = noise_orders({}, more=idle)
    assert (mid == same).all()
    for field in ("time", "account", "kind", "qty", "price", "good_till", "latency"):
        assert (plain[field] == among[field]).all()


@pytest.mark.parametrize(
    "overrides",
    [
        {"populations.dealers.exposure.share": 0.0},
        {"populations.makers.spread_bps": 8.0, "populations.makers.count": 10},
        {"shocks.0.qty": -10.0},
    ],
)
def test_another_market_brings_the_same_background_orders(overrides: dict[str, Any]) -> None:
    plain, mid = noise_orders({})
    other, moved = noise_orders(overrides)
    assert np.abs(mid - moved).max() > 10.0, "the markets are too alike to tell"
    for field in ("time", "account", "kind", "qty", "good_till"):
        assert (plain[field] == other[field]).all()
    limits = plain["kind"] == LIMIT
    step = plain["time"][limits].astype(int)
    tick = 0.5
    offset, same = ((box["price"][limits] - 1) * tick / m[step] for box, m in ((plain, mid), (other, moved)))
    assert np.abs(offset - same).max() <= tick / 55_000.0


def test_without_the_compiler_every_draw_is_the_same() -> None:
    compiled = draws(market("linear_crash", **TINY))
    plain = json.loads(in_another_process(DRAWS, json.dumps(TINY), NUMBA_DISABLE_JIT="1"))
    assert plain.keys() == compiled.keys()
    assert len(plain["noise.qty"]) > 0
    unequal = [name for name in compiled if compiled[name] != plain[name]]
    assert unequal == []
