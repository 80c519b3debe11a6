"""Commands as they are printed, run as a shell would take them."""

from __future__ import annotations

import shlex

from scenarios.__main__ import main


def typed(line: str) -> int:
    """Exit code of commands as a shell would take them from what was printed."""
    codes = []
    for part in line.split(" && "):
        words = shlex.split(part)
        assert words[0] == "hedgequake"
        codes.append(main(words[1:]))
    return max(codes)


def following(printed: str) -> list[str]:
    """The commands that stand under `next:`."""
    return [line.strip() for line in printed.partition("next:\n")[2].splitlines()]
