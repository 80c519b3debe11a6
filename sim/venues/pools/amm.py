"""Automated market makers: pools that trade along a curve against anyone."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from sim.base.typed_call import TypedCall
from sim.chains.blocks import SLACK, Blocks
from sim.kernels.messages.fields import (
    HAS_DEADLINE,
    HAS_QTY,
    HAS_TIF,
    HAS_VALUE,
    IS_REDUCE_ONLY,
    IS_SIDE_BY_VALUE,
)
from sim.kernels.pools.swaps import POOL, appraise_shares, execute_pool, observe_pool
from sim.messages.tape import Tape
from sim.messages.view import View, frozen
from sim.records import ADD_LIQUIDITY, LP_SHARE, MARKET, REMOVE_LIQUIDITY, SWAP
from sim.setup.draws import Draws
from sim.setup.limits import FINEST, LONGEST, MOST_UNITS
from sim.setup.listing import Listing
from sim.setup.table import Parameters as BaseParameters
from sim.venues.surroundings import Surroundings
from sim.venues.venue import Venue

SWAPS = HAS_QTY | HAS_DEADLINE | HAS_TIF | IS_REDUCE_ONLY | IS_SIDE_BY_VALUE
ROUNDING = 1e-12  # of the invariant, in a step


class ConstantProduct(Venue):
    """A pool of the asset and quote currency that keeps the product of its reserves.

    Orders: SWAP (`qty` lots, > 0 buys; `value` is the worst average price, fee included,
    0 or NaN for none), MARKET (a swap without limit), ADD_LIQUIDITY (`qty` lots of the
    asset, the matching cash follows from the pool's price, or for the first deposit from
    `set_reference`) and REMOVE_LIQUIDITY (`qty` share lots to burn). A swap is filled
    whole or refused. With SIDE_BY_VALUE a swap buys if `value` is above the spot price,
    sells if below, without limit; REDUCE_ONLY cuts it to what it leaves of the sender's position.
    `good_till` is a deadline.

    Parameters
    ----------
    name, index, asset, instrument, parameters
        As for every `Venue`.

    Attributes
    ----------
    account : int
        Account that owns the reserves and is the maker of every fill. Set before `open`.
    share_instrument : int
        Dense instrument of the liquidity shares. Set before `open`.
    state : ndarray of POOL, shape (1,)
        Reserves, supply and time-weighted price.
    blocks : Blocks or None
        Clock of the chain.

    Notes
    -----
    Uniswap v2 (core contract UniswapV2Pair, periphery UniswapV2Library): fee on the input
    kept in the pool, 1000 share lots locked at the first deposit. The fee is part of the
    fill's price; the fee column is 0. A change of liquidity is one group of two fills: the
    asset against cash at the spot price, and the shares against cash for both parts.
    Rounding is in the pool's favour, so neither the product under swaps nor the reserves
    per share ever fall. A provider needs room to both buy and sell the lots deposited: the
    first stands for the cash.

    Leaves out: flash swaps, the protocol's share of the fee, transfers that skim or
    donate, and gas. Of a chain there is the clock of its blocks and nothing else.
    """

    class Parameters(BaseParameters):
        """Grid, fee and what is reported.

        Parameters
        ----------
        lot : float
            Units of the asset a lot.
        fee_bps : float
            Of the input of a swap, kept in the pool.
        share_lot : float
            Share units, sqrt(units x quote currency), a lot.
        depth_bps : float
            Distance from the mid within which depth is reported.
        block_seconds : float
            (Mean) time between the blocks of the chain the pool lives on: orders wait for the next
            one. 0 if each is executed as it arrives.
        block_clock : "fixed" or "poisson"
        """

        lot: float = Field(ge=FINEST, le=MOST_UNITS)
        fee_bps: float = Field(default=30.0, ge=0, lt=10_000)
        share_lot: float = Field(default=1e-6, ge=FINEST, le=MOST_UNITS)
        depth_bps: float = Field(default=100.0, gt=0, lt=10_000)
        block_seconds: float = Field(default=0.0, ge=0, le=LONGEST)
        block_clock: Literal["fixed", "poisson"] = "fixed"

    trades = "spot"
    curve = "constant_product"
    meaning: ClassVar[dict[int, int]] = {
        SWAP: SWAPS | HAS_VALUE,
        MARKET: SWAPS,
        ADD_LIQUIDITY: HAS_QTY | HAS_DEADLINE,
        REMOVE_LIQUIDITY: HAS_QTY | HAS_DEADLINE,
    }
    takes = tuple(meaning)
    fills_whole = True
    precedence = 1
    has_own_mid = True
    account: int = -1
    share_instrument: int = -1

    def __init__(self, name: str, index: int, asset: int, instrument: int, parameters: Any) -> None:
        super().__init__(name, index, asset, instrument, parameters)
        self.state = np.zeros(1, POOL)
        self.state["reference"] = np.nan
        self._held = frozen(np.zeros(0, np.int64))
        self._view: View | None = None
        self._is_waiting = False
        self._execute = TypedCall(execute_pool)
        self._observe = TypedCall(observe_pool)
        self._appraise = TypedCall(appraise_shares)

    @property
    def instruments(self) -> tuple[int, ...]:
        """The asset, and the shares, which are redeemed here."""
        return *super().instruments, self.share_instrument

    def enlist(self, listing: Listing) -> None:
        """Claim an account for the reserves and list the shares."""
        self.account = listing.add_system(self.name)
        self.share_instrument = listing.universe.add(
            LP_SHARE, self.asset, self.parameters.share_lot, f"{self.name}-share", collateral=0.0
        )

    def attach(self, around: Surroundings) -> None:
        """Keep who holds the shares; follow the blocks of its chain, if it has one."""
        self._held = frozen(around.ledger.position[self.share_instrument])
        own = self.parameters
        if own.block_seconds > 0:
            draws = Draws(around.listing.seed, self.name)
            self.blocks, self._view = Blocks(own.block_clock, own.block_seconds, draws), around.view
            self.follows_value = True

    def open(self, population_of: np.ndarray, tags: int) -> None:
        """Start empty, with the pool's account known.

        Raises
        ------
        ValueError
            If `account` or `share_instrument` was not set, or `attach` not called.
        """
        if self.account < 0 or self.share_instrument < 0:
            raise ValueError(f"pool {self.name!r} has no account or share instrument; set both before open()")
        if self._held.size != population_of.size:
            raise ValueError(f"pool {self.name!r} does not see who holds its shares; attach it before open()")
        reference = float(self.state["reference"][0])
        self.state = np.zeros(1, POOL)
        self._reserves = [self.state[column] for column in ("base", "cash", "supply")]
        self._product = 0.0
        settings = {
            "lot": self.parameters.lot,
            "share_lot": self.parameters.share_lot,
            "kept": 1.0 - self.parameters.fee_bps * 1e-4,
            "depth": self.parameters.depth_bps * 1e-4,
            "reference": reference,
            "instrument": self.instrument,
            "share_instrument": self.share_instrument,
            "account": self.account,
            "population": population_of[self.account],
            "asset": self.asset,
            "venue": self.index,
        }
        for field, setting in settings.items():
            self.state[field] = setting

    def set_reference(self, price: float) -> None:
        """Price of the asset at which the first deposit is matched with cash."""
        if not 0 < price < np.inf:
            raise ValueError(f"the reference price of pool {self.name!r} is {price}; it must be above 0")
        self.state["reference"] = price

    def start_step(self, tape: Tape) -> None:
        """Restart the counts of flow and volume; see whether a block falls into the step."""
        self.state["flow"] = 0
        self.state["volume"] = 0
        if self.blocks is not None and self._view is not None:
            now, end = self._view.time, self._view.time + self._view.step_seconds
            self._is_waiting = bool(self.blocks.next_at(np.array([now]))[0] >= end - SLACK)

    def execute(
        self, orders: np.ndarray, due: np.ndarray, until: float, tape: Tape, room: np.ndarray
    ) -> None:
        """Execute the due orders at their arrival times, as `Venue.execute` says."""
        tape.reserve(2 * due.size, 0, due.size)
        self._execute.call(self.state, self._held, orders, due, until, room, tape.rows)

    def vouch(self, step: int) -> None:
        """Assert that the product of the reserves, per squared share, has not fallen since the last step.

        Raises
        ------
        ArithmeticError
            If it has, beyond rounding.
        """
        base, cash, supply = (column.item() for column in self._reserves)
        product = base * cash / supply**2 if supply else 0.0
        if product < self._product * (1.0 - ROUNDING):
            fall = 1.0 - product / self._product
            raise ArithmeticError(f"step {step}: the invariant of {self.name} fell by {fall:.3g} of it")
        self._product = product

    def observe(self, quotes: np.ndarray) -> None:
        """Write prices to sell and buy at the margin, fee included, depth and reserves."""
        self._observe.call(self.state, quotes, self.index)
        quotes[self.index]["is_waiting"] = self._is_waiting

    def appraise(self, assets: np.ndarray, terms: np.ndarray) -> None:
        """Price the shares at the asset's mark, with the delta and gamma of the reserves."""
        self._appraise.call(self.state, terms, assets["mark"][self.asset])

    @property
    def time_weighted_price(self) -> float:
        """Integral of the spot price over time, quote currency x s; differences give averages."""
        return float(self.state["cumulative"][0])
