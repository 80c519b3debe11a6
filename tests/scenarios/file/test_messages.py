"""What a message repeats of what was found is short, and any terminal can show it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.__main__ import main
from scenarios.file.errors import LISTED, Problem, ScenarioError, middle_out, nearest, printable, short, shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain, café √", "plain, café √"),
        ("a\nb\tc\x00", r"a\nb\tc\x00"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u05d0\u0661", r"\u05d0\u0661"),
        ("\udcff", r"\udcff"),
        ("\u2028\ufeff", r"\u2028\ufeff"),
    ],
)
def test_what_a_terminal_would_act_on_is_escaped(text: str, said: str) -> None:
    assert printable(text) == said
    assert said.isprintable()


def test_texts_are_cut_and_say_so() -> None:
    assert short("x" * 41) == "x" * 37 + "..."
    assert short("x" * 40) == "x" * 40
    assert middle_out("a" * 100 + "b" * 100, 13) == "aaaaa...bbbbb"


def test_a_number_is_told_by_its_length_where_it_is_long() -> None:
    assert shown(2**127) == str(2**127)
    assert shown(10**5000) == "a whole number of about 5,001 digits"


def test_a_problem_is_one_line_whatever_is_in_it() -> None:
    wild = "\n\u202e" * 100_000
    problem = Problem(wild, wild, wild, None, wild, wild, (wild, "a"), wild)
    said = str(problem)
    assert said.isprintable()
    assert len(said) < 20_000
    assert nearest("a" * 200_000, ["a"]) is None


def test_many_problems_are_cut_short() -> None:
    error = ScenarioError(Problem("f", str(n), "wrong") for n in range(1000))
    assert len(error.problems) == 1000
    assert len(str(error).splitlines()) == LISTED + 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "\\u001b[2J"', r'name: found "\x1b[2J"; allowed: letters'),
        ('name = "\\u202Eabc"', r'name: found "\u202eabc"; allowed: letters'),
        (
            'name = "' + "n" * 200_000 + '"',
            'name: found "' + "n" * 37 + '..."; allowed: at most 64 characters',
        ),
        ('"' + "k" * 200_000 + '" = 1', "k: unknown key; allowed: schema_version"),
        ('"\\u0000\\u202E" = 1', r"\x00\u202e: unknown key"),
        ("seed = 0x" + "f" * 300, "seed: found a whole number of about 362 digits; allowed: at most 9223372"),
    ],
    ids=["control", "right to left", "long name", "long key", "odd key", "long number"],
)
def test_what_a_file_holds_is_echoed_in_a_short_printable_piece(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.toml"
    file.write_text(f"{text}\n")
    assert main(["validate", str(file)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert all(line.isprintable() and len(line) < 1500 for line in lines)
    assert any(said in line for line in lines), lines


def test_a_flipped_byte_is_told_by_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(b'schema_version = 2\nname = "\xff"\n')
    assert main(["validate", str(file)]) == 2
    assert capsys.readouterr().err.endswith("x.toml:2: not valid TOML: not UTF-8 text\n")


def test_an_arm_may_hold_a_text_that_is_too_long_for_a_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("z" * 10**6, "\\u0000"):
        file = tmp_path / "x.toml"
        file.write_text(f'[arms.own.set]\n"populations.makers.venue" = "{text}"\n')
        assert main(["validate", str(file)]) == 2
        assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["z" * 10**5, "\x00", "a/" * 5000])
def test_what_can_be_no_path_is_no_file(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", name]) == 2
    said = capsys.readouterr().err
    assert "no such file, and no scenario of the library has this name" in said
    assert said.count("\n") == 1


def test_a_file_of_many_megabytes_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.toml"
    with file.open("wb") as sparse:
        sparse.truncate(10**10)
    assert main(["validate", str(file)]) == 2
    assert capsys.readouterr().err.endswith("not a scenario: a file of 10,000 MB\n")
