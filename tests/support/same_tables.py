"""Same tables: do two checkouts give the same results, table by table, column by column, file by file?

    python tests/support/same_tables.py make DIR              run with this checkout
    python tests/support/same_tables.py compare BEFORE AFTER  say what differs, by how much; exit 1 if so

`make` runs every library scenario and the market of two assets in every arm, and every replication at
its quick size, by the command line, so that it works on a checkout of any layout: call it with the
Python of the checkout's environment, from the checkout's folder. `compare` takes floats within
`--within` of each other, relative to the larger, for equal (0: to the last bit); everything else must be
equal, files of JSON byte by byte. Manifests, which tell the time, are left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from places import ROOT, SUPPORT, TWO_ASSETS

ARMS = ("base", "muted", "open_loop", "unhedged", "placebo", "aa", "margined")
COMMAND = (sys.executable, "-m", "scenarios")


def make(folder: Path) -> None:
    """Run everything into a folder of results folders."""
    for name, file in scenarios():
        own = tomllib.loads(file.read_text()).get("arms", {})
        for arm in dict.fromkeys((*ARMS, *own)):
            out = folder / name / arm
            ran = hedgequake("run", str(file), "--arm", arm, "--no-figures", "--quiet", "--out", str(out))
            print(f"{name} {arm}: {'done' if ran.returncode == 0 else ran.stderr.strip()}", flush=True)
    ran = hedgequake("replicate", "all", "--quick", "--out", str(folder / "replicate"))
    print("replications:", "done" if ran.returncode == 0 else ran.stderr.strip())


def scenarios() -> Iterator[tuple[str, Path]]:
    """Name and file of every scenario to run."""
    for file in (*sorted(Path("scenarios").glob("*.toml")), TWO_ASSETS):
        yield file.stem, file


def hedgequake(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one command of this checkout."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(SUPPORT)))}
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, env=environment
    )


def compare(before: Path, after: Path, within: float) -> int:
    """Print every file that differs; returns how many do."""
    count = 0
    for place in sorted(tables(before) | tables(after)):
        missing = [str(folder) for folder in (before, after) if not (folder / place).exists()]
        if missing:
            said = [f"missing in {missing[0]}"]
        elif place.suffix == ".json":
            same = (before / place).read_bytes() == (after / place).read_bytes()
            said = [] if same else ["not the same bytes"]
        else:
            said = list(differences(read(before / place), read(after / place), within))
        count += bool(said)
        for line in said:
            print(f"{place}: {line}")
    print(f"{count} files differ")
    return count


def tables(folder: Path) -> set[Path]:
    """Tables and files of JSON below a folder, relative to it, but for manifests."""
    found = (path for path in folder.rglob("*") if path.suffix in (".parquet", ".csv", ".json"))
    return {path.relative_to(folder) for path in found if path.name != "manifest.json"}


def read(path: Path) -> pd.DataFrame:
    """A table without its metadata."""
    if path.suffix == ".csv":
        return pd.read_csv(path)
    table: pa.Table = pq.read_table(path)
    return table.to_pandas()


def differences(before: pd.DataFrame, after: pd.DataFrame, within: float) -> Iterator[str]:
    """What differs between two tables, a line each."""
    if list(before.columns) != list(after.columns):
        yield f"columns {sorted(set(before.columns) ^ set(after.columns)) or 'in another order'}"
    if len(before) != len(after):
        yield f"{len(before)} and {len(after)} rows"
        return
    for name in before.columns.intersection(after.columns):
        old, new = before[name], after[name]
        if str(old.dtype) != str(new.dtype):
            yield f"{name} is {old.dtype} and {new.dtype}"
        elif old.dtype.kind == "f":
            off = relative(old.to_numpy(float), new.to_numpy(float))
            if off > within:
                yield f"{name} differs by up to {off:.3g} of the larger"
        elif not old.equals(new):
            yield f"{name} differs in {int((old.astype(str) != new.astype(str)).sum())} rows"


def relative(old: np.ndarray, new: np.ndarray) -> float:
    """Largest relative difference; infinite where only one is NaN or infinite."""
    same = (old == new) | (np.isnan(old) & np.isnan(new))
    if same.all():
        return 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.abs(old - new)[~same] / np.maximum(np.abs(old), np.abs(new))[~same]
    return float(np.nan_to_num(off, nan=np.inf).max())


def main() -> int:
    """Run one of the two verbs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("make").add_argument("folder", type=Path)
    comparing = verbs.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.add_argument("--within", type=float, default=0.0)
    asked = parser.parse_args()
    if asked.verb == "make":
        make(asked.folder)
        return 0
    return 1 if compare(asked.before, asked.after, asked.within) else 0


if __name__ == "__main__":
    sys.exit(main())
