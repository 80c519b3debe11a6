"""Arms of a probe: the same sales in several arms, whether the fall grows with their size and how.

Every arm is sold the same units on the same seeds. Two sizes are compared by the paired difference of their
moves at the end of the order; impact is concave if its exponent lies below 1. A market that failed, or that
did not execute an order in full, makes a move a lower bound: it can show that a fall grows, not that it does
not, and says nothing of the exponent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from analysis.base.arms import BASE, MUTED
from analysis.feedback.amplification import LOWER, UPPER, Estimate, Pair, pair
from analysis.feedback.cautions import ALIKE
from analysis.feedback.means import mean
from analysis.probes.impact import WHOLE, Impact

YES, NO, UNKNOWN = "yes", "no", "not measurable"


def compared(impacts: Mapping[str, Impact]) -> dict[str, Any]:
    """What the same sales did in several arms, as plain values.

    Parameters
    ----------
    impacts : mapping of str to Impact
        By arm, of the same sizes and seeds.

    Returns
    -------
    dict
        `arms`: for each its sizes, exponent, and the verdicts `increases` and `is_concave`; `ratios`, of base
        over muted by size; `executed_alike`.
    """
    shares = np.array([impact.of_probes("executed").mean(axis=1) for impact in impacts.values()])
    return {
        "arms": {arm: _arm(impact) for arm, impact in impacts.items()},
        "ratios": list(_ratios(impacts)),
        "executed_alike": bool(np.ptp(shares, axis=0).max() <= ALIKE),
    }


def is_least(impact: Impact) -> np.ndarray:
    """Whether a move is a lower bound, shape (sizes, seeds)."""
    least: np.ndarray = (impact.of_probes("is_failed") > 0) | (impact.of_probes("executed") < WHOLE)
    return least


def _arm(impact: Impact) -> dict[str, Any]:
    exponent, least, units = impact.exponent(), is_least(impact), np.abs(impact.of_probes("qty"))
    steps = [_step(impact, least, number) for number in range(impact.shares.size - 1)]
    return {
        "sizes": [
            {
                "share": float(share),
                "units": float(units[number].mean()),
                "move": mean(impact.at_end[number]).entry(),
                "executed": float(impact.of_probes("executed")[number].mean()),
                "executed_in_part": int((impact.of_probes("executed")[number] < WHOLE).sum()),
                "failed": int(impact.of_probes("is_failed")[number].sum()),
            }
            for number, share in enumerate(impact.shares)
        ],
        "steps": [step.difference().entry() | step.said() for step in steps],
        "increases": _increases(steps),
        "exponent": exponent.entry(),
        "is_concave": UNKNOWN if least.any() else _is_below(exponent, 1.0),
    }


def _step(impact: Impact, least: np.ndarray, number: int) -> Pair:
    """A size and the next larger one, seed by seed."""
    larger, smaller = number + 1, number
    values = {"larger": impact.at_end[larger], "smaller": impact.at_end[smaller]}
    return pair(values, {"larger": least[larger], "smaller": least[smaller]}, "larger", "smaller")


def _increases(steps: Sequence[Pair]) -> str:
    """Whether every larger size moves the price further; no if one certainly moves it less."""
    found = [(step.difference(), step.bound) for step in steps]
    if any(apart.high < 0 and bound in ("", UPPER) for apart, bound in found):
        return NO
    return YES if found and all(apart.low > 0 and bound in ("", LOWER) for apart, bound in found) else UNKNOWN


def _is_below(found: Estimate, level: float) -> str:
    return YES if found.high < level else NO if found.low > level else UNKNOWN


def _ratios(impacts: Mapping[str, Impact]) -> Iterator[dict[str, Any]]:
    """What hedging multiplies the move by, size by size; nothing unless base and muted are there."""
    if not {BASE, MUTED} <= set(impacts):
        return
    for number, share in enumerate(impacts[BASE].shares):
        values = {arm: impacts[arm].at_end[number] for arm in (BASE, MUTED)}
        own = pair(values, {arm: is_least(impacts[arm])[number] for arm in values}, BASE, MUTED)
        yield {"share": float(share), **own.ratio().entry(), **own.said()}
