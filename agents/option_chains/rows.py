"""One row of a chain file: the contract that it names, or why it is unusable and which cell says so."""

from __future__ import annotations

import math
from datetime import datetime, time
from typing import NamedTuple

from agents.option_chains.cells import EXAMPLE, Timeless, moment, number
from agents.option_chains.formats.base import Cell, Row
from sim.setup.files import File
from sim.setup.misfit import Misfit

IS_CALL = {"call": True, "c": True, "put": False, "p": False}

LEAST_VOLATILITY = 0.001
"""Volatility, per year, below which a row is left out: no market's."""


class Quote(NamedTuple):
    """A contract of a file in the file's own prices; the price of the future is NaN where there is none."""

    strike: float
    expiry: datetime
    is_call: bool
    volatility: float
    open_interest: float
    future: float


class Unusable(Exception):
    """Why a row is left out, and the column that says so."""

    def __init__(self, reason: str, column: str) -> None:
        super().__init__(reason)
        self.reason, self.column = reason, column


def open_interest(row: Row, file: File) -> float:
    """Units, NaN if the file has none.

    Raises
    ------
    Misfit
        If it is a text that is no number: what is left out could not be weighed.
    """
    cell = row.cells["open_interest"]
    try:
        return number(cell.text) * cell.scale
    except ValueError as error:
        what = f'{file}: {row.place}, column "{cell.column}": {error}'
        raise Misfit(f"{what}; write open interest like 1234.5 or 1,234.5", ("file",)) from error


def quoted(
    row: Row, file: File, interest: float, now: datetime, at: time | None, needs_future: bool
) -> Quote:
    """The contract of a row.

    Raises
    ------
    Unusable
        If it cannot be used.
    """
    cells = row.cells
    if unusable := _of_interest(interest):
        raise Unusable(unusable, cells["open_interest"].column)
    volatility = _read(cells["implied_volatility"], "implied volatility", is_share=True)
    if unusable := _of_volatility(volatility):
        raise Unusable(unusable, cells["implied_volatility"].column)
    strike = _read(cells["strike"], "strike", is_price=True)
    if not 0 < strike < math.inf:
        raise Unusable("no strike above 0", cells["strike"].column)
    is_call = IS_CALL.get(cells["option_type"].text.strip().lower())
    if is_call is None:
        raise Unusable("an unreadable type of option", cells["option_type"].column)
    expiry = moment_of(row, "expiry_datetime", at, file)
    if not expiry > now:
        raise Unusable("an expiry that is past", cells["expiry_datetime"].column)
    future = _read(cells["futures_price"], "price of the future", is_price=True)
    if not 0 < future < math.inf:
        if needs_future:
            raise Unusable("no price of the future", cells["futures_price"].column)
        future = math.nan
    return Quote(strike, expiry, is_call, volatility, interest, future)


def _of_interest(number: float) -> str:
    """Why an open interest is unusable, nothing if it is not."""
    if math.isnan(number):
        return "open interest missing"
    if math.isinf(number):
        return "an infinite open interest"
    return "" if number > 0 else "no open interest" if number == 0 else "an open interest below 0"


def _of_volatility(number: float) -> str:
    """Why an implied volatility is unusable, nothing if it is not."""
    if math.isnan(number):
        return "no implied volatility"
    if math.isinf(number):
        return "an infinite implied volatility"
    if 0 < number < LEAST_VOLATILITY:
        return f"an implied volatility below {LEAST_VOLATILITY:.1%} a year"
    return "" if number > 0 else f"an implied volatility {'of' if number == 0 else 'below'} 0"


def _read(cell: Cell, noun: str, *, is_price: bool = False, is_share: bool = False) -> float:
    """The number of a cell, NaN if there is none."""
    try:
        return number(cell.text, is_price=is_price, is_share=is_share) * cell.scale
    except ValueError as error:
        raise Unusable(f"an unreadable {noun}", cell.column) from error


def moment_of(row: Row, name: str, at: time | None, file: File) -> datetime:
    """The moment that a field of a row stands for."""
    cell = row.cells[name]
    try:
        return moment(cell.text, at)
    except Timeless as error:
        key = "expiry_time" if name == "expiry_datetime" else "snapshot_time"
        what = f'{file}: {row.place}, column "{cell.column}": {error}; say which with {key}, like {EXAMPLE}'
        raise Misfit(what, (key,)) from error
    except ValueError as error:
        noun = "expiry" if name == "expiry_datetime" else "time"
        raise Unusable(f"an unreadable {noun}", cell.column) from error
