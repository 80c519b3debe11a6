"""Liquidity providers of a constant-product pool; some of them hedge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, SerializeAsAny

from agents.hedging import Hedger, Policy, Route
from agents.hedging.exposures.pool_share import PoolShare
from agents.kernels.providing import IS_IN, Pool, Providers, provide
from sim.base.typed_call import TypedCall
from sim.messages.outbox import Outbox
from sim.messages.pending import PendingLots
from sim.messages.view import View
from sim.population import Population
from sim.records import ADD_LIQUIDITY, OPENING, REQUEST, orders
from sim.setup.limits import HIGHEST_VOLATILITY
from sim.setup.listing import Listing, VenueTerms
from sim.setup.misfit import Misfit, within
from sim.setup.parameters import (
    Delay,
    Fraction,
    NonNegative,
    Units,
    VenueName,
    Volatility,
    check_not_dust,
    up_to,
)


class LiquidityProviders(Population):
    """Depositors of a pool; a share of them keeps the delta of its position hedged.

    Rows deposit before the first step. They stay, or leave when realised volatility is more than they bear,
    with all or a part of what they have in the pool, and come back with what they took out once it is calm
    again. A hedged row sells the asset it has in the
    pool at the opening and from then on trades the difference between the pool's and its
    hedge's delta: it sells as the price falls, because the pool hands it more of the asset then
    (gamma -x / 2P for x units in the pool at price P). What it took out it still has, and stays hedged; but
    that needs no more trades. A population of which no row hedges is no
    hedger, and counterfactual arms leave it alone.

    Leaves out: fee farming, hedging with options, and selling what was taken out.

    Attributes
    ----------
    deposit : ndarray of int64, shape (N,)
        Lots of the asset put into the pool.
    is_hedged : ndarray of bool, shape (N,)
    """

    phases = ("open", "quote", "hedge")
    mechanism = "LP hedging"
    hedges = True
    steady: ClassVar[Mapping[str, Any]] = {"withdrawal_volatility": HIGHEST_VOLATILITY}

    class Parameters(Population.Parameters):
        """Deposits and hedging.

        Parameters
        ----------
        pool : str
        deposit : float or distribution
            Units of the asset deposited, with cash of the same value.
        hedged_share : float
            Share of rows that hedge.
        capital : float or distribution
            Cash kept beside the deposit, as a fraction of the value of the asset deposited.
        withdrawal_volatility : float or distribution
            Realised volatility above which a row leaves, per year; never if not given.
        return_share : float or distribution
            Share of that volatility below which it comes back.
        return_seconds : float or distribution
            How long it stays out at least.
        withdrawn_share : float or distribution
            Share of what it has in the pool that it takes out.
        hedging, route : table
        """

        cash: NonNegative = 0.0
        pool: VenueName
        deposit: Units = 10.0
        hedged_share: Fraction = 0.0
        capital: Annotated[NonNegative, up_to(1e6)] = 0.5
        withdrawal_volatility: Volatility | None = None
        return_share: Fraction = 0.5
        return_seconds: Delay = 600.0
        withdrawn_share: Fraction = 1.0
        hedging: SerializeAsAny[Policy.Parameters] = Field(default_factory=Policy.Parameters.default)
        route: SerializeAsAny[Route.Parameters]

    @classmethod
    def may_hedge(cls, parameters: Any) -> bool:
        """Whether any row may."""
        return bool(parameters.hedged_share != 0)

    def prepare(self, listing: Listing) -> None:
        """Draw deposits and who hedges."""
        own = self.parameters
        with within("pool"):
            self._pool = listing.venue(own.pool, ADD_LIQUIDITY)
        self.hedger = Hedger(self, listing)
        share, spot = listing.universe.names.index(f"{own.pool}-share"), self._pool.instrument
        self._leaves = own.withdrawal_volatility is not None
        is_exposed = self._leaves and spot not in self.hedger.instruments
        self.hedger.cover(PoolShare(share, spot if is_exposed else -1), listing)
        if self._leaves:
            self._prepare_leaving(share)
        self.asset = self._pool.asset
        self._spot = listing.spots[self.asset]
        if self.hedger.asset != self.asset:
            what = f'"{own.route.venues[0]}" trades another asset than the pool "{own.pool}"'
            raise Misfit(what, ("route", "venues", 0))
        deposits = self.column("deposit")
        check_not_dust(deposits, self._pool.lot, ("deposit",))
        self.deposit = np.maximum(np.floor(deposits / self._pool.lot), 1).astype(np.int64)
        self.is_hedged = self.draws.uniforms("hedged", self.rows) < self.column("hedged_share")
        self.hedger.is_active[:] = self.is_hedged
        self.hedges = bool(self.is_hedged.any())
        self.hedged_share = float(self.deposit[self.is_hedged].sum() / self.deposit.sum())
        self._desk = listing.desk(self.asset) if self.hedges else None

    def _prepare_leaving(self, share: int) -> None:
        """Draw what rows bear, and when they come back."""
        self._shares = Pool(self._pool.index, share, self._pool.instrument)
        self._redeemed = PendingLots(self.account, [share])
        leaves_above = self.column("withdrawal_volatility")
        self._providers = Providers(
            self.account[self._pool.chain],
            self.latency,
            leaves_above,
            leaves_above * self.column("return_share"),
            self.column("return_seconds"),
            self.column("withdrawn_share"),
            np.full(self.rows, IS_IN),
            np.zeros(self.rows),
            self._redeemed.lots,
        )
        self._provide = TypedCall(provide)

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """The deposit, a little more cash for rounding, and capital for the hedge."""
        value = self.deposit * self._pool.lot * self._spot
        cash = self.column("cash") + value * (1.001 + self.column("capital"))
        return cash, {self._pool.instrument: self.deposit}

    def reroute(self, orders: np.ndarray, view: View) -> None:
        """Choose where hedges go as the hedger's route does."""
        self.hedger.reroute(orders, view)

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Deposit and hedge at the opening, then leave and come back, and keep the hedge."""
        if phase == "open":
            self._open(view, outbox)
        elif phase == "quote":
            if self._leaves:
                self._look(view, outbox)
        elif self.hedges:
            self.hedger.hedge(view, outbox)

    def _look(self, view: View, outbox: Outbox) -> None:
        """Take liquidity out of the pool, or put it back, by realised volatility."""
        self._redeemed.look(view.pending)
        outbox.reserve(self.rows)
        volatility = float(view.assets[self.asset]["volatility"])
        self._provide.call(
            view.time,
            volatility,
            view.quotes,
            self._shares,
            view.holdings,
            view.terms,
            self._providers,
            outbox.out,
        )

    def _open(self, view: View, outbox: Outbox) -> None:
        """Deposit every row's lots; sell as much off the market for the rows that hedge."""
        deposits = orders(self.rows)
        deposits["account"], deposits["venue"] = self.account[self._pool.chain], self._pool.index
        deposits["kind"], deposits["reason"], deposits["qty"] = ADD_LIQUIDITY, OPENING, self.deposit
        outbox.extend(deposits)
        if self._desk is not None:
            self._open_hedges(self._desk, view, outbox)

    def _open_hedges(self, desk: VenueTerms, view: View, outbox: Outbox) -> None:
        units = -self.deposit[self.is_hedged] * self._pool.lot
        hedges = orders(units.size)
        hedges["account"], hedges["venue"] = self.account[desk.chain, self.is_hedged], desk.index
        hedges["kind"], hedges["reason"] = REQUEST, OPENING
        hedges["instrument"], hedges["qty"] = self.hedger.opening(units, view.terms)
        outbox.extend(hedges[hedges["qty"] != 0])
