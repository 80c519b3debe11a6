"""Migration: the file of a scenario, rewritten in the newest version."""

from __future__ import annotations

import argparse
import codecs
import difflib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from scenarios.build.loading import parse
from scenarios.file import library, toml, versions
from scenarios.file.document import Document
from scenarios.file.edits import Edit
from scenarios.file.errors import KEY, Problem, ScenarioError, short
from scenarios.file.schema import Scenario
from scenarios.process.shell import command
from scenarios.terminal.ending import RUN_FAILED, SUCCESS


def run(options: argparse.Namespace) -> int:
    """Rewrite a file, or look what would become of it, and print what changes; returns the exit code.

    Raises
    ------
    ScenarioError
        If the file is no valid scenario, cannot be rewritten, or the other is there already.
    """
    path = library.find(options.file)
    document = Document.read(path)
    edits = versions.edited(document, Scenario)
    if not edits:
        parse(document)
        print(f"{path}: of version {versions.NEWEST}, the newest; nothing to change")
        return SUCCESS
    out = options.out or path
    if options.out is not None and os.path.lexists(out):
        raise ScenarioError(Problem(str(out), "", "is there already; choose another --out"))
    text = rewritten(document, edits, out.absolute().parent)
    for line in changed_lines(document.text, text):
        print(f"{path}:{line}")
    if options.check:
        return RUN_FAILED
    _write(text, out.resolve(), path)
    print(f"{out} written")
    return SUCCESS


def rewritten(document: Document, edits: list[Edit], folder: Path) -> str:
    """The text of a document in the newest version; everything else in it stays as it is written.

    Parameters
    ----------
    document : Document
        Of an older version, as read.
    edits : list of Edit
        What brings it to the newest.
    folder : Path
        Where it will lie.

    Raises
    ------
    ScenarioError
        If it is no valid scenario, or the text would not say what the file says.
    """
    scenario = parse(document)
    if unknown := scenario.not_imported():
        what = f"what {', '.join(unknown)} may say is known once this code is imported"
        trusting = command("migrate", document.label, "--trust")
        raise ScenarioError(Problem(document.label, "", f"{what}; if you trust it: {trusting}"))
    text = document.text
    for edit in edits:
        text = edit.rewritten(text)
    again = parse(Document(document.label, toml.loads(text), text, folder))
    if _noted(again) != _noted(scenario) or again != scenario:
        what = (
            f"would say something else; change by hand what `{command('validate', document.label)}` warns of"
        )
        raise ScenarioError(Problem(document.label, "", what))
    return text


def _noted(scenario: Scenario) -> set[tuple[str, str]]:
    """What its notes say, but for that of its version."""
    return {(note.key, note.what) for note in scenario.notes if note.key != versions.KEY}


def changed_lines(before: str, after: str) -> Iterator[str]:
    """What changes in a text, line by line: number, what stood there and what stands there now."""
    old, new = ([line.rstrip() for line in text.split("\n")] for text in (before, after))
    matched = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    for tag, first, last, begin, end in matched.get_opcodes():
        if tag != "equal":
            yield from (f"{n + 1}: - {short(old[n], KEY)}" for n in range(first, last))
            yield from (f"{n + 1}: + {short(new[n], KEY)}" for n in range(begin, end))


def _write(text: str, path: Path, like: Path) -> None:
    """Write a file beside its place, with the rights of another, and put it there whole or not at all.

    If the other begins with a byte-order mark, so does this one.
    """
    encoding = "utf-8-sig" if like.read_bytes().startswith(codecs.BOM_UTF8) else "utf-8"
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with fresh.open("xb") as file:
            file.write(text.encode(encoding))
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(like, fresh)
        fresh.replace(path)
    except OSError as error:
        raise ScenarioError(Problem(str(path), "", f"cannot be written: {error.strerror}")) from error
    finally:
        fresh.unlink(missing_ok=True)
