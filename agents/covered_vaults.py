"""Covered vaults: depositors' collateral that writes options epoch after epoch, unhedged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from agents.kernels.securing import cash_unhedged
from agents.option_chains.chains import option_lot
from sim.kernels.options.greeks import delta_gamma
from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import PLAIN_ROW, Population
from sim.records import CALL, FORCED, ISSUE, REQUEST, SPOT, orders
from sim.setup.limits import HIGHEST_PRICE
from sim.setup.listing import SECONDS_PER_YEAR, Listing
from sim.setup.parameters import (
    AssetName,
    BuyersName,
    Fraction,
    NonNegative,
    Positive,
    Seconds,
    Units,
    up_to,
)

STRIKES_SCANNED = (16, 64, 400)  # how far out to look, then further


class CoveredVaults(Population):
    """Covered-call and cash-secured-put vaults that write options and do not hedge them.

    A row is a vault. At the start of an epoch it sells options of one strike, chosen so
    that their delta is nearest to the target, against all of its collateral, through a desk at the
    model price, to the buyers that are named: dealers, who become long gamma, or end users. At expiry it
    pays the holders, sells spot if its cash does not suffice, and
    at the next step rolls what is left into the next epoch.

    Notes
    -----
    The strike rule is Ribbon v2's: strikes on a grid are scanned outwards from the spot until
    the delta brackets the target; the nearer wins, a tie goes further out (ribbon-v2,
    DeltaStrikeSelection, whose comment says so of puts too). The scan starts at the first strike
    out of the money where Ribbon's starts one later, and reads the volatility of each strike off the
    smile where Ribbon's takes one. Ribbon's vaults do not hedge either; its later rounds were sealed bids
    of invited dealers. Vaults that hedge are `agents.vaults.OptionVaults`.

    Calls covered by spot and puts secured by cash are collateralised, and so exempt from margin calls.
    Calls secured by cash are not, where the price more than doubles: such a vault is under margin as any
    option writer is.

    Leaves out: the bidding of auctions, fees, deposits and withdrawals, and reinvesting premiums in spot;
    what a vault that defaults does not pay, end users lose, whoever bought.

    Attributes
    ----------
    epoch_end : ndarray of float64, shape (N,)
        When the options written expire, s.
    written : ndarray of float64, shape (N,)
        Units written in this epoch.
    """

    phases: ClassVar[tuple[str, ...]] = ("open", "trade")
    margin_rule = "none"
    option_slots = 2

    class Parameters(Population.Parameters):
        """Products, collateral and who buys.

        Parameters
        ----------
        buyers : str
            Population that buys what is written, each row a share by its size (`option_weights`), rows in
            breach nothing; `end_users` for those outside the market, who hedge nothing.
        asset : str
            The first one if not given.
        writes : "calls" or "puts"
        collateral : float or distribution
            Units of the asset deposited per vault; for puts, and where no venue trades spot, cash
            worth as many at the opening price. Puts are secured by cash at the strike.
        delta : float or distribution
            Target delta of the options written, as a magnitude.
        strike_step : float or distribution
            Strike grid, quote currency.
        epoch_seconds : float or distribution
            Length of an epoch.
        first_epoch_seconds : float or distribution
            What is left of the epoch that runs at the start.
        """

        cash: NonNegative = 0.0
        buyers: BuyersName
        asset: AssetName | None = None
        writes: Literal["calls", "puts"] = "calls"
        collateral: Units = 100.0
        delta: Fraction = 0.2
        strike_step: Annotated[Positive, up_to(HIGHEST_PRICE)] = 1000.0
        epoch_seconds: Seconds = 7 * 86400.0
        first_epoch_seconds: Seconds = 2 * 86400.0

    @classmethod
    def bytes_of_row(cls, parameters: Any) -> float:
        """A row and the options of an epoch."""
        return 2 * PLAIN_ROW

    def prepare(self, listing: Listing) -> None:
        """Draw collateral and targets."""
        own = self.parameters
        self.asset = self._followed(listing)
        self.buyers = own.buyers
        self.collateral = self.column("collateral")
        self.delta = self.column("delta")
        self.epoch_end = np.zeros(self.rows)
        self.written = np.zeros(self.rows)
        self._next_roll = 0.0
        self._is_calls = own.writes == "calls"
        self._first_end = self.column("first_epoch_seconds")
        self._length, self._step = self.column("epoch_seconds"), self.column("strike_step")
        self._smile, self._spot = listing.smiles[self.asset], listing.spots[self.asset]
        self._option_lot = option_lot(listing, self.asset)
        self._desk = listing.desk(self.asset)
        self._traded_spot = listing.universe.find(SPOT, self.asset)
        self._spot_instrument = self._traded_spot if self._is_calls else -1
        if self._spot_instrument >= 0:
            venues = listing.venues.values()
            self._spot_venue = next(v for v in venues if v.instrument == self._spot_instrument)
        self._spot_lot = float(listing.universe.terms()[self._spot_instrument]["lot"])
        if self._is_calls and self._spot_instrument < 0:
            self.margin_rule = "standard"

    def _followed(self, listing: Listing) -> int:
        """The asset that options are written on."""
        named, names = self.parameters.asset, listing.universe.assets
        return names.index(named) if named else 0

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """Spot for calls, cash for puts."""
        if self._spot_instrument < 0:
            return self.column("cash") + self.collateral * self._spot, {}
        spot = np.floor(self.collateral / self._spot_lot).astype(np.int64)
        return self.column("cash"), {self._spot_instrument: spot}

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Roll vaults whose epoch is over."""
        if view.time >= self._next_roll:
            for row in np.flatnonzero(self.epoch_end <= view.time).tolist():
                self._roll(row, view, outbox, is_opening=phase == "open")
            self._next_roll = float(self.epoch_end.min())

    def _roll(self, row: int, view: View, outbox: Outbox, *, is_opening: bool) -> None:
        """Write the next epoch's options, after selling spot for what is owed."""
        mark = float(view.assets[self.asset]["mark"])
        length = float(self._first_end[row] if is_opening else self._length[row])
        strike, delta = self.strike(mark, length, float(self.delta[row]), float(self._step[row]))
        lots = int(self._secured_units(row, mark, strike, view, outbox) / self._option_lot + 1e-9)
        self.epoch_end[row], self.written[row] = view.time + length, lots * self._option_lot
        if lots == 0:
            return
        sold = self._request(row, view)
        sold["target"] = self.asset
        sold["qty"], sold["value"], sold["good_till"] = -lots, strike, self.epoch_end[row]
        sold["flags"], sold["reason"] = (CALL if self._is_calls else 0), ISSUE
        outbox.extend(sold)
        if is_opening:
            self._neutralise(row, delta, view, outbox)

    def _request(self, row: int, view: View) -> np.ndarray:
        """A request of a vault to the desk."""
        request = orders(1)
        request["account"], request["venue"] = self.account[self._desk.chain, row], self._desk.index
        request["kind"] = REQUEST
        request["time"] = view.time
        return request

    def _neutralise(self, row: int, delta: float, view: View, outbox: Outbox) -> None:
        """Hedge what a vault writes at the opening, of so much delta a unit: not at all."""

    def _secured_units(self, row: int, mark: float, strike: float, view: View, outbox: Outbox) -> float:
        """Units that the collateral secures, after selling as much spot as debts ask for."""
        cash = self.settled_cash(row, view)
        if self._spot_instrument < 0:
            return max(cash, 0.0) / (mark if self._is_calls else strike)
        held = self._lots(row, self._spot_instrument, view) - self._hedging_spot(row, view)
        owed = min(held, max(0, int(np.ceil(-cash / (mark * self._spot_lot)))))
        if owed > 0:
            self._sell_spot(row, owed, view, outbox)
        return (held - owed) * self._spot_lot

    def _sell_spot(self, row: int, lots: int, view: View, outbox: Outbox) -> None:
        """Sell lots of the collateral."""
        venue = self._spot_venue
        account, latency = int(self.account[venue.chain, row]), float(self.latency[row])
        outbox.market(account, venue.index, -lots, latency=latency, reason=FORCED)

    def _waiting(self, row: int, instrument: int, view: View) -> int:
        """Lots of an instrument that a vault has on the way, on all chains."""
        return sum(view.pending.of(account, instrument) for account in self.account[:, row].tolist())

    def _lots(self, row: int, instrument: int, view: View) -> int:
        """Lots of an instrument that a vault has or has on the way, on all chains."""
        own = view.position[instrument, self.account[:, row]]
        return int(own.sum()) + self._waiting(row, instrument, view)

    def _hedging_spot(self, row: int, view: View) -> int:
        """Lots of spot that are hedge and not collateral: none."""
        return 0

    def settled_cash(self, row: int, view: View) -> float:
        """Cash a vault would have if its hedges, if any, were closed at the mark, those on the way too."""
        own, spot = self.account[:, row], self._traded_spot
        coming = self._waiting(row, spot, view) if spot >= 0 else 0
        hedging = self._hedging_spot(row, view)
        return float(cash_unhedged(own, spot, hedging, coming, view.holdings, view.terms))

    def strike(self, spot: float, seconds: float, target: float, step: float) -> tuple[float, float]:
        """Strike on the grid whose delta is nearest to the target, and that delta (signed).

        Parameters
        ----------
        spot : float
        seconds : float
            To expiry.
        target : float
            Magnitude of the delta, between 0 and 1.
        step : float
            Of the grid.
        """
        outwards = 1 if self._is_calls else -1
        nearest = np.ceil(spot / step) if self._is_calls else max(np.floor(spot / step), 1.0)
        strikes = step * (nearest + outwards * np.arange(STRIKES_SCANNED[-1]))
        strikes = strikes[strikes > 0]
        for scanned in STRIKES_SCANNED:
            deltas = self._deltas(spot, strikes[:scanned], seconds)
            if (np.abs(deltas) <= target).any():
                break
        beyond = np.abs(deltas) <= target
        further = int(np.argmax(beyond)) if beyond.any() else deltas.size - 1
        nearer = max(further - 1, 0)
        chosen = min((further, nearer), key=lambda i: abs(abs(deltas[i]) - target))
        return float(strikes[chosen]), float(deltas[chosen])

    def _deltas(self, spot: float, strikes: np.ndarray, seconds: float) -> np.ndarray:
        """Delta of an option at each strike, by the smile."""
        n = strikes.size
        volatilities = np.array([self._smile.volatility(k, spot, seconds) for k in strikes.tolist()])
        deltas, gammas = np.empty(n), np.empty(n)
        years = np.full(n, seconds / SECONDS_PER_YEAR)
        delta_gamma(
            np.full(n, spot), strikes, years, volatilities, np.full(n, self._is_calls), deltas, gammas
        )
        return deltas
