"""What an arm is called is said in one place, for all that run arms and all that compare them."""

from __future__ import annotations

import ast

from places import ROOT

from analysis.base import arms
from scenarios.file.arm import BUILT_IN

UNMISTAKABLE = {arms.OPEN_LOOP, arms.UNHEDGED, arms.PLACEBO, arms.MARGINED}


def test_every_arm_that_can_be_run_is_said_what_for() -> None:
    told = [line.split()[0] for line in (arms.__doc__ or "").splitlines() if "  " in line]
    assert told == list(BUILT_IN)


def test_nobody_writes_the_name_of_an_arm_again() -> None:
    for room in ("sim", "agents", "analysis", "scenarios"):
        for path in (ROOT / room).rglob("*.py"):
            if path.samefile(arms.__file__):
                continue
            texts = {
                each.value for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.Constant)
            }
            assert not texts & UNMISTAKABLE, path
