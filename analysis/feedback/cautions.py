"""Cautions: what a reader of a comparison must know before believing its ratios.

Arms can only be compared if they were shocked alike, and a market that failed would have gone on
moving: what its runs measure are lower bounds. Such runs are kept, and counted by arm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from analysis.base.chance import wilson
from analysis.feedback.amplification import LOWER, NEITHER, UPPER, Failed

FAILED = "market_failed"
"""The metric that says of a run whether a market failed."""

ALIKE = 0.005
"""Difference of executed shares from which arms were not shocked alike."""


def failed(values: Mapping[str, np.ndarray]) -> Failed:
    """In which runs a market failed, from `market_failed` by arm; where that is undefined none did."""
    return {arm: np.nan_to_num(each) > 0 for arm, each in values.items()}


def chances(values: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """By arm how often a market failed, with Wilson's interval, from `market_failed`; none where undefined.

    Returns
    -------
    dict
        arm -> failed, runs, chance, interval.
    """
    known = {arm: each[np.isfinite(each)] for arm, each in values.items()}
    return {
        arm: {
            "failed": int(each.sum()),
            "runs": each.size,
            "chance": float(each.mean()),
            "interval": [*wilson(each)],
        }
        for arm, each in known.items()
        if each.size
    }


def cautions(entries: Mapping[str, Any]) -> list[str]:
    """Sentences on shocks that were not executed alike and markets that failed.

    Parameters
    ----------
    entries : mapping
        As in `amplification.json`: metric -> arm -> mean and seeds, among them `shock_executed` of each
        asset, and `market_failed` with its `chances`.
    """
    return [*_unequal(entries), *_failed(entries)]


def of_worlds(ratios: Mapping[str, Any]) -> list[str]:
    """Sentences on worlds in which a market failed.

    Parameters
    ----------
    ratios : mapping
        As in `worlds.json`: metric -> as_drawn, a ratio and maybe a bound for each world.
    """
    named: dict[str, list[str]] = {}
    for name, entry in ratios.items():
        found = [world.get("bound") for world in entry["as_drawn"]]
        told = [
            f"{found.count(bound)} {what}"
            for bound, what in (
                (LOWER, "are lower bounds"),
                (UPPER, "are upper bounds"),
                (NEITHER, "are undefined, for runs of both arms failed"),
            )
            if found.count(bound)
        ]
        if told:
            named.setdefault(f"of the ratios of {len(found)} worlds {', '.join(told)}", []).append(name)
    return [f"{what}, in {', '.join(names)}" for what, names in named.items()]


def _unequal(entries: Mapping[str, Any]) -> Iterator[str]:
    for name, entry in entries.items():
        asset, _, metric = name.rpartition(".")
        if metric != "shock_executed":
            continue
        shares = _means(entry)
        if shares and max(shares.values()) - min(shares.values()) > ALIKE:
            told = ", ".join(f"{share:.1%} in {arm}" for arm, share in shares.items())
            yield f"{asset}: the arms were not shocked alike: of the shock was executed {told}"


def _failed(entries: Mapping[str, Any]) -> Iterator[str]:
    chances = entries.get(FAILED, {}).get("chances", {})
    for arm, found in chances.items():
        if found["failed"]:
            runs = f"{found['failed']} of {found['runs']} runs"
            yield f"the market failed in {runs} of {arm}: the moves in them are lower bounds"
    for bound, what in (
        (LOWER, "a lower bound: runs of base failed"),
        (UPPER, "an upper bound: runs of muted failed"),
        (NEITHER, "undefined: runs of both failed, and both means are lower bounds"),
    ):
        names = [name for name, entry in entries.items() if entry.get("bound") == bound]
        if names:
            yield f"base over muted is {what}, in {', '.join(names)}"


def _means(entry: Mapping[str, Any]) -> dict[str, float]:
    """Mean of each arm in which there is one."""
    arms = {arm: found for arm, found in entry.items() if isinstance(found, Mapping) and "mean" in found}
    return {arm: found["mean"] for arm, found in arms.items() if found["mean"] is not None}
