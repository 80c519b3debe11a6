"""Option dealers: books of options against end users, kept near delta neutral."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from agents.hedging.hedger import Hedger
from agents.hedging.policy import Policy
from agents.hedging.route import Route
from agents.kernels.customers import serve
from agents.option_chains.chains import Books, Chain, Snapshot, Synthetic, option_lot, split
from sim.base.typed_call import TypedCall
from sim.messages.outbox import Outbox
from sim.messages.view import View, frozen
from sim.population import PLAIN_ROW, Population
from sim.records import OPENING, OPTIONS, REQUEST, SPOT, orders
from sim.setup.listing import Listing
from sim.setup.parameters import (
    MOST_UNITS,
    Count,
    Fraction,
    Misfit,
    NonNegative,
    Parameters,
    Positive,
    Real,
    Units,
    typical,
    up_to,
    within,
)


class ConstantGamma(Parameters):
    """An exposure whose delta is gamma x (price - opening price): theory's dealer.

    The exposure is not an instrument: its value is in no account. The row's size, of which
    a band's width is a fraction, is |gamma| x the opening price.

    Parameters
    ----------
    gamma : float or distribution
        Units per unit of price; below zero is short gamma.
    """

    type: Literal["constant_gamma"]
    gamma: Annotated[Real, up_to(MOST_UNITS)]


POSITION_BYTES = 350
"""Of a contract in a book: taken, requested at the opening, and held."""


class OptionDealers(Population):
    """Market makers in options who hedge their delta on the shared market.

    Each row holds a book of options against end users, taken from a chain's open interest
    (`agents.option_chains.chains` documents the sign convention), opens delta neutral, and from then on
    trades the difference between its option delta and its hedge by the policy and the
    route of `agents.hedging.hedger`. A dealer whose equity falls below maintenance stops serving
    customers, is liquidated, and can default; its end users are then its creditors.

    Leaves out: quoting competition for customers' orders (they trade at the desk's model price),
    vega and cross-gamma hedging with other options, and funding costs in the choice of hedge. The
    opening hedge trades at the mark against nobody; a row that cannot margin it opens unhedged.

    Attributes
    ----------
    books : Books
        What each row took at the opening; empty for `constant_gamma`.
    gross : ndarray of float64, shape (N,)
        Size of a row: absolute option position, units of the asset.
    dropped : dict of str to int
        Rows of the chain that were left out, by reason.
    """

    phases = ("open", "trade", "hedge")
    mechanism = "dealer hedging"
    hedges = True

    class Parameters(Population.Parameters):
        """Books, capital and hedging.

        Parameters
        ----------
        exposure : table
            `synthetic`, `chain` (a snapshot file) or `constant_gamma`.
        hedging, route : table
            Policy and route.
        opens_hedged : bool
            Whether the books are neutral at the opening, by trades at the mark that cost nothing;
            if not, the first look hedges them on the market.
        contracts : int or distribution
            Different contracts a book holds at most at the start; more only where the books
            together could not hold the whole chain otherwise. Ignored by `constant_gamma`.
        size : float or distribution
            Relative size of the books that share a chain. Ignored by `constant_gamma`.
        capital : float or distribution
            Opening cash as a fraction of the book's gross notional, on top of `cash`.
        treasury : float or distribution
            Opening spot as a fraction of the book's gross units; lets a dealer sell spot.
        customer_trades_per_day : float or distribution
            Rate at which end users buy from (sell to) a dealer, by the sign of the contract in
            the opening books. Ignored by `constant_gamma`.
        customer_units : float or distribution
            Size of such a trade, units.
        """

        cash: NonNegative = 0.0
        exposure: Annotated[Synthetic | Snapshot | ConstantGamma, Field(discriminator="type")]
        hedging: Policy = Field(default_factory=Policy)
        route: Route
        opens_hedged: bool = True
        contracts: Count = 8
        size: Annotated[Positive, up_to(1e9)] = 1.0
        capital: Annotated[NonNegative, up_to(1e6)] = 0.25
        treasury: Fraction = 0.0
        customer_trades_per_day: Annotated[NonNegative, up_to(1e6)] = 0.0
        customer_units: Units = 1.0

    @classmethod
    def bytes_of_row(cls, parameters: Any) -> float:
        """A row, and a position a contract."""
        return PLAIN_ROW + typical(parameters.contracts) * POSITION_BYTES

    def prepare(self, listing: Listing) -> None:
        """List the contracts, split them over the rows and set the hedger up."""
        own = self.parameters
        self.hedger = Hedger(own.hedging, own.route, self.rows, self.first, self.latency, self.draws, listing)
        self.asset = self.hedger.asset
        self.dropped: dict[str, int] = {}
        self.books = Books(*(np.zeros(0, np.int64) for _ in range(3)))
        self._read: Chain | None = None
        self._gamma, self._net_gamma = np.zeros(self.rows), 0.0
        self._exposure = np.zeros(self.rows)
        self._exposure_view = frozen(self._exposure)
        self._spot = listing.spots[self.asset]
        self._lot = option_lot(listing, self.asset)
        if isinstance(own.exposure, ConstantGamma):
            self.hedger.need_no_options("an exposure of constant gamma")
            self._gamma = self.draws.column(own.exposure.gamma, "exposure.gamma", self.rows)
            self.gross = np.abs(self._gamma) * self._spot
            self._net_gamma = float(self._gamma.sum())
        else:
            self._take_books(own.exposure, listing)
        self._set_treasury(listing)
        self._rate = self.column("customer_trades_per_day") / 86400.0
        self._units = self.column("customer_units")
        self._serves = bool(self._rate.any() and self.books.row.size)
        self._customer_key = self.draws.key("customers")
        self._answer = TypedCall(serve)

    def _take_books(self, holding: Synthetic | Snapshot, listing: Listing) -> None:
        with within("exposure"):
            chain = holding.chain(listing, self.asset)
        sizes, slots = self.column("size"), self.counts("contracts")
        self.books = split(chain, holding, self._lot, sizes, slots, self.draws, listing, self.asset)
        self._read, self.dropped = chain, dict(chain.dropped)
        small = sum(holding.lots(contract, self._lot) == 0 for contract in chain.contracts)
        if small:
            self.dropped["less than half a lot held"] = small
        self.option_slots = self.books.slots(self.rows)
        self.gross = self.books.gross_units(self.rows, self._lot)
        self._desk = listing.desk(self.asset).index

    def _set_treasury(self, listing: Listing) -> None:
        self._treasury: dict[int, np.ndarray] = {}
        units = self.column("treasury") * self.gross
        if units.any():
            spot = listing.universe.find(SPOT, self.asset)
            if spot < 0:
                name = listing.universe.assets[self.asset]
                raise Misfit(f"needs a venue that trades spot of {name}; there is none", ("treasury",))
            lot = float(listing.universe.terms()[spot]["lot"])
            self._treasury[spot] = np.floor(units / lot).astype(np.int64)
        self.hedger.set_treasury(self._treasury)

    def report(self) -> dict[str, Any]:
        """What was taken from the chain, and which of its rows were left out, as plain values."""
        if self._read is None:
            return {}
        return {
            "chain_rows": self._read.rows,
            "merged": self._read.merged,
            "contracts": int(np.unique(self.books.instrument).size),
            "positions": int(self.books.row.size),
            "gross_units": float(self.gross.sum()),
            "net_units": float(self.books.lots.sum() * self._lot),
            "dropped": dict(self.dropped),
            **self._read.said(),
        }

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """Cash in proportion to the book, and a treasury of spot."""
        return self.column("cash") + self.column("capital") * self.gross * self._spot, self._treasury

    def reroute(self, orders: np.ndarray, view: View) -> None:
        """Choose where hedges go as the hedger's route does."""
        self.hedger.reroute(orders, view)

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Take the books at the opening, then serve customers and hedge."""
        if phase == "hedge":
            if self.option_slots:
                self.hedger.hedge_options(self.gross, view, outbox)
            else:
                self.hedger.hedge(self._delta(view), self.gross, view, outbox)
        elif phase == "trade":
            if self._serves:
                self._serve(view, outbox)
        elif self.books.row.size:
            self._open(view, outbox)

    def _delta(self, view: View) -> np.ndarray:
        """Delta of each row's constant-gamma exposure, units."""
        move = float(view.assets[self.asset]["mid"]) - self._spot
        np.multiply(self._gamma, move, out=self._exposure)
        self.unlisted[:] = self._net_gamma, self._net_gamma * move
        return self._exposure_view

    def _open(self, view: View, outbox: Outbox) -> None:
        """Request the options of every book, and the hedge that makes it neutral."""
        books, contracts = self.books, view.contracts
        number = books.instrument - OPTIONS
        units = books.lots * contracts["lot"][number] * contracts["delta"][number]
        instrument, lots = self.hedger.opening(
            -np.bincount(books.row, units, minlength=self.rows), view.terms
        )
        rows = orders(books.row.size + self.rows)
        rows["kind"], rows["venue"], rows["reason"] = REQUEST, self._desk, OPENING
        taken, hedge = rows[: books.row.size], rows[books.row.size :]
        taken["account"], taken["instrument"], taken["qty"] = (
            self.first + books.row,
            books.instrument,
            books.lots,
        )
        hedge["account"], hedge["instrument"] = self.accounts, instrument
        hedge["qty"] = lots if self.parameters.opens_hedged else 0
        outbox.extend(rows[rows["qty"] != 0])

    def _serve(self, view: View, outbox: Outbox) -> None:
        """Trade with the end users who call in this step; not with a row in breach."""
        outbox.reserve(self.rows)
        outbox.count = self._answer.call(
            self._customer_key,
            view.step,
            view.time,
            view.step_seconds,
            self.first,
            self._rate,
            self._units,
            view.is_in_breach,
            self.books.instrument,
            self.books.lots,
            view.contracts,
            self._desk,
            outbox.rows,
            outbox.count,
        )
