"""The gallery: every figure of a recording, as files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from analysis.base.discovery import modules
from analysis.base.metric import OTHERS, Undefined
from analysis.figures import png
from analysis.figures.drawing import going_on, own_settings
from analysis.figures.figure import ALL, figures_of
from sim.recording.recording import Recording

DPI = 130
"""Pixels an inch of the figures written to disk."""


class Picture(NamedTuple):
    """One figure of a recording: its name, a sentence about it, and what draws it.

    Attributes
    ----------
    draw : callable
        Of an Axes, or of nothing where it makes its own Figure.
    heading, is_main
        Where it stands in a page, as of `analysis.figures.figure.Drawing`.
    """

    name: str
    about: str
    draw: Any
    is_whole: bool
    heading: str = OTHERS
    is_main: bool = False


def pictures(recording: Recording, which: str = ALL) -> Iterator[Picture]:
    """Every figure there is for a recording, or the main ones; names carry the asset if there are several."""
    assets = recording.names("assets")
    for module in modules():
        own = (each for each in figures_of(module) if each.is_main or which == ALL)
        for each in sorted(own, key=lambda one: not one.is_whole):
            for asset in assets if each.per else [""]:
                named = {"asset": asset} if each.per else {}
                name = f"{asset}_{each.name}" if asset and len(assets) > 1 else each.name
                draw = partial(each, recording, **named)
                yield Picture(name, each.about, draw, each.is_whole, each.heading, each.is_main)


@own_settings()
def drawn(picture: Picture) -> Any:
    """The matplotlib Figure of a picture; None if its subject is missing."""
    from matplotlib.figure import Figure

    try:
        if picture.is_whole:
            return picture.draw()
        figure = Figure(figsize=(7.4, 4.2), dpi=DPI)
        figure.subplots_adjust(left=0.12, right=0.925, top=0.83, bottom=0.12)
        picture.draw(figure.subplots())
    except Undefined:
        return None
    return figure


def save_all(recording: Recording, folder: str | Path) -> list[Path]:
    """Write every figure of a recording as PNG; returns their paths."""
    return list(saved(recording, folder))


def saved(
    recording: Recording, folder: str | Path, failed: dict[str, str] | None = None, which: str = ALL
) -> Iterator[Path]:
    """Write the figures of a recording as PNG, each when the path of the one before was taken.

    Parameters
    ----------
    recording : Recording
    folder : str or Path
    failed : dict of str to str, optional
        Gets the reason for each figure that cannot be drawn, by its name, and the others are drawn.
        Without it the first such error is raised.
    which : str
        "all" or "main".
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures(recording, which):
        with going_on(failed, picture.name):
            figure = drawn(picture)
            if figure is not None:
                yield save(figure, folder / f"{picture.name}.png")


def save(figure: Any, path: Path) -> Path:
    """Write a figure; equal figures write equal bytes."""
    png.write(figure, path, figure.dpi)
    return path
