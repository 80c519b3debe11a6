"""Targets: which keys of a scenario may change, and what its moments are to be.

    [keys]
    "populations.makers.spread_bps" = {low = 0.2, high = 5.0, log = true}

    [moments]
    "BTC.mean_spread" = {target = 0.7, error = 0.3, source = "..."}
    "probe.exponent" = {target = 0.5, error = 0.05, held_out = true}

    [probe]                       # how the moments that begin with `probe.` are measured
    sizes = [0.001, 0.01, 0.1]

A moment is the mean of a metric over seeds, or a quantity of a probe; `error` is one standard deviation of
what is known of it, its weight. What is held out is shown and never fitted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from analysis.base.arms import MUTED
from analysis.frontier.question import Scale
from analysis.measures import every_name, find, is_name
from analysis.probes.impact import PROBE, Impact
from scenarios.file import library, override
from scenarios.file.document import Document
from scenarios.file.entries import Values
from scenarios.file.errors import Problem, ScenarioError, nearest, shown
from scenarios.file.explain import explain
from scenarios.file.overlays import is_whole
from scenarios.file.schema import Scenario
from scenarios.file.sweep_schema import Range, errors
from scenarios.probes.prober import AT, HORIZONS, OVER, SIZES, Prober
from sim.setup.limits import LONGEST, MOST
from sim.setup.table import Parameters

FOLDER = library.FOLDER / "targets"
"""The targets that come with hedgequake."""

Seconds = Annotated[float, Field(gt=0, le=LONGEST)]


class Moment(Parameters):
    """What a moment is to be.

    Parameters
    ----------
    target : float
    error : float
        One standard deviation of what is known of it.
    held_out : bool
        Show it, and do not fit it.
    source : str
    """

    target: float = Field(ge=-MOST, le=MOST)
    error: float = Field(gt=0, le=MOST)
    held_out: bool = False
    source: str = ""


class ProbeTable(Parameters):
    """How the market is probed; see `hedgequake probe`.

    Parameters
    ----------
    sizes : list of float
        Of the volume of a day.
    at, over_seconds : float
    horizons : list of float
        Seconds.
    asset : str
        The first, if empty.
    arm : str
    """

    sizes: list[Annotated[float, Field(gt=0, le=1)]] = Field(default=list(SIZES), min_length=1)
    at: Seconds = AT
    over_seconds: Seconds = OVER
    horizons: list[Seconds] = Field(default=list(HORIZONS), min_length=1)
    asset: str = ""
    arm: str = MUTED


class Targets(Parameters):
    """What a file of targets says."""

    keys: dict[str, Range] = Field(min_length=1)
    moments: dict[str, Moment] = Field(min_length=1)
    probe: ProbeTable = Field(default_factory=ProbeTable)

    @model_validator(mode="after")
    def _fits_something(self) -> Self:
        if all(moment.held_out for moment in self.moments.values()):
            raise errors({("moments",): "every moment is held out, so there is nothing to fit"})
        return self

    @property
    def metrics(self) -> list[str]:
        """Moments that are metrics."""
        return [name for name in self.moments if not name.startswith(PROBE)]

    @property
    def is_probed(self) -> bool:
        """Whether a moment needs a probe."""
        return len(self.metrics) < len(self.moments)

    def column(self, field: str) -> np.ndarray:
        """A field of every moment, in order."""
        return np.array([getattr(moment, field) for moment in self.moments.values()])


def read(name_or_path: str | Path, scenario: Scenario) -> Targets:
    """The targets of a file, or of the library by their name, that fit a scenario.

    Raises
    ------
    ScenarioError
        With file and line, if a key or a moment is unknown, or a value not allowed.
    """
    document = Document.read(_file(name_or_path), str(name_or_path))
    try:
        targets = Targets.model_validate(document.values)
    except ValidationError as error:
        raise explain(error, Targets, document) from error
    problems = [*_unknown_keys(targets, scenario, document), *_unknown_moments(targets, scenario, document)]
    try:
        prober_of(targets, scenario)
    except ScenarioError as error:
        options = {"--at": "at", "--asset": "asset"}
        problems += [
            _placed(each, ("probe", options.get(each.key, "arm")), document) for each in error.problems
        ]
    if problems:
        raise ScenarioError(problems)
    return targets


def _file(name_or_path: str | Path) -> Path:
    path, known = Path(name_or_path), sorted(each.stem for each in FOLDER.glob("*.toml"))
    if path.is_file() or str(name_or_path) not in known:
        if not path.exists():
            what = "no such file, and no targets of the library have this name"
            near = nearest(str(name_or_path), known)
            raise ScenarioError(Problem(str(path), "", what, allowed=tuple(known), nearest=near))
        return path
    return FOLDER / f"{name_or_path}.toml"


def _unknown_keys(targets: Targets, scenario: Scenario, document: Document) -> list[Problem]:
    """Keys that the scenario has not, that hold no number, or whose range it does not allow."""
    found = []
    for key, span in targets.keys.items():
        try:
            own: Any = scenario[key]
        except KeyError:
            own = None
        if isinstance(own, bool) or not isinstance(own, int | float | None):
            hint = "; name one of its numbers" if isinstance(own, dict) else ""
            what = f"is {shown(own)} in the scenario, not a number{hint}"
            found.append(document.problem(("keys", key), what))
            continue
        for end in (span.low, span.high):
            value = round(end) if isinstance(own, int) else end
            try:
                scenario.set_over({key: value}, "--to")
            except ScenarioError as error:
                found += [_placed(problem, ("keys", key), document) for problem in error.problems]
                break
    return found


def _placed(problem: Problem, path: tuple[str, str], document: Document) -> Problem:
    """What is wrong with a value in the scenario, at the place in the targets that it came from."""
    return document.problem(path, problem.what, problem.found, problem.allowed)


def _unknown_moments(targets: Targets, scenario: Scenario, document: Document) -> list[Problem]:
    """Moments that are no metric of the scenario, and no quantity of a probe."""
    assets = [asset.name for asset in scenario.assets]
    probed = [f"{PROBE}{name}" for name in Impact.names(targets.probe.horizons)]
    found = []
    for name in targets.moments:
        if not (name in probed or is_name(name, assets)):
            allowed = probed if name.startswith(PROBE) else every_name(assets)
            near = nearest(name, allowed)
            place = document.problem(("moments", name), "no metric and no quantity of a probe is named so")
            listed = tuple(allowed) if name.startswith(PROBE) else ()
            found.append(Problem(place.file, place.key, place.what, place.line, "", name, listed, near))
    return found


def prober_of(targets: Targets, scenario: Scenario) -> Prober | None:
    """What measures the moments of a probe; None if there are none."""
    own = targets.probe
    asked = (own.arm, own.asset, own.sizes, own.at, own.over_seconds, own.horizons)
    return Prober(scenario, *asked) if targets.is_probed else None


class Space:
    """The searched ranges of the keys, and the values that stand at places in the unit cube.

    Parameters
    ----------
    targets : Targets
    scenario : Scenario
        Whose keys that hold whole numbers take no others.

    Attributes
    ----------
    scales : dict of str to Scale
    written : ndarray of float64, shape (K,)
        Place of what the scenario says, or the nearest that is searched; the middle of no value.
    """

    def __init__(self, targets: Targets, scenario: Scenario) -> None:
        own = scenario.resolved()
        self.scales = {
            key: Scale(span.low, span.high, span.log, is_whole(own, key))
            for key, span in targets.keys.items()
        }
        self.written = np.array([_written(own, key, scale) for key, scale in self.scales.items()])

    def values(self, place: np.ndarray) -> dict[str, float | int]:
        """Values by key at a place, as JSON and TOML write them."""
        found: dict[str, float | int] = {}
        for (key, scale), part in zip(self.scales.items(), place, strict=True):
            value = float(scale.values(np.array(part)))
            found[key] = int(value) if scale.is_whole else value
        return found

    def error(self, key: str, place: float, error: float) -> float:
        """A standard error in parts of the range as one in the unit of the key."""
        scale = self.scales[key]
        if scale.is_log:
            return float(scale.exact(np.array(place)) * np.log(scale.high / scale.low) * error)
        return (scale.high - scale.low) * error


def _written(values: Values, key: str, scale: Scale) -> float:
    try:
        value = override.locate(values, key)
    except override.KeyProblem:
        return 0.5
    return float(scale.places(np.clip(value, scale.low, scale.high)))


def needed(targets: Targets) -> list[Any]:
    """The metrics that have to be measured."""
    return list(dict.fromkeys(filter(None, map(find, targets.metrics))))
