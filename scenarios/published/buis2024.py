"""How often the market fails, by the straddles that a hedger holds, immediacy and order decay.

The published table counts 20 runs a cell, so its own noise is several points. Immediacy varies at
an order decay of 0.05, order decay at an immediacy of 0.30. The paper itself was not read: its
parameters come from a public replication, and what those leave open (execution above all) was
inferred from the table. Known difference: with much short gamma the published market fails sooner
than ours (immediacy 0.35 to 0.40, order decay up to 0.125), with a little later (20 written).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from scenarios.replications.independent_runs import IndependentRun, run_all, share
from scenarios.replications.replicate import Row, replication

POSITIONS = (-80, -60, -40, -20, 0, 20, 40, 60, 80)
IMMEDIACY = {
    0.30: (0, 0, 0, 0, 0, 0, 0, 0, 0),
    0.325: (5, 10, 0, 0, 0, 0, 0, 0, 0),
    0.35: (50, 45, 5, 0, 0, 0, 0, 0, 0),
    0.375: (95, 90, 45, 0, 20, 0, 0, 0, 0),
    0.40: (100, 95, 100, 90, 85, 0, 0, 0, 0),
    0.45: (100, 100, 100, 100, 100, 95, 65, 10, 10),
    0.50: (100, 100, 100, 100, 100, 100, 100, 100, 95),
}
"""Failure rate, %, by immediacy; columns are `POSITIONS`."""
DECAY = {
    0.05: (0, 0, 0, 0, 0, 0, 0, 0, 0),
    0.075: (50, 15, 0, 0, 0, 0, 0, 0, 0),
    0.10: (70, 40, 5, 0, 0, 0, 0, 0, 0),
    0.125: (80, 80, 25, 5, 0, 0, 0, 0, 0),
    0.15: (100, 100, 50, 15, 0, 0, 0, 0, 5),
    0.175: (100, 100, 85, 35, 10, 5, 0, 0, 0),
}
"""Failure rate, %, by order decay."""

PUBLISHED_RUNS = 20
NEUTRAL_FACTOR = 5  # times the runs in the cells without straddles, which are held to the published ones
QUICK_POSITIONS = (-80, -40, 0, 40, 80)
QUICK = {"immediacy": (0.30, 0.375, 0.40, 0.50), "decay": (0.05, 0.10, 0.175)}
MEAN_ERROR, CORRELATION = 11.0, 0.88  # accepted, points and at least
DRAWS, SEED = 1000, 1  # of the intervals of what is computed from all cells
PERCENT = 100.0


class Cell(NamedTuple):
    """One cell of the table: panel, its level, straddles held, and the published failure rate, %."""

    panel: str
    level: float
    position: int
    published: int

    def setting(self) -> dict[str, object]:
        """What is set for it."""
        key = "populations.anonymous.immediacy" if self.panel == "immediacy" else "venues.book.order_decay"
        return {key: self.level, "populations.hedger.straddles": float(self.position)}

    def __str__(self) -> str:
        return f"failure rate, {self.panel} {self.level:g}, {self.position:+d} straddles"


class Table(NamedTuple):
    """Our cells: runs that failed, and runs."""

    cells: list[Cell]
    failed: np.ndarray
    runs: np.ndarray


def chosen(*, quick: bool) -> list[Cell]:
    """Every cell of both panels, or a coarse grid of them."""
    panels = {"immediacy": IMMEDIACY, "decay": DECAY}
    positions = QUICK_POSITIONS if quick else POSITIONS
    return [
        Cell(name, level, position, rates[POSITIONS.index(position)])
        for name, panel in panels.items()
        for level, rates in panel.items()
        if not quick or level in QUICK[name]
        for position in positions
    ]


def has_failed(run: IndependentRun) -> bool:
    """Whether the market of a run fails."""
    model = run.market()
    while model.running:
        model.step()
    model.release()
    return bool(model.failures)


def cell_rows(table: Table) -> list[Row]:
    """A line for each cell; those without straddles have to agree within the published noise."""
    rows = []
    for cell, failed, runs in zip(*table, strict=True):
        ours, low, high = (PERCENT * each for each in share(int(failed), int(runs)))
        tolerance = tolerance_of(cell.published) if cell.position == 0 else None
        rows.append(Row(str(cell), cell.published, ours, low, high, tolerance, "%"))
    return rows


def tolerance_of(published: float) -> float:
    """Three standard errors of a published rate (no rarer than 5%), and three points."""
    p = max(published / PERCENT, 0.05)
    error: float = (p * (1.0 - p) / PUBLISHED_RUNS) ** 0.5
    return PERCENT * (3.0 * error + 0.03)


def shape_rows(table: Table) -> list[Row]:
    """What the table is as a whole, each with an interval.

    Intervals are as wide as that of the same number when every cell's rate is drawn from what its
    runs leave open: Jeffreys' beta distribution.
    """
    published = np.array([cell.published for cell in table.cells], float)
    pick = {
        "short": [is_at(c, "immediacy", 0.40) and c.position < 0 for c in table.cells],
        "long": [is_at(c, "immediacy", 0.40) and c.position > 0 for c in table.cells],
        "shortest": [is_at(c, "decay", 0.175) and c.position == POSITIONS[0] for c in table.cells],
        "longest": [is_at(c, "decay", 0.175) and c.position == POSITIONS[-1] for c in table.cells],
    }

    def shape(rates: np.ndarray) -> list[float]:
        """Mean absolute error, correlation, and four orderings, of rates in %."""
        return [
            float(np.abs(rates - published).mean()),
            float(np.corrcoef(rates, published)[0, 1]),
            float(rates[pick["short"]].min()),
            float(rates[pick["long"]].max()),
            float(rates[pick["shortest"]][0]),
            float(rates[pick["longest"]][0]),
        ]

    ours = shape(PERCENT * table.failed / table.runs)
    rng = np.random.default_rng(SEED)
    drawn = rng.beta(table.failed + 0.5, table.runs - table.failed + 0.5, (DRAWS, table.runs.size))
    low, centre, high = np.quantile([shape(PERCENT * each) for each in drawn], (0.025, 0.5, 0.975), axis=0)
    theirs = shape(published)
    names = (
        ("mean absolute error over all cells", MEAN_ERROR, "points"),
        ("correlation over all cells", 1.0 - CORRELATION, ""),
        ("immediacy 0.40, least failure rate of short gamma", theirs[2] - 50.0, "%"),
        ("immediacy 0.40, greatest failure rate of long gamma", 10.0, "%"),
        (f"order decay 0.175, failure rate at {POSITIONS[0]:+d}", 25.0, "%"),
        (f"order decay 0.175, failure rate at {POSITIONS[-1]:+d}", 20.0, "%"),
    )
    return [
        Row(
            name,
            theirs[k],
            ours[k],
            ours[k] - float(centre[k] - low[k]),
            ours[k] + float(high[k] - centre[k]),
            tolerance,
            unit,
        )
        for k, (name, tolerance, unit) in enumerate(names)
    ]


def is_at(cell: Cell, panel: str, level: float) -> bool:
    """Whether a cell is in this row of this panel."""
    return cell.panel == panel and cell.level == level


def heat_maps(rows: Sequence[Row], ax: Any) -> None:
    """Draw the published table and ours beside each other, both panels below one another."""
    found = {row.quantity: row for row in rows}
    cells = [cell for cell in chosen(quick=False) if str(cell) in found]
    levels = list(dict.fromkeys((cell.panel, cell.level) for cell in cells))
    positions = sorted({cell.position for cell in cells})
    ax.axis("off")
    labels = [f"{panel} {level:g}" for panel, level in levels]
    break_at = sum(panel == levels[0][0] for panel, _ in levels)
    for place, name in ((0.08, "published"), (0.56, "ours")):
        rates = np.full((len(levels), len(positions)), np.nan)
        for cell in cells:
            at = levels.index((cell.panel, cell.level)), positions.index(cell.position)
            rates[at] = getattr(found[str(cell)], name)
        table = ax.inset_axes((place, 0.08, 0.45, 0.84))
        heat_map(table, rates, positions, break_at, name)
        table.set_yticks(range(len(levels)), labels if name == "published" else [""] * len(levels))


def heat_map(ax: Any, rates: np.ndarray, positions: Sequence[int], break_at: int, name: str) -> None:
    """Draw one table of failure rates, each written into its cell, with a line between the panels."""
    ax.imshow(rates, cmap="Blues", vmin=0.0, vmax=PERCENT, aspect="auto")
    for (row, column), rate in np.ndenumerate(rates):
        colour = "white" if rate > 0.6 * PERCENT else "black"
        ax.text(column, row, f"{rate:.0f}", ha="center", va="center", fontsize=7, color=colour)
    ax.axhline(break_at - 0.5, color="black", linewidth=1.0)
    ax.set_xticks(range(len(positions)), [f"{position:+d}" if position else "0" for position in positions])
    ax.tick_params(labelsize=7, length=0)
    ax.set_xlabel("straddles held", fontsize=8)
    ax.set_title(f"failure rate, %, {name}", fontsize=8)


@replication(
    runs=40,
    quick_runs=4,
    figure=heat_maps,
    source="Buis, Pieterse-Bloem, Verschoor & Zwinkels (2024), JEDC 164, 104880; 20 runs a cell",
    about="Share of runs in which a side of the book empties, by straddles held, immediacy and order decay.",
)
def buis2024(runs: int, workers: int, quick: bool) -> list[Row]:
    """The failure-rate table: cells without straddles and the shape of the whole are judged."""
    cells = chosen(quick=quick)
    counts = [runs * (NEUTRAL_FACTOR if cell.position == 0 else 1) for cell in cells]
    found = run_all(has_failed, "buis2024", [cell.setting() for cell in cells], counts, workers)
    table = Table(cells, np.array([sum(each) for each in found]), np.array(counts))
    return [*cell_rows(table), *shape_rows(table)]
