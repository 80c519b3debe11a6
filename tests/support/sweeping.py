"""Small sweeps for tests: a market whose watchers note every run, and make trouble when told to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from places import ROOT, SUPPORT

from scenarios import load
from scenarios.file.schema import Scenario

MARKET = """\
schema_version = 2
name = "troubled"
time = {steps = 4}

[[assets]]
name = "X"
spot = 100.0
driver = {type = "drivers.ArithmeticBrownian", volatility = 0.5}

[[venues]]
name = "market"
type = "linear_impact.LinearImpact"
asset = "X"
instrument = "perpetual"
impact = 0.01
lot = 0.000001
tick = 0.000001

[[populations]]
name = "watchers"
type = "troubled_population.Troubled"
"""
TAG = "populations.watchers.tag"
VOLATILITY = "assets.X.driver.volatility"
GRID = f"""[sweep]
design = "grid"
replicates = 2
arms = ["base", "wide"]
[sweep.over]
"{VOLATILITY}" = [0.2, 0.5]
"{TAG}" = [0, 1, 2]
[arms.wide]
set = {{"{VOLATILITY}" = 0.9}}
"""


def written(folder: Path, sweep: str, **watchers: Any) -> Path:
    """A scenario file with this sweep, its watchers noting runs in the folder."""
    own = "".join(
        f"{key} = {value!r}\n".replace("'", '"') for key, value in {"folder": str(folder), **watchers}.items()
    )
    path = folder / "troubled.toml"
    path.write_text(f"{MARKET}{own}\n{sweep}")
    return path


def scenario(folder: Path, sweep: str, **watchers: Any) -> Scenario:
    """The scenario of such a file."""
    return load(written(folder, sweep, **watchers))


def tags(count: int, more: str = "") -> str:
    """A grid of so many points that differ in nothing but a tag."""
    return f'[sweep]\ndesign = "grid"\n{more}\n[sweep.over]\n"{TAG}" = {list(range(count))}\n'


def noted(folder: Path) -> list[int]:
    """Tags of the runs that were begun."""
    log = folder / "log"
    return [int(line.split()[0]) for line in log.read_text().splitlines()] if log.exists() else []


def process(*arguments: str, **more: Any) -> subprocess.Popen[str]:
    """The command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "scenarios", *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(SUPPORT)))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def until(claim: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait until a claim holds."""
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def rows(folder: Path) -> pd.DataFrame:
    """The runs of a sweep."""
    return pd.read_parquet(folder / "runs.parquet")


def is_running(pid: int) -> bool:
    """Whether a process lives, and is more than an entry in a table."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
