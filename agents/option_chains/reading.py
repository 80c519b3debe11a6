"""Reading a chain file: its contracts, what was left out of it and why, and whether it can be meant so.

Of a file that holds several moments each contract's last row counts, up to `as_of` if that is given.
Rows of one contract and one moment are merged: open interest adds up, all else is the first's.

**Refused** are files whose open interest holds a text that is no number, whose dates of expiry have no
time, whose median volatility is above 5 a year or median |ln(K / F)| above 1.5, and those of which more
than `most_left_out` of the open interest would be left out. Above 5% it is warned of.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from statistics import median

from agents.option_chains.cells import moment, time_of_day
from agents.option_chains.formats import recognised
from agents.option_chains.formats.base import Row, Source
from agents.option_chains.rows import Quote, Unusable, moment_of, open_interest, quoted
from sim.setup.files import File
from sim.setup.misfit import Misfit

MOST_VOLATILITY = 5.0
"""Median volatility, per year, above which it is taken for one in percent."""

MOST_LOG_MONEYNESS = 1.5
"""Median |ln(K / F)| above which strikes and futures prices are taken for those of different things."""

WARNED_SHARE = 0.05
"""Share of the open interest left out that is warned of."""


class ChainFile(File):
    """A file that holds an option chain; a name may be that of an example which comes with hedgequake."""

    library = Path(__file__).parent / "library"


@dataclass
class LeftOut:
    """Rows that were left out for one reason: how many, their open interest, the place of the first."""

    count: int = 0
    open_interest: float = 0.0
    first: str = ""


@dataclass
class Reading:
    """What a chain file holds of one currency.

    Attributes
    ----------
    file, format, currency : str
    taken : datetime
        The moment from which times to expiry count.
    quotes : list of Quote
        Usable contracts.
    rows : int
        Rows of the currency.
    merged : int
        Usable rows of a contract that another row had named before.
    other_times : int
        Rows of another moment than the last of their contract.
    left_out : dict of str to LeftOut
        By reason.
    """

    file: str
    format: str
    currency: str
    taken: datetime
    quotes: list[Quote] = field(default_factory=list)
    rows: int = 0
    merged: int = 0
    other_times: int = 0
    left_out: dict[str, LeftOut] = field(default_factory=dict)

    @property
    def open_interest(self) -> float:
        """Of the usable contracts, units."""
        return sum(quote.open_interest for quote in self.quotes)

    @property
    def share_left_out(self) -> float:
        """Share of the file's open interest that is in none of the usable contracts."""
        lost = sum(each.open_interest for each in self.left_out.values())
        return lost / (lost + self.open_interest) if lost else 0.0

    def reasons(self) -> str:
        """Rows left out, by reason, each with the place of the first."""
        return "; ".join(
            f"{each.count} with {why} (first: {each.first})" for why, each in self.left_out.items()
        )


@dataclass(frozen=True)
class Clock:
    """How the dates of a file are meant: times of day of those that have none, and the moment wanted.

    Parameters
    ----------
    expiry : time, optional
    snapshot : time, optional
    as_of : datetime, optional
    """

    expiry: time | None = None
    snapshot: time | None = None
    as_of: datetime | None = None


def clock(expiry_time: str | None, snapshot_time: str | None, as_of: str | None) -> Clock:
    """A clock from texts.

    Raises
    ------
    ValueError
        If one of them is no time.
    """
    expiry, snapshot = (
        time_of_day(text) if text is not None else None for text in (expiry_time, snapshot_time)
    )
    return Clock(expiry, snapshot, moment(as_of) if as_of is not None else None)


def read(
    file: File,
    currency: str | None,
    times: Clock = Clock(),
    *,
    needs_future: bool = True,
    most_left_out: float = 0.5,
) -> Reading:
    """Read the contracts of one currency.

    Parameters
    ----------
    file : File
    currency : str or None
        None for the only one there is.
    times : Clock
    needs_future : bool
        Whether a row without a price of the future is unusable.
    most_left_out : float
        Share of the open interest above which a file is refused.

    Raises
    ------
    Misfit
        With the first cell that is wrong; see the module.
    """
    source = Source(file)
    known = recognised(source)
    rows = list(known.rows(source))
    currency = currency or _only(file, rows)
    own = [row for row in rows if row.cells["currency"].text == currency]
    if not own:
        raise Misfit(*_absent(file, currency, rows))
    expiry = times.expiry or (time_of_day(known.expiry_time) if known.expiry_time else None)
    reading = Reading(str(file), known.name, currency, datetime.min, rows=len(own))
    current = _current(own, file, reading, times)
    contracts: dict[tuple[float, datetime, bool], Quote] = {}
    for row in current:
        interest = open_interest(row, file)
        try:
            quote = quoted(row, file, interest, reading.taken, expiry, needs_future)
        except Unusable as unusable:
            _leave_out(reading, row, unusable, interest)
            continue
        earlier = contracts.get(quote[:3])
        reading.merged += earlier is not None
        contracts[quote[:3]] = _merged(earlier, quote)
    reading.quotes = list(contracts.values())
    _check(reading, most_left_out)
    return reading


def _only(file: File, rows: Iterable[Row]) -> str:
    """The only currency of a file."""
    there = sorted({row.cells["currency"].text for row in rows})
    if len(there) != 1:
        what = "more than one currency; say which" if there else "no rows"
        raise Misfit(f"{file} has {what}", ("currency",), "", there)
    return there[0]


def _absent(file: File, currency: str, rows: Iterable[Row]) -> tuple[str, tuple[str, ...], str, list[str]]:
    """What to say of a currency that a file has no rows of."""
    there = sorted({row.cells["currency"].text for row in rows} - {""})
    what = f'{file} has no rows of currency "{currency}"' if there else f"{file} has no rows"
    return what, ("currency",), currency, there


def _current(rows: list[Row], file: File, reading: Reading, times: Clock) -> list[Row]:
    """The last row of each contract up to the moment that is wanted, and those of the same time."""
    dated: list[tuple[datetime, Row]] = []
    for row in rows:
        try:
            dated.append((moment_of(row, "timestamp", times.snapshot, file), row))
        except Unusable as unusable:
            _leave_out(reading, row, unusable, open_interest(row, file))
    wanted = [(when, row) for when, row in dated if times.as_of is None or when <= times.as_of]
    if dated and not wanted:
        first = min(when for when, _ in dated).isoformat()
        raise Misfit(f"{file} has nothing by then; it begins at {first}", ("as_of",))
    last: dict[tuple[str, ...], datetime] = {}
    for when, row in wanted:
        last[_contract(row)] = max(when, last.get(_contract(row), when))
    reading.taken = times.as_of or max(last.values(), default=reading.taken)
    current = [row for when, row in wanted if when == last[_contract(row)]]
    reading.other_times = len(dated) - len(current)
    return current


def _contract(row: Row) -> tuple[str, ...]:
    return tuple(row.cells[name].text for name in ("option_type", "strike", "expiry_datetime"))


def _merged(earlier: Quote | None, quote: Quote) -> Quote:
    """A contract with the open interest of an earlier row of the same one, and all else as it was there."""
    if earlier is None:
        return quote
    return earlier._replace(open_interest=earlier.open_interest + quote.open_interest)


def _leave_out(reading: Reading, row: Row, unusable: Unusable, interest: float) -> None:
    """Count a row that is left out."""
    entry = reading.left_out.setdefault(unusable.reason, LeftOut())
    entry.count += 1
    entry.open_interest += interest if 0 < interest < math.inf else 0.0
    entry.first = entry.first or f'{row.place}, column "{unusable.column}"'


def _check(reading: Reading, most_left_out: float) -> None:
    """Refuse a file that cannot be meant as it is read."""
    if not reading.quotes:
        raise Misfit(f"{reading.file} has no usable row; it has {reading.reasons()}", ("file",))
    volatility = median(quote.volatility for quote in reading.quotes)
    if volatility > MOST_VOLATILITY:
        what = f"{reading.file} has a median volatility of {volatility:g} a year, above {MOST_VOLATILITY:g}"
        raise Misfit(f"{what}; write 65% as 0.65 or 65%", ("file",))
    priced = [quote for quote in reading.quotes if quote.future > 0]
    check_moneyness(((quote.strike, quote.future) for quote in priced), reading.file, "prices of the future")
    if reading.share_left_out > most_left_out:
        what = f"{reading.file}: {reading.share_left_out:.0%} of its open interest would be left out"
        allowed = f"at most {most_left_out:.0%} may be (most_left_out)"
        raise Misfit(f"{what}, {allowed}: {reading.reasons()}", ("file",))


def check_moneyness(strikes_and_prices: Iterable[tuple[float, float]], file: str, prices: str) -> None:
    """Refuse strikes that are not of the prices they are to be held against.

    Raises
    ------
    Misfit
        If the median |ln(K / F)| is above `MOST_LOG_MONEYNESS`.
    """
    distances = [abs(math.log(strike / price)) for strike, price in strikes_and_prices]
    if distances and (far := median(distances)) > MOST_LOG_MONEYNESS:
        what = f"{file} has strikes whose median |ln(K / F)| to the {prices} is {far:.3g}"
        raise Misfit(f"{what}, above {MOST_LOG_MONEYNESS:g}; are both in the same unit?", ("file",))
