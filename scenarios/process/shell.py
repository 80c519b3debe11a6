"""Commands to type: what messages and `next:` lines print, quoted as a shell takes them."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path


def command(*words: object) -> str:
    """A command of ours; each word is one argument, whatever is in it."""
    return shlex.join(["hedgequake", *map(str, words)])


def scenario_words(options: argparse.Namespace) -> list[str]:
    """The scenario of a command line, with all that is set over it, as words of another command."""
    words = [options.file]
    for option in ("seed", "steps"):
        if getattr(options, option) is not None:
            words += [f"--{option}", str(getattr(options, option))]
    return words + [word for text in options.set for word in ("--set", text)]


def place(path: Path) -> str:
    """A path as one types it, from the current folder if it is inside; never like an option."""
    whole = path.absolute()
    shown = str(whole.relative_to(Path.cwd())) if whole.is_relative_to(Path.cwd()) else str(whole)
    return f"./{shown}" if shown.startswith("-") else shown
