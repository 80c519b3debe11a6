"""Option chains: open interest by contract, synthetic or read from a snapshot, and its split over books.

**Sign.** Every open contract has a long and a short side; the end users are on one and the
books on the other. `sign = -1`: the books have sold what end users hold, they are short gamma
and sell into a fall. `sign = 1`: they have bought it. Lots are signed from the books' side.

**Exactness.** The books hold round(|sign| x share x multiplier x open interest / lot) lots of
each contract together, to the lot, however many books there are.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from agents.option_chains.reading import ChainFile, Reading, check_moneyness, clock, read
from sim.setup.draws import Draws
from sim.setup.listing import Listing
from sim.setup.misfit import Misfit
from sim.setup.parameters import check_lots
from sim.setup.table import Parameters


class Contract(NamedTuple):
    """One row of a chain: terms, implied volatility per year, open interest in units."""

    strike: float
    seconds: float
    is_call: bool
    volatility: float
    open_interest: float


class Chain(NamedTuple):
    """Open contracts and where they come from.

    Rows of the source looked at, how many of them were left out and why, how many were of a
    contract that another row had named before, and what was read if it is of a file.
    """

    contracts: list[Contract]
    rows: int
    dropped: dict[str, int]
    merged: int = 0
    reading: Reading | None = None

    def said(self) -> dict[str, Any]:
        """What there is to say of the file, as plain values; nothing if it is of none."""
        if self.reading is None:
            return {}
        return {
            "format": self.reading.format,
            "currency": self.reading.currency,
            "taken": self.reading.taken.isoformat(),
            "other_times": self.reading.other_times,
            "first_dropped": {reason: each.first for reason, each in self.reading.left_out.items()},
            "open_interest_left_out": self.reading.share_left_out,
        }


class Holding(Parameters):
    """How much of a chain's open interest the books hold, and on which side.

    Parameters
    ----------
    sign : float
        From -1, the books have sold every option (short gamma), to 1, they have bought it.
        Fractions net: -0.3 is 65% short and 35% long.
    sign_calls, sign_puts : float
        The same where calls and puts differ. Most published gamma-exposure figures take dealers
        as long calls and short puts: `sign_calls = 1, sign_puts = -1`.
    share : float
        Share of the open interest that these books hold.
    contract_multiplier : float
        Units of the asset in one contract of open interest.
    """

    sign: float = Field(default=-1.0, ge=-1, le=1)
    sign_calls: float | None = Field(default=None, ge=-1, le=1)
    sign_puts: float | None = Field(default=None, ge=-1, le=1)
    share: float = Field(default=1.0, ge=0, le=1)
    contract_multiplier: float = Field(default=1.0, gt=0, le=1e9)

    def side(self, is_call: bool) -> float:
        """Units held per unit of open interest and share."""
        own = self.sign_calls if is_call else self.sign_puts
        return self.sign if own is None else own

    def lots(self, contract: Contract, lot: float) -> int:
        """Lots of a contract that all books hold together, below zero if they are short."""
        side = self.side(contract.is_call)
        units = abs(side) * self.share * self.contract_multiplier * contract.open_interest
        check_lots(units / lot)
        return round(math.copysign(round(units / lot), side))


class Snapshot(Holding):
    """A chain read from a file of quotes, in any of the formats of `agents.option_chains.formats`.

    What is refused, left out and merged is said in `agents.option_chains.reading`. Strikes are scaled by the
    scenario's spot over the row's futures price, so that moneyness is kept. A chain of another currency
    than the asset's is in units of something else: converted by price, each contract keeps its value
    (open interest x futures price) in quote currency.

    Leaves out: settlement in coin (contracts become options paid in quote currency), bid and
    ask, and who really holds which side, which no public file says.

    Parameters
    ----------
    file : path
        Or the name of an example that comes with hedgequake, `example_chain.csv`.
    currency : str
        Rows of other currencies are ignored; the asset's name if not given.
    convert_by_price : bool
        Whether a chain of another currency than the asset's is wanted, its units converted by price.
    rescale : bool
        Whether strikes are scaled to the scenario's spot.
    expiry_time : str
        Time of day of expiries that are dates alone, with its zone: "16:00 America/New_York".
    snapshot_time : str
        The same of timestamps that are dates alone.
    as_of : str
        The moment, in ISO 8601, whose chain is wanted of a file over time; its last if not given.
    most_left_out : float
        Share of the open interest that may be left out; a file that would lose more is refused.
    """

    file: ChainFile
    currency: str | None = None
    convert_by_price: bool = False
    rescale: bool = True
    expiry_time: str | None = None
    snapshot_time: str | None = None
    as_of: str | None = None
    most_left_out: float = Field(default=0.5, ge=0, le=1)

    @model_validator(mode="after")
    def _fits(self) -> Snapshot:
        clock(self.expiry_time, self.snapshot_time, self.as_of)
        if self.convert_by_price and self.currency is None:
            raise ValueError("convert_by_price is for a chain of another currency; name it with `currency`")
        return self

    def chain(self, listing: Listing, asset: int) -> Chain:
        """Read the file.

        Raises
        ------
        Misfit
            With the cell, the unit or the currency that will not do.
        """
        name, spot = listing.universe.assets[asset], listing.spots[asset]
        is_foreign = self.currency not in (None, name)
        reading = self._read(name, needs_future=self.rescale or is_foreign)
        if is_foreign and not self.convert_by_price:
            what = f'units of {self.currency} are not units of "{name}"; say convert_by_price = true'
            raise Misfit(f"{what} to have them converted by price", ("currency",))
        if not self.rescale:
            check_moneyness(((q.strike, spot) for q in reading.quotes), self.file, "spot of the scenario")
        contracts = [
            Contract(
                quote.strike * (spot / quote.future if self.rescale else 1.0),
                (quote.expiry - reading.taken).total_seconds(),
                quote.is_call,
                quote.volatility,
                quote.open_interest * (quote.future / spot if is_foreign else 1.0),
            )
            for quote in reading.quotes
        ]
        dropped = {reason: each.count for reason, each in reading.left_out.items()}
        return Chain(contracts, reading.rows, dropped, reading.merged, reading)

    def _read(self, asset: str, *, needs_future: bool) -> Reading:
        """What the file has of the currency; without one the file is what does not fit the asset."""
        times = clock(self.expiry_time, self.snapshot_time, self.as_of)
        try:
            return read(
                self.file,
                self.currency or asset,
                times,
                needs_future=needs_future,
                most_left_out=self.most_left_out,
            )
        except Misfit as misfit:
            if misfit.key == ("currency",) and self.currency is None:
                misfit.key = ("file",)
            raise


class Books(NamedTuple):
    """Who holds what: one element per position, lots signed from the holder's side."""

    row: np.ndarray
    instrument: np.ndarray
    lots: np.ndarray

    def slots(self, rows: int) -> int:
        """Most positions in one book."""
        return int(np.bincount(self.row, minlength=rows).max())

    def gross_units(self, rows: int, lot: float) -> np.ndarray:
        """Absolute option position of each row, units of the asset."""
        units: np.ndarray = np.bincount(self.row, np.abs(self.lots) * lot, minlength=rows)
        return units


def split(
    chain: Chain,
    holding: Holding,
    lot: float,
    weights: np.ndarray,
    slots: int | np.ndarray,
    draws: Draws,
    listing: Listing,
    asset: int,
) -> Books:
    """List the contracts and split what the books hold of them, exactly to the lot.

    Every contract gets slots in proportion to what is held of it, one at least; it goes to the books
    with most slots left, in a drawn order, so that equal books differ by one contract at most; its
    lots are shared by the sizes of the books that hold it, largest remainders first.

    Parameters
    ----------
    lot : float
        Units a lot.
    weights : ndarray of float64, shape (N,)
        Sizes of the books.
    slots : int or ndarray of int64, shape (N,)
        Contracts a book holds at most, or more if the chain has more contracts than all
        books have slots.
    """
    rows = weights.size
    totals = np.array([holding.lots(contract, lot) for contract in chain.contracts], np.int64)
    held = np.flatnonzero(totals)
    if not held.size:
        return Books(*(np.zeros(0, np.int64) for _ in range(3)))
    order = np.argsort(draws.uniforms("chain.deal", rows), kind="stable")
    left = np.full(rows, slots)[order]
    holders = np.clip(apportion(np.abs(totals[held]), int(left.sum())), 1, rows)
    parts = []
    for i, count in zip(held, holders, strict=True):
        contract, total = chain.contracts[i], int(totals[i])
        takers = np.argsort(-left, kind="stable")[:count]
        left[takers] -= 1
        members = order[takers]
        lots = apportion(weights[members], abs(total)) * (1 if total > 0 else -1)
        number = listing.universe.list_contract(
            asset, contract.strike, contract.seconds, contract.is_call, contract.volatility, lot
        )
        parts.append((members, np.full(members.size, number), lots))
    row, instrument, lots = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Books(row[lots != 0], instrument[lots != 0], lots[lots != 0])


def apportion(weights: np.ndarray, total: int) -> np.ndarray:
    """Integers proportional to the weights that sum to `total` (largest remainders)."""
    exact = weights * (total / weights.sum())
    parts: np.ndarray = np.floor(exact).astype(np.int64)
    missing = total - int(parts.sum())
    parts[np.argsort(parts - exact, kind="stable")[:missing]] += 1
    return parts


def option_lot(listing: Listing, asset: int) -> float:
    """Units in a lot of every option of an asset: the lot of the asset's first venue, as for a desk's own."""
    return next((v.lot for v in listing.venues.values() if v.asset == asset and v.lot > 0), 1.0)
