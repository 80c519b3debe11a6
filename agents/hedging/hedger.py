"""A hedger is an exposure x a policy x a route: three passes over the rows that need a look.

The exposure writes what rows are exposed to into columns, the policy makes of these what is to be
traded, and the route orders of that; the passes know nothing of each other but the columns
(`agents.hedging.columns`). Orders on their way count as held (`sim.messages.pending`), and a row does
not look before its last one can have arrived.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.hedging.columns import (
    COLUMNS,
    DECISION,
    WANTED,
    Clock,
    Holding,
    Sight,
    Sizes,
    Watch,
    unknown_rows,
)
from agents.hedging.exposures.base import Exposure
from agents.hedging.kernels.deciding import claim_all, settle, wait_for
from agents.hedging.kernels.screening import NET, SCREEN_ROWS, describe_all, look, remember_deltas, rescreen
from agents.hedging.policies.base import POLICY, Policy
from agents.hedging.routes.base import Route
from sim.base.typed_call import TypedCall
from sim.kernels.base.flags import flag_columns
from sim.messages.outbox import Outbox
from sim.messages.pending import PendingLots
from sim.messages.view import View
from sim.population import Population
from sim.setup.instruments import PERPETUAL
from sim.setup.listing import Listing
from sim.setup.misfit import Misfit, within

RENEWAL_SHARE = 0.1  # of rows near an edge, above which the reference is renewed
NOTHING_SEEN = np.zeros(0)
UNDECIDED = unknown_rows(1, DECISION)


class Hedger:
    """Runs a policy over a route for the rows of one population.

    Parameters
    ----------
    population : Population
        With `hedging` and `route` among its parameters.
    listing : Listing

    Raises
    ------
    Misfit
        If the route has a venue at which nothing can be hedged, or venues of several assets.

    Attributes
    ----------
    policy : Policy
    route : Route
    exposure : Exposure
        Set by `cover`.
    asset : int
        The asset hedged.
    baseline : ndarray of int64, shape (J, N)
        Lots of the route's instruments that belong to the treasury; set by the population.
    is_active : ndarray of bool, shape (N,)
        Rows that hedge; set by the population.
    """

    exposure: Exposure

    def __init__(self, population: Population, listing: Listing) -> None:
        own, rows = population.parameters, population.rows
        self.policy: Policy = own.hedging.made()
        self.route: Route = own.route.made()
        with within("route"):
            self.route.prepare(listing)
        self.route.account = population.account
        with within("hedging"):
            self.policy.draw(population.draws, rows)
        self.asset, self._population = self.route.asset, population
        self.baseline = np.zeros((self.instruments.size, rows), np.int64)
        self.is_active = np.ones(rows, np.bool_)
        self._reserved = np.zeros(rows)
        self._pending = PendingLots(population.account, self.instruments)
        self._allocate(rows)
        self._prepare_clock(population)

    def _allocate(self, rows: int) -> None:
        policy = self.policy
        self._columns, self._wanted = unknown_rows(rows, COLUMNS), unknown_rows(rows, WANTED)
        self._decisions, self._reaches = unknown_rows(rows, DECISION), unknown_rows(rows, DECISION)
        self._screen = np.zeros((SCREEN_ROWS, rows), np.float32)
        self._screen[NET] = np.inf
        self._sizes = Sizes(policy.response, policy.max_units, policy.max_slippage, self._reserved)
        self._found = np.zeros(rows, np.int32)
        self._since = 0  # of the changes the ledger has noted
        self._mid_then = 0.0
        self._sight = Sight(NOTHING_SEEN, self.asset, np.zeros((2, 0)))
        self._look, self._settle, self._wait_for = TypedCall(look), TypedCall(settle), TypedCall(wait_for)

    def _prepare_clock(self, population: Population) -> None:
        """Let rows look at moments of their own, as far as they are not synchronous."""
        rows, interval = population.rows, self.policy.interval_seconds
        phase = population.draws.uniforms("hedging.offset", rows)
        offset = (1.0 - self.policy.synchrony) * phase * interval
        self._clock = Clock(interval, offset, population.latency, np.full(rows, -np.inf), np.zeros(rows))
        slack = 2e-9 * float(interval.max(initial=0.0))  # of `next_tick`, and a little more
        self._before = -max(1e-6, slack)  # when the rows decided last, s

    @property
    def instruments(self) -> np.ndarray:
        """Dense instruments that count as hedge, shape (J,)."""
        return self.route.instruments

    def cover(self, exposure: Exposure, listing: Listing) -> None:
        """Hedge this from now on.

        Raises
        ------
        Misfit
            If the policy needs what the exposure does not give.
        """
        lacking = [name for name in self.policy.needs if name not in exposure.gives]
        if lacking:
            named = self.policy.parameters.type
            said = f'hedging of type "{named}" needs {lacking[0]}, which {exposure.about} does not give'
            fit = [name for name, policy in POLICY.classes() if {*policy.needs} <= {*exposure.gives}]
            raise Misfit(said, ("hedging", "type"), allowed=fit)
        self._reach = self.policy.reach if exposure.is_bounded else None
        exposure.belong(self._population, self.asset)
        exposure.take(self._population, listing)
        self.exposure = exposure
        self._population.gamma_power = exposure.gamma_power

    def hedge(self, view: View, outbox: Outbox) -> None:
        """Send the hedges that fall due now.

        Only rows whose clock has ticked and that can have left their edges are looked at
        (`agents.hedging.kernels.screening`); the orders are those of looking at all.
        """
        columns = self._looked_at(view)
        if columns.size:
            wanted = self._decided(columns, view)
            if wanted.size:
                self._send(wanted, view, outbox)

    def _looked_at(self, view: View) -> np.ndarray:
        """The rows that need a look, with what is known of them."""
        waiting = self._pending.look(view.pending)
        if waiting.size:
            self._screen[NET, waiting] = np.inf
        if self.exposure.things(view) is not self._sight.things:
            self._renew(view)
        count, near = self._find(view)
        if near > RENEWAL_SHARE * self._found.size:
            self._renew(view)
            count, _ = self._find(view)
        self._before = view.time
        return self._columns[:count]

    def _find(self, view: View) -> tuple[int, int]:
        """Describe the rows that need a look; returns how many, and how many a renewal may spare."""
        price = float(view.assets[self.asset]["mid"])
        count, near, self._since = self._look.call(
            view.time,
            self._before,
            price,
            price - self._mid_then,
            self._since,
            self._sight,
            self._watch,
            self._clock,
            self._holding,
            self._columns,
        )
        return count, near

    def _decided(self, columns: np.ndarray, view: View) -> np.ndarray:
        """What the rows looked at are to trade, by exposure and policy."""
        decisions, reaches = self._decisions[: columns.size], self._reaches[: columns.size]
        self._fill(columns, view)
        self.policy.decide(columns, decisions)
        if self._reach is not None:
            self._reach(columns, reaches)
        count = self._settle.call(
            float(view.assets[self.asset]["mid"]) - self._mid_then,
            columns,
            decisions,
            reaches,
            UNDECIDED,
            self._sizes,
            self._clock,
            self._holding,
            self._screen,
            self._wanted,
        )
        return self._wanted[:count]

    def _fill(self, columns: np.ndarray, view: View) -> None:
        """Let the exposure write what the policy reads."""
        needs = self.policy.needs
        self.exposure.fill(columns, view)
        if "vega" in needs or "theta" in needs:
            self.exposure.fill_further(columns, view)
        if "adjusted_delta" in needs:
            for name in ("k", "load", "later"):
                columns[name] = 0.0
            self.policy.prepare(columns)
            self.exposure.adjust(columns, view)

    def _send(self, wanted: np.ndarray, view: View, outbox: Outbox) -> None:
        """Let the route send it; who has sent waits for it to arrive."""
        before = outbox.count
        self.route.send(wanted, view, outbox)
        sent = outbox.rows[before : outbox.count]
        if sent.size:
            self._wait_for.call(sent, self._population.account, view.owners, self._clock.ready_at)

    def _renew(self, view: View) -> None:
        """Measure drift from the present deltas on."""
        things = self.exposure.things(view)
        if self.exposure.reference.shape[1] != things.size:
            self.exposure.reference = np.zeros((2, things.size))
        remember_deltas(things, self.exposure.reference)
        self._sight = Sight(things, self.asset, self.exposure.reference)
        flags = flag_columns(self._found.size)
        self._watch = Watch(self._screen, view.changes, view.owners, self.is_active, *flags, self._found)
        self._holding = self._held(view, self._pending.lots)
        price = self._mid_then = float(view.assets[self.asset]["mid"])
        if self._reach is not None:
            describe_all(view.time, price, self._clock, self._holding, self._columns)
            self._fill(self._columns, view)
            self._reach(self._columns, self._reaches)
            rescreen(self._columns, self._reaches, 0.0, self._screen)
            self._reaches[:] = UNDECIDED

    def _held(self, view: View, pending: np.ndarray) -> Holding:
        """What the rows hold of their hedging instruments, and have on the way."""
        account = self._population.account
        return Holding(account, self.instruments, self.baseline, pending, view.position, view.terms)

    def reroute(self, orders: np.ndarray, view: View) -> None:
        """Choose anew where orders of these rows go, by the route and the market as it is now.

        One that the route would not send now, or as several, stays where it was sent.

        Parameters
        ----------
        orders : ndarray of ORDER
            Sized in lots of the venue they name; `account`, `venue`, `qty` and `kind` are written.
        """
        self._pending.look(view.pending)
        holding = self._held(view, self._pending.lots.copy())
        rows = view.owners.row_of[orders["account"]]
        for batch in _of_one_each(rows):
            own = orders[batch]
            wanted = self._wanting(own, rows[batch], view)
            claim_all(wanted, self._reserved, holding)
            again = Outbox()
            again.now = view.time
            self.route.send(wanted, view, again)
            sent = again.rows[: again.count]
            _redirect(own, rows[batch], sent, view.owners.row_of[sent["account"]], view.quotes["takes"])
            orders[batch] = own
            places = np.searchsorted(self.instruments, view.quotes["instrument"][own["venue"]])
            holding.pending[places, wanted["row"]] += own["qty"]

    def _wanting(self, orders: np.ndarray, rows: np.ndarray, view: View) -> np.ndarray:
        """What these orders, each of another row, were to trade."""
        wanted = unknown_rows(orders.size, WANTED)
        wanted["row"] = rows
        wanted["units"] = orders["qty"] * view.quotes["lot"][orders["venue"]]
        wanted["slippage"] = self._sizes.slippage[wanted["row"]]
        wanted["latency"] = orders["latency"]
        return wanted

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
        self._reserved[:] = lots

    def wait(self, row: int, until: float) -> None:
        """Let a row not look before `until`, when an order of its own arrives."""
        self._clock.ready_at[row] = max(self._clock.ready_at[row], until)

    def move_treasury(self, row: int, instrument: int, lots: int) -> None:
        """Take note that a row buys (sells, below zero) lots of its treasury itself, reserved ones first."""
        self._reserved[row] = max(0.0, self._reserved[row] + lots)
        self.baseline[self.instruments == instrument, row] += lots
        self._screen[NET, row] = np.inf


def _of_one_each(rows: np.ndarray) -> list[np.ndarray]:
    """Places of rows, in batches in which each row is once, the first of each first."""
    order = np.argsort(rows, kind="stable")
    sorted_rows = rows[order]
    turn = np.arange(rows.size) - np.searchsorted(sorted_rows, sorted_rows)
    turns = np.empty_like(turn)
    turns[order] = turn
    return [np.flatnonzero(turns == n) for n in range(int(turns.max(initial=-1)) + 1)]


def _redirect(
    orders: np.ndarray, rows: np.ndarray, sent: np.ndarray, senders: np.ndarray, takes: np.ndarray
) -> None:
    """Let orders of a row each go where one that its route sends now would go."""
    place: dict[int, Any] = {int(row): n for n, row in enumerate(rows)}
    found, counts = np.unique(senders, return_counts=True)
    single = set(found[counts == 1].tolist())
    for order, row in zip(sent, senders.tolist(), strict=True):
        if row in single:
            n = place[row]
            for field in ("account", "venue", "qty"):
                orders[n][field] = order[field]
            orders[n]["kind"] = takes[order["venue"]]
