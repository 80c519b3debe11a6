"""Feedback: how much larger a metric is with hedging than without, and how sure that is.

Arms are compared over seeds: every arm has a value for each seed, and the world is the same
in all arms of a seed. Amplification is the ratio of the means, A = mean(base) / mean(muted). It
splits into the flow, open_loop against muted, which is what the hedgers' trades do to a market in
which nobody reacts to their impact, and the feedback, base against open_loop:

    base / muted = (open_loop / muted) x (base / open_loop)
    base - muted = (open_loop - muted) + (base - open_loop)

Intervals are from the paired bootstrap: seeds are drawn with replacement, all arms of a seed
together, and the difference, or the logarithm of the ratio, is studentised in each sample (the
bootstrap-t interval of Efron & Tibshirani 1993, section 12.5), which keeps its level with few seeds.

A run in which a market failed is kept. Of a metric that only grows as a run goes on its value is a lower
bound, and so is the ratio if only runs of the upper arm failed; it is an upper bound if only runs of the
lower arm did, and undefined if both did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from analysis.base.arms import BASE, MAIN, MUTED, OPEN_LOOP

RESAMPLES = 4000
"""Bootstrap samples of an interval."""

SEED = 20_260_101
"""Seed of the resampling: equal values give equal intervals."""

FEWEST = 8
"""Seeds below which no interval is given: too few for it to hold what it says."""

NO_INTERVAL = f"no interval: it takes {FEWEST} seeds"
"""What stands where an interval would."""


class Estimate(NamedTuple):
    """A number with its 95% interval and its Monte-Carlo error (standard deviation over resamples)."""

    value: float
    low: float
    high: float
    error: float

    def entry(self) -> dict[str, Any]:
        """Value and interval as plain values; what is not finite is None."""
        return {"value": _plain(self.value), "interval": _interval(self.low, self.high)}


NOTHING = Estimate(np.nan, np.nan, np.nan, np.nan)

LOWER, UPPER, NEITHER = "lower", "upper", "neither"
"""What a ratio or a difference is where runs of one arm, or of both, are lower bounds."""

SIGNS = {LOWER: "≥ ", UPPER: "≤ "}

BOTH_FAILED = "the market failed in runs of both arms: both means are lower bounds"

Failed = Mapping[str, np.ndarray]
"""Of an arm, whether the value of each seed is a lower bound."""


class Pair(NamedTuple):
    """Two arms in one metric, the values of a seed at the same place, and what their ratio is a bound of."""

    above: np.ndarray
    below: np.ndarray
    bound: str

    def ratio(self) -> Estimate:
        """Ratio of the means."""
        return NOTHING if self.bound == NEITHER else ratio(self.above, self.below)

    def difference(self) -> Estimate:
        """Difference of the means."""
        return NOTHING if self.bound == NEITHER else difference(self.above, self.below)

    def said(self) -> dict[str, Any]:
        """Which bound it is; nothing if it is none."""
        return {"bound": self.bound} if self.bound else {}


def pair(values: Mapping[str, np.ndarray], failed: Failed, above: str, below: str) -> Pair:
    """Two arms over the seeds in which both are defined.

    Parameters
    ----------
    values : mapping of arm to ndarray of float64, shape (N,)
    failed : mapping of arm to ndarray of bool, shape (N,)
    above, below : str
        Arms.
    """
    known = np.isfinite(values[above]) & np.isfinite(values[below])
    first, second = (arm in failed and bool(failed[arm][known].any()) for arm in (above, below))
    bound = NEITHER if first and second else LOWER if first else UPPER if second else ""
    return Pair(values[above][known], values[below][known], bound)


def sign(entry: Mapping[str, Any]) -> str:
    """What stands before a ratio that is only a bound: "≥ " or "≤ "."""
    return SIGNS.get(entry.get("bound", ""), "")


def compare(
    values: Mapping[str, np.ndarray], unit: str = "", source: str = "", failed: Failed | None = None
) -> dict[str, Any]:
    """Compare the arms in one metric.

    Parameters
    ----------
    values : mapping of arm to ndarray of float64, shape (N,)
        A value a seed, the same seeds in every arm; NaN where undefined.
    unit, source : str
        Of the metric.
    failed : mapping of arm to ndarray of bool, shape (N,), optional
        Whether a value is a lower bound, because a market failed in the run.

    Returns
    -------
    dict
        Plain values: for each arm its mean, standard deviation and numbers of seeds; `ratio`
        with `interval`, `mc_error`, `seeds_to_halve`; `difference`, `flow`, `feedback`,
        `against_base` and `against_muted`. What is undefined is None and has a `reason`; what is a bound
        says in `bound` whether it is a "lower" or an "upper" one, or "neither".

    Notes
    -----
    Base, muted and open_loop are compared over the seeds in which the metric is defined in all of
    them that are run, every other arm with base and with muted over those in which it is defined
    in both.
    """
    main, failed = [arm for arm in MAIN if arm in values], failed or {}
    known = np.isfinite([values[arm] for arm in main or values]).all(axis=0)
    paired = {arm: np.where(known, values[arm], np.nan) for arm in main}
    entry: dict[str, Any] = {"unit": unit, "source": source}
    entry |= {arm: _moments(each, each[known] if arm in main else each) for arm, each in values.items()}
    entry["seeds_compared"] = int(known.sum())
    entry |= _headline(paired, failed)
    for reference in (BASE, MUTED):
        if reference in values:
            entry[f"against_{reference}"] = {
                arm: _against(pair(values, failed, arm, reference)) for arm in values if arm != reference
            }
    return entry


def _headline(paired: Mapping[str, np.ndarray], failed: Failed) -> dict[str, Any]:
    """Ratio and difference of base to muted, and how they split into flow and feedback."""
    if MUTED not in paired or BASE not in paired:
        reason = "base and muted are not both run"
        return {"kind": "none", "ratio": None, "interval": None, "mc_error": None, "reason": reason}
    own = pair(paired, failed, BASE, MUTED)
    found, apart = own.ratio(), own.difference()
    is_ratio, is_defined = np.isfinite(found.value), own.bound != NEITHER
    error, seeds = (found if is_ratio else apart).error, own.above.size
    headline = {
        "kind": "ratio" if is_ratio else "difference" if is_defined else "none",
        "ratio": _plain(found.value),
        "interval": _interval(found.low, found.high),
        "mc_error": _plain(error),
        "seeds_to_halve": 4 * seeds if np.isfinite(error) and error > 0 else None,
        "difference": apart.entry(),
        **own.said(),
    }
    if not is_ratio:
        headline["reason"] = _why(own.above, own.below) if is_defined else BOTH_FAILED
    if OPEN_LOOP in paired:
        for name, arms in (("flow", (OPEN_LOOP, MUTED)), ("feedback", (BASE, OPEN_LOOP))):
            part = pair(paired, failed, *arms)
            headline[name] = part.difference().entry() | part.said()
            headline[f"{name}_ratio"] = part.ratio().entry() | part.said()
    return headline


def _against(arms: Pair) -> dict[str, Any]:
    found, apart = arms.ratio(), arms.difference()
    return {
        "ratio": _plain(found.value),
        "interval": _interval(found.low, found.high),
        "difference": _plain(apart.value),
        "difference_interval": _interval(apart.low, apart.high),
        "seeds": arms.above.size,
        **arms.said(),
    }


def ratio(above: np.ndarray, below: np.ndarray) -> Estimate:
    """Ratio of means with its paired interval; NaN unless both means are clearly above 0.

    Parameters
    ----------
    above, below : ndarray of float64, shape (N,)
        Paired values.

    Notes
    -----
    The interval is that of the logarithm, whose standard error is that of the mean of
    above / mean(above) - below / mean(below) over the pairs.
    """
    if above.size == 0 or not (above.mean() > 0 and below.mean() > 0):
        return NOTHING
    value = float(above.mean() / below.mean())
    if above.size < FEWEST:
        return Estimate(value, np.nan, np.nan, np.nan)
    if np.array_equal(above, below):
        return Estimate(1.0, 1.0, 1.0, 0.0)
    if not is_told(above, below):
        return NOTHING
    pairs = np.stack([above, below])
    low, high, error = interval_of(pairs, _log_ratio)
    return Estimate(value, float(np.exp(low)), float(np.exp(high)), value * error)


def is_told(above: np.ndarray, below: np.ndarray) -> bool:
    """Whether a ratio of means has an interval: seeds enough, and both means clearly above 0."""
    if above.size < FEWEST:
        return False
    _, error = _log_ratio(np.stack([above, below]))
    return bool(np.isfinite(error)) and _is_clear(above) and _is_clear(below)


def difference(above: np.ndarray, below: np.ndarray) -> Estimate:
    """Difference of means with its paired interval."""
    if above.size == 0:
        return NOTHING
    apart = above - below
    if above.size < FEWEST:
        return Estimate(float(apart.mean()), np.nan, np.nan, np.nan)
    if np.ptp(apart) == 0:
        return Estimate(float(apart[0]), float(apart[0]), float(apart[0]), 0.0)
    low, high, error = interval_of(apart[None], _mean)
    return Estimate(float(apart.mean()), low, high, error)


def _mean(pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and its standard error over the last axis."""
    values = pairs[0]
    return values.mean(-1), values.std(-1, ddof=1) / np.sqrt(values.shape[-1])


def log_terms(pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logarithm of the ratio of means, and the terms whose mean over seeds it strays by to first order.

    Parameters
    ----------
    pairs : ndarray of float64, shape (2, ..., N)

    Returns
    -------
    log : ndarray of float64, shape (...)
    terms : ndarray of float64, shape (..., N)
        above / mean(above) - below / mean(below).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        above, below = (values.mean(-1) for values in pairs)
        return np.log(above / below), pairs[0] / above[..., None] - pairs[1] / below[..., None]


def _log_ratio(pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logarithm of the ratio of means over the last axis, and its standard error."""
    log, terms = log_terms(pairs)
    with np.errstate(invalid="ignore"):
        return log, terms.std(-1, ddof=1) / np.sqrt(pairs.shape[-1])


def interval_of(
    pairs: np.ndarray, statistic: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
) -> tuple[float, float, float]:
    """Ends of the 95% bootstrap-t interval, and the standard error.

    Parameters
    ----------
    pairs : ndarray of float64, shape (K, N)
        K values of each of N seeds.
    statistic : callable
        Of an array (K, ..., N): value and standard error.
    """
    value, error = map(float, statistic(pairs))
    if error <= 1e-13 * max(1.0, abs(value)):
        return value, value, 0.0
    seeds = pairs.shape[-1]
    drawn = np.random.default_rng(SEED).integers(seeds, size=(RESAMPLES, seeds))
    again, spread = statistic(pairs[:, drawn])
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = (again - value) / spread
    low, high = np.quantile(scores[np.isfinite(scores)], (0.025, 0.975))
    return value - float(high) * error, value - float(low) * error, error


def _is_clear(values: np.ndarray) -> bool:
    """Whether a mean lies above 0 by two standard errors and more, so that a ratio to it means something."""
    mean, error = _mean(values[None])
    return bool(mean > 2 * error)


def _moments(values: np.ndarray, compared: np.ndarray) -> dict[str, Any]:
    """Mean and spread over the seeds that are compared; how many are defined at all."""
    known, defined = compared[np.isfinite(compared)], int(np.isfinite(values).sum())
    return {
        "mean": _plain(float(known.mean())) if known.size else None,
        "sd": _plain(float(known.std(ddof=1))) if known.size > 1 else None,
        "seeds": defined,
        "undefined": int(values.size - defined),
    }


def _why(above: np.ndarray, below: np.ndarray) -> str:
    """Why there is no ratio."""
    if above.size == 0:
        return "in no seed is it defined in every arm"
    if not below.any():
        return "it is 0 in the muted arm" if above.any() else "it is 0 in every arm"
    return "a mean is not clearly above 0"


def _interval(low: float, high: float) -> list[float] | None:
    return [low, high] if np.isfinite(low) and np.isfinite(high) else None


def _plain(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
