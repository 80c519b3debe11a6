"""Names of Deribit's options: `BTC-24APR26-65000-P`, and `XRP_USDC-1AUG25-3d1-C` for a strike of 3.1.

They expire at 08:00 UTC; open interest is in units of the underlying (docs.deribit.com, naming
convention and public/get_book_summary_by_currency).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from agents.option_chains.formats.base import MONTHS

EXPIRY = "08:00 UTC"
OPTION = re.compile(r"([A-Z0-9]+)(?:_[A-Z]+)?-(\d{1,2})([A-Z]{3})(\d{2})-(\d+(?:d\d+)?)-([CP])")


class Named(NamedTuple):
    """What the name of an option says: currency, ISO date of expiry, strike, call or put."""

    currency: str
    expiry: str
    strike: str
    option_type: str


def named(instrument: str) -> Named | None:
    """What the name of an option says; None if it is not one's."""
    found = OPTION.fullmatch(instrument)
    if found is None or found[3] not in MONTHS:
        return None
    currency, day, month, year, strike, kind = found.groups()
    date = f"20{year}-{MONTHS[month]:02}-{int(day):02}"
    return Named(currency, date, strike.replace("d", "."), "call" if kind == "C" else "put")
