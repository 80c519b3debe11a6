"""Room for a sweep: a folder that it begins or goes on in, or one beside the sweep that it replaces."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from scenarios.file.errors import Problem, ScenarioError
from scenarios.folders import ownership
from scenarios.sweeps.experiment import Plan
from scenarios.sweeps.folder import KIND, SweepFolder


class Room(NamedTuple):
    """Where a sweep is made, whether what is there goes first, and what it replaces when it is finished."""

    place: SweepFolder
    is_cleared: bool = False
    replaced: SweepFolder | None = None


def room_for(plan: Plan, place: SweepFolder, *, resume: bool, force: bool) -> Room:
    """Room for a sweep.

    Parameters
    ----------
    plan : Plan
    place : SweepFolder
        Where it is to be in the end.
    resume : bool
        It must have been begun.
    force : bool
        Whatever sweep is there may be replaced.

    Raises
    ------
    ScenarioError
        If there is none.
    """
    if not force:
        place.check(plan, resume=resume)
        return Room(place)
    if resume:
        raise ScenarioError(Problem("--force", "", "starts again, and --resume goes on; give one of them"))
    place.recover()
    place.check_cleared()
    if not place.is_finished:
        return Room(place, is_cleared=True)
    successor = place.successor()
    if successor.holds(plan):
        return Room(successor, replaced=place)
    ownership.check_replaceable(successor.path, KIND, successor.label, force=False)
    return Room(successor, is_cleared=True, replaced=place)


def take_place(successor: SweepFolder, replaced: SweepFolder) -> tuple[Path, str]:
    """Let a finished sweep take the place of an older one; where it is then, and why if it is beside."""
    try:
        replaced.give_way(successor)
    except ScenarioError as error:
        return successor.path, f"{error}; it is kept"
    except OSError as error:
        return successor.path, f"{replaced.path} cannot be replaced: {error.strerror}"
    return replaced.path, ""
