"""A path read from a file."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from pydantic import Field

from sim.prices.drivers.base import SECONDS_PER_YEAR, Driver
from sim.setup.files import File
from sim.setup.limits import HIGHEST_VOLATILITY, LONGEST, SHORTEST
from sim.setup.misfit import Misfit, within
from sim.setup.table import Parameters as BaseParameters


class Replayed(Driver):
    """A path read from a column of a CSV file; after its end the last value stays.

    Its random part is the file's: correlations with other assets do not apply.

    Raises
    ------
    ValueError
        If a column is missing, or holds what is no path.
    """

    class Parameters(BaseParameters):
        """Where the path is and how it is read.

        Parameters
        ----------
        file : File
        column : str
            Holds the values.
        time_column : str, optional
            Holds the seconds; counted from its first row.
        interval_seconds : float
            Between rows, where there is no `time_column`.
        interpolation : {"linear", "previous"}
        is_rescaled : bool
            Whether the path is scaled to open at the asset's spot.
        volatility : float, optional
            Reported, per year; the file's realised volatility if not given.
        """

        file: File
        column: str = "value"
        time_column: str | None = None
        interval_seconds: float = Field(default=1.0, ge=SHORTEST, le=LONGEST)
        interpolation: Literal["linear", "previous"] = "linear"
        is_rescaled: bool = True
        volatility: float | None = Field(default=None, ge=0, le=HIGHEST_VOLATILITY)

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters)
        self._values = self._column("column")
        if not np.all(self._values > 0):
            what = f'{parameters.file}: column "{parameters.column}" has values that are not above 0'
            raise Misfit(what, ("column",))
        self._times = np.arange(self._values.size) * parameters.interval_seconds
        if parameters.time_column is not None:
            times = self._column("time_column")
            self._times = times - times[0]
        if not np.all(np.diff(self._times) > 0):
            what = f'{parameters.file}: column "{parameters.time_column}" does not increase'
            raise Misfit(what, ("time_column",))

    def law(self) -> dict[str, float]:
        """The volatility to report."""
        if self.parameters.volatility is not None:
            return {"variance": self.parameters.volatility**2}
        years = self._times[-1] / SECONDS_PER_YEAR
        return {"variance": float(np.sum(np.diff(np.log(self._values)) ** 2) / years) if years > 0 else 0.0}

    def replay(self, times: np.ndarray, opening: float) -> np.ndarray:
        """The file's values at these times."""
        scale = opening / self._values[0] if self.parameters.is_rescaled else 1.0
        if self.parameters.interpolation == "linear":
            values: np.ndarray = np.interp(times, self._times, self._values)
        else:
            values = self._values[np.searchsorted(self._times, times, side="right") - 1]
        return scale * values

    def _column(self, parameter: str) -> np.ndarray:
        """The numbers of the column that a parameter names."""
        path, name = self.parameters.file, getattr(self.parameters, parameter)
        with within("file"):
            names, rows = path.table()
        if name not in names:
            raise Misfit(f'{path} has no column "{name}"', (parameter,), name, names)
        column = np.array([_number(row[name]) for row in rows])
        bad = np.flatnonzero(~np.isfinite(column))
        if bad.size:
            what = f'column "{name}" is not all finite numbers; row {bad[0] + 1} holds'
            raise Misfit(f'{path}: {what} "{rows[bad[0]][name] or ""}"', (parameter,))
        if not column.size:
            raise Misfit(f"{path} has no rows", ("file",))
        return column


def _number(text: str | None) -> float:
    """The number a cell holds, NaN if it holds none."""
    try:
        return float(text or "")
    except ValueError:
        return math.nan
