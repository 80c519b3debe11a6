"""A hedger is an exposure x a policy x a route: the rules that every hedging population shares.

The population says what its rows are exposed to (delta, in units of the asset) and what
their size is; the policy says when and how much to trade, the route where. Orders on their way
count as held (`sim.messages.pending`), and a row does not look before its last one can have arrived.
"""

from __future__ import annotations

import numpy as np

from agents.hedging.kernels.banding import NET, SCREEN_ROWS, remember_deltas, unsettled
from agents.hedging.kernels.hedge import (
    AVERSION,
    BAND,
    COST,
    DECAY,
    INTERVAL,
    LATENCY,
    LELAND,
    MOST,
    OFFSET,
    POLICY_ROWS,
    RESERVED,
    RESPONSE,
    SLIPPAGE,
    WHALLEY_WILMOTT,
    WIDTH,
    hedge,
    rescreen,
)
from agents.hedging.kernels.rerouting import reroute
from agents.hedging.policy import Policy
from agents.hedging.route import Route
from sim.base.typed_call import TypedCall
from sim.kernels.base.flags import flag_columns
from sim.messages.outbox import Outbox
from sim.messages.pending import PendingLots
from sim.messages.view import View, frozen
from sim.setup.draws import Draws
from sim.setup.instruments import PERPETUAL
from sim.setup.listing import Listing
from sim.setup.parameters import Misfit, check_draws, within

RULES = {"leland": LELAND, "whalley_wilmott": WHALLEY_WILMOTT, "decay": DECAY}
DRAWN = {
    WIDTH: "width",
    COST: "cost",
    AVERSION: "risk_aversion",
    INTERVAL: "interval_seconds",
    RESPONSE: "response",
    MOST: "max_units",
    SLIPPAGE: "max_slippage",
}
"""Rows of a policy's columns, and the parameters they are drawn from."""

NO_OPTIONS = -1  # in place of an asset
RENEWAL_SHARE = 0.1  # of rows near the edge of their band, above which the reference is renewed


class Hedger:
    """Runs a policy over a route for the rows of one population.

    Parameters
    ----------
    policy : Policy
    route : Route
    rows : int
    first_account : int
    latency : ndarray of float64, shape (N,)
    draws : Draws
        Of the population.
    listing : Listing

    Raises
    ------
    Misfit
        If the route has a venue at which nothing can be hedged, or venues of several assets.

    Attributes
    ----------
    asset : int
        The asset hedged.
    instruments : ndarray of int64, shape (J,)
        Dense instruments of the route's venues.
    baseline : ndarray of int64, shape (J, N)
        Lots of these that belong to the treasury; set by the population.
    is_active : ndarray of bool, shape (N,)
        Rows that hedge; set by the population.
    """

    def __init__(
        self,
        policy: Policy,
        route: Route,
        rows: int,
        first_account: int,
        latency: np.ndarray,
        draws: Draws,
        listing: Listing,
    ) -> None:
        terms = route.destinations(listing)
        self.asset = terms[0].asset
        self.venues = np.array([t.index for t in terms], np.int64)
        self.instruments = np.array(sorted({t.instrument for t in terms}), np.int64)
        self.baseline = np.zeros((self.instruments.size, rows), np.int64)
        self.is_active = np.ones(rows, np.bool_)
        self._first_account = first_account
        self.rule = RULES.get(policy.type, BAND)
        self.policy = np.empty((POLICY_ROWS, rows))
        for number, name in DRAWN.items():
            self.policy[number] = draws.column(getattr(policy, name), f"hedging.{name}", rows)
            with within("hedging"):
                check_draws(type(policy), name, self.policy[number])
        if policy.type != "band":
            self.policy[WIDTH] = 0.0
        self.policy[LATENCY], self.policy[RESERVED] = latency, 0.0
        desynchronised = 1.0 - draws.column(policy.synchrony, "hedging.synchrony", rows)
        self.policy[OFFSET] = desynchronised * draws.uniforms("hedging.offset", rows) * self.interval
        self._ready_at = np.full(rows, -np.inf)
        self._looked_at = np.zeros(rows)
        slack = 2e-9 * float(self.interval.max(initial=0.0))  # of `next_tick`, and a little more
        self._before = -max(1e-6, slack)  # when the rows decided last, s
        self._nothing = frozen(np.zeros(rows))
        self._rows = np.zeros(rows, np.int32)
        self._flags = flag_columns(rows)
        self._screen = np.zeros((SCREEN_ROWS, rows), np.float32)
        self._screen[NET] = np.inf
        self._pending = PendingLots(first_account, self.instruments, rows)
        self._since = 0  # of the changes the ledger has noted
        self._then = np.zeros((2, 0))
        self._mid_then = self._move = 0.0
        self._unsettled, self._hedge = TypedCall(unsettled), TypedCall(hedge)

    @property
    def width(self) -> np.ndarray:
        """Half width of each row's band, as a fraction of its size; 0 where the policy has none."""
        column: np.ndarray = self.policy[WIDTH]
        return column

    @property
    def interval(self) -> np.ndarray:
        """Seconds between the looks of each row."""
        column: np.ndarray = self.policy[INTERVAL]
        return column

    def hedge_options(self, scale: np.ndarray, view: View, outbox: Outbox) -> None:
        """Send the hedges of the options held that fall due now.

        Only rows that can have left their band are looked at (`agents.hedging.kernels.banding`); the
        orders are those of looking at all.

        Parameters
        ----------
        scale : ndarray of float64, shape (N,)
            Size that the band is a fraction of, units; where it changes without a trade of the row's,
            the row is looked at only when the price has moved enough.

        Raises
        ------
        ValueError
            If the rows hold no options.
        """
        scale = np.ascontiguousarray(scale, float)
        first = int(view.holder_of[self._first_account])
        if first < 0:
            raise ValueError("these rows hold no options; a population says how many in `option_slots`")
        self._count_pending(view)
        if self._then.shape[1] == view.contracts.size:
            self._move = float(view.assets[self.asset]["mid"]) - self._mid_then
        else:
            self._renew(first, scale, view)
        suspects, near = self._suspects(view, self.asset)
        if near > RENEWAL_SHARE * scale.size:
            self._renew(first, scale, view)
            suspects, _ = self._suspects(view, self.asset)
        self._send(first, suspects, self._nothing, scale, view, outbox)

    def need_no_options(self, what: str) -> None:
        """Check that the policy can hedge an exposure that is not a book of options.

        Raises
        ------
        Misfit
            If it cannot.
        """
        if self.rule != BAND:
            name = next(name for name, rule in RULES.items() if rule == self.rule)
            said = f'hedging of type "{name}" is for books of options, not for {what}'
            raise Misfit(said, ("hedging", "type"), allowed=("band", "time"))

    def hedge(self, exposure: np.ndarray, scale: np.ndarray, view: View, outbox: Outbox) -> None:
        """Send the hedges that fall due now, of an exposure other than options.

        Parameters
        ----------
        exposure : ndarray of float64, shape (N,)
            Delta to neutralise, units; a read-only array, so that one compiled kernel serves all.
        scale : ndarray of float64, shape (N,)
            Size that the band is a fraction of, units.
        """
        exposure, scale = np.ascontiguousarray(exposure, float), np.ascontiguousarray(scale, float)
        self._count_pending(view)
        suspects, _ = self._suspects(view, NO_OPTIONS)
        self._send(-1, suspects, exposure, scale, view, outbox)

    def _count_pending(self, view: View) -> None:
        """See what the rows have on the way; those for which that is not what it was are looked at."""
        waiting = self._pending.look(view.pending)
        if waiting.size:
            self._screen[NET, waiting] = np.inf

    def _renew(self, first_holder: int, scale: np.ndarray, view: View) -> None:
        """Measure drift from the present deltas on."""
        if self._then.shape[1] != view.contracts.size:
            self._then = np.zeros((2, view.contracts.size))
        remember_deltas(view.contracts, self._then)
        self._mid_then = float(view.assets[self.asset]["mid"])
        self._move = 0.0
        rescreen(
            self._first_account,
            first_holder,
            view.held,
            view.held_lots,
            view.contracts,
            self._then,
            self.instruments,
            self.baseline,
            self._pending.lots,
            view.position,
            view.terms,
            self.policy[WIDTH],
            scale,
            self._screen,
        )

    def _suspects(self, view: View, asset: int) -> tuple[int, int]:
        """List the rows that may be out of their band; returns how many, and how many a renewal may spare."""
        count, near, self._since = self._unsettled.call(
            view.contracts,
            asset,
            self._then,
            self._screen,
            self._move,
            self._first_account,
            view.changes,
            self._since,
            self.is_active,
            *self._flags,
            self._rows,
        )
        return count, near

    def _send(
        self,
        first_holder: int,
        suspects: int,
        exposure: np.ndarray,
        scale: np.ndarray,
        view: View,
        outbox: Outbox,
    ) -> None:
        before, self._before = self._before, view.time
        if suspects == 0:
            return
        outbox.reserve(suspects)
        outbox.count = self._hedge.call(
            view.time,
            before,
            self._first_account,
            self._rows,
            suspects,
            exposure,
            scale,
            first_holder,
            view.held,
            view.held_lots,
            view.contracts,
            view.contract_worth,
            view.contract_margin,
            self.instruments,
            self.baseline,
            self._pending.lots,
            view.cash,
            view.position,
            view.terms,
            self.venues,
            view.quotes,
            float(view.assets[self.asset]["mid"]),
            self.rule,
            self.policy,
            self._ready_at,
            self._looked_at,
            self._then,
            self._screen,
            outbox.rows,
            outbox.count,
        )

    def reroute(self, orders: np.ndarray, view: View) -> None:
        """Choose anew where orders of these rows go, by the route and the market as it is now.

        Parameters
        ----------
        orders : ndarray of ORDER
            Sized in lots of the venue they name; `venue`, `qty` and `kind` are written.
        """
        self._pending.look(view.pending)
        reroute(
            orders,
            self._first_account,
            int(view.holder_of[self._first_account]),
            view.held,
            view.held_lots,
            view.contract_worth,
            view.contract_margin,
            self.instruments,
            self._pending.lots.copy(),
            view.cash,
            view.position,
            view.terms,
            self.venues,
            view.quotes,
            float(view.assets[self.asset]["mid"]),
            self.policy,
        )

    def primary(self, terms: np.ndarray) -> int:
        """The hedging instrument that opening hedges use: a perpetual if there is one."""
        kinds = terms["kind"][self.instruments]
        return int(self.instruments[np.argmax(kinds == PERPETUAL)])

    def opening(self, units: np.ndarray, terms: np.ndarray) -> tuple[int, np.ndarray]:
        """Instrument and lots of a hedge of `units` taken before the first step.

        Parameters
        ----------
        units : ndarray of float64
            Above zero to buy.
        terms : ndarray of TERMS
        """
        instrument = self.primary(terms)
        return instrument, np.round(units / float(terms[instrument]["lot"])).astype(np.int64)

    def set_treasury(self, lots: dict[int, np.ndarray]) -> None:
        """Name the opening lots of hedging instruments that are treasury, not hedge."""
        for j, instrument in enumerate(self.instruments):
            if int(instrument) in lots:
                self.baseline[j] = lots[int(instrument)]
        self._screen[NET] = np.inf

    def reserve(self, lots: np.ndarray) -> None:
        """Never sell so many lots of each row's spot, shape (N,): collateral, unlike a treasury."""
        self.policy[RESERVED] = lots

    def wait(self, row: int, until: float) -> None:
        """Let a row not look before `until`, when an order of its own arrives."""
        self._ready_at[row] = max(self._ready_at[row], until)

    def move_treasury(self, row: int, instrument: int, lots: int) -> None:
        """Take note that a row buys (sells, below zero) lots of its treasury itself, reserved ones first."""
        self.policy[RESERVED, row] = max(0.0, self.policy[RESERVED, row] + lots)
        self.baseline[self.instruments == instrument, row] += lots
        self._screen[NET, row] = np.inf
