"""Shapley values: the amplification credited to the mechanisms that make it.

With S the mechanisms that are at work and M(S) a metric's mean over seeds, the worth of S is
v(S) = log M(S) - log M(none). The Shapley value of a mechanism is its marginal worth averaged over
all orders in which mechanisms may be switched on (Shapley 1953, "A value for n-person games"):

    phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! x (v(S + i) - v(S))

The values add up to v(all), so exp(phi_i) are factors whose product is the amplification.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np

from analysis.feedback.amplification import FEWEST, RESAMPLES, SEED

Coalition = frozenset[str]


def coalitions(players: Sequence[str]) -> list[Coalition]:
    """Every set of players, the empty one first and that of all last."""
    return [frozenset(each) for size in range(len(players) + 1) for each in combinations(players, size)]


def shapley(worth: Mapping[Coalition, Any], players: Sequence[str]) -> dict[str, Any]:
    """Shapley value of each player.

    Parameters
    ----------
    worth : mapping of coalition to float or ndarray
        Worth of every set of players; arrays give arrays.
    players : sequence of str

    Returns
    -------
    dict
        Player to value; the values sum to the worth of all less that of none.
    """
    found: dict[str, Any] = {}
    n = len(players)
    for player in players:
        others = [each for each in players if each != player]
        found[player] = sum(
            factorial(len(without))
            * factorial(n - len(without) - 1)
            / factorial(n)
            * (worth[without | {player}] - worth[without])
            for without in coalitions(others)
        )
    return found


def credit(values: Mapping[Coalition, np.ndarray], players: Sequence[str]) -> dict[str, Any]:
    """Credit the amplification of a metric to mechanisms, with 95% intervals.

    Parameters
    ----------
    values : mapping of coalition to ndarray of float64, shape (N,)
        The metric over paired seeds with these mechanisms at work; NaN where undefined.
    players : sequence of str

    Returns
    -------
    dict
        `total` and, under `mechanisms`, each player: the share of the log-ratio (`log`), the `factor`
        exp(log), and their intervals; plain values. `reason` says why there is nothing to credit.

    Notes
    -----
    Seeds are drawn with replacement, the same in every coalition; the logarithm is that of the
    mean over the drawn seeds.
    """
    table = np.array([values[each] for each in coalitions(players)])
    known = table[:, np.isfinite(table).all(axis=0)]
    if known.shape[1] == 0 or not (known.mean(axis=1) > 0).all():
        reason = "undefined in every seed" if known.shape[1] == 0 else "a mean is not above 0"
        return {"total": None, "mechanisms": None, "seeds": known.shape[1], "reason": reason}
    point = _log_worth(known.mean(axis=1), players)
    drawn = np.random.default_rng(SEED).integers(known.shape[1], size=(RESAMPLES // 2, known.shape[1]))
    samples = _log_worth(np.array([row[drawn].mean(axis=1) for row in known]), players)
    has_interval = known.shape[1] >= FEWEST
    everyone = frozenset(players)
    found, spread = shapley(point, players), shapley(samples, players)
    return {
        "total": _entry(point[everyone], samples[everyone] if has_interval else None),
        "mechanisms": {name: _entry(found[name], spread[name] if has_interval else None) for name in players},
        "seeds": known.shape[1],
    }


def _log_worth(means: np.ndarray, players: Sequence[str]) -> dict[Coalition, Any]:
    """Worth of every coalition from its means, one row a coalition."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(means)
    return {each: logs[number] - logs[0] for number, each in enumerate(coalitions(players))}


def _entry(log: float, samples: np.ndarray | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"log": float(log), "factor": float(np.exp(log)), "interval": None}
    if samples is not None and np.isfinite(samples).mean() > 0.9:
        low, high = np.quantile(samples[np.isfinite(samples)], (0.025, 0.975))
        entry["interval"] = [float(low), float(high)]
        entry["factor_interval"] = [float(np.exp(low)), float(np.exp(high))]
    return entry
