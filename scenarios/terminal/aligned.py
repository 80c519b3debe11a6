"""Rows of text with their columns under each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows as lines, columns as wide as they need; the first to the left, numbers to the right."""
    listed = [list(row) for row in rows]
    columns = max((len(row) for row in listed), default=0)
    widths = [max((len(row[i]) for row in listed if i < len(row)), default=0) for i in range(columns)]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=False))
        ).rstrip()
        for row in listed
    ]
