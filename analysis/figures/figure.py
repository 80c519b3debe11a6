"""Figures: functions that draw one thing about a recording.

A figure is a decorated function of a recording and an Axes; decorating it is all there is to
adding one (`analysis.gallery` finds it). A function that finds its subject missing raises
`Undefined`, and no picture is made of nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from analysis.base.metric import OTHERS

FIGURES = NONE, MAIN, ALL = "none", "main", "all"
"""Which are drawn of a run; those that a page shows first are the main ones."""


@dataclass(frozen=True)
class Drawing:
    """A function that draws, and what it draws for.

    Attributes
    ----------
    function : callable
        Of a recording, an Axes (its own if none is given) and, where it is drawn `per` "assets", the
        keyword `asset`, the first if none is given. One
        that makes its own Figure (`is_whole`) takes a recording and the keyword alone and returns it.
    per : str
        "assets" if there is one for each asset, else "".
    is_whole : bool
        Whether it makes its own Figure of several panels.
    heading : str
        What it stands under in a page.
    is_main : bool
        Whether it is one of those that a page shows first.
    """

    function: Callable[..., Any]
    per: str = ""
    is_whole: bool = False
    heading: str = OTHERS
    is_main: bool = False

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function itself."""
        return self.function(*arguments, **named)

    @property
    def name(self) -> str:
        """Name of the function, and of its file."""
        return str(self.function.__name__)

    @property
    def about(self) -> str:
        """First sentence of its description, for a caption."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]


def figure(
    *, per: str = "", is_whole: bool = False, heading: str = OTHERS, is_main: bool = False
) -> Callable[[Callable[..., Any]], Drawing]:
    """Make a function a figure of the module it stands in; see `Drawing` for the arguments."""

    def decorate(function: Callable[..., Any]) -> Drawing:
        return Drawing(function, per, is_whole, heading, is_main)

    return decorate


def figures_of(module: ModuleType) -> list[Drawing]:
    """The figures a module defines, in the order in which they stand there."""
    own = (value for value in vars(module).values() if isinstance(value, Drawing))
    return [each for each in own if each.function.__module__ == module.__name__]
