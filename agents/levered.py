"""Levered traders: perpetual longs and shorts with heterogeneous leverage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np

from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import Population
from sim.records import OPENING, PERPETUAL, REQUEST, orders
from sim.setup.limits import MOST_MONEY
from sim.setup.listing import Listing
from sim.setup.misfit import Misfit
from sim.setup.parameters import AssetName, Fraction, NonNegative, Positive, check_not_dust, up_to

ROUNDING = 1e-9  # margin beyond the exact, lest the last bit refuse a position


class LeveredTraders(Population):
    """Accounts that hold a perpetual position with little equity and do nothing about it.

    Positions are opened at the mark against the outside account before the first step; from then on
    an account only pays funding, and is liquidated when its equity falls below maintenance.

    Leaves out: adding margin, taking profit, stop orders, and opening again after liquidation; so
    `latency_seconds` is without effect.

    Notes
    -----
    Draws are keyed, so `lots` and `leverage` are drawn again whenever they are asked for: a million
    accounts need not carry what only their opening wants. Ask for the columns, not for row after row.
    """

    phases = ("open",)

    class Parameters(Population.Parameters):
        """Positions and leverage.

        Parameters
        ----------
        cash : float or distribution
            Cash beyond the margin; it lowers the leverage.
        asset : str
            Asset whose perpetual is held; the first one if not given.
        notional : float or distribution
            Size of a position, quote currency; rounded to lots, one at least.
        leverage : float or distribution
            Notional over margin at the start; at most one over the asset's initial margin.
        long_share : float
            Probability that a row is long.
        """

        cash: NonNegative = 0.0
        asset: AssetName | None = None
        notional: Annotated[Positive, up_to(MOST_MONEY)] = 100_000.0
        leverage: Annotated[Positive, up_to(1e6)] = 10.0
        long_share: Fraction = 0.5

    def prepare(self, listing: Listing) -> None:
        """Draw sizes, leverage and sides."""
        own = self.parameters
        names = listing.universe.assets
        if own.asset is not None and own.asset not in names:
            raise Misfit(f'no asset is named "{own.asset}"', ("asset",), own.asset, names)
        self.asset = names.index(own.asset) if own.asset else 0
        self.instrument = listing.universe.find(PERPETUAL, self.asset)
        if self.instrument < 0:
            what = f"levered traders need a venue that trades a perpetual of {names[self.asset]}; list one"
            raise Misfit(what, ("asset",) if own.asset else ())
        terms = listing.universe.terms()[self.instrument]
        self._check_leverage(float(terms["initial"]))
        self._lot_value = float(terms["lot"]) * listing.spots[self.asset]
        check_not_dust(self.column("notional"), self._lot_value, ("notional",))
        self._desk = listing.desk(self.asset)

    @property
    def leverage(self) -> np.ndarray:
        """Notional over margin of each row at the start."""
        return self.column("leverage")

    @property
    def lots(self) -> np.ndarray:
        """Lots of the position each row opens with, below zero short."""
        is_long = self.draws.uniforms("side", self.rows) < self.column("long_share")
        size = np.maximum(np.round(self.column("notional") / self._lot_value), 1)
        return np.where(is_long, size, -size).astype(np.int64)

    def _check_leverage(self, initial: float) -> None:
        highest, allowed = float(self.leverage.max()), 1 / initial
        if highest > allowed * (1 + ROUNDING):
            raise Misfit(
                f"a row has {highest:.4g}, but an initial margin of {initial:g} allows at most "
                f"{allowed:.4g}; lower it, or give the distribution a `max`",
                ("leverage",),
            )

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """The margin that makes the leverage what it was drawn."""
        margin = np.abs(self.lots) * self._lot_value / self.leverage * (1 + ROUNDING)
        return margin + self.column("cash"), {}

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Take the opening position."""
        rows = orders(self.rows)
        rows["account"], rows["venue"] = self.account[self._desk.chain], self._desk.index
        rows["kind"] = REQUEST
        rows["instrument"], rows["qty"], rows["reason"] = self.instrument, self.lots, OPENING
        outbox.extend(rows)
