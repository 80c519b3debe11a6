"""A study at the terminal: how far it is, what it came to, and the exit code."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from scenarios.terminal import ending

if TYPE_CHECKING:
    from scenarios.workers.study import Study

Outcome = TypeVar("Outcome", bound="Study")


class Told(NamedTuple):
    """What a command says of a study: as text, with `--json` as a document, and what to do next."""

    text: str
    document: Callable[[], dict[str, Any]]
    following: Sequence[str] = ()


def carry_out(
    options: argparse.Namespace,
    name: str,
    folder: Path,
    runs: int,
    work: Callable[..., Outcome],
    told: Callable[[Outcome], Told],
) -> int:
    """Do a study, and say what it came to.

    Parameters
    ----------
    options : Namespace
        With those of `arguments.add_workers` and `add_output`.
    name : str
        Of the scenario.
    folder : Path
        Where the result is to be.
    runs : int
        About how many there are.
    work : callable
        Of the folder, `workers`, `force`, `figures`, `progress` and `interruption`: does the study.
    told : callable
        What to say of it.

    Returns
    -------
    int
        The exit code.
    """
    from scenarios.build.compilation import said_elsewhere
    from scenarios.process.interruption import Interruption
    from scenarios.process.progress import progress
    from scenarios.workers.engines import cores

    with (
        said_elsewhere(),
        Interruption() as interruption,
        progress(name, runs, quiet=options.quiet, unit="run") as show,
    ):
        outcome = work(
            folder,
            workers=options.workers or cores(),
            force=options.force,
            figures=options.figures,
            progress=show,
            interruption=interruption,
        )
    said = told(outcome)
    ending.tell(
        options,
        "\n".join([said.text, *ending.following(said.following)]),
        lambda: {**ending.document(outcome.status, outcome.folder, said.following), **said.document()},
    )
    return ending.code(outcome.status, interruption, outcome.folder, folder)
