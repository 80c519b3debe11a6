"""The report: one result as one page that needs nothing else, the answer first.

A result is the folder of one run, or of an amplification: the same market in several arms
over several seeds, with the recording of one base run in its folder `base`. The page holds
its own styles and pictures, so it can be mailed and read offline; the same folder gives the
same bytes. What is computed stands here, what is said of it in `templates`, which escape
whatever a scenario brings; what is undefined is said to be so, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from analysis.base.arms import BASE, MAIN, MUTED
from analysis.base.metric import Undefined
from analysis.base.result import Name, Result, arms, read
from analysis.base.trades import Shock
from analysis.cascades.cascades import cascades
from analysis.feedback.cautions import cautions, of_worlds
from analysis.figures.drawing import going_on
from analysis.figures.figure import ALL
from analysis.figures.style import colours, short, words
from analysis.gallery import DPI, drawn, pictures
from analysis.measures import heading, headings, is_headline, is_percent, rank
from analysis.pages import glossary, worlds
from analysis.pages.assumptions import assumption
from analysis.pages.page import Image, Section, elapsed, inlined, page, value, with_interval
from sim.recording.recording import Recording

NAME = "report.html"
"""File that `save` writes into the folder."""


MOST_BYTES, COARSEST = 2_400_000, 72.0
"""Size of all pictures of a page, and the pixels an inch to which they are reduced at most to keep it."""


PANELLED = "overview"
"""The figure that is left out, because the page has each of its panels."""


SHOWN, COMPARED = 5, "All seeds"
"""Figures that are not folded away, and the heading of those of a comparison."""


ELSEWHERE = ("residuals", "description", "overrides", "files")
"""Parts of the manifest that the page shows in a place of their own."""


ROUNDING = 1e-9
"""Largest cash residual, as a fraction of balances, that is rounding and no loss."""


def report(
    folder: str | Path,
    assumptions: Mapping[str, str] | None = None,
    sections: Sequence[Section] = (),
    which: str = ALL,
) -> str:
    """The page about a result.

    Parameters
    ----------
    folder : str or Path
        A results folder, of a run or of an amplification.
    assumptions : mapping of str to str, optional
        Docstrings of the venues and populations in use by their names, as in
        "dealers (dealers.OptionDealers)".
    sections : sequence of Section, optional
        Parts that stand between the tables and the assumptions.
    which : str
        "all" figures, or the "main" ones.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    FileNotFoundError
        If the folder holds no result.
    """
    result = read(folder)
    own = colours(result.recording) if result.recording else {}
    found, fallen = arms(result), trees(result.recording)
    return page(
        "report.html",
        result=result,
        facts=list(facts(result)),
        overrides=list(overrides(result)),
        seed=result.recording.market.get("seed") if result.recording else None,
        gains=[gain(result, asset) for asset in result.assets],
        cascades=fallen,
        largest=largest(fallen, result.currency),
        amplified=amplified(result),
        cautions=[*cautions(result.amplification or {}), *of_worlds(result.worlds.get("ratios", {}))],
        credited=credited(result.shapley),
        worlds=worlds.section(result.worlds),
        arms=found,
        main_arms=[arm for arm in found if arm in MAIN or MUTED not in found],
        compared_arms=[arm for arm in found if arm not in (BASE, MUTED)],
        albums=albums(figures(result, which)),
        is_short=which != ALL,
        glossary=glossary.TERMS,
        groups=grouped(result),
        populations=by_population(result, own),
        sections=sections,
        assumptions=[assumption(name, text, own) for name, text in (assumptions or {}).items()],
        conservation=conservation(result),
        provenance=[(key, _flat(item)) for key, item in result.manifest.items() if key not in ELSEWHERE],
    )


def save(
    folder: str | Path,
    assumptions: Mapping[str, str] | None = None,
    sections: Sequence[Section] = (),
    which: str = ALL,
) -> Path:
    """Write the page into its folder; see `report`. Returns its path."""
    path = Path(folder) / NAME
    path.write_text(report(folder, assumptions, sections, which), encoding="utf-8")
    return path


def facts(result: Result) -> Iterator[str]:
    """What was run, in a few words each."""
    time, manifest = result.scenario["time"], result.manifest
    steps, step = time["steps"], time["step_seconds"]
    seeds = manifest.get("seeds")
    done = f"{manifest.get('seeds_done', len(seeds or ()))} of " if result.is_unfinished else ""
    own = manifest.get("seed", result.scenario.get("seed"))
    yield f"seed {own}" if seeds is None else f"{done}{len(seeds)} seeds"
    yield f"arm {manifest['arm']}" if "arm" in manifest else f"arms {', '.join(arms(result))}"
    yield f"{steps:,} steps of {step:g} s: {elapsed(steps * step)}"
    counts = [entry.get("count", 1) for entry in result.scenario.get("populations", [])]
    yield f"{sum(counts):,} participants in {len(counts)} populations"
    yield f"{len(result.scenario.get('venues', []))} venues"
    if manifest.get("muted"):
        yield f"muted: {', '.join(manifest['muted'])}"
    for shock in result.scenario.get("shocks", []):
        yield _told(shock) + _cut(shock, result)


def _cut(shock: Mapping[str, Any], result: Result) -> str:
    """What the end of the run took from a shock, nothing if it came whole."""
    if not result.came(shock):
        return f": never came, the run ended at {elapsed(result.duration)}"
    is_cut = shock.get("type") == "market_order" and Shock.of(shock).last >= result.duration
    return f", cut short at {elapsed(result.duration)}" if is_cut else ""


def _told(shock: Mapping[str, Any]) -> str:
    """A shock in a few words."""
    if shock.get("type") != "market_order":
        return f"shock {words(str(shock.get('type')))} at {elapsed(shock['at'])}"
    verb = "sale" if shock["qty"] < 0 else "purchase"
    over = f" over {elapsed(shock['over_seconds'])}" if shock.get("over_seconds") else ""
    return f"{verb} of {abs(shock['qty']):,g} {shock.get('asset', '')} at {elapsed(shock['at'])}{over}"


def overrides(result: Result) -> Iterator[str]:
    """What is not as in the scenario's file: an arm that is not base, and what was set over the file."""
    arm = result.manifest.get("arm", BASE)
    if arm != BASE:
        yield f"arm {arm}"
    for key, content in result.manifest.get("overrides", {}).items():
        yield f"{key} = {json.dumps(content, ensure_ascii=False)}"


def gain(result: Result, asset: str) -> dict[str, Any]:
    """Median and worst loop gain of an asset, and the share of steps at 1 or above; None if unknown."""
    found = {key: result.measured(f"{asset}.{key}_loop_gain") for key in ("median", "worst")}
    known = np.zeros(0)
    column = f"{asset}.loop_gain"
    if result.recording is not None and column in result.recording.table("series").column_names:
        values = result.recording.column("series", column)
        known = values[~np.isnan(values)]
    found["distance"] = result.measured(f"{asset}.distance_to_instability")
    return {"asset": asset, **found, "above": float((known >= 1).mean()) if known.size else None}


def trees(recording: Recording | None) -> Any:
    """The cascades of a run (`analysis.cascades.cascades`), or the `Undefined` that says why not."""
    if recording is None:
        return Undefined("the run left no tables")
    try:
        return cascades(recording)
    except Undefined as reason:
        return reason


def largest(found: Any, currency: str) -> Section | None:
    """The ten largest cascades as a table."""
    if isinstance(found, Undefined):
        return None
    columns = ("liquidations", "first at", "lasted", "generations after it", f"notional ({currency})")
    rows = [
        (row["count"], elapsed(row["start"]), elapsed(row["duration"]), row["depth"], row["notional"])
        for row in found.head(10).to_dict("records")
    ]
    return Section("Largest cascades", columns=columns, rows=rows)


def figures(result: Result, which: str = ALL) -> list[Image]:
    """The figures of a result for its page; in fewer pixels where they are too many for one."""
    failed: dict[str, str] = {}
    images = [inlined(*each) for each in _drawn(result, failed, which)]
    size = sum(len(image.source) for image in images)
    if size <= MOST_BYTES:
        return images
    coarse = max(COARSEST, DPI * MOST_BYTES / size)
    return [inlined(*each, dpi=coarse) for each in _drawn(result, failed, which, is_anew=True)]


def albums(images: Sequence[Image]) -> tuple[list[Image], dict[str, list[Image]]]:
    """The figures that come first, and all others under their headings in the order of the page."""
    first = sorted(images, key=lambda image: not image.is_main)[:SHOWN]
    under: dict[str, list[Image]] = {}
    for image in images:
        if not any(image is each for each in first):
            under.setdefault(image.heading, []).append(image)
    return first, under


def _drawn(
    result: Result, failed: dict[str, str], which: str, *, is_anew: bool = False
) -> Iterator[tuple[Any, str, str, bool]]:
    """Pictures of the folder's comparison, if it has them, then the figures of the recording.

    Figures that the folder holds as files are taken from there, unless all are to be drawn anew.
    """
    if result.amplification is not None:
        for path in sorted((result.folder / "figures").glob("*.png")):
            yield path, f"{words(path.stem).capitalize()}, all seeds.", COMPARED, True
    recording = result.recording
    if recording is None or recording.table("series").num_rows == 0:
        return
    own = result.folder if result.amplification is None else result.folder / BASE
    hopeless = result.manifest.get("figures_failed") or {}
    for picture in pictures(recording, which):
        file = own / "figures" / f"{picture.name}.png"
        with going_on(failed, picture.name):
            is_shown = not (picture.name.endswith(PANELLED) or picture.name in hopeless)
            figure = (file if file.is_file() and not is_anew else drawn(picture)) if is_shown else None
            if figure is not None:
                yield figure, picture.about, picture.heading, picture.is_main


class Row(NamedTuple):
    """A metric in a table: its full name and its parts, unit in words, definition, what is known of it."""

    name: str
    parts: Name
    unit: str
    source: str
    entry: dict[str, Any]


def amplified(result: Result) -> dict[str, list[Row]]:
    """The metrics of an amplification in three tables: the main ones, the others, those by population."""
    tables: dict[str, list[Row]] = {"main": [], "others": [], "divided": []}
    for row in _rows(result, result.amplification or {}):
        is_main = is_headline(row.parts.metric) and not row.parts.label
        tables["main" if is_main else "divided" if row.parts.label else "others"].append(row)
    return {title: sorted(rows, key=_rank) for title, rows in tables.items()}


def grouped(result: Result) -> dict[str, list[Row]]:
    """Metrics of the run under their headings; those by population have a table of their own."""
    groups: dict[str, list[Row]] = {title: [] for title in headings()}
    owners = result.recording.names("populations") if result.recording else ()
    for row in _rows(result, result.metrics):
        if row.parts.label not in owners:
            groups[heading(row.parts.metric)].append(row)
    return {title: sorted(rows, key=_rank) for title, rows in groups.items() if rows}


def _rank(row: Row) -> tuple[bool, int]:
    return rank(row.parts.metric)


def by_population(result: Result, colour: Mapping[str, str]) -> Section | None:
    """Who traded, was liquidated, earned and paid: a row a population that did anything."""
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    columns: dict[str, str] = {}
    for row in _rows(result, result.metrics):
        if row.parts.label in colour:
            head = f"{row.parts.asset}.{row.parts.metric}".lstrip(".")
            columns[head] = _headed(row)
            cells[row.parts.label, head] = row.entry
    notes = {
        f"{columns[head]}: undefined, {entry['reason']}"
        for (_, head), entry in cells.items()
        if "reason" in entry
    }
    columns = {head: title for head, title in columns.items() if any(_is_some(cells, head=head).values())}
    rows = [
        (_owner(name, colour[name]), *(value(cells.get((name, head)), head) for head in columns))
        for name in colour
        if any(_is_some(cells, name=name).values())
    ]
    note = "; ".join(sorted(notes))
    return Section("By population", "", ("population", *columns.values()), rows, note=note) if rows else None


def _headed(row: Row) -> str:
    """Heading of a column, with its unit unless that is what it counts."""
    title = f"{row.parts.asset} {words(row.parts.metric)}".strip().removesuffix(" of")
    return title if row.unit == title else f"{title} ({row.unit or '1'})"


def _is_some(
    cells: Mapping[tuple[str, str], dict[str, Any]], name: str = "", head: str = ""
) -> dict[tuple[str, str], bool]:
    """Whether the cells of a population or of a column hold more than nothing."""
    own = {key: cell for key, cell in cells.items() if name in ("", key[0]) and head in ("", key[1])}
    return {key: cell["value"] not in (None, 0) for key, cell in own.items()}


def _owner(name: str, colour: str) -> Markup:
    return Markup('<span class="chip" style="background:{}"></span>{}').format(colour, words(name))


def _rows(result: Result, entries: Mapping[str, dict[str, Any]]) -> Iterator[Row]:
    for name, entry in entries.items():
        unit = "%" if is_percent(name) else result.unit(name, entry.get("unit", "1"))
        yield Row(name, result.parsed(name), unit, entry.get("source", ""), entry)


def credited(shapley: Mapping[str, Any]) -> Section | None:
    """The factor of every mechanism, metric by metric, of an amplification that was credited."""
    named = [entry["mechanisms"] for entry in shapley.values() if entry["mechanisms"]]
    if not named:
        return None
    prose = "Factors by which each mechanism multiplies a metric (Shapley values of its logarithm), with "
    columns = ("metric", *map(words, named[0]), "all together")
    rows = [
        (words(name.replace(".", " ")), *_factors(entry, len(named[0]))) for name, entry in shapley.items()
    ]
    return Section(
        "Credit to mechanisms", prose + "95% intervals; they multiply to the total.", columns, rows
    )


def _factors(entry: Mapping[str, Any], mechanisms: int) -> list[Any]:
    """Cells: the factors of the mechanisms and of all together."""
    if not entry["mechanisms"]:
        return [*[None] * mechanisms, Undefined(entry.get("reason", "no reason is given"))]
    parts = [*entry["mechanisms"].values(), entry["total"]]
    return [with_interval(part["factor"], part.get("factor_interval")) for part in parts]


def conservation(result: Result) -> str:
    """What the residuals of cash and of every instrument say, in a sentence."""
    residuals = result.manifest.get("residuals")
    if not residuals:
        return "Not checked here: only the manifest of a single run has residuals."
    lost = [f"{abs(lots):g} lots of {name}" for name, lots in residuals.items() if name != "cash" and lots]
    cash = f"cash residual {residuals.get('cash', 0.0):.1e} of balances"
    if not lost and abs(residuals.get("cash", 0.0)) < ROUNDING:
        return f"Held: {cash}, no lot lost or made in {len(residuals) - 1} instruments."
    return f"VIOLATED: {cash}; {', '.join(lost) or 'no lot'} lost or made. Trust nothing on this page."


def _flat(content: Any) -> str:
    """A part of the manifest in a line."""
    if isinstance(content, dict):
        return ", ".join(f"{key} {_flat(each)}" for key, each in content.items()) or "none"
    if isinstance(content, list):
        return ", ".join(map(str, content)) or "none"
    if isinstance(content, float):
        return short(content, 4)
    return "unknown" if content is None else f"{content:,}" if isinstance(content, int) else str(content)
