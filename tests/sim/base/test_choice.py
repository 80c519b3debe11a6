"""A function is chosen among those of the files of a folder, because they are there."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sim.base.choice import chosen, families
from sim.base.jit import kernel

FAMILY = """
from sim.base.jit import inlined


@inlined
def average(quote, best, units):
    return {formula}
"""
FORMULAS = {"flat": "best", "steep": "best * (1.0 + units)", "odd": "quote"}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Three families in a folder of their own."""
    folder = tmp_path / "families_of_curves"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    for name, formula in FORMULAS.items():
        (folder / f"{name}.py").write_text(FAMILY.format(formula=formula))
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder.name


def test_a_family_is_a_file_and_its_number_chooses_it(package: str) -> None:
    names = families(package, first="steep")
    assert names == ("steep", "flat", "odd")
    average = chosen(package, names, "average")

    @kernel
    def asked(number, quote, best, units):  # type: ignore[no-untyped-def]
        return average(number, quote, best, units)

    found = [asked(number, 7.0, 100.0, 0.5) for number in (0, 1, 2, 3)]
    assert found[:3] == [150.0, 100.0, 7.0]
    assert math.isnan(found[3])
