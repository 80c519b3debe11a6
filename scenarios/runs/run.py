"""One run of a scenario into a results folder.

build the market
step it, until it is done, interrupted or broken
write tables, metrics and figures
say in the manifest what this is
give the folder its name
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numba.core.event import install_listener

from analysis.base.arms import BASE
from analysis.figures.drawing import going_on
from analysis.figures.figure import MAIN, NONE
from analysis.measures import metrics
from scenarios.arms.arms import alone
from scenarios.build.build import market
from scenarios.build.compilation import KIND, Compilation, cut_short, said_elsewhere
from scenarios.file.errors import ScenarioError
from scenarios.file.schema import Scenario
from scenarios.folders.folder import FAILED, FINISHED, INTERRUPTED, ResultsFolder
from scenarios.process import garbage
from scenarios.process.interruption import Interruption, Stopped
from scenarios.process.provenance import provenance
from scenarios.runs.step_profile import StepProfile
from sim.recording.recording import Recording

RUN = "run"

Progress = Callable[[int], None]
"""Called after every step with the number of steps done."""


@dataclass
class Outcome:
    """What became of a run.

    Attributes
    ----------
    scenario : Scenario
    arm : str
    status : str
        "finished", "interrupted" or "failed".
    folder : Path
    steps_done : int
    stepping_seconds : float
        Without compiling.
    manifest, metrics : dict
        As in the files of the folder.
    failure : str
        Traceback of what broke, empty if nothing did.
    figures_failed : dict of str to str
        Why figures could not be drawn, by their names.
    profile : StepProfile, optional
        Where the time of a step went, if that was asked for.
    """

    scenario: Scenario
    arm: str = BASE
    status: str = FINISHED
    folder: Path = field(default_factory=Path)
    steps_done: int = 0
    stepping_seconds: float = 0.0
    manifest: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    failure: str = ""
    figures_failed: dict[str, str] = field(default_factory=dict)
    profile: StepProfile | None = None


def default_folder(scenario: Scenario, arm: str = BASE) -> Path:
    """`results/<name>-<first digits of the hash>`, with the arm in between if it is not base."""
    name = scenario.name if arm == BASE else f"{scenario.name}-{arm}"
    return Path("results") / f"{name}-{scenario.digest(arm)[:8]}"


def run(
    scenario: Scenario,
    folder: Path,
    *,
    arm: str | None = None,
    beside: Sequence[str] = (),
    force: bool = False,
    figures: str = MAIN,
    profiled: bool = False,
    progress: Progress | None = None,
    interruption: Interruption | None = None,
    compiling: Callable[[str], None] = lambda told: None,
    drawing: Callable[[], None] = lambda: None,
) -> Outcome:
    """Run a scenario and publish its results folder.

    A signal that comes when the steps are done leaves a finished run: tables and metrics are whole,
    and figures, which can be drawn from them at any time, are left out from the next one on. One that
    comes before the first step is done leaves no tables.

    Parameters
    ----------
    scenario : Scenario
    folder : Path
        The results folder; it appears when the run is over.
    arm : str, optional
        Run as this arm (`scenarios.arms.arms`), what it replays first; as written if not given.
    beside : sequence of str
        Arms that it is compared with: whose hedging they take out is exempt from margin in all.
    force : bool
        Replace a finished result, if this one is finished too; else it lands beside.
    figures : str
        Of a finished run, "none", the "main" ones or "all"; one that cannot be drawn is noted, and
        nothing else fails.
    profiled : bool
        Take the time of every part of a step.
    progress : callable, optional
    interruption : Interruption, optional
        Looked at after every step and every figure, and while kernels are compiled for steps.
    compiling : callable
        Called with a line when kernels have to be compiled, and when it is known how many.
    drawing : callable
        Called before figures are drawn.

    Raises
    ------
    ScenarioError
        Before anything is written: the scenario cannot be built, or the folder is taken.
    """
    started = time.perf_counter()
    results = ResultsFolder(folder, RUN, force=force)
    outcome = Outcome(scenario, arm=arm or BASE)
    model = None
    interruption = interruption or Interruption()
    with said_elsewhere(), install_listener(KIND, Compilation(compiling)) as compilation:
        with _failures_noted(outcome), cut_short(interruption):
            model = market(scenario) if arm is None else alone(scenario, arm, beside)
        garbage.resume()
        with results:
            if model is not None:
                if profiled:
                    outcome.profile = StepProfile(model)
                with _timed(outcome, compilation):
                    _step(model, outcome, progress, interruption)
            if interruption.signal and not (outcome.steps_done or outcome.failure):
                outcome.status = INTERRUPTED
            elif model is not None:
                _write(model, outcome, results.partial)
            if figures != NONE and outcome.status == FINISHED:
                drawing()
                with going_on(outcome.figures_failed, "gallery"):
                    _draw(results.partial, figures, interruption, outcome.figures_failed)
            seconds = {
                "wall_seconds": time.perf_counter() - started,
                "compile_seconds": compilation.seconds,
            }
            _sign(results, outcome, seconds, model)
            outcome.folder = results.publish()
    return outcome


@contextmanager
def _timed(outcome: Outcome, compilation: Compilation) -> Iterator[None]:
    """Time the stepping, compilation apart, and keep what breaks in it."""
    started, compiled = time.perf_counter(), compilation.seconds
    with _failures_noted(outcome):
        yield
    outcome.stepping_seconds = time.perf_counter() - started - (compilation.seconds - compiled)


def _step(model: Any, outcome: Outcome, progress: Progress | None, interruption: Interruption) -> None:
    step = outcome.profile.step if outcome.profile else model.step
    with cut_short(interruption):
        while model.running and not interruption.signal:
            step()
            outcome.steps_done += 1
            if progress is not None:
                progress(outcome.steps_done)
    if model.running:
        outcome.status = INTERRUPTED


def _write(model: Any, outcome: Outcome, folder: Path) -> None:
    """Write what the run left, also if it broke on the way."""
    with _failures_noted(outcome):
        recording = model.recording()
        recording.write(folder)
        outcome.metrics = metrics(recording)


def _draw(folder: Path, which: str, interruption: Interruption, failed: dict[str, str]) -> None:
    """Draw the figures that can be from the tables as they were written, until a signal comes."""
    with garbage.held():  # the libraries of the figures are many objects that stay
        from analysis import gallery

        drawings = gallery.saved(Recording.read(folder), folder / "figures", failed, which)
        for _ in interruption.until(drawings):
            pass


def _sign(results: ResultsFolder, outcome: Outcome, seconds: dict[str, float], model: Any) -> None:
    """Write the scenario, the metrics, what broke, and the manifest, which comes last."""
    scenario = outcome.scenario
    (results.partial / "scenario.toml").write_text(scenario.to_toml())
    results.write_json("metrics.json", outcome.metrics)
    if outcome.failure:
        (results.partial / "traceback.txt").write_text(outcome.failure)
    outcome.manifest = {
        "status": outcome.status,
        "steps_done": outcome.steps_done,
        "scenario": scenario.name,
        "scenario_hash": scenario.digest(outcome.arm),
        "seed": scenario.seed,
        "arm": outcome.arm,
        "overrides": overrides(scenario, outcome.arm),
        **seconds,
        "steps_per_second": outcome.steps_done / max(outcome.stepping_seconds, 1e-9),
        **provenance(),
        "residuals": {} if model is None else model.residuals(),
        "reports": {} if model is None else model.reports(),
        "figures_failed": outcome.figures_failed,
    }
    results.sign(outcome.manifest)


def overrides(scenario: Scenario, arm: str = BASE) -> dict[str, Any]:
    """What was set over the scenario's file, and what the arm sets itself, by dotted key."""
    own = scenario.arms[arm].overlay if arm in scenario.arms else {}
    return {**scenario.overrides(), **own}


@contextmanager
def _failures_noted(outcome: Outcome) -> Iterator[None]:
    """Keep the traceback of what breaks inside and go on; bad input is not a failure."""
    try:
        yield
    except (ScenarioError, Stopped):
        raise
    except (Exception, SystemExit):  # what the user's own code asks for ends the run, not the program
        outcome.status = FAILED
        outcome.failure += traceback.format_exc()
