"""Assumptions: what the docstrings of venues and populations say of them, for a reader of results."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import NamedTuple

from analysis.pages.page import paragraphs

KEPT = ("Notes", "References")
"""Sections of a docstring that say what is assumed; the others are for programmers."""


OMISSION = re.compile(r"\W*(Leaves|Left) out")
"""How a paragraph starts that says what is left out."""


class Assumption(NamedTuple):
    """What a docstring says of a venue or a population.

    Attributes
    ----------
    name, colour : str
        The colour is that of the population in the figures, "" if it has none.
    summary : str
        The first paragraph.
    body, left_out, notes : list of str
        Paragraphs.
    """

    name: str
    colour: str
    summary: str
    body: list[str]
    left_out: list[str]
    notes: list[str]


def assumption(name: str, docstring: str, colour: Mapping[str, str]) -> Assumption:
    """The paragraphs of a NumPy docstring that say what is assumed."""
    head, *others = re.split(r"^([A-Z][\w ]*)\n-{3,}$", inspect.cleandoc(docstring), flags=re.MULTILINE)
    kept = dict(zip(others[::2], others[1::2], strict=True))
    summary, *body = paragraphs(head) or [""]
    notes = [paragraph for title in KEPT for paragraph in paragraphs(kept.get(title, ""))]
    left_out = [each for each in body + notes if OMISSION.match(each)]
    body, notes = ([each for each in part if each not in left_out] for part in (body, notes))
    return Assumption(name, colour.get(name.split(" ")[0], ""), summary, body, left_out, notes)
