"""Commands to type: what messages and `next:` lines print, quoted as a shell takes them."""

from __future__ import annotations

import shlex
from pathlib import Path


def command(*words: object) -> str:
    """A command of ours; each word is one argument, whatever is in it."""
    return shlex.join(["hedgequake", *map(str, words)])


def place(path: Path) -> str:
    """A path as one types it, from the current folder if it is inside; never like an option."""
    whole = path.absolute()
    shown = str(whole.relative_to(Path.cwd())) if whole.is_relative_to(Path.cwd()) else str(whole)
    return f"./{shown}" if shown.startswith("-") else shown
