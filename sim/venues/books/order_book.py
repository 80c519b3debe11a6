"""A limit-order book with price-time priority, price bands and halts."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from sim.base.typed_call import TypedCall
from sim.kernels.books import book as kernels
from sim.kernels.books.decay import WORN
from sim.kernels.books.ladder import LEVEL
from sim.kernels.books.quote import observe
from sim.kernels.books.resting import HEADER, REDUCING
from sim.kernels.messages.fields import (
    HAS_DEADLINE,
    HAS_PRICE,
    HAS_QTY,
    HAS_REFERENCE,
    HAS_STP,
    HAS_TARGET,
    HAS_TIF,
    HAS_VALUE,
    IS_POST_ONLY,
    IS_REDUCE_ONLY,
    IS_SIDE_BY_VALUE,
)
from sim.messages.tape import Tape
from sim.messages.view import frozen
from sim.records import (
    CANCEL,
    CANCEL_ALL,
    CANCEL_AT,
    CANCEL_RANDOM,
    LIMIT,
    MARKET,
    MODIFY,
    NO_TICK,
    QUOTE,
    orders,
)
from sim.setup.limits import FINEST, HIGHEST_PRICE, LONGEST, MOST, MOST_UNITS, SHORTEST
from sim.setup.parameters import PopulationName
from sim.setup.table import Parameters as BaseParameters
from sim.venues.books.storage import HEADROOM, LARGEST_TICK, NO_ROOM, Storage, width_at
from sim.venues.surroundings import Surroundings
from sim.venues.venue import Venue

BPS = 1e-4
NO_ORDERS = orders(0)
TRADES = HAS_QTY | HAS_DEADLINE | HAS_TIF | HAS_STP | IS_REDUCE_ONLY
RESTS = TRADES | HAS_PRICE | HAS_REFERENCE | HAS_TARGET | IS_POST_ONLY
NO_ROWS = np.zeros(0, np.int64)
NOBODY = frozen(np.zeros(0, np.int64))


class OrderBook(Venue):
    """A central limit-order book that trades one instrument.

    Limit orders (good till cancelled, immediate or cancel, fill or kill, post-only),
    market orders, cancels, modifications, quotes under a tag, reduce-only orders, expiry times,
    self-trade prevention, maker and taker fees, price bands with halts. Prices are integer ticks
    and quantities integer lots; every trade is at the resting order's price.

    Parameters
    ----------
    name : str
    index : int
        Row of this venue in the View's quotes.
    asset : int
        Index of the asset traded.
    instrument : int
        Index of the dense instrument traded.
    parameters : OrderBook.Parameters

    Notes
    -----
    *Reference mid.* The mean of best bid and best ask, in half ticks; while a side is
    empty the last one stands, or the other side's best price once that is past it: who asks less than
    the mid where nobody bids says that it is too high. Every change is written on the tape once, charged
    to the order or expiry that made it, so the changes sum to the total exactly.

    *Prices.* From 1 tick up to the ladder's width, which is at least four times the
    opening price; others are refused. A price may be an offset from the mid (a half tick is rounded
    to the passive side) or from a best price, positive towards the passive side.

    *Refused replacements.* A QUOTE or MODIFY that is refused leaves the order it would
    have replaced as it was, whatever the refusal; one that traded in part before the band stopped
    it has replaced it, and so has one that was taken and left nothing resting: immediate with
    nothing to trade, or expired against the sender's own order. It keeps its place in the queue if
    the price is the same and the size no larger; otherwise it is a cancel and a new order, which may trade.
    A MODIFY of no size moves what is left of the order.

    *Time in force.* Immediate or cancel and fill or kill mean the same of limit and market
    orders, quotes and modifications: none of it rests, and of a fill-or-kill order all trades at
    once or nothing does and an order it would replace stays. All is what is left of it
    after a reduce-only order has been cut.

    *Margin.* An order is refused whole if it and the sender's resting orders of that
    side exceed the sender's room, except that market and immediate-or-cancel orders are
    cut to the room.

    *Reduce-only.* An order is cut, as it arrives, to what it leaves of the sender's position
    at that moment less what rests on its side. If it rests, it is cut again whenever it is met, to what
    is left to reduce then, and cancelled where nothing is. Until it is met it counts whole, as any
    order does: in depth and best price, against post-only orders, and in its owner's room.

    *Bands.* No trade is made further than `band_bps` from an exponentially weighted mean
    of the mid. The order that would have made it loses its rest (a recorded refusal) and
    trading halts for `halt_seconds`, in which only cancels are taken; then the
    band restarts at the mid. This is simpler than the rules it stands for: United States
    limit-up limit-down measures from a five-minute arithmetic mean of trades, holds
    quotes in a 15 s limit state before the five-minute pause and reopens by an auction;
    CME velocity logic measures the move within a window of seconds and reserves the
    market while it collects orders. A fill-or-kill order that only the band keeps
    from filling is refused without a halt.

    *Decay.* With `order_decay` ζ every limit and market order that arrives first multiplies
    each volume resting at a distance d from the mid by exp(-ζ d²) (Buis, Pieterse-Bloem,
    Verschoor & Zwinkels 2024), but for the orders of `durable` populations, whose arrivals
    leave volumes alone, too. Volumes are whole lots, so lots have to be small beside orders. A
    price is brought up to date when it is looked at (`sim.kernels.books.decay`); until then what rests there
    counts in full towards its owner's margin.

    *Market failure.* With `stops_when_empty`, a side that stays empty for `empty_seconds` after an order,
    once both sides were there, ends the run: the book carries out nothing more, the step ends, the
    recording says when.

    *Left out.* Stop orders (populations send them when they trigger), hidden and iceberg
    orders, auctions, pro-rata matching.
    """

    class Parameters(BaseParameters):
        """What a scenario may say of an order book.

        Attributes
        ----------
        tick : float
            Price increment, quote currency.
        lot : float
            Units of the instrument in a lot.
        maker_fee_bps, taker_fee_bps : float
            Fees on the notional, basis points; a negative maker fee is a rebate.
        depth_bps : float
            Distance from the mid within which depth is measured, basis points.
        band_bps : float
            Half width of the price band, basis points; 0 for none.
        band_window_seconds : float
            Time constant of the band's reference, s.
        halt_seconds : float
            Length of a halt after the band is hit, s; 0 for none.
        order_decay : float
            Of resting volume, per arriving order and squared unit of price; 0 for none.
        durable : list of str
            Populations whose resting orders do not decay, and whose arrivals make none decay.
        stops_when_empty : bool
            Whether an empty side is a market failure, which ends the run.
        empty_seconds : float
            How long a side may be empty before it is one, s; at once if 0.
        """

        tick: float = Field(ge=FINEST, le=HIGHEST_PRICE)
        lot: float = Field(ge=FINEST, le=MOST_UNITS)
        maker_fee_bps: float = Field(default=0.0, ge=-1e4, le=1e4)
        taker_fee_bps: float = Field(default=0.0, ge=0, le=1e4)
        depth_bps: float = Field(default=50.0, gt=0, le=1e4)
        band_bps: float = Field(default=0.0, ge=0, lt=1e4)
        band_window_seconds: float = Field(default=300.0, ge=SHORTEST, le=LONGEST)
        halt_seconds: float = Field(default=0.0, ge=0, le=LONGEST)
        order_decay: float = Field(default=0.0, ge=0, le=MOST)
        durable: list[PopulationName] = Field(default_factory=list)
        stops_when_empty: bool = False
        empty_seconds: float = Field(default=0.0, ge=0, le=LONGEST)

        @field_validator("empty_seconds")
        @classmethod
        def _ends_something(cls, seconds: float, info: ValidationInfo) -> float:
            if seconds and not info.data.get("stops_when_empty", True):
                raise ValueError(
                    "an empty side ends nothing here; set stops_when_empty = true, or leave this out"
                )
            return seconds

    precedence = 3
    meaning: ClassVar[dict[int, int]] = {
        MARKET: TRADES | IS_SIDE_BY_VALUE,
        LIMIT: RESTS | IS_SIDE_BY_VALUE,
        CANCEL: HAS_TARGET,
        CANCEL_RANDOM: HAS_VALUE,
        CANCEL_AT: HAS_QTY | HAS_PRICE | HAS_REFERENCE | HAS_TARGET | HAS_VALUE,
        CANCEL_ALL: 0,
        MODIFY: RESTS,
        QUOTE: RESTS | HAS_VALUE,
    }
    takes = tuple(meaning)

    def __init__(self, name: str, index: int, asset: int, instrument: int, parameters: Any) -> None:
        super().__init__(name, index, asset, instrument, parameters)
        self._opening_half_ticks = 0
        self._durable: list[np.ndarray] = []
        self._held = NOBODY
        self._execute, self._show = TypedCall(kernels.execute), TypedCall(observe)

    @classmethod
    def bytes_at(cls, price: float, parameters: Any) -> float:
        """Its ladder, a row a tick."""
        width = width_at(price / parameters.tick)
        return float(width * (LEVEL.itemsize + (WORN.itemsize if parameters.order_decay else 0)))

    def set_reference(self, price: float) -> None:
        """Set the mid the book opens with, quote currency; to be called before `open`.

        Raises
        ------
        ValueError
            If the price is less than one tick, or so many ticks that the ladder would
            not fit.
        """
        ticks = price / self.parameters.tick
        if not 1.0 <= ticks <= LARGEST_TICK / HEADROOM:
            raise ValueError(
                f"{self.name}: an opening price of {price:g} is {ticks:g} ticks of {self.parameters.tick:g}; "
                f"choose `tick` so that it is between 1 and {LARGEST_TICK / HEADROOM:.0f}"
            )
        self._opening_half_ticks = round(2.0 * ticks)

    def attach(self, around: Surroundings) -> None:
        """Find the accounts whose orders do not decay; keep what accounts hold."""
        self._held = frozen(around.ledger.position[self.instrument])
        self._durable = [around.accounts[name] for name in self.parameters.durable if name in around.accounts]

    def open(self, population_of: np.ndarray, tags: int) -> None:
        """Allocate an empty book.

        Parameters
        ----------
        population_of : ndarray of int16, shape (A,)
        tags : int
            Number of order tags handed out on this venue.

        Raises
        ------
        RuntimeError
            If `set_reference` was not called.
        """
        if not self._opening_half_ticks:
            raise RuntimeError(f"{self.name}: call set_reference(price) before open()")
        self._header = self._opening_header()
        self._storage = Storage(self._header, population_of, tags)
        for accounts in self._durable:
            self.make_durable(accounts)
        self._best = self._header["bid"], self._header["ask"]
        self._reducing = self._header["reducing"]
        self._fails_at, self._clock = self._header["fails_at"], self._header["clock"]
        pairs = (("step_flow", "flow"), ("step_volume", "volume"))
        self._counted = [(self._header[since], self._header[total]) for since, total in pairs]

    def _opening_header(self) -> np.ndarray:
        rules, width = self.parameters, width_at(self._opening_half_ticks / 2)
        header = np.zeros(1, HEADER)
        header["bid"] = NO_TICK
        header["ask"] = header["width"] = header["high"] = width
        header["mid"] = header["reference"] = self._opening_half_ticks
        header["last"] = self._opening_half_ticks // 2
        header["venue"] = self.index
        header["instrument"] = self.instrument
        header["asset"] = self.asset
        header["depth_reach"] = BPS * rules.depth_bps
        header["tick"] = rules.tick
        header["lot"] = rules.lot
        header["maker_fee"] = BPS * rules.maker_fee_bps
        header["taker_fee"] = BPS * rules.taker_fee_bps
        header["band"] = BPS * rules.band_bps
        header["band_window"] = rules.band_window_seconds
        header["halt_seconds"] = rules.halt_seconds
        header["halted_until"] = -np.inf
        header["fails_at"] = np.inf
        header["patience"] = rules.empty_seconds
        header["origin"] = self._opening_half_ticks
        header["decay"] = rules.order_decay * (0.5 * rules.tick) ** 2
        return header

    def execute(
        self, orders: np.ndarray, due: np.ndarray, until: float, tape: Tape, room: np.ndarray
    ) -> None:
        """Execute the due orders in the order given, then expire what is good until `until`."""
        arriving, resting = due.size, self._storage.reserve(due.size)
        tape.reserve(fills=resting + 2 * arriving, moves=resting + 3 * arriving, rejects=arriving)
        if arriving and self._reducing.item() and self._held.size:
            owners = self._storage.reduced  # who need not be among the senders
            room[2, owners] = self._held[owners]
        self._execute.call(orders, due, until, self._storage.columns, room, tape.rows)

    def vouch(self, step: int) -> None:
        """Assert that the book is not crossed.

        Raises
        ------
        ArithmeticError
            If it is.
        """
        bid, ask = self._best[0].item(), self._best[1].item()
        if bid >= ask:
            raise ArithmeticError(f"step {step}: {self.name} is crossed, bid {bid} and ask {ask} ticks")

    def advance(self, until: float, tape: Tape) -> None:
        """Expire what rests until `until`, when no order arrived to bring the book there."""
        if self._header["clock"][0] < until:
            self.execute(NO_ORDERS, NO_ROWS, until, tape, NO_ROOM)

    def start_step(self, tape: Tape) -> None:
        """Begin a new step: `observe` counts flow and volume from here."""
        for since, total in self._counted:
            since[0] = total[0]
        if self.parameters.stops_when_empty:
            has_both = (self._header["bid"] >= 0) & (self._header["ask"] < self._header["width"])
            self._header["is_watched"] |= has_both

    def make_durable(self, accounts: np.ndarray) -> None:
        """Let the orders of these accounts not decay; to be called after `open`."""
        self._storage.columns.accounts["is_durable"][accounts] = 1

    @property
    def may_fail(self) -> bool:
        """Whether it stops when a side is empty."""
        return bool(self.parameters.stops_when_empty)

    def failure(self) -> dict[str, Any]:
        """When this market failed and which side was empty; empty if it has not failed."""
        if self._fails_at.item() > self._clock.item():
            return {}
        head = self._header[0]
        empty = (head["bid"] < 0, head["ask"] >= head["width"])
        side = "both" if all(empty) else "bid" if empty[0] else "ask"
        return {"venue": self.name, "time": float(head["fails_at"]), "side": side}

    @property
    def accounts(self) -> np.ndarray:
        """What each account has resting: `buying` and `selling` (lots), `resting` (orders), read-only."""
        return frozen(self._storage.columns.accounts)

    def observe(self, quotes: np.ndarray) -> None:
        """Write this book's state into row `index` of `quotes` (dtype VENUE_STATE)."""
        self._storage.wear()
        own = self._storage.columns
        self._show.call(own.header, own.ladder, own.bitmap, self.permanent_impact, quotes, self.index)

    def depth_within(self, share: float, quote: np.void) -> tuple[float, float]:
        """Units that rest on the bid and on the ask side within a share of the mid, as of the last look."""
        head, volume = self._header[0], self._storage.columns.ladder["volume"]
        mid = 0.5 * int(head["mid"])
        low, high = math.ceil(mid * (1 - share)), math.floor(mid * (1 + share))
        bids = volume[max(low, 0) : max(int(head["bid"]) + 1, 0)].sum()
        asks = volume[int(head["ask"]) : max(high + 1, 0)].sum()
        return float(bids * head["lot"]), float(asks * head["lot"])

    def has_open_orders(self, account: int) -> bool:
        """Whether orders of the account rest here."""
        return bool(self._storage.columns.accounts["resting"][account] > 0)

    @property
    def resting(self) -> np.ndarray:
        """The resting orders, in no order: signed `qty` (lots), `price` (tick), `account`, 1 + `tag`."""
        self._storage.wear()
        live = self._storage.live
        live["tag"] &= REDUCING - 1
        return live

    def levels(self, side: int) -> np.ndarray:
        """Occupied prices of a side, best first.

        Parameters
        ----------
        side : int
            Above 0 for the bids, below 0 for the asks.

        Returns
        -------
        ndarray of int64, shape (levels, 2)
            Tick and lots.
        """
        rows = self.resting
        ticks = np.unique(rows["price"][rows["qty"] * side > 0]).astype(np.int64)
        ticks = ticks[::-1] if side > 0 else ticks
        return np.column_stack([ticks, self._storage.columns.ladder["volume"][ticks]])
