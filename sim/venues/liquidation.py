"""Exchange-style liquidation: seize an account in breach, close part or all of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from sim.instruments import PERPETUAL, Universe
from sim.kernels.posting import NO_HOLDER
from sim.ledger import Ledger
from sim.outbox import Outbox
from sim.parameters import Parameters as BaseParameters
from sim.records import (
    CANCEL_ALL,
    CLOSE_OUT,
    FILLS,
    FORCED,
    GROUP,
    IOC,
    LIMIT,
    MARKET,
    MID,
    NOT_IN_BREACH,
    OPTIONS,
    REDUCE_ONLY,
    REJECTS,
    REQUEST,
    SEIZE,
    SEQ,
    STEP,
    TAKEOVER,
)
from sim.tape import Tape
from sim.venues.venue import Venue
from sim.view import View


class Liquidation(NamedTuple):
    """One seizure of one position."""

    id: int
    step: int
    time: float
    account: int
    instrument: int
    qty: int
    mark: float
    bankruptcy_price: float
    equity: float
    maintenance: float
    is_takeover: bool


class Exchange(Venue):
    """Liquidates accounts whose equity fell below maintenance.

    A SEIZE names an account. Above `backstop` x maintenance the venue sends market orders in the
    account's name, for `close_fraction` of each perpetual (all of it below `small_notional`). Below
    it the sender of the SEIZE takes the perpetuals over at their bankruptcy prices, at which the
    account's equity is used up, and sells them by its own orders; the insurance fund backs it. An
    account that holds options has the same fraction of them closed out with the desk; below
    zero equity it defaults: all of its options are terminated at the desk's quote and all of its
    perpetuals sold. Collateral is sold when nothing else is left. Forced orders meet the same
    book as any other.

    Notes
    -----
    The two stages follow Hyperliquid (market orders first, the backstop below two thirds of
    maintenance; 20% at a time with a cool-down above 100,000 of notional). The bankruptcy
    price of position i is mark_i − E (m_i / M) / q_i, equity E shared by maintenance m_i, which is
    dYdX v4's formula (MECHANICS section 3).

    Leaves out: auto-deleveraging, and auctions of seized option books.
    """

    needs_asset = False
    is_priced = False

    class Parameters(BaseParameters):
        """Rules of liquidation.

        Parameters
        ----------
        close_fraction : float
            Share of each position closed by one market-order seizure.
        small_notional : float
            Positions below this are closed whole, quote currency.
        backstop : float
            Fraction of maintenance below which positions are taken over.
        cooldown_seconds : float
            Time between two market-order seizures of an account.
        max_slippage : float
            Worst price of a forced order in a book, as a fraction of the mid; what is left waits for
            the next seizure.
        insurance_fund : float
            Opening balance, quote currency.
        """

        close_fraction: float = Field(default=0.2, gt=0, le=1)
        small_notional: float = Field(default=100_000.0, ge=0)
        backstop: float = Field(default=2.0 / 3.0, ge=0, le=1)
        cooldown_seconds: float = Field(default=5.0, ge=0)
        max_slippage: float = Field(default=0.05, gt=0, lt=1)
        insurance_fund: float = Field(default=10_000_000.0, ge=0)

    emits = True

    def __init__(self, name: str, index: int, asset: int, instrument: int, parameters: Any) -> None:
        super().__init__(name, index, asset, instrument, parameters)
        self.children = Outbox()
        self.liquidations: list[Liquidation] = []
        self.seized: set[int] = set()

    def attach(self, view: View, ledger: Ledger, sellers: dict[int, int], desk: int, books: list[Venue]) -> None:
        """Give the venue what it reads, and where it sells.

        Parameters
        ----------
        view : View
        ledger : Ledger
            Read only.
        sellers : dict of int to int
            Venue at which each dense instrument is sold.
        desk : int
            Venue that closes options out, -1 if there is none.
        books : list of Venue
            Venues whose resting orders a seizure cancels.
        """
        self._view, self._ledger, self._sellers, self._desk = view, ledger, sellers, desk
        self._books = books
        self._universe: Universe = ledger.universe
        self._cool_until = np.full(ledger.cash.size, -np.inf)

    def open(self, population_of: np.ndarray, tags: int) -> None:
        """Keep the population of each account."""
        self._population_of = population_of

    def execute(self, orders: np.ndarray, due: np.ndarray, until: float, tape: Tape, room: np.ndarray) -> None:
        """Seize the accounts named, or refuse where there is no breach."""
        tape.reserve(due.size * self._ledger.position.shape[0], 0, due.size)
        for row in due:
            order = orders[row]
            account = int(order["target"])
            if order["kind"] == SEIZE and self._may_seize(account):
                self._seize(order, account, tape)
            else:
                self._refuse(order, tape)

    def _may_seize(self, account: int) -> bool:
        view = self._view
        if not 0 <= account < view.equity.size or not view.is_in_breach[account]:
            return False
        is_cool = view.time >= self._cool_until[account]
        return bool(is_cool or view.equity[account] < self.parameters.backstop * view.maintenance[account])

    def _seize(self, order: np.void, account: int, tape: Tape) -> None:
        view, rules = self._view, self.parameters
        equity, maintenance = float(view.equity[account]), float(view.maintenance[account])
        time = float(order["time"] + order["latency"])
        self.seized.add(account)
        self._cool_until[account] = time + rules.cooldown_seconds
        self._withdraw(account, time)
        holder = int(self._ledger.holder_of[account])
        if holder != NO_HOLDER and self._ledger.qty[:, holder].any():
            share = 1.0 if equity < 0 else rules.close_fraction
            self._close_options(account, holder, share, time, tape, equity, maintenance)
            self._sell_perpetuals(account, share, time, tape, equity, maintenance)
        elif equity < rules.backstop * maintenance:
            self._take_over(order, account, time, tape, equity, maintenance)
        else:
            self._sell_perpetuals(account, rules.close_fraction, time, tape, equity, maintenance)
        self._sell_collateral(account, time)

    def _withdraw(self, account: int, time: float) -> None:
        for book in self._books:
            if book.has_open_orders(account):
                self._send(account, book.index, CANCEL_ALL, 0, time, 0)

    def _send(self, account: int, venue: int, kind: int, qty: int, time: float, cause: int, **fields: float) -> None:
        self.children.now = time
        self.children.send(account, venue, kind, qty, cause=cause, **fields)

    def _perpetuals(self, account: int) -> list[tuple[int, int]]:
        terms = self._ledger.terms
        lots = self._ledger.position[:, account]
        return [(i, int(lots[i])) for i in range(lots.size) if terms[i]["kind"] == PERPETUAL and lots[i] != 0]

    def _bankruptcy_price(self, instrument: int, lots: int, equity: float, maintenance: float) -> float:
        """Price at which closing the position uses up its share of the account's equity."""
        row = self._ledger.terms[instrument]
        units = lots * float(row["lot"])
        needed = abs(units) * float(row["price"]) * float(row["maintenance"])
        share = needed / maintenance if maintenance > 0 else 1.0
        return max(float(row["price"]) - equity * share / units, 0.0)

    def _log(
        self,
        account: int,
        instrument: int,
        qty: int,
        time: float,
        tape: Tape,
        equity: float,
        maintenance: float,
        price: float,
        is_takeover: bool,
    ) -> int:
        """Record a liquidation; returns its cause number."""
        number = len(self.liquidations)
        is_option = instrument >= OPTIONS
        row = self._universe.contracts[instrument - OPTIONS] if is_option else self._ledger.terms[instrument]
        step, mark = int(tape.counts[STEP]), float(row["price"])
        self.liquidations.append(
            Liquidation(
                number, step, time, account, instrument, qty, mark, price, equity, maintenance, is_takeover
            )
        )
        return number + 1

    def _sell_perpetuals(
        self, account: int, share: float, time: float, tape: Tape, equity: float, maintenance: float
    ) -> None:
        for instrument, lots in self._perpetuals(account):
            row = self._ledger.terms[instrument]
            notional = abs(lots) * float(row["lot"]) * float(row["price"])
            part = 1.0 if notional <= self.parameters.small_notional else share
            qty = -int(np.sign(lots)) * max(1, round(abs(lots) * part))
            price = self._bankruptcy_price(instrument, lots, equity, maintenance)
            cause = self._log(account, instrument, qty, time, tape, equity, maintenance, price, False)
            self._sell(account, instrument, qty, time, cause)

    def _sell(self, account: int, instrument: int, qty: int, time: float, cause: int) -> None:
        """Send a forced order: at a book, immediate or cancel within `max_slippage` of the mid."""
        venue = self._sellers[instrument]
        quote = self._view.quotes[venue]
        fields: dict[str, float] = {"flags": REDUCE_ONLY, "reason": FORCED}
        kind = MARKET
        if float(quote["tick"]) > 0 and quote["base"] == 0:
            reach = int(self.parameters.max_slippage * float(quote["mid"]) / float(quote["tick"]))
            kind, fields = LIMIT, {**fields, "tif": IOC, "price_ref": MID, "price": -reach}
        self._send(account, venue, kind, qty, time, cause, **fields)

    def _take_over(
        self, order: np.void, account: int, time: float, tape: Tape, equity: float, maintenance: float
    ) -> None:
        tape.counts[GROUP] += 1
        for instrument, lots in self._perpetuals(account):
            price = self._bankruptcy_price(instrument, lots, equity, maintenance)
            cause = self._log(account, instrument, -lots, time, tape, equity, maintenance, price, True)
            self._fill(order, account, instrument, -lots, price, cause, time, tape)

    def _fill(
        self,
        order: np.void,
        account: int,
        instrument: int,
        lots: int,
        price: float,
        cause: int,
        time: float,
        tape: Tape,
    ) -> None:
        counts = tape.counts
        row = tape.fills[counts[FILLS]]
        row["time"], row["price"], row["qty"] = time, price, lots
        row["fee"] = row["maker_fee"] = 0.0
        row["seq"], row["group"], row["step"] = counts[SEQ], counts[GROUP], counts[STEP]
        row["instrument"], row["cause"] = instrument, cause
        row["maker"], row["taker"] = order["account"], account
        row["maker_population"] = self._population_of[order["account"]]
        row["taker_population"] = self._population_of[account]
        row["venue"], row["phase"], row["reason"] = self.index, order["phase"], TAKEOVER
        counts[FILLS] += 1
        counts[SEQ] += 1

    def _close_options(
        self, account: int, holder: int, share: float, time: float, tape: Tape, equity: float, maintenance: float
    ) -> None:
        ledger = self._ledger
        for slot in np.flatnonzero(ledger.qty[:, holder]):
            lots = int(ledger.qty[slot, holder])
            qty = -int(np.sign(lots)) * max(1, round(abs(lots) * share))
            instrument = OPTIONS + int(ledger.contract[slot, holder])
            cause = self._log(account, instrument, qty, time, tape, equity, maintenance, np.nan, False)
            self._send(account, self._desk, REQUEST, qty, time, cause, instrument=instrument, reason=CLOSE_OUT)

    def _sell_collateral(self, account: int, time: float) -> None:
        """Sell spot for cash, once nothing is left that needs margin but the account owes cash."""
        ledger = self._ledger
        lots = ledger.position[:, account]
        if self._perpetuals(account) or ledger.cash[account] >= 0:
            return
        for instrument in np.flatnonzero(lots > 0):
            if int(instrument) in self._sellers:
                self._sell(account, int(instrument), -int(lots[instrument]), time, 0)

    def _refuse(self, order: np.void, tape: Tape) -> None:
        row = tape.rejects[tape.counts[REJECTS]]
        row["time"] = order["time"] + order["latency"]
        row["qty"], row["account"], row["population"] = order["qty"], order["account"], order["population"]
        row["step"], row["venue"], row["kind"] = tape.counts[STEP], self.index, order["kind"]
        row["refusal"], row["phase"] = NOT_IN_BREACH, order["phase"]
        tape.counts[REJECTS] += 1
