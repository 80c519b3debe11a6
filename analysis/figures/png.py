"""PNG: figures as files, cut to what is drawn, with their titles; equal figures give equal bytes."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from analysis.figures.drawing import own_settings

PAD = 0.15
"""Inches left around what is drawn."""

OUTSIDE = 1.0
"""Inches around a figure's frame that are drawn too: legends and labels may stick out so far."""

COMPRESSION = 4
"""Of 9: much faster than the most, and hardly larger."""

TITLE = "Title"
"""Keyword under which a file says the title of its figure (PNG specification, textual data)."""


@own_settings()
def write(figure: Any, target: Path | IO[bytes], dpi: float) -> None:
    """Write a matplotlib Figure.

    It is drawn once, with what sticks out of its frame, and cut where its background begins. For a
    tight box `savefig` lays everything out two times more, which takes half as long again; it is
    left to it only where something reaches out further than `OUTSIDE`.

    Parameters
    ----------
    figure : Figure
        Its background is opaque and of one colour.
    target : path or binary file
    dpi : float
        Pixels an inch.
    """
    pixels = _drawn(figure, dpi)
    if pixels.size:
        picture: Any = import_module("PIL.Image").fromarray(np.ascontiguousarray(pixels))
        said: Any = import_module("PIL.PngImagePlugin").PngInfo()
        said.add_itxt(TITLE, title_of(figure))
        picture.save(target, format="png", compress_level=COMPRESSION, dpi=(dpi, dpi), pnginfo=said)
    else:
        about = {"Software": None, TITLE: title_of(figure)}
        figure.savefig(target, format="png", dpi=dpi, metadata=about, bbox_inches="tight", pad_inches=PAD)


def title_of(figure: Any) -> str:
    """The title of a figure: that of its first Axes that has one."""
    return next((ax.get_title("left") for ax in figure.axes if ax.get_title("left")), "")


def title_in(content: bytes) -> str:
    """The title of the figure in a file, "" if it says none."""
    picture: Any = import_module("PIL.Image").open(BytesIO(content))
    return str(getattr(picture, "text", {}).get(TITLE, ""))


def _drawn(figure: Any, dpi: float) -> np.ndarray:
    """Pixels of a figure, cut, shape (rows, columns, 3); none if they reach the edge of what was drawn."""
    transforms: Any = import_module("matplotlib.transforms")
    width, height = figure.get_size_inches() + OUTSIDE
    frame, stream = transforms.Bbox([[-OUTSIDE, -OUTSIDE], [width, height]]), BytesIO()
    figure.savefig(stream, format="rgba", dpi=dpi, bbox_inches=frame)
    columns = int(frame.width * dpi + 1e-6)
    pixels = np.frombuffer(stream.getbuffer(), np.uint8).reshape(-1, columns, 4)[..., :3]
    marked = (pixels != pixels[0, 0]).any(axis=2)
    box = [np.flatnonzero(marked.any(axis=axis))[[0, -1]] for axis in (1, 0)]
    if any(low == 0 or high == size - 1 for (low, high), size in zip(box, marked.shape, strict=True)):
        return pixels[:0]
    pad = round(PAD * dpi)
    rows, across = (slice(max(0, low - pad), high + 1 + pad) for low, high in box)
    return pixels[rows, across]
