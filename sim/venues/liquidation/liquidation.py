"""Exchange-style liquidation: seize an account in breach, close part or all of it."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np
from pydantic import Field

from sim.kernels.accounts import margining
from sim.kernels.messages.fields import HAS_TARGET
from sim.messages.outbox import Outbox
from sim.messages.tape import Tape
from sim.records import (
    CANCEL_ALL,
    CLOSE_OUT,
    COOLING_DOWN,
    FORCED,
    IOC,
    LIMIT,
    LP_SHARE,
    MARKET,
    MID,
    NOT_IN_BREACH,
    NOT_TRADED,
    OPTIONS,
    REDUCE_ONLY,
    REMOVE_LIQUIDITY,
    REQUEST,
    RESERVE,
    SEIZE,
    SEQ,
    STEP,
    TAKEOVER,
)
from sim.setup.limits import LONGEST, MOST_MONEY
from sim.setup.listing import INSURANCE
from sim.setup.table import Parameters as BaseParameters
from sim.venues.liquidation.auction import Auction, Rules
from sim.venues.surroundings import Surroundings
from sim.venues.venue import Venue

NO_BREACH = (np.inf, 0.0)  # equity and maintenance


class Liquidation(NamedTuple):
    """One seizure of one position.

    `seq` is the number that the next fill or move got; `exposure` what the account was exposed
    to, units of each asset: perpetuals, collateral as far as it counts, delta of its options;
    `marks` the marks of the assets.
    """

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
    seq: int
    exposure: tuple[float, ...]
    marks: tuple[float, ...]


class Seizure(NamedTuple):
    """An account being seized, with its equity, maintenance and exposure at that moment."""

    account: int
    step: int
    time: float
    equity: float
    maintenance: float
    holder: int
    seq: int
    exposure: tuple[float, ...]


class Exchange(Venue):
    """Liquidates accounts whose equity fell below maintenance.

    A SEIZE names an account. Above `backstop` x maintenance the venue sends market orders in the
    account's name, for `close_fraction` of each perpetual (all of it below `small_notional`). Below
    it the sender of the SEIZE takes the perpetuals over at their bankruptcy prices, at which the
    account's equity is used up, and sells them by its own orders; the insurance fund backs it. An
    account that holds options has the same fraction of them closed out, and of each perpetual, large or
    small, since they hedge each other; below zero equity it defaults: all of its options are terminated
    and all of its perpetuals sold. Options go to the desk at its quote, or, with an `auction`, to those who
    have margin for them, at a spread. Once nothing is
    left that needs margin and the account owes cash, its spot is sold and its shares of pools are
    redeemed. Forced orders meet the same book as any other.

    Whether an account is in breach is judged when the SEIZE arrives, at the prices of that moment;
    one that recovered, or was taken over by an earlier SEIZE, is left alone (refused as not in
    breach), and so is one seized too short a time ago (refused as cooling down).

    Attributes
    ----------
    liquidations : list of Liquidation
    seized : dict of int to float
        Accounts being liquidated, and what those that wrote options owe for the ones terminated when
        they defaulted: the claims of their creditors, quote currency. What was closed out in part before
        that was paid from the account's own equity.

    Notes
    -----
    The two stages follow Hyperliquid (market orders first, the backstop below two thirds of
    maintenance; 20% at a time with a cool-down above 100,000 of notional). The bankruptcy
    price of position i is mark_i − E (m_i / M) / q_i, equity E shared by maintenance m_i, which is
    dYdX v4's formula (x/subaccounts, bankruptcy price).

    Leaves out: auto-deleveraging.
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
        auction : table, optional
            At what spread options that are closed out are auctioned, and to whom
            (`sim.venues.liquidation.auction`); without one the desk takes them at its quote.
        """

        close_fraction: float = Field(default=0.2, gt=0, le=1)
        small_notional: float = Field(default=100_000.0, ge=0, le=MOST_MONEY)
        backstop: float = Field(default=2.0 / 3.0, ge=0, le=1)
        cooldown_seconds: float = Field(default=5.0, ge=0, le=LONGEST)
        max_slippage: float = Field(default=0.05, gt=0, lt=1)
        insurance_fund: float = Field(default=10_000_000.0, ge=0, le=MOST_MONEY)
        auction: Rules | None = None

    emits = True
    seizes = True
    takes = (SEIZE,)
    meaning: ClassVar[dict[int, int]] = {SEIZE: HAS_TARGET}

    def __init__(self, name: str, index: int, asset: int, instrument: int, parameters: Any) -> None:
        super().__init__(name, index, asset, instrument, parameters)
        self.children = Outbox()
        self.liquidations: list[Liquidation] = []
        self.seized: dict[int, float] = {}

    def funds(self) -> dict[str, tuple[int, float]]:
        """The insurance fund."""
        return {"insurance": (INSURANCE, self.parameters.insurance_fund)}

    def attach(self, around: Surroundings) -> None:
        """Keep what it reads, and where it sells; shares are redeemed at their pool."""
        self._view, self._ledger, self._universe = around.view, around.ledger, around.listing.universe
        self._sellers, self._desk, self._venues = around.sellers(), around.desk(), around.venues
        self._cool_until: dict[int, float] = {}
        rules = self.parameters.auction
        self._auction = Auction(rules, around) if rules is not None else None

    def open(self, population_of: np.ndarray, tags: int) -> None:
        """Keep the population of each account."""
        self._population_of = population_of
        self._margined = np.flatnonzero(self._ledger.terms["maintenance"] > 0.0).tolist()

    def execute(
        self, orders: np.ndarray, due: np.ndarray, until: float, tape: Tape, room: np.ndarray
    ) -> None:
        """Seize the accounts named, or refuse where there is no breach."""
        self._release()
        if self._auction is not None:
            self._auction.start()
        own = orders[due]
        standing, times = self._standing(own["target"]), own["time"] + own["latency"]
        taken: set[int] = set()  # whose takeover the ledger has not posted yet
        for order, account, time in zip(own, own["target"].tolist(), times.tolist(), strict=True):
            if order["kind"] != SEIZE:
                refusal = NOT_TRADED
            elif account in taken:
                refusal = COOLING_DOWN
            else:
                refusal = self._refusal(account, time, *standing.get(account, NO_BREACH))
            if refusal:
                tape.refuse(order, self.index, refusal)
                continue
            taken.add(account)
            self._seize(order, self._seizure(account, time, *standing[account], tape), tape)

    def closing(self) -> tuple[float, float]:
        """Share of a perpetual that one seizure sells, and the notional up to which it sells all of it."""
        return self.parameters.close_fraction, self.parameters.small_notional

    def _release(self) -> None:
        """Forget the accounts that have recovered."""
        for account in [a for a in self.seized if not self._view.is_in_breach[a]]:
            del self.seized[account]

    def _standing(self, named: np.ndarray) -> dict[int, tuple[float, float]]:
        """Equity and maintenance now of the accounts named that the last margin run found in breach."""
        accounts = named[(named >= 0) & (named < self._ledger.cash.size)]
        listed = accounts[self._view.is_in_breach[accounts]]
        worth = zip(*(each.tolist() for each in self._view.standing(listed)), strict=True)
        return dict(zip(listed.tolist(), worth, strict=True))

    def _seizure(self, account: int, time: float, equity: float, maintenance: float, tape: Tape) -> Seizure:
        """The account as it is seized."""
        holder = int(self._ledger.holder_of[account])
        step, seq, exposure = int(tape.counts[STEP]), int(tape.counts[SEQ]), self._exposure(account, holder)
        return Seizure(account, step, time, equity, maintenance, holder, seq, exposure)

    def _exposure(self, account: int, holder: int) -> tuple[float, ...]:
        """Units of each asset that the account's equity moves with."""
        ledger, contracts = self._ledger, self._universe.contracts
        terms, assets = ledger.terms, len(self._universe.assets)
        units = ledger.position[:, account] * terms["delta"] * terms["collateral"]
        total = np.bincount(terms["asset"], units, minlength=assets)
        if holder >= 0:
            held = ledger.contract[:, holder]
            options = contracts[held[held >= 0]]
            deltas = ledger.qty[held >= 0, holder] * options["lot"] * options["delta"]
            total += np.bincount(options["asset"], deltas, minlength=assets)
        return tuple(total.tolist())

    def _refusal(self, account: int, time: float, equity: float, maintenance: float) -> int:
        """Why an account is not seized, 0 if it is; below the backstop there is no cool-down."""
        if equity >= maintenance - margining.DUST:
            return NOT_IN_BREACH
        is_cool = time >= self._cool_until.get(account, -np.inf)
        is_urgent = equity < self.parameters.backstop * maintenance
        return 0 if is_cool or is_urgent else COOLING_DOWN

    def _seize(self, order: np.void, seizure: Seizure, tape: Tape) -> None:
        rules, account = self.parameters, seizure.account
        self.seized.setdefault(account, 0.0)
        self._cool_until[account] = seizure.time + rules.cooldown_seconds
        self._withdraw(seizure)
        if self._has_options(seizure):
            share = 1.0 if seizure.equity < 0 else rules.close_fraction
            self._close_options(order, seizure, share, tape)
            self._sell_perpetuals(seizure, share, 0.0)
        elif not self._perpetuals(account):
            self._sell_collateral(seizure)
        elif seizure.equity < rules.backstop * seizure.maintenance:
            self._take_over(order, seizure, tape)
        else:
            self._sell_perpetuals(seizure, rules.close_fraction, rules.small_notional)

    def _withdraw(self, seizure: Seizure) -> None:
        for book in self._venues:
            if book.has_open_orders(seizure.account):
                self._send(seizure, book.index, CANCEL_ALL, 0, 0)

    def _send(self, seizure: Seizure, venue: int, kind: int, qty: int, cause: int, **fields: float) -> None:
        self.children.now = seizure.time
        self.children.send(seizure.account, venue, kind, qty, cause=cause, **fields)

    def _has_options(self, seizure: Seizure) -> bool:
        return seizure.holder >= 0 and self._desk >= 0 and bool(self._ledger.qty[:, seizure.holder].any())

    def _perpetuals(self, account: int) -> list[tuple[int, int]]:
        position = self._ledger.position
        return [(i, lots) for i in self._margined if (lots := position.item(i, account))]

    def _bankruptcy_price(self, seizure: Seizure, instrument: int, lots: int) -> float:
        """Price at which closing the position uses up its share of the account's equity."""
        row = self._ledger.terms[instrument]
        units = lots * float(row["lot"])
        needed = abs(units) * float(row["price"]) * float(row["maintenance"])
        share = needed / seizure.maintenance if seizure.maintenance > 0 else 1.0
        return max(float(row["price"]) - seizure.equity * share / units, 0.0)

    def _log(
        self, seizure: Seizure, instrument: int, qty: int, price: float, is_takeover: bool = False
    ) -> int:
        """Record a liquidation; returns its cause number."""
        number = len(self.liquidations)
        is_option = instrument >= OPTIONS
        row = self._universe.contracts[instrument - OPTIONS] if is_option else self._ledger.terms[instrument]
        account, step, time, equity, maintenance, _, seq, exposure = seizure
        mark = float(row["price"])
        if is_option and qty > 0 and equity < 0.0:
            self.seized[account] += qty * float(row["lot"]) * mark
        self.liquidations.append(
            Liquidation(
                number,
                step,
                time,
                account,
                instrument,
                qty,
                mark,
                price,
                equity,
                maintenance,
                is_takeover,
                seq,
                exposure,
                tuple(self._view.assets["mark"].tolist()),
            )
        )
        return number + 1

    def _sell_perpetuals(self, seizure: Seizure, share: float, small_notional: float) -> None:
        for instrument, lots in self._perpetuals(seizure.account):
            row, left = (
                self._ledger.terms[instrument],
                lots + self._view.pending.of(seizure.account, instrument),
            )
            if left * lots <= 0:
                continue  # all of it is on its way to be sold
            notional = abs(left) * float(row["lot"]) * float(row["price"])
            part = 1.0 if notional <= small_notional else share
            qty = -int(np.sign(left)) * max(1, round(abs(left) * part))
            price = self._bankruptcy_price(seizure, instrument, lots)
            self._sell(seizure, instrument, qty, self._log(seizure, instrument, qty, price))

    def _sell(self, seizure: Seizure, instrument: int, qty: int, cause: int) -> None:
        """Send a forced order: at a book, immediate or cancel within `max_slippage` of the mid."""
        venue = self._sellers[instrument]
        quote = self._view.quotes[venue]
        fields: dict[str, float] = {"flags": REDUCE_ONLY, "reason": FORCED}
        kind = MARKET
        if float(quote["tick"]) > 0:
            reach = int(self.parameters.max_slippage * float(quote["mid"]) / float(quote["tick"]))
            kind, fields = LIMIT, {**fields, "tif": IOC, "price_ref": MID, "price": -reach}
        self._send(seizure, venue, kind, qty, cause, **fields)

    def _take_over(self, order: np.void, seizure: Seizure, tape: Tape) -> None:
        group = tape.open_group()
        for instrument, lots in self._perpetuals(seizure.account):
            price = self._bankruptcy_price(seizure, instrument, lots)
            cause = self._log(seizure, instrument, -lots, price, is_takeover=True)
            fields = {"taker": seizure.account, "cause": cause, "reason": TAKEOVER, "group": group}
            successor = int(order["account"])
            tape.fill(order, self.index, instrument, -lots, price, successor, self._population_of, **fields)

    def _close_options(self, order: np.void, seizure: Seizure, share: float, tape: Tape) -> None:
        """Close a share of each option position, at the desk or by auction."""
        contract, held = self._ledger.contract[:, seizure.holder], self._ledger.qty[:, seizure.holder]
        closed = []
        for slot in np.flatnonzero(held):
            lots = int(held[slot])
            qty = -int(np.sign(lots)) * max(1, round(abs(lots) * share))
            closed.append((OPTIONS + int(contract[slot]), qty))
        if self._auction is not None:
            self._sell_options(self._auction, order, seizure, closed, tape)
            return
        for instrument, qty in closed:
            cause = self._log(seizure, instrument, qty, np.nan)
            self._send(seizure, self._desk, REQUEST, qty, cause, instrument=instrument, reason=CLOSE_OUT)

    def _sell_options(
        self,
        auction: Auction,
        order: np.void,
        seizure: Seizure,
        closed: list[tuple[int, int]],
        tape: Tape,
    ) -> None:
        """Auction contracts, one after the other; those that have expired, or have no price yet, wait."""
        contracts, group = self._view.contracts, tape.open_group()
        priced = [(i, qty) for i, qty in closed if i - OPTIONS < contracts.size]
        live = [(i, qty) for i, qty in priced if contracts[i - OPTIONS]["expiry"] > seizure.time]
        units = sum(abs(qty) * float(contracts[i - OPTIONS]["lot"]) for i, qty in live)
        instruments = np.array([instrument for instrument, _ in live], np.int64)
        halves = auction.half_spreads(instruments, units, seizure.time)
        for (instrument, qty), half in zip(live, halves.tolist(), strict=True):
            cause = self._log(seizure, instrument, qty, np.nan)
            fields = {"taker": seizure.account, "cause": cause, "reason": CLOSE_OUT, "group": group}
            for taker, lots, price in auction.sell(instrument, qty, half):
                tape.fill(order, self.index, instrument, lots, price, taker, self._population_of, **fields)

    def _sell_collateral(self, seizure: Seizure) -> None:
        """Sell spot and redeem pool shares of an account that owes cash and holds nothing else.

        One that holds nothing at all is recorded with a quantity of 0, for what it owes.
        """
        terms = self._ledger.terms
        lots = np.where(terms["kind"] != RESERVE, self._ledger.position[:, seizure.account], 0)
        if not (lots > 0).any():
            self._log(seizure, 0, 0, np.nan)
        for instrument in map(int, np.flatnonzero(lots > 0)):
            held = int(lots[instrument]) + self._view.pending.of(seizure.account, instrument)
            if instrument not in self._sellers or held <= 0:
                continue  # what waits for a block is not sold again
            cause = self._log(seizure, instrument, -held, np.nan)
            if terms[instrument]["kind"] == LP_SHARE:
                pool = self._sellers[instrument]
                self._send(seizure, pool, REMOVE_LIQUIDITY, held, cause, reason=FORCED)
            else:
                self._sell(seizure, instrument, -held, cause)
