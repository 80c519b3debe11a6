"""Cboe delayed quotes: the table that cboe.com offers to download, calls and puts of a strike in one line.

Three lines stand above it: an empty one, the name with the last price, and the date with its time in New
York. An expiry is a date; options stop at 16:00 in New York, those on indices that settle at the opening at
9:30. A contract is 100 units (Options Clearing Corporation, standard contracts).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from agents.option_chains.formats.base import Cell, ChainFormat, Row, Source
from sim.setup.misfit import Misfit

NEW_YORK = ZoneInfo("America/New_York")
UNITS = 100.0
WEEKLY = {"SPXW": "SPX", "NDXP": "NDX", "RUTW": "RUT", "VIXW": "VIX"}
AT_THE_OPENING = {"SPX", "NDX", "RUT", "VIX", "DJX"}
"""Roots of options that settle on the opening prices of their last day."""

SYMBOL = re.compile(r"\s*([A-Z.]+)\d?\s*\d{6}[CP]\d{8}\s*")
TAKEN = re.compile(r"Date:\s*(\w+ \d{1,2}, \d{4}) at (\d{1,2}:\d{2} [AP]M) (?:E[DS]?T|Eastern)")
LAST = re.compile(r"Last:\s*(.+)")
OF_CALLS, OF_PUTS = (1, 7, 10), (12, 18, 21)
"""Positions of symbol, implied volatility and open interest."""
EXPIRES, STRIKE, WIDTH = 0, 11, 22


class Cboe(ChainFormat):
    """The table of a symbol: `quotedata.csv`.

    Leaves out: carry and dividends (the last price stands for the price of the future), and that
    contracts changed by a split or merger are of other than 100 units.
    """

    name = "Cboe delayed quotes"
    expiry_time = "16:00 America/New_York"

    def reads(self, source: Source) -> bool:
        """True if one of the first lines heads the table."""
        return any(_is_head(cells) for _, cells in source.lines[:6])

    def rows(self, source: Source) -> Iterator[Row]:
        """A call and a put of every line."""
        head = next(n for n, (_, cells) in enumerate(source.lines) if _is_head(cells))
        above = [(line, text) for line, cells in source.lines[:head] for text in cells]
        last, taken = _last(source, above), _taken(source, above)
        for line, cells in source.lines[head + 1 :]:
            padded = [*cells, *[""] * (WIDTH - len(cells))]
            for kind, columns in (("call", OF_CALLS), ("put", OF_PUTS)):
                yield Row(f"line {line}", _cells(padded, kind, columns, last, taken))


def _is_head(cells: list[str]) -> bool:
    return len(cells) >= WIDTH and cells[EXPIRES].strip() == "Expiration Date" and "Strike" in cells[STRIKE]


def _cells(
    cells: list[str], kind: str, columns: tuple[int, int, int], last: str, taken: str
) -> dict[str, Cell]:
    symbol, volatility, interest = (cells[column] for column in columns)
    found = SYMBOL.fullmatch(symbol)
    root = found[1] if found else ""
    return {
        "timestamp": Cell(taken, "Date"),
        "currency": Cell(WEEKLY.get(root, root), f"{kind.capitalize()}s"),
        "option_type": Cell(kind, f"{kind.capitalize()}s"),
        "strike": Cell(cells[STRIKE], "Strike"),
        "expiry_datetime": Cell(_expiry(cells[EXPIRES], root), "Expiration Date"),
        "implied_volatility": Cell(volatility, f"IV ({kind}s)"),
        "open_interest": Cell(interest, f"Open Interest ({kind}s)", UNITS),
        "futures_price": Cell(last, "Last"),
    }


def _expiry(text: str, root: str) -> str:
    """ISO date, with the time where it is not that of the format; the text as it is if it is no date."""
    try:
        day = datetime.strptime(text.strip(), "%a %b %d %Y")
    except ValueError:
        return text
    if root in AT_THE_OPENING:
        return day.replace(hour=9, minute=30, tzinfo=NEW_YORK).isoformat()
    return day.date().isoformat()


def _last(source: Source, above: list[tuple[int, str]]) -> str:
    """The last price of the underlying."""
    for _, text in above:
        if found := LAST.fullmatch(text.strip()):
            return found[1]
    raise Misfit(f'{source.file} has no "Last: " above its table, the price of the underlying', ("file",))


def _taken(source: Source, above: list[tuple[int, str]]) -> str:
    """When the quotes were taken."""
    for line, text in above:
        if text.strip().startswith("Date:"):
            found = TAKEN.fullmatch(text.strip())
            if found is None:
                what = f'line {line} holds "{text.strip()}"'
                raise Misfit(
                    f"{source.file}: {what}, not a date like Date: May 1, 2025 at 8:28 AM EDT", ("file",)
                )
            moment = datetime.strptime(f"{found[1]} {found[2]}", "%B %d, %Y %I:%M %p")
            return moment.replace(tzinfo=NEW_YORK).isoformat()
    raise Misfit(f'{source.file} has no "Date: " above its table, when it was taken', ("file",))
