"""Option dealers: books of options against end users, kept near delta neutral."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field, SerializeAsAny

from agents.hedging import Exposure, Hedger, Policy, Route
from agents.kernels.customers import Customers, serve
from agents.option_chains.chains import Books
from sim.base.typed_call import TypedCall
from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import PLAIN_ROW, Population
from sim.records import OPENING, OPTIONS, REQUEST, SPOT, orders
from sim.setup.distributions import typical
from sim.setup.listing import Listing
from sim.setup.misfit import Misfit
from sim.setup.parameters import Count, Fraction, NonNegative, Positive, Units, up_to

POSITION_BYTES = 350
"""Of a contract in a book: taken, requested at the opening, and held."""


class OptionDealers(Population):
    """Market makers in options who hedge their delta on the shared market.

    Each row holds a book of options against end users, taken from a chain's open interest
    (`agents.option_chains.chains` documents the sign convention), opens delta neutral, and from then on
    trades the difference between its option delta and its hedge by the policy and the
    route of `agents.hedging.hedger`. What a population that names dealers as its buyers writes
    is theirs too, by size, and hedged like the rest. A dealer whose equity falls below maintenance stops
    serving customers, is liquidated, and can default; its end users are then its creditors.

    Leaves out: quoting competition for customers' orders (they trade at the desk's model price),
    vega and cross-gamma hedging with other options, and funding costs in the choice of hedge. The
    opening hedge trades at the mark against nobody; a row that cannot margin it opens unhedged.

    Attributes
    ----------
    exposure : Exposure
        What each row is exposed to.
    """

    phases = ("open", "trade", "hedge")
    mechanism = "dealer hedging"
    hedges = True

    class Parameters(Population.Parameters):
        """Books, capital and hedging.

        Parameters
        ----------
        exposure : table
            `listed`, `synthetic`, `chain` (a snapshot file), `constant_gamma`, `put_strip`, or a class
            of one's own (`agents.hedging.exposures`).
        hedging, route : table
            Policy and route (`agents.hedging.policies`, `agents.hedging.routes`).
        opens_hedged : bool
            Whether the books are neutral at the opening, by trades at the mark that cost nothing;
            if not, the first look hedges them on the market.
        contracts : int or distribution
            Different contracts a book holds at most at the start; more only where the books
            together could not hold the whole chain otherwise. Ignored by what is no chain.
        size : float or distribution
            Relative size of the books that share a chain. Ignored by what is no chain.
        capital : float or distribution
            Opening cash as a fraction of the book's gross notional, on top of `cash`.
        treasury : float or distribution
            Opening spot as a fraction of the book's gross units; lets a dealer sell spot.
        customer_trades_per_day : float or distribution
            Rate at which end users buy from (sell to) a dealer, by the sign of the contract in
            the opening books. Ignored by what is no chain.
        customer_units : float or distribution
            Size of such a trade, units.
        """

        cash: NonNegative = 0.0
        exposure: SerializeAsAny[Exposure.Parameters]
        hedging: SerializeAsAny[Policy.Parameters] = Field(default_factory=Policy.Parameters.default)
        route: SerializeAsAny[Route.Parameters]
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
        """Take what the rows are exposed to and set the hedger up."""
        self.hedger = Hedger(self, listing)
        self.asset = self.hedger.asset
        self.exposure: Exposure = self.parameters.exposure.made()
        self.hedger.cover(self.exposure, listing)
        self._spot = listing.spots[self.asset]
        if self.books.row.size:
            self.option_slots = self.books.slots(self.rows)
            self._desk = listing.desk(self.asset)
            self._at_desk = self.account[self._desk.chain]
        self._set_treasury(listing)
        rate, units = self.column("customer_trades_per_day") / 86400.0, self.column("customer_units")
        self._serves = bool(rate.any() and self.books.row.size)
        if self._serves:
            own = self._at_desk, rate, units, self.books.instrument, self.books.lots, self._desk.index
            self._customers = Customers(*own)
        self._customer_key = self.draws.key("customers")
        self._answer = TypedCall(serve)

    @property
    def books(self) -> Books:
        """Options that each row took at the opening; none for other exposures."""
        return self.exposure.books

    @property
    def gross(self) -> np.ndarray:
        """Size of each row, shape (N,): of a book its absolute option position, units of the asset."""
        return self.exposure.size

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

    def option_weights(self) -> np.ndarray:
        """Shares of what others sell to these dealers: the sizes of their opening books."""
        return self.gross

    def report(self) -> dict[str, Any]:
        """What there is to say of the exposure."""
        return self.exposure.report()

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """Cash in proportion to the book, and a treasury of spot."""
        return self.column("cash") + self.column("capital") * self.gross * self._spot, self._treasury

    def reroute(self, orders: np.ndarray, view: View) -> None:
        """Choose where hedges go as the hedger's route does."""
        self.hedger.reroute(orders, view)

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Take the books at the opening, then serve customers and hedge."""
        if phase == "hedge":
            self._show(view)
            self.hedger.hedge(view, outbox)
        elif phase == "trade":
            if self._serves:
                self._serve(view, outbox)
        elif self.books.row.size:
            self._open(view, outbox)

    def _show(self, view: View) -> None:
        """Let the series have the Greeks of what is in no account."""
        shown = self.exposure.unlisted(view)
        if shown is not None:
            self.unlisted[:] = shown

    def _open(self, view: View, outbox: Outbox) -> None:
        """Request the options of every book, and the hedge that makes it neutral."""
        books, contracts = self.books, view.contracts
        number = books.instrument - OPTIONS
        units = books.lots * contracts["lot"][number] * contracts["delta"][number]
        delta = np.bincount(books.row, units, minlength=self.rows) + self._bought_delta(view)
        instrument, lots = self.hedger.opening(-delta, view.terms)
        rows = orders(books.row.size + self.rows)
        rows["kind"], rows["venue"], rows["reason"] = REQUEST, self._desk.index, OPENING
        taken, hedge = rows[: books.row.size], rows[books.row.size :]
        taken["account"], taken["instrument"], taken["qty"] = (
            self._at_desk[books.row],
            books.instrument,
            books.lots,
        )
        hedge["account"], hedge["instrument"] = self._at_desk, instrument
        hedge["qty"] = lots if self.parameters.opens_hedged else 0
        outbox.extend(rows[rows["qty"] != 0])

    def _bought_delta(self, view: View) -> np.ndarray:
        """Delta, units, of what each row has bought before the opening of its own book."""
        holders, contracts = view.holder_of[self._at_desk], view.contracts
        number, lots = view.held[:, holders], view.held_lots[:, holders]
        worth = contracts["lot"] * contracts["delta"]
        delta: np.ndarray = np.where(number < 0, 0.0, lots * worth[number]).sum(axis=0)
        return delta

    def _serve(self, view: View, outbox: Outbox) -> None:
        """Trade with the end users who call in this step; not with a row in breach."""
        outbox.reserve(self.rows)
        self._answer.call(
            self._customer_key,
            view.step,
            view.time,
            view.step_seconds,
            view.is_in_breach,
            view.contracts,
            self._customers,
            outbox.out,
        )
