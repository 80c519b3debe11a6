"""Drivers: what moves the exogenous value of each asset.

A driver only says which law it follows; `sim.prices.joint` simulates those of all assets together.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from pydantic import Field

from sim.setup.parameters import HIGHEST_DRIFT, HIGHEST_VOLATILITY, LONGEST, SHORTEST, File, Misfit, within
from sim.setup.parameters import Parameters as BaseParameters

SECONDS_PER_YEAR = 365.0 * 86400.0


class Driver:
    """The law of one asset's exogenous value.

    A subclass says its law in `law`, or gives a path of its own in `replay`.

    Parameters
    ----------
    parameters : Parameters
        Validated parameters of this driver.
    """

    class Parameters(BaseParameters):
        """What a scenario may say of this driver; subclasses add fields."""

    def __init__(self, parameters: Any) -> None:
        self.parameters = parameters

    def law(self) -> dict[str, float]:
        """Fields of `paths.LAW` that are not 0; rates per year, variances, not volatilities."""
        return {}

    def longest_substep(self) -> float:
        """Years within which the law may be taken as constant."""
        return math.inf

    def replay(self, times: np.ndarray, opening: float) -> np.ndarray | None:
        """Values at these times (s), before shocks; None to simulate the law instead."""
        return None


class Constant(Driver):
    """A value that stays where it opens, but for scheduled shocks."""


class GeometricBrownian(Driver):
    """Log-normal returns of constant volatility.

    Notes
    -----
    dS / S = drift dt + volatility dW, simulated exactly.
    """

    class Parameters(BaseParameters):
        """Rates per year.

        Parameters
        ----------
        volatility : float
            Per square root of a year.
        drift : float
        """

        volatility: float = Field(ge=0, le=HIGHEST_VOLATILITY)
        drift: float = Field(default=0.0, ge=-HIGHEST_DRIFT, le=HIGHEST_DRIFT)

    def law(self) -> dict[str, float]:
        """Constant variance."""
        return {"drift": self.parameters.drift, "variance": self.parameters.volatility**2}


class ArithmeticBrownian(GeometricBrownian):
    """Normal changes whose size does not depend on the value.

    The value is held at a thousandth of the opening one if it would fall below, and may
    leave from there: a value has to stay above 0.

    Notes
    -----
    dS = S0 (drift dt + volatility dW), S0 the opening value (Bachelier 1900).
    """

    def law(self) -> dict[str, float]:
        """Constant variance of additive changes."""
        return {**super().law(), "is_additive": 1}


class Heston(Driver):
    """Stochastic volatility: the variance reverts to its long-run level.

    Notes
    -----
    dS / S = drift dt + sqrt(v) dW, dv = mean_reversion (long_run^2 - v) dt +
    vol_of_vol sqrt(v) dZ (Heston 1993), by full-truncation Euler in substeps that resolve
    the mean reversion and the randomness of the variance.
    """

    class Parameters(BaseParameters):
        """Rates per year.

        Parameters
        ----------
        volatility : float
            At the start, per square root of a year.
        long_run : float, optional
            Volatility the variance reverts to; `volatility` if not given.
        mean_reversion : float
            Of the variance.
        vol_of_vol : float
            Of the variance.
        correlation : float
            Of returns and changes of the variance.
        drift : float
        """

        volatility: float = Field(gt=0, le=HIGHEST_VOLATILITY)
        long_run: float | None = Field(default=None, gt=0, le=HIGHEST_VOLATILITY)
        mean_reversion: float = Field(default=4.0, ge=0, le=1e6)
        vol_of_vol: float = Field(default=0.8, ge=0, le=HIGHEST_VOLATILITY)
        correlation: float = Field(default=-0.5, ge=-1, le=1)
        drift: float = Field(default=0.0, ge=-HIGHEST_DRIFT, le=HIGHEST_DRIFT)

    def law(self) -> dict[str, float]:
        """Square-root variance."""
        p = self.parameters
        return {
            "drift": p.drift,
            "variance": p.volatility**2,
            "long_run": self._long_run_variance,
            "mean_reversion": p.mean_reversion,
            "vol_of_vol": p.vol_of_vol,
            "correlation": p.correlation,
        }

    def longest_substep(self) -> float:
        """A hundredth of the time of mean reversion and of that in which variance may vanish."""
        p = self.parameters
        reverting = 0.01 / p.mean_reversion if p.mean_reversion > 0 else math.inf
        vanishing = 0.01 * self._long_run_variance / p.vol_of_vol**2 if p.vol_of_vol > 0 else math.inf
        return min(reverting, vanishing)

    @property
    def _long_run_variance(self) -> float:
        p = self.parameters
        return float((p.volatility if p.long_run is None else p.long_run) ** 2)


class MertonJumps(Driver):
    """Log-normal returns with jumps at random times.

    Notes
    -----
    A Poisson number of jumps of normal logarithm, compensated so that `drift` stays the
    expected return (Merton 1976), simulated exactly.
    """

    class Parameters(BaseParameters):
        """Rates per year.

        Parameters
        ----------
        volatility : float
            Between jumps, per square root of a year.
        jumps : float
            Expected number a year.
        jump_mean, jump_sd : float
            Of the logarithm of a jump.
        drift : float
        """

        volatility: float = Field(ge=0, le=HIGHEST_VOLATILITY)
        jumps: float = Field(ge=0, le=1e6)
        jump_mean: float = Field(default=0.0, ge=-10, le=10)
        jump_sd: float = Field(default=0.05, ge=0, le=10)
        drift: float = Field(default=0.0, ge=-HIGHEST_DRIFT, le=HIGHEST_DRIFT)

    def law(self) -> dict[str, float]:
        """Constant variance and jumps."""
        p = self.parameters
        return {
            "drift": p.drift,
            "variance": p.volatility**2,
            "jumps": p.jumps,
            "jump_mean": p.jump_mean,
            "jump_sd": p.jump_sd,
        }


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
