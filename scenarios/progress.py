"""How far a run is, on stderr: a bar in a terminal, a line for every tenth elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def progress(
    label: str, steps: int, *, quiet: bool = False, unit: str = "step"
) -> Iterator[Callable[[int], None]]:
    """A function to call with the number of steps done.

    Parameters
    ----------
    label : str
    steps : int
        How many there are.
    quiet : bool
        Show nothing.
    unit : str
        What a step is called.
    """
    if quiet:
        yield lambda done: None
    elif sys.stderr.isatty():
        with tqdm(total=steps, desc=label, unit=unit, leave=False, file=sys.stderr) as bar:
            yield lambda done: _advance(bar, done)
    else:
        yield lambda done: _line(label, done, steps, unit)


def note(text: str, *, quiet: bool = False) -> None:
    """A line on stderr, above the bar if there is one."""
    if not quiet:
        tqdm.write(text, file=sys.stderr)


def _advance(bar: tqdm[None], done: int) -> None:
    bar.update(done - bar.n)


def _line(label: str, done: int, steps: int, unit: str) -> None:
    if 10 * done // steps > 10 * (done - 1) // steps:
        print(f"{label}: {done} of {steps} {unit}s", file=sys.stderr, flush=True)
