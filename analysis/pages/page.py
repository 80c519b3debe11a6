"""Pages: templates that need nothing but themselves, and how numbers and text stand in them.

A page holds its own styles and pictures, so it can be mailed and read offline. Templates
escape whatever they are given; what is undefined shows its reason.
"""

from __future__ import annotations

import io
import re
import struct
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from analysis.base.metric import Undefined
from analysis.feedback.amplification import NO_INTERVAL, sign
from analysis.figures import png
from analysis.figures.style import short, words
from analysis.gallery import DPI
from analysis.measures import is_percent

NUMERIC = re.compile(r"[+−-]?\d[\d.,]*(e[−-]?\d+)?[×%kMbn]*( points)?( \(.*\))?|absent|not measured")
"""Cells that are set to the right."""


@dataclass(frozen=True)
class Section:
    """A part of the page that somebody else fills; any of its parts may be left out.

    Attributes
    ----------
    title : str
    prose : str
        Paragraphs with a blank line between them, `code` in backticks.
    columns : sequence of str
        Headings of the table, units in brackets.
    rows : sequence of sequences
        Cells: text (escaped), `markupsafe.Markup` (as it is), numbers (three figures, set to the
        right), None (a dash), or an `Undefined`, which shows its reason.
    picture : Figure, bytes or Path, optional
        A matplotlib Figure, or a PNG.
    about : str
        What the picture shows, for its caption and for those who cannot see it.
    note : str
        A line below the table: sources, intervals.
    is_folded : bool
        Whether the table starts folded away.
    """

    title: str
    prose: str = ""
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    picture: Any = None
    about: str = ""
    note: str = ""
    is_folded: bool = False


class Image(NamedTuple):
    """A picture in the page: PNG as a data address, size in pixels, title, what it shows, where it stands."""

    source: str
    width: int
    height: int
    title: str
    about: str
    heading: str = ""
    is_main: bool = False


def inlined(picture: Any, about: str, heading: str = "", is_main: bool = False, dpi: float = DPI) -> Image:
    """A matplotlib Figure, the bytes of a PNG or the path of one, as part of a page."""
    if isinstance(picture, Path):
        picture = picture.read_bytes()
    if not isinstance(picture, bytes):
        stream = io.BytesIO()
        png.write(picture, stream, dpi)
        picture = stream.getvalue()
    title = png.title_in(picture)
    width, height = struct.unpack(">II", picture[16:24])
    source = f"data:image/png;base64,{b64encode(picture).decode()}"
    return Image(source, width, height, title, about, heading, is_main)


def page(template: str, **content: Any) -> str:
    """A page from a template of this package."""
    return _environment().get_template(template).render(**content)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("analysis.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    own = (amount, cell, elapsed, inline, inlined, short, sign, value, with_interval, words)
    environment.filters |= {each.__name__: each for each in own} | {"paragraphs": paragraphs}
    environment.globals |= {"Undefined": Undefined, "NO_INTERVAL": NO_INTERVAL}
    environment.tests["undefined_metric"] = lambda found: isinstance(found, Undefined)
    return environment


# Words and numbers.


def amount(number: float, name: str, *, is_difference: bool = False) -> str:
    """A value of a metric in four figures; shares in per cent, their differences in points."""
    if not np.isfinite(number):
        return "undefined"
    points = " points" if is_difference else "%"
    text = short(100 * number) + points if is_percent(name) else short(number, 4)
    return f"+{text}" if is_difference and number > 0 else text


def with_interval(ratio: float, interval: Sequence[float] | None) -> str:
    """A ratio and its interval, as in 2.31× (2.25 to 2.36)."""
    ends = f"{short(interval[0])} to {short(interval[1])}" if interval else NO_INTERVAL
    return f"{short(ratio)}× ({ends})"


def value(entry: Mapping[str, Any] | None, name: str) -> Any:
    """A cell: the value of a metric, a dash if there is no such metric, or why it is undefined."""
    if entry is None:
        return None
    number = entry.get("value")
    if number is None:
        return Undefined(entry.get("reason", "no reason is given"))
    return amount(number, name)


def cell(content: Any) -> Markup:
    """A table cell: numbers to the right, None as a dash, an `Undefined` with its reason."""
    if isinstance(content, Undefined):
        return Markup('<td class="undefined">undefined <small>{}</small></td>').format(str(content))
    if content is None:
        return Markup('<td class="number">–</td>')
    if isinstance(content, bool | np.bool_):
        content = "yes" if content else "no"
    if isinstance(content, int | np.integer):
        content = f"{content:,}".replace("-", "−")
    if isinstance(content, float | np.floating):
        content = short(float(content)) if np.isfinite(content) else "undefined"
    is_number = not isinstance(content, Markup) and NUMERIC.fullmatch(str(content)) is not None
    return Markup('<td class="number">{}</td>' if is_number else "<td>{}</td>").format(content)


def inline(text: str) -> Markup:
    """Escaped text in which `this` is code and *this* is emphasised."""
    safe = re.sub(r"\s+", " ", str(escape(text)))
    safe = re.sub(r"``?(.+?)``?", r"<code>\1</code>", safe)
    return Markup(re.sub(r"(?<!\w)\*(?=\S)([^*]+?)(?<=\S)\*(?!\w)", r"<em>\1</em>", safe))


def elapsed(seconds: float) -> str:
    """A length of time in the unit a reader would use."""
    scales = ((172_800, 86_400, "days"), (10_800, 3600, "h"), (120, 60, "min"), (0, 1, "s"))
    size, unit = next(scale[1:] for scale in scales if seconds >= scale[0])
    return f"{short(seconds / size)} {unit}"


def paragraphs(text: str) -> list[str]:
    """Parts of a text that blank lines separate."""
    return [each.strip() for each in re.split(r"\n\s*\n", text) if each.strip()]
