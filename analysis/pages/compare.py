"""Results side by side: what each came to, how far from the first, and how they were set up.

A single run is one draw: the difference of two carries no interval, and that is said
wherever one is shown. An amplification has many seeds; its means are shown with the 95%
interval of Student's t, their differences with that of Welch (1947, Biometrika 34), which
takes the seeds of two folders for independent and so is wide rather than narrow where they
are the same ones. The amplifications themselves keep the bootstrap intervals of their folders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.base.arms import BASE
from analysis.base.metric import Undefined
from analysis.base.result import Result, arms, read
from analysis.figures.drawing import own_settings
from analysis.pages.metric_rows import (
    ABSENT,
    MetricRow,
    Number,
    amplified,
    apart,
    difference,
    entry_of,
    number_of,
    overlap,
    valued,
)
from analysis.pages.page import Section, inlined, page
from analysis.pages.side_by_side import figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


KEYS_SHOWN = 12
"""How many differing keys of the scenarios the text shows."""


SINGLE = (
    "A single run is one draw: its values and their differences carry no interval, and a difference may be "
    "chance. `hedgequake amplify` measures with intervals."
)


MEANS = (
    "Of an amplification: mean of the base arm with its 95% interval (Student's t over seeds); differences "
    "with Welch's."
)


@dataclass(frozen=True)
class Comparison:
    """Several results; prints as text, and `save` writes it as a page or a picture.

    Attributes
    ----------
    results : tuple of Result
    labels : tuple of str
        A different name for each: its folder's, with as many of its parents as that takes.
    """

    results: tuple[Result, ...]
    labels: tuple[str, ...]

    def __str__(self) -> str:
        """The tables as text; of what is folded away in the page only how much there is."""
        reasons: dict[str, int] = {}
        parts = [_text(section, reasons) for section in self.sections]
        notes = "\n".join(f"({number}) {reason}" for reason, number in reasons.items())
        return "\n\n".join([*parts, *([notes] if notes else [])])

    @cached_property
    def sections(self) -> list[Section]:
        """What was run, then amplifications, metrics, and what was written differently, as tables."""
        return [
            part for part in (self._runs(), *self._amplifications(), *self._metrics(), self._keys()) if part
        ]

    @cached_property
    def metrics(self) -> list[MetricRow]:
        """Every metric that any result has, the main ones first."""
        found: dict[str, MetricRow] = {}
        for result in self.results:
            own = result.metrics if result.amplification is None else result.amplification
            for name, entry in own.items():
                metric = self._metric(result, name, entry.get("unit", "1"))
                found.setdefault(metric.key, metric)
        return sorted(found.values(), key=lambda metric: metric.rank)

    def _metric(self, result: Result, name: str, unit: str) -> MetricRow:
        parts = result.parsed(name)
        is_own = self._is_each_its_own and bool(parts.asset)
        rest = name.removeprefix(f"{parts.asset}.") if is_own else name
        names = tuple(f"{each.assets[0]}.{rest}" if is_own else name for each in self.results)
        pairs = list(zip(self.results, names, strict=True))
        units = tuple(each.unit(own, unit) if number_of(each, own) else "" for each, own in pairs)
        return MetricRow(rest, parts.label, names, unit, units)

    @cached_property
    def _is_each_its_own(self) -> bool:
        """Whether every result has one asset, and not all the same."""
        assets = [tuple(result.assets) for result in self.results]
        return len(set(assets)) > 1 and all(len(each) == 1 for each in assets)

    def _runs(self) -> Section:
        columns = ("result", "scenario", "assets", "seeds", "arms", "status", "hash")
        rows = [
            (label, result.name, ", ".join(result.assets), *_setup(result))
            for label, result in zip(self.labels, self.results, strict=True)
        ]
        return Section("What was run", columns=columns, rows=rows)

    def _metrics(self) -> Iterator[Section]:
        """The main metrics, the others that differ, those by population; a note on what is equal."""
        differing = [
            metric for metric in self.metrics if len({each and each[0] for each in self._numbers(metric)}) > 1
        ]
        main = [metric for metric in self.metrics if metric.is_headline]
        others = [metric for metric in differing if metric not in main and not metric.label]
        divided = [metric for metric in differing if metric.label]
        equal = len(self.metrics) - len({*main, *differing})
        note = f"{equal} other metrics are the same in all." if equal else ""
        kinds = {result.amplification is None for result in self.results}
        prose = "\n\n".join(
            text for is_single, text in ((True, SINGLE), (False, MEANS)) if is_single in kinds
        )
        yield self._table("Main metrics", main, prose)
        yield self._table("Other metrics that differ", others, note=note)
        yield self._table("Metrics by population, phase and reason that differ", divided, is_folded=True)

    def _table(self, title: str, metrics: Sequence[MetricRow], prose: str = "", **more: Any) -> Section:
        """Values of each result, and from the second on the differences to the first."""
        first, *others = self.labels
        columns = ["metric", first]
        for label in others:
            columns += [label, f"{label} − {first}"]
        return Section(title, prose, columns, [self._row(metric) for metric in metrics], **more)

    def _row(self, metric: MetricRow) -> list[Any]:
        numbers = self._numbers(metric)
        cells: list[Any] = [metric.title, valued(numbers[0], metric)]
        for number, unit in zip(numbers[1:], metric.units[1:], strict=True):
            is_one_unit = unit == metric.units[0]
            cells += [valued(number, metric), apart(numbers[0], number, metric) if is_one_unit else None]
        return cells

    def _numbers(self, metric: MetricRow) -> list[Number | None]:
        """The metric in each result; None where it has no such metric."""
        return [number_of(result, name) for result, name in zip(self.results, metric.names, strict=True)]

    def _amplifications(self) -> Iterator[Section]:
        """Amplifications with their intervals, and whether those overlap that of the first."""
        if all(result.amplification is None for result in self.results):
            return
        note = "`apart` where the interval does not overlap that of the first result, else `overlaps`."
        first, *others = self.labels
        columns = ["metric", first]
        for label in others:
            columns += [label, f"against {first}"]
        entries = [result.amplification or {} for result in self.results]
        of_market = (metric for metric in self.metrics if not metric.label)
        known = [metric for metric in of_market if any(map(dict.get, entries, metric.names))]
        main = [self._amplified_row(metric) for metric in known if metric.is_headline]
        rest = [self._amplified_row(metric) for metric in known if not metric.is_headline]
        prose = "Base over muted, or base less muted where a ratio has no meaning, with 95% intervals."
        yield Section("Amplification", prose, columns, main, note=note if others else "")
        yield Section("Amplification of the other metrics", columns=columns, rows=rest, is_folded=True)

    def _amplified_row(self, metric: MetricRow) -> list[Any]:
        entries = [entry_of(result, name) for result, name in zip(self.results, metric.names, strict=True)]
        cells: list[Any] = [metric.title, amplified(entries[0], metric)]
        for entry in entries[1:]:
            cells += [amplified(entry, metric), overlap(entries[0], entry)]
        return cells

    def _keys(self) -> Section | None:
        """Keys of the scenarios that do not have one value."""
        flat = [dict(_flattened(result.scenario)) for result in self.results]
        names = dict.fromkeys(name for each in flat for name in each if name not in ("name", "description"))
        rows = [
            (name, *(each.get(name, ABSENT) for each in flat))
            for name in names
            if len({each.get(name, ABSENT) for each in flat}) > 1
        ]
        title = "Scenario keys that differ"
        return Section(title, columns=("key", *self.labels), rows=rows) if rows else None

    def entry(self) -> dict[str, Any]:
        """Everything as plain values, for JSON: what was run, and a row a metric.

        In a row `values`, `differences` to the first result and `amplified` have an entry for each
        result, None where there is none.
        """
        runs = [
            {"label": label, "folder": str(result.folder), "manifest": result.manifest}
            for label, result in zip(self.labels, self.results, strict=True)
        ]
        return {"results": runs, "metrics": [self._entry(metric) for metric in self.metrics]}

    def _entry(self, metric: MetricRow) -> dict[str, Any]:
        numbers = self._numbers(metric)
        values = [
            number and {"value": number.value, "interval": number.interval, "reason": number.reason}
            for number in numbers
        ]
        gaps = [number and numbers[0] and difference(numbers[0], number) for number in numbers]
        ratios = [
            entry and {name: entry.get(name) for name in ("ratio", "interval", "bound")}
            for entry in self.ratios(metric)
        ]
        return {
            "metric": metric.key,
            "names": metric.names,
            "unit": metric.unit,
            "values": values,
            "differences": [gap and {"value": gap[0], "interval": gap[1]} for gap in gaps],
            "amplified": ratios,
        }

    def figure(self) -> Figure:
        """Prices and amplifications on common axes; see `figure`."""
        return figure(self)

    def ratios(self, metric: MetricRow) -> list[Mapping[str, Any] | None]:
        """Entries that have a ratio; None for results that do not."""
        entries = [entry_of(result, name) for result, name in zip(self.results, metric.names, strict=True)]
        return [entry if entry and entry.get("ratio") is not None else None for entry in entries]


def compare(folders: Sequence[str | Path]) -> Comparison:
    """Read results to set them side by side; the first is what the others are compared with.

    Parameters
    ----------
    folders : sequence of str or Path
        Results folders, of runs, of amplifications, or of both.

    Raises
    ------
    FileNotFoundError
        If one holds no result.
    """
    return Comparison(tuple(map(read, folders)), _labels([Path(folder) for folder in folders]))


@own_settings()
def save(comparison: Comparison, path: str | Path) -> Path:
    """Write a comparison as a self-contained page (.html) or its figure alone (.png).

    Raises
    ------
    ValueError
        If the path ends otherwise.
    Undefined
        If there is nothing to draw for a .png.
    """
    path = Path(path)
    if path.suffix == ".png":
        comparison.figure().savefig(path, metadata={"Software": None})
    elif path.suffix == ".html":
        path.write_text(_page(comparison), encoding="utf-8")
    else:
        raise ValueError(f"{path.name} must end in .html or .png")
    return path


def _labels(folders: Sequence[Path]) -> tuple[str, ...]:
    """The shortest ends of the paths that tell them apart; a number where they are one folder."""
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts), default=1) + 1):
        labels = ["/".join(each[-depth:]) for each in parts]
        if len(set(labels)) == len(labels):
            return tuple(labels)
    return tuple(f"{folder.name} {number}" for number, folder in enumerate(folders, 1))


def _setup(result: Result) -> tuple[str, str, str, str]:
    """Seeds, arms, status and the first digits of the scenario's hash."""
    manifest = result.manifest
    seeds = manifest.get("seeds", manifest.get("seed", result.scenario.get("seed")))
    counted = (
        f"{len(seeds)} seeds"
        if isinstance(seeds, list)
        else f"seed {seeds}"
        if "seed" in manifest
        else f"{seeds} seeds"
    )
    names = ", ".join(arms(result)) or str(manifest.get("arm", BASE))
    return counted, names, str(manifest.get("status", "")), str(manifest.get("scenario_hash", ""))[:8]


def _flattened(content: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Dotted keys of a scenario with their values; entries of lists by their names."""
    entries: Any = content.items() if isinstance(content, dict) else None
    if isinstance(content, list) and any(isinstance(each, dict) for each in content):
        entries = [(each.get("name", number), each) for number, each in enumerate(content)]
    if entries is None:
        yield path, str(content)
        return
    for key, each in entries:
        if not (path and key == "name"):
            yield from _flattened(each, f"{path}.{key}".lstrip("."))


def _text(section: Section, reasons: dict[str, int]) -> str:
    """A section as text; reasons of undefined cells are numbered, to stand below."""
    title = section.title.upper()
    if section.is_folded:
        return f"{title}: {len(section.rows)}, in the page"
    shown = section.rows[:KEYS_SHOWN] if section.columns[0] == "key" else section.rows
    table = [list(section.columns), *([_plain(content, reasons) for content in row] for row in shown)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(_padded(row, widths)).rstrip() for row in table]
    more = len(section.rows) - len(shown)
    left_out = f"and {more} more, in the page" if more else ""
    return "\n".join(
        line for line in (title, *section.prose.split("\n\n"), *lines, left_out, section.note) if line
    )


def _padded(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for number, (text, width) in enumerate(zip(row, widths, strict=True)):
        yield text.rjust(width) if number else text.ljust(width)


def _plain(content: Any, reasons: dict[str, int]) -> str:
    if isinstance(content, Undefined):
        return f"- ({reasons.setdefault(str(content), len(reasons) + 1)})"
    return "–" if content is None else str(content)


def _page(comparison: Comparison) -> str:
    """The page: the figure, then every table."""
    try:
        image = inlined(comparison.figure(), "Every result in its own colour, all on one axis.")
    except Undefined:
        image = None
    return page("compare.html", comparison=comparison, image=image)
