"""Overlays: the values that arms, sweeps and uncertain worlds set over a scenario, checked with it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from analysis.base.arms import MUTED, PLACEBO
from scenarios.file import override
from scenarios.file.arm import BLOCK_SECONDS, BUILT_IN, Arm, names
from scenarios.file.document import Document
from scenarios.file.errors import Problem, ScenarioError, nearest
from scenarios.file.retyping import sets_type
from scenarios.file.sweep_schema import Range, Sweep
from scenarios.file.toml import Path
from sim.setup.distributions import Distribution

Values = dict[str, Any]


class Noted(Protocol):
    """What came of a document: a scenario, as far as overlays ask."""

    @property
    def notes(self) -> list[Problem]:
        """What became of values that it does not hold."""


Parse = Callable[[Document], Noted]
STUDIES = ("sweep", "uncertain")
"""Tables about many runs, which no run itself looks at."""

FIXED = ("schema_version", "name", "description", "seed", "modules", *STUDIES)
"""Keys that every run of a study shares, or that it sets itself."""

RESERVED = (
    "unit",
    "source",
    "kind",
    "reason",
    "ratio",
    "interval",
    "difference",
    "flow",
    "feedback",
    "flow_ratio",
    "feedback_ratio",
    "mc_error",
    "seeds_to_halve",
    "seeds_compared",
    "against_base",
    "against_muted",
    "bound",
    "chances",
)
"""Keys of a metric in amplification.json beside the names of arms."""

CHECKED = 100
"""So many points of a sweep are tried when a scenario is read; a sweep tries every one."""

TAILS = (0.001, 0.999)
"""Quantiles of uncertain values that are tried when a scenario is read; a study tries all that it draws."""


def check(
    resolved: Callable[[], Values],
    arms: Mapping[str, Arm],
    sweep: Sweep | None,
    uncertain: Mapping[str, Distribution],
    document: Document,
    parse: Parse,
) -> None:
    """Raise for every value that an arm, the sweep or an uncertain world sets and that is not allowed.

    Parameters
    ----------
    resolved : callable
        Gives every value of the scenario, defaults written out.
    arms : mapping of str to Arm
    sweep : Sweep or None
    uncertain : mapping of str to Distribution
    document : Document
        What the scenario was read from.
    parse : callable
        Validates a document.

    Raises
    ------
    ScenarioError
        With every problem found.
    """
    if not arms and sweep is None and not uncertain:
        return
    plain = {key: value for key, value in resolved().items() if key not in STUDIES}
    problems = list(_of_arms(plain, arms, document, parse))
    if sweep is not None:
        problems += _of_sweep(plain, arms, sweep, document, parse)
    problems += _of_worlds(plain, uncertain, document, parse)
    if problems:
        raise ScenarioError(problems)


def _of_arms(plain: Values, arms: Mapping[str, Arm], document: Document, parse: Parse) -> Iterator[Problem]:
    armless = {key: value for key, value in plain.items() if key != "arms"}
    for name, arm in arms.items():
        for key, what in _misused(name, arm):
            path = ("arms", name, *key)
            yield Problem(
                document.label, document.key(path), what, document.line(path), document.origin(path)
            )
        yield from _tried(armless, arm.overlay, ("arms", name, "set"), document, parse)


def _misused(name: str, arm: Arm) -> Iterator[tuple[tuple[str, ...], str]]:
    """Keys of an arm that would do nothing, or change what a built-in arm means, and why not."""
    if name in RESERVED:
        yield (), "an arm cannot have this name: results use it for themselves"
    if name in BUILT_IN and arm.overlay:
        yield ("set",), f"{name} is built in and sets nothing; give an arm of your own another name"
    if name in BUILT_IN and name != MUTED and arm.mute is not None:
        yield ("mute",), "whom the built-in arms mute is said in arms.muted"
    if name != PLACEBO and arm.block_seconds != BLOCK_SECONDS:
        yield ("block_seconds",), "only placebo has blocks of time"
    for key in arm.overlay:
        if key.partition(".")[0] in (*FIXED, "time", "arms"):
            yield ("set", key), "cannot differ between arms: they run the same steps with the same draws"


def _of_sweep(
    plain: Values, arms: Mapping[str, Arm], sweep: Sweep, document: Document, parse: Parse
) -> Iterator[Problem]:
    yield from _unknown_arms(sweep, names(arms), document)
    yield from _unknown_metrics(sweep, document)
    used = {name: arm for name, arm in plain.get("arms", {}).items() if sweep.uses(name)}
    plain = {**plain, "arms": used}
    said: set[str] = set()
    for cell in cells(plain, sweep.over):
        found = [
            _placed(problem, cell) for problem in _tried(plain, cell, ("sweep", "over"), document, parse)
        ]
        yield from (problem for problem in found if problem.key not in said)
        said |= {problem.key for problem in found}
    for number, row in enumerate((sweep.rows or [])[:CHECKED]):
        for problem in _tried(plain, row, ("sweep", "rows", number), document, parse):
            yield _placed(problem, row)


def _of_worlds(
    plain: Values, uncertain: Mapping[str, Distribution], document: Document, parse: Parse
) -> Iterator[Problem]:
    """What is wrong with worlds in which every value is far down, or far up, in its distribution."""
    said: set[str] = set()
    for part in TAILS if uncertain else ():
        drawn = world(plain, uncertain, np.full(len(uncertain), part))
        found = [_drawn(problem) for problem in _tried(plain, drawn, ("uncertain",), document, parse)]
        yield from (problem for problem in found if problem.key not in said)
        said |= {problem.key for problem in found}


def _drawn(problem: Problem) -> Problem:
    """A problem with a value that a distribution draws, which the file itself does not hold."""
    return replace(problem, what=problem.what.replace("found ", "draws ", 1))


def world(plain: Values, uncertain: Mapping[str, Distribution], parts: np.ndarray) -> Values:
    """Values by key of the world at a place of the unit cube, whole where the key takes whole numbers.

    Parameters
    ----------
    plain : dict
        Every value of the scenario, defaults written out.
    uncertain : mapping of str to Distribution
    parts : ndarray of float64, shape (keys,)
        Inside (0, 1).
    """
    drawn = {
        key: float(each.quantiles(np.array([part]))[0])
        for (key, each), part in zip(uncertain.items(), parts, strict=True)
    }
    return {key: round(value) if is_whole(plain, key) else value for key, value in drawn.items()}


def cells(plain: Values, over: Mapping[str, list[Any] | Range]) -> Iterator[Values]:
    """Points of a sweep at which every value of a key meets every `type` that is swept; some, if many.

    A whole design can be large, and what a key may be depends on little else.

    Parameters
    ----------
    plain : dict
        Every value of the scenario, defaults written out.
    over : mapping of str to list or Range
        Of a range both ends are taken.
    """
    lists = {
        key: values if isinstance(values, list) else _ends(plain, key, values.low, values.high)
        for key, values in over.items()
    }
    types = {key: values for key, values in lists.items() if sets_type(key, values)}
    rounds = max((len(values) for key, values in lists.items() if key not in types), default=1)
    turns = itertools.product(range(rounds), *types.values()) if over else ()
    for turn, *chosen in itertools.islice(turns, CHECKED):
        yield {key: values[turn % len(values)] for key, values in lists.items()} | dict(
            zip(types, chosen, strict=True)
        )


def _placed(problem: Problem, cell: Values) -> Problem:
    """A problem at a point of a sweep, with the types that are swept beside it."""
    tables = {key: key.rpartition(".")[0] for key in cell if sets_type(key)}
    beside = [
        f"{key} = {override.written(cell[key])}"
        for key, table in tables.items()
        if f"{table}." in problem.key and not problem.key.endswith(key)
    ]
    return replace(problem, what=f"{problem.what} where {', '.join(beside)}") if beside else problem


def _ends(plain: Values, key: str, low: float, high: float) -> list[float]:
    """Both ends of a range, whole if the key takes whole numbers."""
    return [int(low), int(high)] if is_whole(plain, key) else [low, high]


def is_whole(values: Values, key: str) -> bool:
    """Whether the value under a key is a whole number, and takes no other."""
    try:
        value = override.locate(values, key)
    except override.KeyProblem:
        return False
    return isinstance(value, int) and not isinstance(value, bool)


def _tried(plain: Values, overlay: Values, path: Path, document: Document, parse: Parse) -> Iterator[Problem]:
    """What is wrong with values set over a scenario, at their own place in the file."""
    where = document.key(path)
    fixed = [key for key in overlay if path[0] in STUDIES and key.partition(".")[0] in FIXED]
    for key in fixed:
        line, verb = document.line((*path, key)), "swept" if path[0] == "sweep" else "uncertain"
        yield Problem(document.label, f"{where}.{key}", f"cannot be {verb}; every run has the same", line)
    if fixed:
        return
    try:
        tried = parse(document.with_values(plain).set(overlay, "set"))
    except ScenarioError as error:
        yield from (moved(problem, overlay, path, document) for problem in error.problems)
    else:
        notes = [moved(note, overlay, path, document) for note in tried.notes[len(document.notes) :]]
        document.notes += [note for note in notes if note not in document.notes]


def moved(problem: Problem, overlay: Mapping[str, Any], path: Path, document: Document) -> Problem:
    """A problem with a value that an overlay sets, at its place in the overlay.

    Parameters
    ----------
    problem : Problem
        At its place in the scenario that the overlay makes.
    overlay : mapping of str to object
    path : tuple of str and int
        The way to the overlay.
    document : Document
        That holds the overlay.
    """
    key = next((key for key in overlay if _is_at(problem.key, key)), "")
    if not key and problem.key.startswith("arms."):
        return problem  # an arm says it, and has its own place in the file
    line = document.line((*path, *([key] if key else [])))
    where = document.key(path)
    return replace(problem, key=f"{where}.{problem.key}", line=line, origin=document.origin(path))


def _is_at(found: str, key: str) -> bool:
    return found == key or found.startswith(f"{key}.")


def _unknown_arms(sweep: Sweep, known: list[str], document: Document) -> Iterator[Problem]:
    for number, arm in enumerate(sweep.arms):
        if arm not in known:
            path: Path = ("sweep", "arms", number)
            yield _not_one_of("arm", arm, known, path, document)


def _unknown_metrics(sweep: Sweep, document: Document) -> Iterator[Problem]:
    named: list[tuple[Path, str]] = [
        (("sweep", "metrics", number), name) for number, name in enumerate(sweep.metrics or [])
    ]
    if sweep.stop is not None:
        named.append((("sweep", "stop", "metric"), sweep.stop.metric))
    if not named:
        return
    from analysis import measures

    for path, name in named:
        if measures.find(name) is None:
            yield _not_one_of("metric", name, list(measures.known()), path, document)


def _not_one_of(noun: str, found: str, known: list[str], path: Path, document: Document) -> Problem:
    return Problem(
        document.label,
        document.key(path),
        f'no {noun} is named "{found}"',
        document.line(path),
        document.origin(path),
        found,
        tuple(known),
        nearest(found, known),
    )
