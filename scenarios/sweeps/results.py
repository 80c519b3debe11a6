"""Reading a sweep: its tables as tidy frames, and as labelled arrays where it is a grid."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenarios.folders.folder import MANIFEST
from scenarios.sweeps.compaction import DESIGN, FAILED_RUNS, RESULTS, TIMING
from scenarios.sweeps.run_tables import files
from scenarios.sweeps.worker_files import SERIES

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

KEYS = ("run_id", "design_id", "replicate", "seed", "arm", "status")


class SweepResults:
    """What a sweep has left; a table is read when it is first looked at.

    Parameters
    ----------
    folder : Path

    Attributes
    ----------
    manifest : dict

    Raises
    ------
    FileNotFoundError
        If the folder holds no sweep.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / RESULTS).is_file():
            what = "is not the folder of a sweep that has ended: it holds no runs.parquet"
            raise FileNotFoundError(f"{folder} {what}")
        self.manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())

    def __repr__(self) -> str:
        name, done = self.manifest.get("scenario"), self.manifest.get("runs_done")
        return f"<SweepResults of {name}, {done} runs>"

    @cached_property
    def design(self) -> pd.DataFrame:
        """A row a point: design_id and a column a swept key."""
        return self._read(DESIGN)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row a run: its keys, the values of its point, its metrics (NaN where undefined)."""
        runs = self._read(RESULTS)
        joined = runs[[*KEYS]].merge(self.design, on="design_id", how="left", validate="many_to_one")
        whole: pd.DataFrame = joined.join(runs.drop(columns=[*KEYS]))
        return whole

    @cached_property
    def timing(self) -> pd.DataFrame:
        """A row a finished run: seconds, host and worker."""
        return self._read(TIMING)

    @cached_property
    def failures(self) -> pd.DataFrame:
        """A row a failed run: reason, traceback, parameters, a command that repeats it."""
        return self._read(FAILED_RUNS)

    @property
    def keys(self) -> list[str]:
        """The swept keys."""
        return [name for name in self.design.columns if name != "design_id"]

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics."""
        return [name for name in self.runs.columns if name not in (*KEYS, *self.keys)]

    def series(self) -> pd.DataFrame:
        """A row a step of every run; empty unless the sweep keeps series."""
        return self.events(SERIES)

    def events(self, table: str) -> pd.DataFrame:
        """A kept table ("fills", "moves", ...) of every run; empty unless the sweep keeps all."""
        import pandas as pd

        frames = [pd.read_parquet(path) for path in files(self.folder, table)]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def dataset(self) -> xr.Dataset:
        """The metrics of a grid as arrays over the swept keys, replicate and arm.

        Runs that failed or are missing are NaN.

        Raises
        ------
        ValueError
            If the design is not a grid.
        """
        design = self.manifest.get("design")
        if design != "grid":
            raise ValueError(f"only a grid has a dimension for each key; this design is {design}: use .runs")
        index = [*self.keys, "replicate", "arm"]
        arrays = self.runs.set_index(index)[self.metrics].to_xarray()
        return arrays.assign_attrs(scenario=self.manifest.get("scenario"), folder=str(self.folder))

    def _read(self, name: str) -> pd.DataFrame:
        import pandas as pd

        return pd.read_parquet(self.folder / name)


def read_sweep(folder: str | Path) -> SweepResults:
    """Read what a sweep has left.

    Parameters
    ----------
    folder : str or Path

    Raises
    ------
    FileNotFoundError
        If the folder holds no sweep, or one that is running still.
    """
    return SweepResults(Path(folder))
