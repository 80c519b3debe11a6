"""`hedgequake chain`: an option chain in any format that can be read, summed up and as our own table."""

from __future__ import annotations

import argparse
from pathlib import Path

from scenarios.terminal.arguments import share

ABOUT, PLACE = "read an option chain of any format, sum it up, and write it as ours", 140


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("file", metavar="FILE", help="a chain file, or example_chain.csv, which comes along")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write the usable contracts as a CSV")
    parser.add_argument("--currency", metavar="NAME", help="of which currency; needed if there are more")
    parser.add_argument(
        "--expiry-time", metavar="TIME", help='of expiries that are dates alone: "16:00 America/New_York"'
    )
    parser.add_argument("--snapshot-time", metavar="TIME", help="of timestamps that are dates alone")
    parser.add_argument("--as-of", metavar="TIME", help="the moment wanted of a file over time; its last")
    parser.add_argument(
        "--most-left-out",
        metavar="X",
        type=share,
        default=0.5,
        help="share of the open interest above which a file is refused (0.5)",
    )
    parser.add_argument("--force", action="store_true", help="replace the file that is written")


def run(options: argparse.Namespace) -> int:
    """Read it, write it if asked to, and print what it holds."""
    from scenarios.terminal import chain_summary

    return chain_summary.run(options)
