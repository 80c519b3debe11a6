"""Worlds: how far a ratio strays over what is not known of a market, with the luck of the seeds taken out.

W worlds are drawn from what is uncertain, and run with the same S seeds. The logarithm of the ratio of
means in world w, L_w, is to first order the mean over seeds of

    t_ws = base_ws / mean(base_w) - muted_ws / mean(muted_w).

What all worlds share of the luck of a seed moves them together and not apart. Two-way analysis of
variance without replication (Scheffé 1959, The Analysis of Variance, chapter 4) leaves of the variance
between worlds

    between = var(L_w) - W / (W - 1) mean_w [ sum_s (t_ws - t_.s)^2 / (S (S - 1)) ],

with t_.s the mean over worlds: with seeds of their own in every world the second term is the mean squared
standard error, which is too much here. Worlds are then drawn together about their mean until their
variance is this one (Louis 1984, Journal of the American Statistical Association 79), and the interval
over worlds is that of 95% of them. Not above 0, the worlds differ by no more than their luck: nothing
between them can be measured with so many seeds.

What a ratio hangs on is told by Spearman's rank correlation of L_w with the drawn values of each key, with
the interval of Bonett & Wright (2000, Psychometrika 65). No key is named unless the largest of them passes
what the largest comes to by chance, in 95% of the orders that worlds could have come in. A key that acts
one way here and the other way there escapes it; a sweep of the design `saltelli` does not miss it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.base.arms import BASE, MUTED
from analysis.base.estimate import NORMAL
from analysis.feedback.amplification import FEWEST, NEITHER, SEED, Failed, is_told, log_terms, pair

ORDERS = 2000
"""Random orders of the worlds that the noise floor is of."""

ENDS = (0.025, 0.975)

ALIKE = 12
"""Decimals to which logarithms of ratios are told apart: what differs less is rounding."""


@dataclass(frozen=True, eq=False)
class Ratios:
    """Base over muted in one metric, world by world.

    Attributes
    ----------
    logs, errors : ndarray of float64, shape (W,)
        Logarithms of the ratios and their Monte-Carlo standard errors; NaN where there is no ratio.
    terms : ndarray of float64, shape (W, S)
        t_ws; NaN where a run is missing.
    bounds : list of str
        Of each world whether its ratio is a "lower" or an "upper" bound, or "neither"; else "".
    """

    logs: np.ndarray
    errors: np.ndarray
    terms: np.ndarray
    bounds: list[str]

    @classmethod
    def of(cls, values: Sequence[Mapping[str, np.ndarray]], failed: Sequence[Failed]) -> Ratios:
        """Ratios of worlds.

        Parameters
        ----------
        values : sequence of mapping of arm to ndarray of float64, shape (S,)
            World by world, as of `analysis.feedback.amplification.compare`.
        failed : sequence of mapping of arm to ndarray of bool, shape (S,)
        """
        count = len(values)
        logs, errors = np.full(count, np.nan), np.full(count, np.nan)
        terms, bounds = np.full((count, values[0][BASE].size), np.nan), []
        for number, (own, lost) in enumerate(zip(values, failed, strict=True)):
            arms = pair(own, lost, BASE, MUTED)
            bounds.append(arms.bound)
            if arms.bound != NEITHER and is_told(arms.above, arms.below):
                log, found = log_terms(np.stack([arms.above, arms.below]))
                logs[number] = np.round(log, ALIKE)
                errors[number] = found.std(ddof=1) / np.sqrt(found.size)
                terms[number, np.isfinite(own[BASE]) & np.isfinite(own[MUTED])] = found
        return cls(logs, errors, terms, bounds)

    @property
    def known(self) -> np.ndarray:
        """In which worlds there is a ratio, shape (W,)."""
        known: np.ndarray = np.isfinite(self.logs)
        return known

    def monte_carlo(self) -> float:
        """What the luck of the seeds adds to the variance of the logarithms between worlds."""
        terms = self.terms[self.known][:, np.isfinite(self.terms[self.known]).any(axis=0)]
        seeds = np.isfinite(terms).sum(axis=1)
        apart = np.nansum(np.square(terms - np.nanmean(terms, axis=0)), axis=1)
        return float((apart / (seeds * (seeds - 1))).sum() / (len(terms) - 1))

    def between(self) -> float:
        """Variance of the logarithms between worlds without that luck; not above 0 where it drowns in it."""
        return float(self.logs[self.known].var(ddof=1)) - self.monte_carlo()

    def without_luck(self) -> np.ndarray:
        """Ratios, drawn together until their variance is that between worlds, shape (W,)."""
        logs = self.logs[self.known]
        share = max(self.between(), 0.0) / logs.var(ddof=1) if np.ptp(logs) > 0 else 0.0
        drawn: np.ndarray = np.exp(logs.mean() + np.sqrt(share) * (self.logs - logs.mean()))
        return drawn

    def entry(self, keys: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Everything as plain values; see `amplification.json` of `amplify --uncertain`.

        Parameters
        ----------
        keys : mapping of str to ndarray of float64, shape (W,)
            Drawn values by dotted key.
        """
        about = {"worlds": self.logs.size, "measured": int(self.known.sum())}
        told = {"as_drawn": [self._world(number) for number in range(self.logs.size)]}
        if about["measured"] < FEWEST:
            reason = f"there is a ratio in {about['measured']} of {self.logs.size} worlds; it takes {FEWEST}"
            return {**about, "interval": None, "reason": reason, **told}
        between, luck = self.between(), self.monte_carlo()
        spread = {
            "median": float(np.exp(np.median(self.logs[self.known]))),
            "interval": [float(end) for end in np.nanquantile(self.without_luck(), ENDS)],
            "variance_between": between,
            "variance_monte_carlo": luck,
        }
        if between <= 0 and np.ptp(self.logs[self.known]) > 0:
            spread["interval"] = None
            spread["reason"] = (
                "worlds differ by no more than the luck of their seeds: not measurable with these"
            )
        return {**about, **spread, **hanging(keys, self.logs), **told}

    def _world(self, number: int) -> dict[str, Any]:
        """One world: its ratio with the interval over its own seeds, and which bound it is."""
        from scipy import stats

        log, error, bound = self.logs[number], self.errors[number], self.bounds[number]
        own: dict[str, Any] = {"bound": bound} if bound else {}
        if not np.isfinite(log):
            return {"ratio": None, "interval": None, **own}
        reach = stats.t.ppf(ENDS[1], np.isfinite(self.terms[number]).sum() - 1) * error
        return {
            "ratio": float(np.exp(log)),
            "interval": [*np.exp([log - reach, log + reach]).tolist()],
            **own,
        }


def hanging(keys: Mapping[str, np.ndarray], logs: np.ndarray) -> dict[str, Any]:
    """Which key the ratios of worlds hang on, if one stands out.

    Parameters
    ----------
    keys : mapping of str to ndarray of float64, shape (W,)
    logs : ndarray of float64, shape (W,)
        NaN where there is no ratio.

    Returns
    -------
    dict
        keys (rank_correlation and interval by key), noise_floor, hangs_on (None if none stands out).
    """
    known = np.isfinite(logs)
    table = np.array([_ranks(values[known]) for values in keys.values()])
    found = table @ _ranks(logs[known])
    floor = _floor(table, _ranks(logs[known]))
    largest = int(np.argmax(np.abs(found)))
    return {
        "keys": {
            key: {"rank_correlation": float(each), "interval": _interval(float(each), int(known.sum()))}
            for key, each in zip(keys, found, strict=True)
        },
        "noise_floor": floor,
        "hangs_on": list(keys)[largest] if abs(found[largest]) > floor else None,
    }


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks as a vector of mean 0 and length 1, so that products are correlations; 0 if all are equal."""
    from scipy import stats

    away = stats.rankdata(values) - (values.size + 1) / 2
    length = np.linalg.norm(away)
    ranks: np.ndarray = away / length if length > 0 else away
    return ranks


def _floor(table: np.ndarray, ranks: np.ndarray) -> float:
    """What the largest correlation of any key stays below in 95% of random orders."""
    rng = np.random.default_rng(SEED)
    orders = rng.permuted(np.tile(ranks, (ORDERS, 1)), axis=1)
    return float(np.quantile(np.abs(table @ orders.T).max(axis=0), 0.95))


def _interval(correlation: float, count: int) -> list[float]:
    reach = NORMAL * np.sqrt((1 + correlation**2 / 2) / (count - 3))
    inside = np.clip(correlation, -1 + 1e-12, 1 - 1e-12)
    return [float(end) for end in np.tanh(np.arctanh(inside) + reach * np.array([-1.0, 1.0]))]
