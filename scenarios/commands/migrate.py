"""`hedgequake migrate`: a scenario file rewritten in the newest version, comments and all."""

from __future__ import annotations

import argparse
from pathlib import Path

from scenarios.terminal.arguments import add_file, add_trust

ABOUT, PLACE = "rewrite a scenario file of an older version, comments and all", 45


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_file(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--out", metavar="OTHER", type=Path, help="write a new file and leave FILE as it is")
    where.add_argument("--check", action="store_true", help="write nothing; exit 1 if FILE would change")
    add_trust(parser)


def run(options: argparse.Namespace) -> int:
    """Rewrite it, or look what would become of it, and print what changes."""
    from scenarios.terminal import migration

    return migration.run(options)
