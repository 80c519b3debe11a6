"""Pages and pictures of a result: its report, with what the scenario's own classes say, and its figures."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from math import isnan
from pathlib import Path
from typing import Any, TypeVar

from analysis import gallery
from analysis.attribution import attribution
from analysis.attribution.charges import MEANINGS
from analysis.base import result
from analysis.base.arms import BASE
from analysis.base.metric import Undefined
from analysis.calibration import plots as calibration_plots
from analysis.contagion import covar
from analysis.facts import card_plots, scorecard
from analysis.feedback import plots as feedback_plots
from analysis.figures.figure import ALL
from analysis.pages import report
from analysis.pages.page import Section
from analysis.probes import plots as probe_plots
from analysis.sweeps import plots as sweep_plots
from analysis.sweeps import sensitivity
from scenarios.build.loading import loaded
from scenarios.file.errors import Problem, ScenarioError
from scenarios.file.schema import Scenario
from scenarios.folders import ownership
from scenarios.folders.damage import reading
from scenarios.process.interruption import Interruption
from sim.messages.columns import TABLES
from sim.recording.recording import Recording

Result = TypeVar("Result")
STUDIES: dict[str, Callable[[Any, Path], Path]] = {
    "probe.json": probe_plots.save,
    "facts.json": card_plots.save,
    "moments.json": calibration_plots.save,
}
"""What draws the figure of a study, by the file that holds what it found."""

CHARGED = ("net move (% of opening price)", "variance over a minute (95%)", "the largest fall")
SHARES = (
    "Shares add up to 100% over all rows and may lie outside 0 to 100%: who pulls the price back has a "
    "share below zero."
)


def write_report(folder: Path, which: str = ALL) -> tuple[Path, list[str]]:
    """Write `report.html` into a results folder; returns its path, and types that were not imported.

    Parameters
    ----------
    folder : Path
    which : str
        "all" figures, or the "main" ones.

    Raises
    ------
    ScenarioError
        If the folder holds no result, or one that cannot be read.
    """
    check_run(folder)
    with reading(folder, "be reported"):
        scenario = loaded(folder / "scenario.toml")
        written = report.save(folder, assumptions(scenario), list(sections(folder)), which)
        ownership.note_written(folder, [written])
        return written, scenario.not_imported()


def draw(
    folder: Path, interruption: Interruption | None = None, failed: dict[str, str] | None = None
) -> list[Path]:
    """Draw the figures of a result again; returns their paths.

    Parameters
    ----------
    folder : Path
    interruption : Interruption, optional
        Looked at after every figure; those drawn by then stay, the others are as they were.
    failed : dict of str to str, optional
        Gets the reason for each figure that cannot be drawn; without it the first such error is raised.

    Raises
    ------
    ScenarioError
        If the folder holds no result, or one that cannot be drawn.
    """
    check(folder)
    until = (interruption or Interruption()).until
    own = folder / BASE if (folder / BASE).is_dir() else folder
    if (folder / "design.parquet").is_file():
        drawings = sweep_plots.saved(folder, failed=failed)
        return _of_sweep(folder, "be drawn", lambda: list(_noted(folder, until(drawings))))
    if studies := [folder / name for name in STUDIES if (folder / name).is_file()]:
        return _of_sweep(folder, "be drawn", lambda: list(_noted(folder, map(_study, studies))))
    with reading(folder, "be drawn"):
        compared = _compared(folder, failed) if own != folder else ()
        drawings = gallery.saved(_whole(own), own / "figures", failed)
        return list(_noted(folder, until(chain(compared, drawings))))


def _study(found: Path) -> Path:
    """Draw what a study found again."""
    return STUDIES[found.name](json.loads(found.read_text(encoding="utf-8")), found.parent / "figures")


def write_sensitivity(folder: Path, metric: str | None, arm: str) -> tuple[str, list[Path]]:
    """Table of the Sobol indices of a sweep, and the files they are written to.

    Raises
    ------
    ScenarioError
        If the folder holds no sweep, or one that has no indices; the message says why.
    """
    check(folder)

    def analyse() -> tuple[str, list[Path]]:
        found = sensitivity.sensitivity(folder, metric, arm)
        written = [*sensitivity.write(found, folder), sweep_plots.save_indices(found, folder)]
        ownership.note_written(folder, written)
        return sensitivity.table(found), written

    return _of_sweep(folder, "be analysed", analyse)


def _noted(folder: Path, written: Iterable[Path]) -> Iterator[Path]:
    """The paths, each listed in the manifest of its folder as soon as it is written."""
    for path in written:
        ownership.note_written(folder, [path])
        yield path


def _of_sweep(folder: Path, use: str, analyse: Callable[[], Result]) -> Result:
    """What an analysis of a sweep gives; what it lacks is bad input."""
    with reading(folder, use):
        try:
            return analyse()
        except (Undefined, OSError, ValueError) as error:
            reason = str(error).partition("\n")[0].removeprefix(f"{folder}: ")
            raise ScenarioError(Problem(str(folder), "", reason)) from error


def _compared(folder: Path, failed: dict[str, str] | None) -> Iterator[Path]:
    """Draw what an amplification compares, one figure after the other."""
    found = result.read(folder)
    compared = (found.amplification or {}, found.shapley, found.worlds)
    return feedback_plots.saved(*compared, folder / "figures", failed)


def _whole(folder: Path) -> Recording:
    """The recording in a folder, every table of which can be read: else no figure is to blame."""
    recording = Recording.read(folder)
    for name in TABLES:
        recording.table(name)
    return recording


def check(folder: Path) -> None:
    """Raise ScenarioError if a folder holds no result."""
    if ownership.status_of(folder) is None:
        what = "not a results folder; `run`, `amplify`, `sweep`, `frontier`, `probe` and `calibrate` make one"
        raise ScenarioError(Problem(str(folder), "", what))


def check_run(folder: Path) -> None:
    """Raise ScenarioError if a folder holds no run and no amplification."""
    check(folder)
    if ownership.manifest(folder).get("kind") == ownership.REPLICATION:
        raise ScenarioError(Problem(str(folder), "", "holds replications, not a run or an amplification"))
    for name, what in (
        ("design.parquet", "a sweep; `plot` draws it"),
        ("frontier.json", "a search for a level"),
        ("probe.json", "probes; `plot` draws them"),
        ("moments.json", "a calibration; `plot` draws it"),
    ):
        if (folder / name).is_file():
            raise ScenarioError(Problem(str(folder), "", f"holds {what}, not a run or an amplification"))


def assumptions(scenario: Scenario) -> dict[str, str]:
    """What the venues and populations of a scenario say of themselves, by name and type."""
    named = {entry.name: entry for entry in scenario.venues} | {
        entry.name: entry for entry in scenario.populations
    }
    return {f"{name} ({entry.type})": inspect.getdoc(entry.factory) or "" for name, entry in named.items()}


def sections(folder: Path) -> Iterator[Section]:
    """Tables of who moved the price, stylised facts, and who is at risk together."""
    own = folder / BASE if (folder / BASE).is_dir() else folder
    if not (own / "series.parquet").is_file():
        return
    recording = Recording.read(own)
    for asset in recording.names("assets"):
        yield _attribution(recording, asset)
    rows = scorecard.scorecard(recording)
    yield Section(
        "Stylised facts",
        f"What markets have been found to do, and whether this run does it too: {scorecard.tally(rows)}.",
        scorecard.HEADS,
        scorecard.cells(rows),
        note=" ".join(scorecard.notes(rows)),
        is_folded=True,
    )
    yield _tail_risk(recording)


def _attribution(recording: Recording, asset: str) -> Section:
    """Who moved the mid of an asset, in both versions."""
    title = f"Who moved the price of {asset}"
    try:
        table = attribution.table(recording, asset)
    except Undefined as undefined:
        return Section(title, f"Undefined: {undefined}.")
    versions = list(dict.fromkeys(table.columns.get_level_values(0)))
    columns = ["", *(f"{heading}, {version}" for version in versions for heading in CHARGED)]
    rows = [[_name(index), *_charged(row, versions)] for index, row in table.iterrows()]
    return Section(
        title,
        "\n\n".join(MEANINGS[version] for version in versions),
        columns,
        rows,
        note=SHARES,
        is_folded=True,
    )


def _charged(row: Any, versions: list[str]) -> Iterator[str]:
    """Net move, share of the variance over a minute with its interval, and share of the fall."""
    for version in versions:
        own = row[version]
        yield f"{own['net']:+.2f}%"
        interval = f" ({own['variance_1min_low']:.0%} to {own['variance_1min_high']:.0%})"
        yield f"{own['variance_1min']:.0%}" + ("" if isnan(own["variance_1min_low"]) else interval)
        yield "-" if isnan(own["fall"]) else f"{own['fall']:.0%}"


def _tail_risk(recording: Recording) -> Section:
    """Loss of all others when a population is at its worst."""
    title = "Who is at risk together (CoVaR)"
    try:
        table = covar.covar(recording)
    except Undefined as undefined:
        return Section(title, f"Undefined: {undefined}.")
    rows = [[_name(index), *values] for index, values in zip(table.index, table.to_numpy(), strict=True)]
    about = (
        "Change of equity of all others a step, when a population has one of its worst steps, beside an "
        "ordinary one (Adrian & Brunnermeier 2016); intervals from blocks of time."
    )
    columns = ["", *(str(name).replace("_", " ") for name in table.columns)]
    return Section(title, about, columns, rows, is_folded=True)


def _name(index: object) -> str:
    parts = index if isinstance(index, tuple) else (index,)
    return " ".join(str(part).replace("_", " ") for part in parts if part)
