"""The tape has one writer: no other code writes a FILL, MOVE or REJECT row or counts one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from places import ROOT

from sim import records as r
from sim.messages.tape import Tape

WRITER = ROOT / "sim/kernels/messages/tape.py"
FILES = sorted({*ROOT.glob("sim/**/*.py"), *ROOT.glob("agents/**/*.py")} - {WRITER})
ROWS = {"fills", "moves", "rejects"}
SLOTS = {"FILLS", "MOVES", "REJECTS", "SEQ"}


def names_in(node: ast.AST) -> set[str]:
    found = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return found | {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}


def is_of_rows(node: ast.expr, known: set[str]) -> bool:
    """Whether an expression is rows of the tape, or some of them: `tape.fills[n]["price"]`."""
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr in ROWS
    return isinstance(node, ast.Name) and node.id in ROWS | known


def bindings(tree: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=True))
                yield from pairs
        elif isinstance(node, ast.AugAssign):
            yield node.target, node.value
        elif isinstance(node, ast.For):
            yield node.target, node.iter


def written(source: str) -> list[int]:
    """Lines that write rows of a tape, or count them."""
    found = set()
    for scope in ast.walk(ast.parse(source)):
        if not isinstance(scope, ast.FunctionDef):
            continue
        pairs = list(bindings(scope))
        known = {t.id for t, value in pairs if isinstance(t, ast.Name) and is_of_rows(value, set())}
        targets = [each for t, _ in pairs for each in (t.elts if isinstance(t, ast.Tuple) else [t])]
        for target in targets:
            if not isinstance(target, ast.Subscript):
                continue
            counts = "counts" in names_in(target.value) and names_in(target.slice) & SLOTS
            if counts or is_of_rows(target, known):
                found.add(target.lineno)
    return sorted(found)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_else_writes_rows_of_the_tape(path: Path) -> None:
    assert written(path.read_text()) == []


def test_there_are_files_to_look_at_and_the_writer_writes() -> None:
    assert len(FILES) > 100
    assert len(written(WRITER.read_text())) > 30


@pytest.mark.parametrize(
    "line",
    [
        'fills[n]["time"] = time',
        'tape.fills[counts[FILLS] - 1]["reason"] = LIQUIDITY',
        'rows = tape.rejects\n    rows[0]["qty"] = 1',
        'row = tape.moves[np.uint64(n)]\n    row["seq"] = n',
        'row, n = tape.moves[np.uint64(n)], 1\n    row["seq"], x = n, n',
        "counts[FILLS] += 1",
        "self.counts[SEQ] = n + 1",
        "tape.counts[[FILLS, SEQ]] += 1",
        'for row in tape.fills[:n]:\n        row["qty"] = 0',
    ],
)
def test_whoever_wrote_one_would_be_found(line: str) -> None:
    assert written(f"def write(tape, n):\n    {line}\n") != []


@pytest.mark.parametrize(
    "line", ['price = tape.fills[n]["price"]', "last = counts[FILLS]", "counts[GROUP] += 1"]
)
def test_whoever_reads_is_not(line: str) -> None:
    assert written(f"def read(tape, n):\n    {line}\n") == []


def test_a_tape_that_grows_keeps_its_rows_and_shows_kernels_the_new_columns() -> None:
    tape, order = Tape(2), r.orders(1)[0]
    before = tape.rows
    for qty in range(5):
        tape.fill(order, 0, 0, qty, 1.0, 0, np.zeros(1, np.int16))
        tape.refuse(order, 0, r.NO_MARGIN)
    assert tape.fills["qty"][:5].tolist() == list(range(5))
    assert tape.rejects["refusal"][:5].tolist() == [r.NO_MARGIN] * 5
    assert tape.rows is not before
    assert tape.rows.moves is before.moves
    assert tape.rows.counts is tape.counts
    assert tape.fills["seq"][:5].tolist() == [0, 1, 2, 3, 4]
    assert tape.fills["group"][:5].tolist() == [1, 2, 3, 4, 5]
