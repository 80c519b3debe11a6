"""Option vaults: depositors' collateral that writes options epoch after epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from agents.hedging import Hedger, Policy, Route
from sim.instruments import SPOT
from sim.kernels.margining import UNLIMITED
from sim.kernels.options import delta_gamma
from sim.listing import SECONDS_PER_YEAR, Listing
from sim.outbox import Outbox
from sim.parameters import Fraction, NonNegative, Positive
from sim.population import Population
from sim.records import CALL, FORCED, ISSUE, OPENING, REQUEST, SWAP, orders
from sim.view import View

STRIKES_SCANNED = 400


class OptionVaults(Population):
    """Covered-call and cash-secured-put vaults that hedge what they have written.

    A row is a vault. At the start of an epoch it sells options of one strike, chosen so
    that their delta is nearest to the target, against all of its collateral, to a desk at the
    model price; from then on it keeps its option delta hedged by policy and route. At expiry it
    pays the holders, sells collateral if its cash does not suffice, and rolls into the next
    epoch.

    Notes
    -----
    The strike rule is Ribbon v2's: strikes on a grid are scanned outwards from the spot until
    the delta brackets the target; the nearer wins, a tie goes further out (MECHANICS section 4).
    Ribbon's vaults do not hedge; option pools and structured-product desks do, with this rule.

    Leaves out: auctions, fees, deposits and withdrawals; vaults are collateralised and so exempt from
    margin calls.
    """

    phases = ("open", "trade", "hedge")
    hedges = True
    margin_rule = UNLIMITED
    option_slots = 2

    class Parameters(Population.Parameters):
        """Products and collateral.

        Parameters
        ----------
        writes : "calls" or "puts"
        collateral : float or distribution
            Units of the asset deposited per vault (puts: cash for as many units at the strike).
        delta : float or distribution
            Target delta of the options written, as a magnitude.
        strike_step : float
            Strike grid, quote currency.
        epoch_seconds : float
            Length of an epoch.
        first_epoch_seconds : float or distribution
            What is left of the epoch that runs at the start.
        hedging, route : table
        """

        cash: NonNegative = 0.0
        writes: Literal["calls", "puts"] = "calls"
        collateral: Positive = 100.0
        delta: Fraction = 0.2
        strike_step: float = Field(default=1000.0, gt=0)
        epoch_seconds: float = Field(default=7 * 86400.0, gt=0)
        first_epoch_seconds: Positive = 2 * 86400.0
        hedging: Policy = Field(default_factory=Policy)
        route: Route

    def prepare(self, listing: Listing) -> None:
        """Draw collateral and targets, set the hedger up."""
        own = self.parameters
        self.hedger = Hedger(own.hedging, own.route, self.rows, self.first, self.latency, self.draws, listing)
        self.asset = self.hedger.asset
        self.collateral = self.column("collateral")
        self.delta = self.column("delta")
        self.epoch_end = np.zeros(self.rows)
        self.written = np.zeros(self.rows)
        self._first_end = self.column("first_epoch_seconds")
        self._desk = listing.only("rfq.Desk", self.asset).index
        self._lot = listing.venue(own.route.venues[0]).lot
        self._smile = listing.smiles[self.asset]
        self._spot = listing.spots[self.asset]
        self._spot_instrument = listing.universe.find(SPOT, self.asset)
        self._spot_venue = next(
            (v.index for v in listing.venues.values() if v.instrument == self._spot_instrument >= 0), -1
        )

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """Spot for calls, cash for puts."""
        if self.parameters.writes == "puts" or self._spot_instrument < 0:
            return self.column("cash") + self.collateral * self._spot, {}
        spot = {self._spot_instrument: np.floor(self.collateral / self._lot).astype(np.int64)}
        self.hedger.set_treasury(spot)
        return self.column("cash"), spot

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Roll vaults whose epoch is over; hedge the rest."""
        if phase == "hedge":
            first = view.holder_of[self.first]
            exposure = view.holder_delta[first : first + self.rows]
            self.hedger.hedge(exposure, self.written, view, outbox)
            return
        over = np.flatnonzero(self.epoch_end <= view.time)
        for row in over:
            self._roll(int(row), view, outbox, is_opening=phase == "open")

    def _roll(self, row: int, view: View, outbox: Outbox, *, is_opening: bool) -> None:
        """Write the next epoch's options, after selling collateral for what is owed."""
        mark = float(view.assets[self.asset]["mark"])
        owed = -float(view.cash[self.first + row])
        if owed > 0 and not is_opening:
            self._raise_cash(row, owed, mark, view, outbox)
        length = self._first_end[row] if is_opening else self.parameters.epoch_seconds
        expiry = view.time + float(length)
        strike, delta = self.strike(mark, float(length), float(self.delta[row]))
        units = self._free_units(row, strike, view)
        self.epoch_end[row], self.written[row] = expiry, units
        lots = int(units / self._lot)
        if lots == 0:
            return
        sold = orders(2 if is_opening else 1)
        sold["account"], sold["venue"], sold["kind"] = self.first + row, self._desk, REQUEST
        sold["time"] = view.time
        sold[0]["qty"], sold[0]["value"], sold[0]["good_till"] = -lots, strike, expiry
        sold[0]["flags"], sold[0]["reason"] = (CALL if self.parameters.writes == "calls" else 0), ISSUE
        if is_opening:
            sold[1]["instrument"] = self.hedger.primary(view.terms)
            sold[1]["qty"], sold[1]["reason"] = round(lots * delta), OPENING
        outbox.extend(sold[sold["qty"] != 0])

    def _free_units(self, row: int, strike: float, view: View) -> float:
        """Units of collateral there are to write against."""
        account = self.first + row
        if self.parameters.writes == "puts" or self._spot_instrument < 0:
            return max(float(view.equity[account]) or self.collateral[row] * self._spot, 0.0) / strike
        return float(view.position[self._spot_instrument, account]) * self._lot

    def _raise_cash(self, row: int, owed: float, mark: float, view: View, outbox: Outbox) -> None:
        account = self.first + row
        if self._spot_venue < 0:
            return
        held = int(view.position[self._spot_instrument, account])
        lots = min(held, int(np.ceil(owed / (mark * self._lot))))
        if lots > 0:
            outbox.send(account, self._spot_venue, SWAP, -lots, float(self.latency[row]), reason=FORCED)

    def strike(self, spot: float, seconds: float, target: float) -> tuple[float, float]:
        """Strike on the grid whose delta is nearest to the target, and that delta (signed).

        Parameters
        ----------
        spot : float
        seconds : float
            To expiry.
        target : float
            Magnitude of the delta, between 0 and 1.
        """
        step, is_call = self.parameters.strike_step, self.parameters.writes == "calls"
        direction = 1 if is_call else -1
        nearest = np.ceil(spot / step) if is_call else np.floor(spot / step)
        strikes = step * (nearest + direction * np.arange(STRIKES_SCANNED))
        strikes = strikes[strikes > 0]
        n = strikes.size
        volatilities = np.array([self._smile.volatility(k, spot, seconds) for k in strikes])
        delta, gamma = np.empty(n), np.empty(n)
        years = np.full(n, seconds / SECONDS_PER_YEAR)
        delta_gamma(np.full(n, spot), strikes, years, volatilities, np.full(n, is_call), delta, gamma)
        distance = np.abs(np.abs(delta) - target)
        chosen = n - 1 - int(np.argmin(distance[::-1]))
        return float(strikes[chosen]), float(delta[chosen])
