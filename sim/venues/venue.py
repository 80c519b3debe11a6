"""What every venue offers to the model: open, execute, observe."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from sim.chains.blocks import Blocks
from sim.kernels.costs import CURVES
from sim.messages.outbox import Outbox
from sim.messages.tape import Tape
from sim.records import MARKET, REDUCE_ONLY
from sim.setup.listing import Listing
from sim.setup.table import Parameters as BaseParameters
from sim.venues.surroundings import Surroundings

ABILITIES = {"appraise": "appraises", "vouch": "vouches", "advance": "has_clock"}
"""What a class that writes a method says of itself by it."""


class Venue(ABC):
    """A place where orders become fills.

    A venue gets the orders that are due, in arrival order, and writes what they did on
    the tape. It never calls an agent and never writes to the ledger. Before the first step it
    is asked, in this order, to `enlist`, `set_reference`, `attach` and `open`; what it has nothing
    to say to it leaves as it is here.

    Parameters
    ----------
    name : str
    index : int
        Row of this venue in the View's quotes.
    asset : int
        Index of the asset traded.
    instrument : int
        Index of the dense instrument traded, -1 if several are.
    parameters : Parameters
        Validated parameters of this venue.

    Attributes
    ----------
    appraises, vouches, has_clock : bool
        Whether it prices instruments of its own, asserts something every step, and has things fall due
        without an order: so it is if its class writes `appraise`, `vouch` or `advance`.
    seizes : bool
        Whether it liquidates accounts in breach; then it has `liquidations`, a list of Liquidation, and
        `seized`, the accounts being liquidated and what they owe for options. A market has one at most.
    emits : bool
        Whether executing leaves orders in `children`, an Outbox, for the model to send on.
    needs_asset : bool
        Whether a scenario must say which asset the venue trades.
    trades : str
        What it trades if a scenario does not say: "spot", "perpetual", or "" for neither.
    takes : tuple of int
        Kinds of orders it takes in all their forms; the first is the one that trades here at once.
    fills_whole : bool
        Whether what trades here at once is filled whole or refused.
    meaning : mapping of int to int, or None
        By kind of order, the fields that mean something here, as bits of `sim.kernels.messages.fields`:
        an order that says something else is refused before it is sent on. None takes every order as it is.
    precedence : int
        Which venue's mid is its asset's reference mid: the one of highest precedence, of equals the
        first. Venues of precedence 0 give none.
    curve : str
        Family of its cost curve, a file of `sim.kernels.curves`.
    chain : int
        The chain on which the accounts are that trade here; venues that are on none settle on the first.
    has_own_mid : bool
        Whether its mid has a column of its own in the series.
    is_outside : bool
        Whether it is no part of the market: populations do not know of it.
    is_priced : bool
        Whether the venue shows a price; others are not observed, and their mid reads NaN.
    follows_value : bool
        Whether what it shows changes as a step begins, without an order: a price that follows the
        exogenous value, or a clock of blocks.
    permanent_impact : float
        Share of its price by which a unit of net flow moves it for good, as those say who make its
        market; NaN if nobody does. Venues that set prices by a rule of their own have no use for it.
    blocks : Blocks or None
        Clock of the chain that the venue lives on, once attached.
    """

    class Parameters(BaseParameters):
        """What a scenario may say of this venue; subclasses add fields."""

    appraises: ClassVar[bool] = False
    vouches: ClassVar[bool] = False
    has_clock: ClassVar[bool] = False
    seizes: ClassVar[bool] = False
    emits: ClassVar[bool] = False
    needs_asset: ClassVar[bool] = True
    trades: ClassVar[str] = ""
    takes: ClassVar[tuple[int, ...]] = (MARKET,)
    fills_whole: ClassVar[bool] = False
    meaning: ClassVar[Mapping[int, int] | None] = None
    precedence: ClassVar[int] = 0
    has_own_mid: ClassVar[bool] = False
    is_outside: ClassVar[bool] = False
    is_priced: ClassVar[bool] = True
    curve: ClassVar[str] = CURVES[0]
    follows_value: bool = False
    chain: int = 0
    permanent_impact: float = math.nan
    blocks: Blocks | None = None
    children: Outbox
    liquidations: list[Any]
    seized: dict[int, float]

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        for method, ability in ABILITIES.items():
            if method in vars(cls):
                setattr(cls, ability, True)

    def __init__(self, name: str, index: int, asset: int, instrument: int, parameters: Any) -> None:
        self.name = name
        self.index = index
        self.asset = asset
        self.instrument = instrument
        self.parameters = parameters

    @classmethod
    def faults(cls) -> Iterator[str]:
        """What keeps it from being used: a price that it shows nobody."""
        if cls.is_priced and cls.observe is Venue.observe:
            yield "has no observe(quotes); one that shows no price says is_priced = False"
        if cls.curve not in CURVES:
            yield f'has a curve "{cls.curve}"; there are {", ".join(CURVES)}'

    @property
    def instruments(self) -> tuple[int, ...]:
        """The dense instruments that can be sold here."""
        return (self.instrument,) if self.instrument >= 0 else ()

    @classmethod
    def bytes_at(cls, price: float, parameters: Any) -> float:
        """About how much memory it takes to open at a price, participants apart."""
        return 0.0

    def enlist(self, listing: Listing) -> None:
        """Claim system accounts and list instruments of its own."""

    def set_reference(self, price: float) -> None:
        """Take the price with which the asset opens, quote currency."""

    def attach(self, around: Surroundings) -> None:
        """Keep what it will read of the market around it."""

    def funds(self) -> Mapping[str, tuple[int, float]]:
        """Opening cash of system accounts: by name of the issuance, the account and quote currency."""
        return {}

    def open(self, population_of: np.ndarray, tags: int) -> None:
        """Allocate, once the accounts are known.

        Parameters
        ----------
        population_of : ndarray of int16, shape (A,)
            Population of each account.
        tags : int
            Number of order tags handed out to populations on this venue.
        """

    def start_step(self, tape: Tape) -> None:
        """Begin a step: restart the flow and volume that `observe` reports."""

    @abstractmethod
    def execute(
        self, orders: np.ndarray, due: np.ndarray, until: float, tape: Tape, room: np.ndarray
    ) -> None:
        """Execute the due orders and whatever falls due at this venue by `until`.

        Parameters
        ----------
        orders : ndarray of ORDER
        due : ndarray of int64
            Rows of `orders` to execute, in arrival order.
        until : float
            Time up to which the venue's own clock advances, s.
        tape : Tape
            Gets the fills, moves and refusals.
        room : ndarray of int64, shape (3, A)
            Lots each sender may still buy (row 0) and sell (row 1), resting orders
            included, and lots it holds (row 2); valid for the accounts that appear in `due`.
            Updated by fills.
        """

    @staticmethod
    def affords(order: np.void, lots: int, room: np.ndarray) -> bool:
        """Whether the sender has room to trade so many lots (> 0 buys); if so, they use it up.

        A reduce-only order has room for what it leaves of the position on the side where it is.
        """
        account = order["account"]
        most = room[0 if lots > 0 else 1, account]
        if order["flags"] & REDUCE_ONLY:
            most = -room[2, account] if lots > 0 else room[2, account]
        if abs(lots) > most:
            return False
        room[0, account] -= lots
        room[1, account] += lots
        room[2, account] += lots
        return True

    def advance(self, until: float, tape: Tape) -> None:
        """Let what falls due at this venue by `until` happen, orders or not: expiries, halts."""

    def introduce(self, quotes: np.ndarray) -> None:
        """Write how one trades here at once, and on which chain, into row `index` of `quotes`, for good."""
        own = quotes[self.index]
        own["takes"], own["is_whole"], own["chain"] = self.takes[0], self.fills_whole, self.chain
        own["curve"] = CURVES.index(self.curve)

    def observe(self, quotes: np.ndarray) -> None:
        """Write this venue's state into row `index` of `quotes` (dtype VENUE_STATE).

        The cost of trading follows from bid, ask, fee, depth and its span, along the venue's `curve`.
        """

    def depth_within(self, share: float, quote: np.void) -> tuple[float, float]:
        """Units that rest on the bid and on the ask side within a share of the mid.

        In proportion to the depth shown in `quote`, its row of VENUE_STATE, unless a venue knows better.
        """
        away, span = share * quote["mid"], quote["depth_span"]
        part = away / span if span > 0 else 0.0
        return float(quote["depth_bid"] * part), float(quote["depth_ask"] * part)

    def appraise(self, assets: np.ndarray, terms: np.ndarray) -> None:
        """Write price, delta and gamma of the instruments this venue creates into `terms` (TERMS)."""

    def vouch(self, step: int) -> None:
        """Assert what holds at this venue at the end of every step.

        Raises
        ------
        ArithmeticError
            Naming the step and what does not hold.
        """

    def failure(self) -> dict[str, Any]:
        """When and how this market failed; empty if it has not."""
        return {}

    @property
    def may_fail(self) -> bool:
        """Whether the market can fail, which ends the run."""
        return False

    @property
    def accounts(self) -> np.ndarray | None:
        """What each account has resting: lots `buying`, `selling`, orders `resting`; None if nothing can."""
        return None

    def closing(self) -> tuple[float, float]:
        """Share of a perpetual position that one seizure closes here, and the notional up to which all of it.

        Zeros if the venue liquidates nobody.
        """
        return 0.0, 0.0

    def has_open_orders(self, account: int) -> bool:
        """Whether orders of the account rest here."""
        return False
