"""Worlds on a page: what a comparison comes to over what is not known, beside the scenario as written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.base.metric import Undefined
from analysis.figures.style import short, words
from analysis.pages.page import Section, with_interval

TITLE = "What is not known"

COLUMNS = (
    "metric",
    "as written (95% over seeds)",
    "median of worlds",
    "95% of worlds",
    "worlds with a ratio",
    "hangs on",
    "rank correlation (95%)",
    "what chance comes to",
)

PROSE = (
    "Worlds drawn from the distributions in `[uncertain]`, each run with the same seeds. The interval over "
    "worlds is of what lies between them, without the luck of their seeds; that of the scenario as written "
    "is of its seeds alone. A key is named if its rank correlation passes what the largest of all keys stays "
    "below by chance in 95% of cases."
)


def section(found: Mapping[str, Any]) -> Section | None:
    """The table of worlds; None if none were drawn.

    Parameters
    ----------
    found : mapping
        As in `worlds.json`.
    """
    rows = [_row(name, entry) for name, entry in found.get("ratios", {}).items()]
    return Section(TITLE, PROSE, COLUMNS, rows) if rows else None


def _row(name: str, entry: Mapping[str, Any]) -> Sequence[Any]:
    written = entry["as_written"]
    own = (words(name.replace(".", " ")), with_interval(written["ratio"], written["interval"]))
    measured = f"{entry['measured']} of {entry['worlds']}"
    if entry["interval"] is None:
        return (*own, entry.get("median"), Undefined(entry["reason"]), measured, None, None, None)
    low, high = (short(end) for end in entry["interval"])
    key = entry["hangs_on"]
    told = (key, _correlation(entry["keys"][key])) if key else ("no key stands out", None)
    return (*own, entry["median"], f"{low} to {high}", measured, *told, entry["noise_floor"])


def _correlation(about: Mapping[str, Any]) -> str:
    low, high = (short(end, 2) for end in about["interval"])
    return f"{short(about['rank_correlation'], 2)} ({low} to {high})"
