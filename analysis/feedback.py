"""Feedback: how much larger a metric is with hedging than without, and how sure that is.

Arms are compared over seeds: every arm has a value for each seed, and the world is the same
in all arms of a seed. Amplification is the ratio of the means, A = mean(base) / mean(muted). It
splits into the flow, open_loop against muted, which is what the hedgers' trades do to a market in
which nobody reacts to their impact, and the feedback, base against open_loop:

    base / muted = (open_loop / muted) x (base / open_loop)
    base - muted = (open_loop - muted) + (base - open_loop)

Intervals are from the paired bootstrap: seeds are drawn with replacement, all arms of a seed
together (Efron & Tibshirani 1993, ch. 13), and the 2.5% and 97.5% quantiles are taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

RESAMPLES = 4000
"""Bootstrap samples of an interval."""

SEED = 20_260_101
"""Seed of the resampling: equal values give equal intervals."""

FEWEST = 4
"""Seeds below which no interval is given."""

BASE, MUTED, OPEN_LOOP = "base", "muted", "open_loop"


class Estimate(NamedTuple):
    """A number with its 95% interval and its Monte-Carlo error (standard deviation over resamples)."""

    value: float
    low: float
    high: float
    error: float

    def entry(self) -> dict[str, Any]:
        """Value and interval as plain values; what is not finite is None."""
        return {"value": _plain(self.value), "interval": _interval(self.low, self.high)}


def compare(values: Mapping[str, np.ndarray], unit: str = "", source: str = "") -> dict[str, Any]:
    """Compare the arms in one metric.

    Parameters
    ----------
    values : mapping of arm to ndarray of float64, shape (N,)
        A value a seed, the same seeds in every arm; NaN where undefined.
    unit, source : str
        Of the metric.

    Returns
    -------
    dict
        Plain values: for each arm its mean, standard deviation and numbers of seeds; `ratio`
        with `interval`, `mc_error`, `seeds_to_halve`; `difference`, `flow`, `feedback`,
        `against_base` and `against_muted`. What is undefined is None and has a `reason`.

    Notes
    -----
    Only seeds in which the metric is defined in all arms are compared.
    """
    entry: dict[str, Any] = {"unit": unit, "source": source}
    entry |= {arm: _moments(each) for arm, each in values.items()}
    table = np.array([values[arm] for arm in values])
    known = np.isfinite(table).all(axis=0)
    paired = dict(zip(values, table[:, known], strict=True))
    entry["seeds_compared"] = int(known.sum())
    entry |= _headline(paired)
    for reference in (BASE, MUTED):
        if reference in paired:
            others = (arm for arm in values if arm != reference)
            entry[f"against_{reference}"] = {arm: _against(paired, arm, reference) for arm in others}
    return entry


def _headline(paired: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Ratio and difference of base to muted, and how they split into flow and feedback."""
    if MUTED not in paired or BASE not in paired:
        return {"kind": "none", "ratio": None, "interval": None, "reason": "base and muted are not both run"}
    found = ratio(paired[BASE], paired[MUTED])
    is_ratio = np.isfinite(found.value)
    error, seeds = (found if is_ratio else difference(paired[BASE], paired[MUTED])).error, paired[BASE].size
    headline = {
        "kind": "ratio" if is_ratio else "difference",
        "ratio": _plain(found.value),
        "interval": _interval(found.low, found.high),
        "mc_error": _plain(error),
        "seeds_to_halve": 4 * seeds if np.isfinite(error) and error > 0 else None,
        "difference": difference(paired[BASE], paired[MUTED]).entry(),
    }
    if not is_ratio:
        headline["reason"] = _why(paired[BASE], paired[MUTED])
    if OPEN_LOOP in paired:
        headline["flow"] = difference(paired[OPEN_LOOP], paired[MUTED]).entry()
        headline["feedback"] = difference(paired[BASE], paired[OPEN_LOOP]).entry()
        headline["flow_ratio"] = ratio(paired[OPEN_LOOP], paired[MUTED]).entry()
        headline["feedback_ratio"] = ratio(paired[BASE], paired[OPEN_LOOP]).entry()
    return headline


def _against(paired: Mapping[str, np.ndarray], arm: str, reference: str) -> dict[str, Any]:
    found, apart = ratio(paired[arm], paired[reference]), difference(paired[arm], paired[reference])
    return {
        "ratio": _plain(found.value),
        "interval": _interval(found.low, found.high),
        "difference": _plain(apart.value),
        "difference_interval": _interval(apart.low, apart.high),
    }


def ratio(above: np.ndarray, below: np.ndarray) -> Estimate:
    """Ratio of means with its paired bootstrap interval; NaN unless both means are clearly above 0.

    Parameters
    ----------
    above, below : ndarray of float64, shape (N,)
        Paired values.
    """
    if above.size == 0 or not (above.mean() > 0 and below.mean() > 0):
        return Estimate(np.nan, np.nan, np.nan, np.nan)
    if np.array_equal(above, below):
        return Estimate(1.0, 1.0, 1.0, 0.0)
    means = _resampled(above), _resampled(below)
    with np.errstate(divide="ignore", invalid="ignore"):
        samples = means[0] / means[1]
    found = _estimate(float(above.mean() / below.mean()), samples, above.size)
    is_clear = min(*(np.quantile(each, 0.025) for each in means)) > 0
    return found if is_clear else Estimate(np.nan, np.nan, np.nan, np.nan)


def difference(above: np.ndarray, below: np.ndarray) -> Estimate:
    """Difference of means with its paired bootstrap interval."""
    if above.size == 0:
        return Estimate(np.nan, np.nan, np.nan, np.nan)
    apart = above - below
    return _estimate(float(apart.mean()), _resampled(apart), apart.size)


def _resampled(values: np.ndarray) -> np.ndarray:
    """Means of bootstrap samples; equal sizes draw equal seeds, so that pairs stay together."""
    drawn = np.random.default_rng(SEED).integers(values.size, size=(RESAMPLES, values.size))
    means: np.ndarray = values[drawn].mean(axis=1)
    return means


def _estimate(value: float, samples: np.ndarray, seeds: int) -> Estimate:
    samples = samples[np.isfinite(samples)]
    if seeds < FEWEST or samples.size < 0.9 * RESAMPLES:
        return Estimate(value, np.nan, np.nan, np.nan)
    low, high = np.quantile(samples, (0.025, 0.975))
    return Estimate(value, float(low), float(high), float(samples.std(ddof=1)))


def _moments(values: np.ndarray) -> dict[str, Any]:
    known = values[np.isfinite(values)]
    return {
        "mean": _plain(float(known.mean())) if known.size else None,
        "sd": _plain(float(known.std(ddof=1))) if known.size > 1 else None,
        "seeds": int(known.size),
        "undefined": int(values.size - known.size),
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
