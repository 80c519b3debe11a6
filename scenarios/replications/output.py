"""What replications came to: a table of text, CSV, Markdown, and a figure each."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.figures import style
from analysis.figures.drawing import own_settings
from scenarios.folders import ownership
from scenarios.replications.replicate import AGREES, DIFFERS, SHOWN, Replication, Row, Rows

HEADS = ("quantity", "published", "ours", "95% interval", "tolerance", "verdict")
COLUMNS = ("replication", "quantity", "unit", "published", "ours", "low", "high", "tolerance", "verdict")
UNSTABLE = "unstable"
COLOURS = {AGREES: style.VALUE, DIFFERS: style.FORCED}


def number(value: float) -> str:
    """A number in five figures; an infinite one says that there is no finite value."""
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return UNSTABLE
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e6 else f"{value:.5g}"


def cells(row: Row) -> list[str]:
    """A row as text: quantity and unit, published, ours, interval, tolerance, verdict."""
    has_interval = math.isfinite(row.ours) and row.high > row.low
    return [
        f"{row.quantity} ({row.unit})" if row.unit else row.quantity,
        number(row.published),
        number(row.ours),
        f"{number(row.low)} to {number(row.high)}" if has_interval else "",
        "" if row.tolerance is None else f"{row.tolerance:.2g}",
        row.verdict,
    ]


def counts(rows: Rows) -> str:
    """How many rows agree, differ, and are only shown."""
    verdicts = [row.verdict for row in rows]
    found = {kind: verdicts.count(kind) for kind in (AGREES, DIFFERS, SHOWN)}
    words = {kind: kind if count == 1 else kind.removesuffix("s") for kind, count in found.items()}
    return ", ".join(f"{count} {words[kind]}" for kind, count in found.items() if count)


def table(found: Replication) -> str:
    """A replication as text: headline, and a line a row."""
    lines = [list(HEADS), *(cells(row) for row in found.rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(HEADS))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    headline = f"{found.name}: {counts(found.rows)}; {found.source}"
    return "\n".join([headline, *(line.rstrip() for line in text)])


def markdown(found: Sequence[Replication]) -> str:
    """Replications as one Markdown table, and where their numbers are published."""
    heads = ("replication", *HEADS)
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for each in found:
        lines += [f"| {' | '.join([each.name, *cells(row)])} |" for row in each.rows]
    sources = [f"- `{each.name}`: {each.source}" for each in found]
    return "\n".join([*lines, "", *sources]) + "\n"


def write_csv(found: Sequence[Replication], path: Path) -> Path:
    """Write a line a row, in full precision."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for each in found:
            for row in each.rows:
                numbers = (row.published, row.ours, row.low, row.high, row.tolerance)
                writer.writerow([each.name, row.quantity, row.unit, *numbers, row.verdict])
    return path


def draw(rows: Rows, ax: Any) -> None:
    """Ours over published, a line a row, with the interval and the tolerance as a band.

    Rows that are published as zero or as unstable have no ratio and are left out.
    """
    drawn = [
        row for row in rows if math.isfinite(row.published) and row.published and math.isfinite(row.ours)
    ]
    for place, row in enumerate(reversed(drawn)):
        scale = abs(row.published)
        centre = row.ours / row.published
        reach = [[(row.ours - row.low) / scale], [(row.high - row.ours) / scale]]
        if row.tolerance is not None:
            low, width = 1 - row.tolerance / scale, 2 * row.tolerance / scale
            ax.barh(place, width, left=low, height=0.8, color=style.GRID, zorder=1)
        colour = COLOURS.get(row.verdict, style.PALE)
        ax.errorbar(centre, place, xerr=reach, fmt="o", ms=4, color=colour, capsize=2, zorder=3)
    ax.axvline(1.0, color=style.INK, lw=0.8, zorder=2)
    ax.set_yticks(range(len(drawn)), [row.quantity for row in reversed(drawn)], fontsize=7)
    ax.set_ylim(-0.7, len(drawn) - 0.3)
    ax.set_xlabel("ours over published (grey: tolerance)")


@own_settings()
def save_figure(found: Replication, path: Path) -> Path:
    """Draw a replication and write it as PNG."""
    from matplotlib.figure import Figure

    height = 4.2 if found.figure is not None else max(2.2, 1.2 + 0.19 * len(found.rows))
    figure = Figure(figsize=(7.4, height), dpi=150, layout="constrained")
    axes = figure.subplots()
    axes.set_title(f"{found.name}: {counts(found.rows)}", fontsize=style.NORMAL, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    (found.figure or draw)(found.rows, axes)
    figure.savefig(path)
    return path


def claim(folder: Path, names: Sequence[str]) -> None:
    """Make room for the files of these replications in a folder.

    Raises
    ------
    ScenarioError
        If the folder holds something else than replications, or a file of such a name.
    """
    files = [f"{name}.{end}" for name in names for end in ("csv", "md", "png")]
    ownership.share(folder, ownership.REPLICATION, str(folder), files)


def write(found: Replication, folder: Path) -> list[Path]:
    """Write NAME.csv, NAME.md and NAME.png into a folder."""
    claim(folder, [found.name])
    page = folder / f"{found.name}.md"
    page.write_text(markdown([found]), encoding="utf-8")
    return [
        write_csv([found], folder / f"{found.name}.csv"),
        page,
        save_figure(found, folder / f"{found.name}.png"),
    ]
