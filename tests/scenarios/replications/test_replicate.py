"""Published results: what `replicate all --quick` finds, and how it says so."""

from __future__ import annotations

import csv
import math
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from scenarios.__main__ import main
from scenarios.file.errors import ScenarioError
from scenarios.replications import output, replicate
from scenarios.replications.replicate import (
    AGREES,
    DIFFERS,
    SHOWN,
    Replication,
    Row,
    carried_out,
    estimated,
    resampled,
)

STUDIES = (
    *("amm_lvr", "buis2024", "cont_stoikov_talreja", "contagion", "feedback_volatility", "hedging_error"),
    *("pinning", "santa_fe"),
)
ROWS = [
    Row("within", 2.0, 2.1, 2.05, 2.15, 0.06, "bp"),
    Row("beyond", 2.0, 2.2, 2.15, 2.25, 0.1),
    Row("shown", 2.0, 5.0, 4.0, 6.0, None),
    Row("explodes", math.inf, math.inf, math.inf, math.inf, 0.0),
]
FOUND = Replication("sample", "Author (2000)", ROWS, None)


@lru_cache
def reduced(name: str) -> tuple[Row, ...]:
    """Rows of a replication in reduced size, as `replicate --quick` runs it."""
    return tuple(replicate.replicate(name, quick=True).rows)


SLOW = ("amm_lvr", "buis2024", "hedging_error", "pinning")  # half a minute each; `make test-long` runs them
JUDGED = [pytest.param(name, marks=pytest.mark.long if name in SLOW else ()) for name in STUDIES]


@pytest.mark.parametrize("name", JUDGED)
def test_the_market_that_users_run_gives_the_published_numbers(name: str) -> None:
    """In reduced size: every row that has a tolerance is within it and the Monte-Carlo error."""
    judged = [row for row in reduced(name) if row.verdict != SHOWN]
    assert [row for row in judged if row.verdict == DIFFERS] == []
    assert len({row.quantity for row in judged}) > 4


def test_a_gain_beyond_one_is_called_unstable() -> None:
    """Short and long gamma, hedged a step late: the recorded gain says so, and no deviation is finite."""
    rows = [row for row in reduced("feedback_volatility") if "1.05" in row.quantity]
    found = [output.cells(row)[1:3] for row in rows if "one step" in row.quantity]
    assert found == [["unstable", "unstable"], ["unstable", "unstable"]]
    assert [row.ours for row in rows if "growth" in row.quantity] == pytest.approx([1.05, -1.05], abs=0.01)
    assert [row.ours for row in rows if "loop gain" in row.quantity] == pytest.approx([1.05, -1.05], abs=0.05)


def test_agreement_is_within_tolerance_and_monte_carlo_error() -> None:
    assert [row.verdict for row in ROWS] == [AGREES, DIFFERS, SHOWN, AGREES]
    assert Row("finite", math.inf, 3.0, 3.0, 3.0, 1.0).verdict == DIFFERS
    assert Row("explodes", 3.0, math.inf, math.inf, math.inf, 1.0).verdict == DIFFERS
    assert Row("undefined", 3.0, math.nan, math.nan, math.nan, 1.0).verdict == DIFFERS


def test_intervals_cover_what_they_estimate() -> None:
    """Of 200 samples of 12, the interval misses the mean about 5% of the time, and so does the bootstrap."""
    rng = np.random.default_rng(1)
    samples = rng.normal(3.0, 2.0, (200, 12))
    misses = [not row.low <= 3.0 <= row.high for row in (estimated("m", 3.0, s, None) for s in samples)]
    assert sum(misses) == pytest.approx(10, abs=10)
    spread = resampled("s", 2.0, rng.normal(3.0, 2.0, 800), np.std, None)
    assert spread.low < 2.0 < spread.high
    assert spread.half_width == pytest.approx(1.96 * 2.0 / math.sqrt(1600), rel=0.15)


def test_the_table_sets_published_and_ours_side_by_side() -> None:
    text = output.table(FOUND)
    assert text.splitlines()[0] == "sample: 2 agree, 1 differs, 1 shown; Author (2000)"
    assert text.splitlines()[2].split("  ")[0] == "within (bp)"
    assert "2.05 to 2.15" in text
    assert "unstable" in text


def test_it_writes_a_table_a_page_and_a_figure(tmp_path: Path) -> None:
    table, page, figure = output.write(FOUND, tmp_path)
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["verdict"] for row in rows] == [AGREES, DIFFERS, SHOWN, AGREES]
    assert float(rows[0]["low"]) == 2.05
    assert (
        page.read_text().splitlines()[2]
        == "| sample | within (bp) | 2 | 2.1 | 2.05 to 2.15 | 0.06 | agrees |"
    )
    assert figure.read_bytes()[:4] == b"\x89PNG"


def test_the_command_lists_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replicate"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == replicate.names()
    assert replicate.names() == list(STUDIES)


def test_the_command_writes_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["replicate", "contagion", "--runs", "2", "--workers", "1", "--quick", "--out", str(tmp_path)]
    assert main([*arguments, "--markdown"]) == 0
    assert capsys.readouterr().out.strip() == (tmp_path / "contagion.md").read_text().strip()


def test_an_unknown_name_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replicate", "contagio"]) == 2
    assert "contagion" in capsys.readouterr().err


def test_every_replication_says_its_source_and_where_its_markets_come_from() -> None:
    for name in replicate.names():
        study = replicate.find(name)
        assert study.source
        assert study.about.endswith(".")
        assert study.runs > study.quick_runs


def broken(recording: object) -> None:
    """A measure that fails."""
    raise ZeroDivisionError("nothing to divide by")


def test_a_run_that_fails_is_not_left_out() -> None:
    plan = replicate.Plan("linear_feedback", broken, {"time.steps": 3}, 2)
    with pytest.raises(RuntimeError, match=r"linear_feedback failed: ZeroDivisionError"):
        carried_out([plan], 1)


def test_a_scenario_that_cannot_be_is_bad_input() -> None:
    with pytest.raises(ScenarioError):
        replicate.find("no_such_thing")
