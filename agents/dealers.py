"""Option dealers: books of options against end users, kept near delta neutral."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from agents.chains import Books, Snapshot, Synthetic, gross_units, split
from agents.hedging import Hedger, Policy, Route
from agents.kernels.customers import serve
from sim.instruments import SPOT
from sim.listing import Listing
from sim.outbox import Outbox
from sim.parameters import Fraction, NonNegative, Parameters, Positive
from sim.population import Population
from sim.records import OPENING, OPTIONS, REQUEST, orders
from sim.view import View


class ConstantGamma(Parameters):
    """An exposure whose delta is gamma x (price − opening price): theory's dealer.

    Parameters
    ----------
    gamma : float or distribution
        Units per unit of price of each row; below zero is short gamma. The exposure itself
        is not an instrument: its value is in no account.
    """

    type: Literal["constant_gamma"]
    gamma: float


class OptionDealers(Population):
    """Market makers in options who hedge their delta on the shared market.

    Each row holds a book of options against end users, taken from a chain's open interest
    (`agents.chains` documents the sign convention), opens delta neutral, and from then on
    trades the difference between its option delta and its hedge by the policy and the
    route of `agents.hedging`. A dealer whose equity falls below maintenance stops serving
    customers, is liquidated, and can default; its end users are then its creditors.

    Leaves out: quoting competition for customers' orders (they trade at the desk's model price),
    vega and cross-gamma hedging with other options, and funding costs in the choice of hedge.
    """

    phases = ("open", "trade", "hedge")
    hedges = True

    class Parameters(Population.Parameters):
        """Books, capital and hedging.

        Parameters
        ----------
        exposure : table
            `synthetic`, `chain` (a snapshot file) or `constant_gamma`.
        hedging, route : table
            Policy and route.
        contracts : int
            Different contracts a book holds at most at the start.
        size : float or distribution
            Relative size of the books.
        capital : float or distribution
            Opening cash as a fraction of the book's gross notional, on top of `cash`.
        treasury : float or distribution
            Opening spot as a fraction of the book's gross units; lets a dealer sell spot.
        customer_trades_per_day : float or distribution
            Rate at which end users buy from (sell to) a dealer, by the sign of its book.
        customer_units : float or distribution
            Size of such a trade, units.
        """

        cash: NonNegative = 0.0
        exposure: Annotated[Synthetic | Snapshot | ConstantGamma, Field(discriminator="type")]
        hedging: Policy = Field(default_factory=Policy)
        route: Route
        contracts: int = Field(default=8, ge=1)
        size: Positive = 1.0
        capital: NonNegative = 0.25
        treasury: Fraction = 0.0
        customer_trades_per_day: NonNegative = 0.0
        customer_units: Positive = 1.0

    def prepare(self, listing: Listing) -> None:
        """List the contracts, split them over the rows and set the hedger up."""
        own = self.parameters
        self.hedger = Hedger(own.hedging, own.route, self.rows, self.first, self.latency, self.draws, listing)
        self.asset = self.hedger.asset
        self.dropped: dict[str, int] = {}
        self.books = Books(*(np.zeros(0, np.int64) for _ in range(3)))
        self.gross = np.ones(self.rows)
        self._spot = listing.spots[self.asset]
        self._spot_instrument = listing.universe.find(SPOT, self.asset)
        self._lot = listing.venue(own.route.venues[0]).lot
        if isinstance(own.exposure, ConstantGamma):
            self._exposure = np.zeros(self.rows)
        else:
            self._take_books(own.exposure, listing)
        self._rate = self.column("customer_trades_per_day") / 86400.0
        self._units = self.column("customer_units")
        self._customer_key = self.draws.key("customers")

    def _take_books(self, holding: Any, listing: Listing) -> None:
        own = self.parameters
        chain = holding.chain(listing, self.asset)
        self.dropped, self.option_slots = chain.dropped, own.contracts
        self.books = split(
            chain, holding, self._lot, self.column("size"), own.contracts, self.draws, listing, self.asset
        )
        self.gross = gross_units(self.books, self.rows, self._lot)
        self._desk = listing.only("rfq.Desk", self.asset).index

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """Cash in proportion to the book, and a treasury of spot."""
        cash = self.column("cash") + self.column("capital") * self.gross * self._spot
        lots = np.floor(self.column("treasury") * self.gross / self._lot).astype(np.int64)
        treasury = {self._spot_instrument: lots} if lots.any() else {}
        self.hedger.set_treasury(treasury)
        return cash, treasury

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Take the books at the opening, then serve customers and hedge."""
        if phase == "open":
            self._open(view, outbox)
        elif phase == "hedge":
            self.hedger.hedge(self._delta(view), self.gross, view, outbox)
        elif self.option_slots and self._rate.any():
            self._serve(view, outbox)

    def _delta(self, view: View) -> np.ndarray:
        """Delta of each row's exposure, units."""
        if self.option_slots:
            first = view.holder_of[self.first]
            return view.holder_delta[first : first + self.rows]
        gamma = self.parameters.exposure.gamma
        move = float(view.assets[self.asset]["mid"]) - self._spot
        self.unlisted[:] = gamma * self.rows, gamma * self.rows * move
        self._exposure[:] = gamma * move
        return self._exposure

    def _open(self, view: View, outbox: Outbox) -> None:
        """Request the options of every book, and the hedge that makes it neutral."""
        if not self.option_slots:
            return
        books, contracts = self.books, view.contracts
        rows = orders(books.row.size + self.rows)
        taken = rows[: books.row.size]
        taken["account"], taken["instrument"] = self.first + books.row, books.instrument
        taken["qty"], taken["reason"] = books.lots, OPENING
        number = books.instrument - OPTIONS
        delta = np.bincount(books.row, books.lots * self._lot * contracts["delta"][number], minlength=self.rows)
        hedge = rows[books.row.size :]
        hedge["account"], hedge["instrument"] = self.accounts, self.hedger.primary(view.terms)
        hedge["qty"], hedge["reason"] = np.round(-delta / self._lot).astype(np.int64), OPENING
        rows["kind"], rows["venue"] = REQUEST, self._desk
        outbox.extend(rows[rows["qty"] != 0])

    def _serve(self, view: View, outbox: Outbox) -> None:
        """Trade with the end users who call in this step; not with a row in breach."""
        outbox.reserve(self.rows)
        outbox.count = serve(
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
