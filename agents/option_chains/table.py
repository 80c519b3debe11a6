"""What a reading of a chain file comes to: our own table of it, its spot and its gamma."""

from __future__ import annotations

import csv
import io
from collections import Counter
from statistics import median
from typing import NamedTuple

import numpy as np

from agents.option_chains.formats.base import FIELDS
from agents.option_chains.reading import Reading
from agents.option_chains.rows import Quote
from sim.kernels.options.greeks import delta_gamma
from sim.setup.listing import SECONDS_PER_YEAR


class Gamma(NamedTuple):
    """Units of the asset per unit of price of one long side of the open interest, calls and puts apart.

    Each contract is valued at its own future (Black 1976), as it is in a market that it is rescaled to.
    """

    calls: float
    puts: float

    @property
    def net(self) -> float:
        """Calls less puts, the convention of most published gamma exposures."""
        return self.calls - self.puts


def as_csv(reading: Reading) -> str:
    """The usable contracts as a file in our own format, which reads back as the same contracts."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    taken = reading.taken.isoformat()
    for quote in reading.quotes:
        kind, future = "call" if quote.is_call else "put", repr(quote.future) if quote.future > 0 else ""
        terms = (taken, reading.currency, kind, repr(quote.strike), quote.expiry.isoformat())
        writer.writerow((*terms, repr(quote.volatility), repr(quote.open_interest), future))
    return out.getvalue()


def gamma(reading: Reading) -> Gamma:
    """Gamma of the open interest; contracts without a price of the future have none."""
    priced = [quote for quote in reading.quotes if quote.future > 0]
    if not priced:
        return Gamma(0.0, 0.0)
    seconds = np.array([(quote.expiry - reading.taken).total_seconds() for quote in priced])
    delta, each = np.empty(len(priced)), np.empty(len(priced))
    is_call = np.array([quote.is_call for quote in priced])
    future, strike, volatility = (_column(priced, name) for name in ("future", "strike", "volatility"))
    delta_gamma(future, strike, seconds / SECONDS_PER_YEAR, volatility, is_call, delta, each)
    each *= _column(priced, "open_interest")
    return Gamma(float(each[is_call].sum()), float(each[~is_call].sum()))


def spot(reading: Reading) -> float | None:
    """Median price of the future of the first expiry that has one."""
    priced = [quote for quote in reading.quotes if quote.future > 0]
    if not priced:
        return None
    first = min(quote.expiry for quote in priced)
    return median(quote.future for quote in priced if quote.expiry == first)


def expiries(reading: Reading) -> Counter[str]:
    """Usable contracts by day of expiry."""
    return Counter(sorted(quote.expiry.date().isoformat() for quote in reading.quotes))


def _column(quotes: list[Quote], name: str) -> np.ndarray:
    return np.array([getattr(quote, name) for quote in quotes])
