"""Cells of chain files: numbers and times as people and exchanges write them.

A number may have groups of three digits ("1,234", "1'234", "1 234"), a price a sign of its currency and a
volatility a percent sign. What could be read in two ways, such as a decimal comma, is not read.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, timezone, tzinfo
from zoneinfo import ZoneInfo

MISSING = {"", "-", "--", "na", "nan", "n/a", "#n/a", "none", "null"}
"""What stands, in small letters, where there is no number."""

PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}([,'_ ’\u00a0\u202f])\d{3}(?:\1\d{3})*(\.\d+)?", re.ASCII)
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
CURRENCY = re.compile(r"(USD|US\$|[$€£¥₿])\s*|\s*(USD[TC]?|[€£¥₿])")
TIME_OF_DAY = re.compile(r"(\d{1,2}:\d{2}(?::\d{2})?)\s*([A-Za-z_/+-]\S*)")
EXAMPLE = '"16:00 America/New_York"'


class Timeless(ValueError):
    """A date without a time where a moment is needed."""


def number(text: str, *, is_price: bool = False, is_share: bool = False) -> float:
    """The number that a text stands for, NaN if it says that there is none.

    Parameters
    ----------
    text : str
    is_price : bool
        A sign of the currency may stand before or behind it.
    is_share : bool
        A percent sign may stand behind it, which divides it by 100.

    Raises
    ------
    ValueError
        If it is no number.
    """
    own = text.strip().replace("\u2212", "-")
    if own.lower() in MISSING:
        return math.nan
    scale = 1.0
    if is_price:
        own = CURRENCY.sub("", own, count=1)
    if is_share and own.endswith("%"):
        own, scale = own[:-1].rstrip(), 0.01
    if grouped := GROUPED.fullmatch(own):
        own = own.replace(grouped[1], "")
    if not (PLAIN.fullmatch(own) or INFINITE.fullmatch(own)):
        raise ValueError(f'"{text}" is no number')
    return float(own) * scale


def time_of_day(text: str) -> time:
    """A time with its zone, such as "16:00 America/New_York" or "08:00 UTC".

    Raises
    ------
    ValueError
        If it is none, or has no zone, or one that is not known.
    """
    found = TIME_OF_DAY.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'"{text}" is no time of day with its zone, like {EXAMPLE}')
    clock, zone = found.groups()
    try:
        return time.fromisoformat(clock if clock[1].isdigit() else f"0{clock}").replace(tzinfo=_zone(zone))
    except ValueError as error:
        raise ValueError(f'"{text}" is no time of day with its zone, like {EXAMPLE}') from error


def moment(text: str, at: time | None = None) -> datetime:
    """The moment in UTC that a text in ISO 8601 stands for; one without a zone is in UTC already.

    Differences of moments in one zone would leave out the hour that its clocks are put forward or back.

    Parameters
    ----------
    text : str
    at : time, optional
        Time of day, with its zone, that is meant by a date alone.

    Raises
    ------
    Timeless
        If it is a date alone and `at` is not given.
    ValueError
        If it is no date.
    """
    own = text.strip()
    try:
        found = datetime.combine(date.fromisoformat(own), at or time())
    except ValueError:
        found = datetime.fromisoformat(own)
    else:
        if at is None:
            raise Timeless(f'"{text}" is a date without a time')
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError(f'"{text}" is no date of this calendar') from error


def _zone(name: str) -> tzinfo:
    """The zone of a name or of an offset like +05:30."""
    if name.upper() in ("UTC", "Z"):
        return UTC
    if name[0] in "+-":
        offset = datetime.fromisoformat(f"2000-01-01T00:00{name}").utcoffset()
        if offset is None:
            raise ValueError(f"{name} is no offset")
        return timezone(offset)
    try:
        return ZoneInfo(name)
    except (OSError, KeyError) as error:
        raise ValueError(f"{name} is no time zone") from error
