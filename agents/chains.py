"""Option chains: open interest by contract, synthetic or read from a snapshot, and its split over books."""

from __future__ import annotations

import csv
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from sim.draws import Draws
from sim.listing import Listing
from sim.parameters import File, Parameters

DAY = 86400.0


class Contract(NamedTuple):
    """One row of a chain: terms, implied volatility per year, open interest in units."""

    strike: float
    seconds: float
    is_call: bool
    volatility: float
    open_interest: float


class Chain(NamedTuple):
    """Open contracts, and how many rows of the source were left out and why."""

    contracts: list[Contract]
    dropped: dict[str, int]


class Holding(Parameters):
    """How much of a chain's open interest the books hold, and on which side.

    Every open contract has a long and a short side. `sign` says which one the books are on:
    -1, they have sold what end users hold (short gamma); +1, they have bought it. Where calls and
    puts differ, `sign_calls` and `sign_puts` say so: the convention of most published
    gamma-exposure figures, dealers long calls and short puts, is `sign_calls = 1,
    sign_puts = -1`. Fractions are allowed: -0.3 is 65% short and 35% long, netted.

    Parameters
    ----------
    sign, sign_calls, sign_puts : float
        From -1 to 1.
    share : float
        Share of the open interest that these books hold.
    contract_multiplier : float
        Units of the asset in one contract of open interest.
    """

    sign: float = Field(default=-1.0, ge=-1, le=1)
    sign_calls: float | None = Field(default=None, ge=-1, le=1)
    sign_puts: float | None = Field(default=None, ge=-1, le=1)
    share: float = Field(default=1.0, ge=0, le=1)
    contract_multiplier: float = Field(default=1.0, gt=0)

    def side(self, is_call: bool) -> float:
        """Units held per unit of open interest and share."""
        own = self.sign_calls if is_call else self.sign_puts
        return self.sign if own is None else own


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
    open_interest: float = Field(gt=0)
    expiries_days: list[Annotated[float, Field(gt=0)]] = Field(default=[1.0, 7.0, 30.0], min_length=1)
    expiry_weights: list[Annotated[float, Field(ge=0)]] | None = None
    strikes: int = Field(default=12, ge=0)
    spacing: float = Field(default=0.01, gt=0)
    dispersion: float = Field(default=0.06, gt=0)
    put_share: float = Field(default=0.55, ge=0, le=1)
    skew_to_otm: float = Field(default=0.02, ge=0)

    def chain(self, listing: Listing, asset: int) -> Chain:
        """Lay the open interest out over strikes and expiries."""
        spot, smile = listing.spots[asset], listing.smiles[asset]
        weights = self.expiry_weights or [1.0] * len(self.expiries_days)
        if len(weights) != len(self.expiries_days):
            raise ValueError(f"{len(self.expiries_days)} expiries_days but {len(weights)} expiry_weights")
        steps = np.arange(-self.strikes, self.strikes + 1) * self.spacing
        contracts = []
        for days, weight in zip(self.expiries_days, weights, strict=True):
            for is_call, part in ((True, 1 - self.put_share), (False, self.put_share)):
                centre = self.skew_to_otm if is_call else -self.skew_to_otm
                shape = np.exp(-0.5 * ((steps - centre) / self.dispersion) ** 2)
                interest = self.open_interest * weight / sum(weights) * part * shape / shape.sum()
                for step, amount in zip(steps, interest, strict=True):
                    strike, seconds = spot * (1 + float(step)), days * DAY
                    volatility = smile.volatility(strike, spot, seconds)
                    contracts.append(Contract(strike, seconds, is_call, volatility, float(amount)))
        return Chain(contracts, {})


class Snapshot(Holding):
    """A chain read from a CSV snapshot with one row per contract.

    The columns used are those of Deribit's public book summaries as researchers store them:
    `timestamp`, `currency`, `option_type` (call or put), `strike`, `expiry_datetime`,
    `implied_volatility` (per year), `open_interest` (units) and `futures_price`. Strikes are
    scaled by the scenario's spot over the snapshot's futures price, so that moneyness is kept.
    Rows without usable volatility, time or open interest are left out and counted.

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
        ValueError
            Naming the missing column, or the currencies found when none matches.
        """
        name = self.currency or listing.universe.assets[asset]
        dropped: dict[str, int] = {}
        contracts, seen = [], set()
        with Path(self.file).open(newline="") as source:
            reader = csv.DictReader(source)
            missing = _COLUMNS - set(reader.fieldnames or ())
            if missing:
                raise ValueError(f"{self.file} has no column {sorted(missing)[0]!r}")
            for row in reader:
                seen.add(row["currency"])
                if row["currency"] != name:
                    continue
                scale = 1.0
                futures = _number(row["futures_price"])
                if self.rescale and futures > 0:
                    scale = listing.spots[asset] / futures
                contract = _contract(row, scale, dropped)
                if contract is not None:
                    contracts.append(contract)
        if not contracts:
            found = ", ".join(sorted(seen)) or "no rows"
            raise ValueError(f"{self.file} has no usable rows of currency {name!r}; it has {found}")
        return Chain(contracts, dropped)


_COLUMNS = {
    "timestamp",
    "currency",
    "option_type",
    "strike",
    "expiry_datetime",
    "implied_volatility",
    "open_interest",
    "futures_price",
}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _contract(row: dict[str, str], scale: float, dropped: dict[str, int]) -> Contract | None:
    """One usable row, or None after counting why it is not."""

    def drop(reason: str) -> None:
        dropped[reason] = dropped.get(reason, 0) + 1

    volatility, interest = _number(row["implied_volatility"]), _number(row["open_interest"])
    strike = _number(row["strike"])
    if not volatility > 0:
        return drop("no implied volatility")
    if math.isnan(interest) or interest < 0:
        return drop("negative or missing open interest")
    if interest == 0:
        return drop("no open interest")
    if not strike > 0 or row["option_type"] not in ("call", "put"):
        return drop("unreadable terms")
    seconds = _seconds(row)
    if not seconds > 0:
        return drop("expired or unreadable expiry")
    return Contract(strike * scale, seconds, row["option_type"] == "call", volatility, interest)


def _seconds(row: dict[str, str]) -> float:
    try:
        expiry = datetime.fromisoformat(row["expiry_datetime"])
        taken = datetime.fromisoformat(row["timestamp"])
    except ValueError:
        return math.nan
    expiry, taken = (d if d.tzinfo else d.replace(tzinfo=UTC) for d in (expiry, taken))
    return (expiry - taken).total_seconds()


class Books(NamedTuple):
    """Who holds what: one element per position, lots signed from the holder's side."""

    row: np.ndarray
    instrument: np.ndarray
    lots: np.ndarray


def split(
    chain: Chain,
    holding: Holding,
    lot: float,
    weights: np.ndarray,
    slots: int,
    draws: Draws,
    listing: Listing,
    asset: int,
) -> Books:
    """Split a share of a chain's open interest over books, exactly to the lot.

    Every contract gets slots in proportion to its open interest (one at least while they
    last); slots are dealt to books in a drawn order; a contract's lots are shared by the
    sizes of the books that hold it, largest remainders first.

    Parameters
    ----------
    lot : float
        Units a lot.
    weights : ndarray of float64, shape (N,)
        Sizes of the books.
    slots : int
        Contracts a book holds at most.
    """
    rows = weights.size
    interest = np.array([c.open_interest for c in chain.contracts])
    per_contract = np.minimum(np.maximum(_apportion(interest, rows * slots), 1), rows)
    order = np.argsort(draws.uniforms("chain.deal", rows), kind="stable")
    held_rows, held_instruments, held_lots = [], [], []
    free = np.full(rows, slots)
    start = 0
    for contract, holders in zip(chain.contracts, per_contract, strict=True):
        members = order[(start + np.arange(holders)) % rows]
        members = members[free[members] > 0] if (free[members] > 0).any() else members
        start = (start + int(holders)) % rows
        free[members] -= 1
        sign = holding.side(contract.is_call)
        units = abs(sign) * holding.share * holding.contract_multiplier * contract.open_interest
        total = round(units / lot)
        lots = _apportion(weights[members], total) * (1 if sign > 0 else -1)
        number = listing.universe.list_contract(
            asset, contract.strike, contract.seconds, contract.is_call, contract.volatility, lot
        )
        held = lots != 0
        held_rows.append(members[held])
        held_instruments.append(np.full(int(held.sum()), number))
        held_lots.append(lots[held])
    return Books(np.concatenate(held_rows), np.concatenate(held_instruments), np.concatenate(held_lots))


def _apportion(weights: np.ndarray, total: int) -> np.ndarray:
    """Integers proportional to the weights that sum to `total` (largest remainders)."""
    exact = weights * (total / weights.sum())
    parts = np.floor(exact).astype(np.int64)
    missing = total - int(parts.sum())
    parts[np.argsort(parts - exact, kind="stable")[:missing]] += 1
    return parts


def gross_units(books: Books, rows: int, lot: float) -> np.ndarray:
    """Absolute option position of each row, units of the asset."""
    return np.bincount(books.row, np.abs(books.lots) * lot, minlength=rows)
