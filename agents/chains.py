"""Option chains: open interest by contract, synthetic or read from a snapshot, and its split over books.

**Sign.** Every open contract has a long and a short side; the end users are on one and the
books on the other. `sign = -1`: the books have sold what end users hold, they are short gamma
and sell into a fall. `sign = 1`: they have bought it. Lots are signed from the books' side.

**Exactness.** The books hold round(|sign| x share x multiplier x open interest / lot) lots of
each contract together, to the lot, however many books there are.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from sim.draws import Draws
from sim.listing import Listing
from sim.parameters import LONGEST, MOST, MOST_UNITS, File, Misfit, Parameters, check_lots, within

DAY = 86400.0

Days = Annotated[float, Field(gt=0, le=LONGEST / DAY)]


class Contract(NamedTuple):
    """One row of a chain: terms, implied volatility per year, open interest in units."""

    strike: float
    seconds: float
    is_call: bool
    volatility: float
    open_interest: float


Terms = tuple[float, float, bool]
"""What makes two rows one contract: strike, seconds to expiry, call or not."""


class Chain(NamedTuple):
    """Open contracts and where they come from.

    Rows of the source looked at, how many of them were left out and why, and how many were of a
    contract that another row had named before.
    """

    contracts: list[Contract]
    rows: int
    dropped: dict[str, int]
    merged: int = 0


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
        check_lots(units / lot, ("exposure",))
        return round(math.copysign(round(units / lot), side))


class Synthetic(Holding):
    """A synthetic chain: strikes around the spot, open interest falling with moneyness.

    Parameters
    ----------
    open_interest : float
        Of all contracts together, units of the asset.
    expiries_days : list of float
    expiry_weights : list of float
        Shares of the open interest by expiry; equal if not given.
    strikes : int
        Strikes on each side of the spot.
    spacing : float
        Distance between strikes, as a fraction of the spot.
    dispersion : float
        Standard deviation of open interest over moneyness, fraction of the spot.
    put_share : float
        Share of the open interest in puts.
    skew_to_otm : float
        How far the centre of puts lies below, and that of calls above the spot, fraction.
    """

    type: Literal["synthetic"]
    open_interest: float = Field(gt=0, le=MOST_UNITS)
    expiries_days: list[Days] = Field(default=[1.0, 7.0, 30.0], min_length=1, max_length=1000)
    expiry_weights: list[Annotated[float, Field(ge=0, le=MOST)]] | None = None
    strikes: int = Field(default=12, ge=0, le=1000)
    spacing: float = Field(default=0.01, gt=0, lt=1)
    dispersion: float = Field(default=0.06, gt=0, le=100)
    put_share: float = Field(default=0.55, ge=0, le=1)
    skew_to_otm: float = Field(default=0.02, ge=0, le=100)

    @model_validator(mode="after")
    def _fits(self) -> Synthetic:
        weights = self.expiry_weights
        if weights is not None and len(weights) != len(self.expiries_days):
            raise ValueError(f"{len(self.expiries_days)} expiries_days but {len(weights)} expiry_weights")
        if weights is not None and sum(weights) <= 0:
            raise ValueError("the expiry_weights sum to 0")
        if self.strikes * self.spacing >= 1:
            raise ValueError(f"strikes x spacing is {self.strikes * self.spacing:g}; it must be below 1")
        return self

    def chain(self, listing: Listing, asset: int) -> Chain:
        """Lay the open interest out over strikes and expiries."""
        spot, smile = listing.spots[asset], listing.smiles[asset]
        weights = self.expiry_weights or [1.0] * len(self.expiries_days)
        steps = np.arange(-self.strikes, self.strikes + 1) * self.spacing
        contracts = []
        for days, weight in zip(self.expiries_days, weights, strict=True):
            for is_call, part in ((True, 1 - self.put_share), (False, self.put_share)):
                centre = self.skew_to_otm if is_call else -self.skew_to_otm
                squares = ((steps - centre) / self.dispersion) ** 2
                shape = np.exp(-0.5 * (squares - squares.min()))
                interest = self.open_interest * weight / sum(weights) * part * shape / shape.sum()
                for step, amount in zip(steps, interest, strict=True):
                    strike, seconds = spot * (1 + float(step)), days * DAY
                    volatility = smile.volatility(strike, spot, seconds)
                    contracts.append(Contract(strike, seconds, is_call, volatility, float(amount)))
        return Chain(contracts, len(contracts), {})


class Snapshot(Holding):
    """A chain read from a CSV snapshot with one row per contract.

    The columns used are those of Deribit's public book summaries as researchers store them:
    `timestamp`, `currency`, `option_type` (call or put), `strike`, `expiry_datetime`,
    `implied_volatility` (per year), `open_interest` (units) and `futures_price`; others may be there.
    Strikes are scaled by the scenario's spot over the row's futures price, so that moneyness is
    kept, and expiries count from the row's timestamp. Rows without open interest, and bad ones (no
    usable volatility, price of the future, time, terms or open interest), are left out and counted
    by reason. Rows of one contract are merged and counted: their open interest adds up, the implied
    volatility is that of the first.

    Leaves out: settlement in coin (contracts become options paid in quote currency), bid and
    ask, and who really holds which side, which no public file says.

    Parameters
    ----------
    file : path
    currency : str
        Rows of other currencies are ignored; the asset's name if not given.
    rescale : bool
        Whether strikes are scaled to the scenario's spot.
    """

    type: Literal["chain"]
    file: File
    currency: str | None = None
    rescale: bool = True

    def chain(self, listing: Listing, asset: int) -> Chain:
        """Read the file.

        Raises
        ------
        Misfit
            Naming the missing column, the currencies there are, or why no row is usable.
        """
        rows = self._rows(self.currency or listing.universe.assets[asset])
        dropped: dict[str, int] = {}
        contracts: dict[Terms, Contract] = {}
        usable = 0
        for row in rows:
            contract = _contract(row, listing.spots[asset] if self.rescale else None)
            if isinstance(contract, Contract):
                usable += 1
                contracts[contract[:3]] = _merged(contracts.get(contract[:3]), contract)
            else:
                dropped[contract] = dropped.get(contract, 0) + 1
        if not contracts:
            found = ", ".join(f"{count} with {reason}" for reason, count in dropped.items())
            raise Misfit(f"{self.file} has no usable row; it has {found}", ("file",))
        return Chain(list(contracts.values()), len(rows), dropped, usable - len(contracts))

    def _rows(self, currency: str) -> list[dict[str, str | None]]:
        """The file's rows of a currency, by column."""
        with within("file"):
            columns, rows = self.file.table()
        missing = [column for column in COLUMNS if column not in columns]
        if missing:
            what = f'{self.file} has no column "{missing[0]}"; it needs {", ".join(COLUMNS)}'
            raise Misfit(what, ("file",))
        own = [row for row in rows if row["currency"] == currency]
        if not own:
            there = sorted({row["currency"] for row in rows if row["currency"]})
            what = (
                f'{self.file} has no rows of currency "{currency}"' if there else f"{self.file} has no rows"
            )
            raise Misfit(what, ("currency" if self.currency else "file",), currency, there)
        return own


COLUMNS = (
    "timestamp",
    "currency",
    "option_type",
    "strike",
    "expiry_datetime",
    "implied_volatility",
    "open_interest",
    "futures_price",
)


def _merged(first: Contract | None, contract: Contract) -> Contract:
    """A contract with the open interest of an earlier row of the same one, and its volatility."""
    if first is None:
        return contract
    return first._replace(open_interest=first.open_interest + contract.open_interest)


def _number(text: str | None) -> float:
    """The number a cell holds, NaN if it holds none."""
    try:
        return float(text or "")
    except ValueError:
        return math.nan


def _of_volatility(number: float) -> str:
    """Why an implied volatility is unusable, nothing if it is not."""
    if math.isnan(number):
        return "no implied volatility"
    if math.isinf(number):
        return "an infinite implied volatility"
    return "" if number > 0 else f"an implied volatility {'of' if number == 0 else 'below'} 0"


def _contract(row: dict[str, str | None], spot: float | None) -> Contract | str:
    """The contract of a row, its strike scaled to `spot` if that is given; or why the row is unusable."""
    volatility, interest = _number(row["implied_volatility"]), _number(row["open_interest"])
    strike, future, seconds = _number(row["strike"]), _number(row["futures_price"]), _seconds(row)
    if interest == 0:
        return "no open interest"
    if not 0 < interest < math.inf:
        return "negative, infinite or missing open interest"
    if unusable := _of_volatility(volatility):
        return unusable
    if not 0 < strike < math.inf or row["option_type"] not in ("call", "put"):
        return "unreadable terms"
    if not seconds > 0:
        return "an expiry that is past or unreadable"
    if spot is not None and not 0 < future < math.inf:
        return "no price of the future"
    scale = 1.0 if spot is None else spot / future
    return Contract(strike * scale, seconds, row["option_type"] == "call", volatility, interest)


def _seconds(row: dict[str, str | None]) -> float:
    """Seconds from the snapshot to the expiry, NaN if either is unreadable."""
    try:
        expiry = datetime.fromisoformat(row["expiry_datetime"] or "")
        taken = datetime.fromisoformat(row["timestamp"] or "")
    except ValueError:
        return math.nan
    expiry, taken = (d if d.tzinfo else d.replace(tzinfo=UTC) for d in (expiry, taken))
    return (expiry - taken).total_seconds()


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
