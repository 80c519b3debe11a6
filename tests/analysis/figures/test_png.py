"""A figure's file holds all of it, its titles and legends too, and little around it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from analysis.figures import png

DPI = 50


def written(figure: Figure) -> np.ndarray:
    stream = io.BytesIO()
    png.write(figure, stream, DPI)
    stream.seek(0)
    return np.asarray(Image.open(stream).convert("RGB"))


def marked(*places: tuple[float, float]) -> Figure:
    """A figure of 4 x 2 inches with black squares of 0.2 inches at these places, in inches."""
    figure = Figure(figsize=(4, 2))
    for x, y in places:
        axes = figure.add_axes((x / 4, y / 2, 0.2 / 4, 0.2 / 2))
        axes.set_axis_off()
        axes.axvspan(0, 1, color="black")
        axes.set(xlim=(0, 1), ylim=(0, 1))
    return figure


@pytest.mark.parametrize("far", [(1.0, 0.5), (-0.5, 0.5), (4.5, 2.5)])
def test_what_sticks_out_is_there_and_what_is_empty_is_cut(far: tuple[float, float]) -> None:
    pixels = written(marked((2.0, 1.0), far))
    apart = np.abs(np.subtract((2.0, 1.0), far)) + 0.2 + 2 * png.PAD
    assert pixels.shape[1] / DPI == pytest.approx(apart[0], abs=0.1)
    assert pixels.shape[0] / DPI == pytest.approx(apart[1], abs=0.1)
    dark = (pixels < 128).all(axis=2).sum()
    assert dark == pytest.approx(2 * (0.2 * DPI) ** 2, rel=0.3)


def test_what_reaches_further_out_than_that_is_there_too() -> None:
    figure = marked((2.0, 1.0))
    axes = figure.add_axes((-2 / 4, 0.5 / 2, 3 / 4, 0.2 / 2))
    axes.set_axis_off()
    axes.axvspan(0, 1, color="black")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    assert written(figure).shape[1] / DPI == pytest.approx(4.2 + 2 * png.PAD, abs=0.1)


def test_equal_figures_are_equal_bytes() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    png.write(marked((1.0, 1.0)), first, DPI)
    png.write(marked((1.0, 1.0)), second, DPI)
    assert first.getvalue() == second.getvalue()
