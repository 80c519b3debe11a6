"""Compaction: the rows that workers left, and those of earlier sessions, as the tables of a sweep.

Rows are told apart by run_id, so that a run that was done twice counts once; a finished run is
never a failed one as well. Rows are sorted by point, replicate and arm, so that equal sweeps
give equal files whatever the workers, their number and the order in which they ended.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scenarios.file.override import written
from scenarios.sweeps import worker_files
from scenarios.sweeps.experiment import Plan
from scenarios.sweeps.worker_files import FAILURES, PARTS, RUNS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SCENARIO, DESIGN = "scenario.toml", "design.parquet"
RESULTS, TIMING, FAILED_RUNS = "runs.parquet", "timing.parquet", "failures.parquet"
KEYS = ["run_id", "design_id", "replicate", "seed", "arm", "status"]
TIMES = ["wall_seconds", "build_seconds", "step_seconds", "metric_seconds"]
PLACES = ["host", "worker"]
WHY = ["reason", "traceback", "is_final"]
GATHERED = 512
"""So many one-row batches are put together at a time; each alone takes some kilobytes."""


class Compacted(NamedTuple):
    """The tables `runs`, `timing` and `failures`, and how many runs they hold."""

    runs: pa.Table
    timing: pa.Table
    failures: pa.Table

    @property
    def counts(self) -> dict[str, int]:
        """Rows of finished and of failed runs."""
        failed = self.runs["status"].to_pylist().count("failed")
        return {"runs_done": self.runs.num_rows - failed, "runs_failed": failed}


def compacted(folders: Sequence[Path], plan: Plan) -> Compacted:
    """The tables of a sweep.

    Parameters
    ----------
    folders : sequence of Path
        The first is that of the sweep, whose scenario the commands in `failures` name.
    plan : Plan
    """
    import pandas as pd
    import pyarrow as pa

    order = {arm: position for position, arm in enumerate(plan.experiment.chosen)}
    finished = _once(pd.concat([_rows(folder, order) for folder in folders]), order)
    failed = _once(pd.concat([_failures(folder) for folder in folders]), order)
    failed = failed[~failed["run_id"].isin(finished["run_id"])].assign(status="failed")
    metrics = [name for name in finished.columns if name not in (*KEYS, *TIMES, *PLACES)]
    runs = _sorted(_fanned(pd.concat([finished, failed])[[*KEYS, *metrics]], plan), order)
    return Compacted(
        pa.Table.from_pandas(runs, _schema(metrics), preserve_index=False),
        pa.Table.from_pandas(finished[["run_id", *TIMES, *PLACES]], _timing_schema(), preserve_index=False),
        _explained(failed, plan, folders[0] / SCENARIO),
    )


def gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of many batches each, of one schema, in order."""
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        if waiting and (len(waiting) == GATHERED or waiting[0].schema != batch.schema):
            yield pa.Table.from_batches(waiting).combine_chunks()
            waiting = []
        waiting.append(batch)
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()


def _rows(folder: Path, order: dict[str, int]) -> pd.DataFrame:
    """Finished runs of a folder: keys, timing, metrics."""
    import pandas as pd
    import pyarrow.parquet as pq

    frames = [_empty([*KEYS, *TIMES, *PLACES])]
    if (folder / RESULTS).exists():
        old = pq.read_table(folder / RESULTS).to_pandas()
        times = pq.read_table(folder / TIMING).to_pandas()
        frames.append(old[old["status"] == "finished"].merge(times, on="run_id", how="left"))
    for table in gathered(worker_files.batches(folder / PARTS, RUNS)):
        frames.append(table.rename_columns([name.lstrip(".") for name in table.column_names]).to_pandas())
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled) if filled else frames[0]


def _failures(folder: Path) -> pd.DataFrame:
    """Failed runs of a folder, those that failed for good first."""
    import pandas as pd
    import pyarrow.parquet as pq

    columns = [*KEYS[:-1], *WHY]
    frames = [_empty(columns)]
    if (folder / FAILED_RUNS).exists():
        frames.append(pq.read_table(folder / FAILED_RUNS, columns=columns).to_pandas())
    frames += [table.to_pandas() for table in gathered(worker_files.batches(folder / PARTS, FAILURES))]
    filled = [frame for frame in frames if len(frame)]
    found = pd.concat(filled) if filled else frames[0]
    return found.sort_values("is_final", ascending=False, kind="stable")


def _empty(columns: list[str]) -> pd.DataFrame:
    import pandas as pd

    kinds: dict[str, Any] = {name: _DTYPES.get(name, object) for name in columns}
    return pd.DataFrame(np.zeros((0, len(columns))), columns=columns).astype(kinds)


def _once(frame: pd.DataFrame, order: dict[str, int]) -> pd.DataFrame:
    """Every run once, the first point it stands for, sorted."""
    first = frame.sort_values("design_id", kind="stable").drop_duplicates("run_id")
    return _sorted(first, order)


def _sorted(frame: pd.DataFrame, order: dict[str, int]) -> pd.DataFrame:
    keyed = frame.assign(_arm=frame["arm"].map(order))
    return keyed.sort_values(["design_id", "replicate", "_arm"], kind="stable").drop(columns="_arm")


def _fanned(runs: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The rows, and copies of those of a point for the points that are the same."""
    import pandas as pd

    copies = [
        runs[runs["design_id"] == first].assign(design_id=number)
        for number, first in enumerate(plan.first)
        if number != first
    ]
    return pd.concat([runs, *copies]) if copies else runs


def _explained(failed: pd.DataFrame, plan: Plan, scenario: Path) -> pa.Table:
    """Failures with the parameters of their point and a command line that repeats the run."""
    import pyarrow as pa

    rows = [
        {
            **{name: row[name] for name in (*KEYS[:-1], *WHY)},
            "parameters": json.dumps(plan.points[row["design_id"]], sort_keys=True),
            "command": command(scenario, plan, dict(row)),
        }
        for row in failed.to_dict("records")
    ]
    fields = [*_key_types()[:-1], ("reason", pa.string()), ("traceback", pa.string())]
    fields += [("is_final", pa.bool_()), ("parameters", pa.string()), ("command", pa.string())]
    return pa.Table.from_pylist(rows, pa.schema(fields))


def command(scenario: Path, plan: Plan, row: dict[Any, Any]) -> str:
    """The command line that repeats a run of the sweep by itself.

    Parameters
    ----------
    scenario : Path
        The sweep's own copy.
    plan : Plan
    row : dict
        With design_id, seed and arm.
    """
    words = ["hedgequake", "run", str(scenario), "--seed", str(row["seed"]), "--arm", row["arm"]]
    words += ["--beside", ",".join(plan.experiment.chosen)]
    for key, value in plan.points[row["design_id"]].items():
        words += ["--set", f"{key}={written(value)}"]
    return shlex.join(words)


_DTYPES = {
    "run_id": object,
    "design_id": "int32",
    "replicate": "int32",
    "seed": "int64",
    "arm": object,
    "status": object,
    "is_final": bool,
    **dict.fromkeys(TIMES, float),
    **dict.fromkeys(PLACES, object),
}


def _key_types() -> list[tuple[str, Any]]:
    import pyarrow as pa

    kinds = [pa.string(), pa.int32(), pa.int32(), pa.int64(), pa.string(), pa.string()]
    return list(zip(KEYS, kinds, strict=True))


def _schema(metrics: list[str]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([*_key_types(), *((name, pa.float64()) for name in metrics)])


def _timing_schema() -> pa.Schema:
    import pyarrow as pa

    times = [(name, pa.float64()) for name in TIMES]
    return pa.schema([("run_id", pa.string()), *times, *((name, pa.string()) for name in PLACES)])
