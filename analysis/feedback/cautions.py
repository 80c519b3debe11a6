"""Cautions: what a reader of a comparison must know before believing its ratios.

Arms can only be compared if they were shocked alike, and a market that failed would have gone on
moving: what its runs measure are lower bounds. Such runs are kept, and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

ALIKE = 0.005
"""Difference of executed shares from which arms were not shocked alike."""


def cautions(entries: Mapping[str, Any]) -> list[str]:
    """Sentences on shocks that were not executed alike and markets that failed.

    Parameters
    ----------
    entries : mapping
        As in `amplification.json`: metric -> arm -> mean and seeds, among them `shock_executed` of each
        asset and `market_failed`.
    """
    return [*_unequal(entries), *_failed(entries)]


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
    for arm, share in _means(entries.get("market_failed", {})).items():
        if share > 0:
            seeds = entries["market_failed"][arm]["seeds"]
            runs = f"{round(share * seeds)} of {seeds} runs"
            yield f"the market failed in {runs} of {arm}: the moves in them are lower bounds"


def _means(entry: Mapping[str, Any]) -> dict[str, float]:
    """Mean of each arm in which there is one."""
    arms = {arm: found for arm, found in entry.items() if isinstance(found, Mapping) and "mean" in found}
    return {arm: found["mean"] for arm, found in arms.items() if found["mean"] is not None}
