"""`hedgequake chain`: an option chain in any format that can be read, summed up and as our own table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agents.option_chains.reading import WARNED_SHARE, ChainFile, Reading, clock, read
from agents.option_chains.table import as_csv, expiries, gamma, spot
from scenarios.file.errors import Problem, ScenarioError, nearest
from sim.setup.files import File
from sim.setup.misfit import Misfit

PERCENT = 0.01


def run(options: argparse.Namespace) -> int:
    """Read, write if asked to, and print what the file holds; returns the exit code.

    Raises
    ------
    ScenarioError
        If the file cannot be read as a chain, or the other is there already.
    """
    reading = _read(options)
    if options.out is not None:
        _write(as_csv(reading), options.out, options.force)
    print(summary(reading))
    if reading.share_left_out > WARNED_SHARE:
        what = f"{reading.share_left_out:.1%} of the open interest is left out"
        print(f"warning: {options.file}: {what}", file=sys.stderr)
    if options.out is not None:
        print(f"{options.out} written")
    return 0


def summary(reading: Reading) -> str:
    """What was read and left out, and what it comes to, in a few lines."""
    of, price = gamma(reading), spot(reading)
    days = list(expiries(reading))
    lines = [("rows read", f"{reading.rows:,}")]
    if reading.other_times:
        lines.append(("of other times", f"{reading.other_times:,}"))
    lines += [
        ("left out", f"{each.count:,} {why} (first: {each.first})") for why, each in reading.left_out.items()
    ]
    if reading.merged:
        lines.append(("merged", f"{reading.merged:,} of contracts named before"))
    share = reading.share_left_out
    lines += [
        ("contracts", f"{len(reading.quotes):,}, expiring {days[0]} to {days[-1]}"),
        (
            "open interest",
            f"{_shown(reading.open_interest)} units of {reading.currency}; {share:.2%} of it is left out",
        ),
    ]
    if price is not None:
        worth = f"{of.net * price * price * PERCENT:,.0f} of quote currency a 1% move"
        lines += [
            ("spot", _shown(price)),
            ("gamma of all", f"{_shown(of.calls + of.puts)} units per unit of price"),
            ("net gamma", f"{_shown(of.net)}, calls less puts: {worth}"),
        ]
    width = max(len(label) for label, _ in lines)
    head = f"{reading.file}: {reading.format}, {reading.currency}, taken {reading.taken.isoformat()}"
    return "\n".join([head, *(f"  {label:<{width}}  {text}" for label, text in lines)])


def _shown(value: float) -> str:
    """Two decimals of what is large, four digits of what is not."""
    return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.4g}"


def _read(options: argparse.Namespace) -> Reading:
    """The chain of the file that was named; what does not fit is told by the options of the command."""
    file = _found(options.file)
    try:
        times = clock(options.expiry_time, options.snapshot_time, options.as_of)
        return read(file, options.currency, times, most_left_out=options.most_left_out)
    except Misfit as misfit:
        option = "".join(f"--{part.replace('_', '-')}" for part in map(str, misfit.key) if part != "file")
        near = nearest(misfit.found, misfit.allowed) if misfit.found else None
        what = str(misfit).removeprefix(str(file)).lstrip(": ")
        problem = Problem(options.file, option, what, None, "", misfit.found, misfit.allowed, near)
    except ValueError as error:
        problem = Problem(options.file, "", str(error))
    raise ScenarioError(problem)


def _found(text: str) -> File:
    try:
        return ChainFile.located(text)
    except ValueError as error:
        raise ScenarioError(Problem(text, "", str(error))) from error


def _write(text: str, path: Path, is_forced: bool) -> None:
    """Write a new file, or over one if that was asked for."""
    try:
        with path.open("w" if is_forced else "x", encoding="utf-8", newline="") as out:
            out.write(text)
    except FileExistsError:
        raise ScenarioError(Problem(str(path), "", "is there already; --force replaces it")) from None
    except OSError as error:
        raise ScenarioError(Problem(str(path), "", f"cannot be written: {error.strerror}")) from error
