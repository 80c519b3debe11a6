"""What worlds came to beside the scenario as written, as a table of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scenarios.arms.outcome import Amplification
from scenarios.terminal.aligned import aligned

HEADS = ["over worlds", "as written", "95% over seeds", "median", "95% over worlds", "worlds", "hangs on"]


def worlds(outcome: Amplification) -> list[str]:
    """A row a metric: the ratio as written, over worlds, and the key it hangs on; nothing without any."""
    if not outcome.uncertain:
        return []
    rows = [_row(name, entry) for name, entry in outcome.uncertain.items()]
    count = sum(map(bool, outcome.world_rows))
    about = (
        f"{count} of {len(outcome.worlds)} worlds, {len(outcome.seeds)} seeds in each; intervals over worlds "
        "without the luck of the seeds; rank correlations [95%], and what chance comes to"
    )
    return ["", *aligned([HEADS, *rows]), about]


def _row(name: str, entry: Mapping[str, Any]) -> list[str]:
    written = entry["as_written"]
    own = [name, f"{written['ratio']:.3f}", _ends(written["interval"])]
    measured = f"{entry['measured']:,} of {entry['worlds']:,}"
    hanging = f"({entry['reason']})" if entry["interval"] is None else _hanging(entry)
    return [*own, _number(entry.get("median")), _ends(entry["interval"]), measured, hanging]


def _hanging(entry: Mapping[str, Any]) -> str:
    """The key that stands out with its correlation, or that none does."""
    correlations = {key: about["rank_correlation"] for key, about in entry["keys"].items()}
    first = max(correlations, key=lambda key: abs(correlations[key]))
    ends, floor = _ends(entry["keys"][first]["interval"], "{:+.2f}"), entry["noise_floor"]
    told = f"{first} {correlations[first]:+.2f} {ends}, chance {floor:.2f}"
    return told if entry["hangs_on"] else f"no key stands out ({told})"


def _ends(interval: Sequence[float] | None, shape: str = "{:.3f}") -> str:
    return f"[{shape.format(interval[0])}, {shape.format(interval[1])}]" if interval else "none"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
