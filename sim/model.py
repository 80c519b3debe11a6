"""The model: one step of the market, phase by phase.

    drivers advance                              exogenous value and volatility
    options that expire now are settled          at the index of this moment, or its average
    for phase in quote, trade, hedge, liquidate: each a decision instant at the step's start
        populations see the View and send orders
        what arrives by this instant is executed
    while accounts are in breach:                a liquidation round each `round_seconds`,
        liquidate, quote, hedge                  so that a cascade does not depend on the step
    what arrives within the step is executed     in order of arrival, across venues
    funding is paid
    the step is recorded

Decisions fall at the start of the step (and of each round); orders then meet the market
in the order in which they arrive. A population that trades at any time within a step
sends its orders with later decision times.

Orders that a seizure sends are sorted into what has not arrived yet. Index and mark, and who is in
breach, are as of the last look: the start of the step or of the round. What a book expires by
itself is written when its next order comes, with the time at which it expired. Rounds begin in a
step in whose first look somebody was in breach. What expires when the last step ends is settled by a
look at that moment, after the step was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mesa
import numpy as np

from sim.accounts.profile import profile
from sim.accounts.waterfall import Waterfall
from sim.assembly import Assembly
from sim.base.ahead import compile_ahead
from sim.base.typed_call import PREPARED, TypedCall
from sim.delivery import Delivery
from sim.intervention import Decider
from sim.kernels.recording import observation
from sim.messages.tape import Tape
from sim.messages.view import frozen
from sim.population import Population
from sim.recording.collector import SeriesCollector
from sim.recording.depths import Depths
from sim.recording.recording import Recording
from sim.recording.tables import Run, tables
from sim.records import HEDGING, LIQUIDATING, MOVES, OPEN, QUOTING, STEP, TRADING
from sim.setup.listing import END_USERS, SECONDS_PER_YEAR, SYSTEM
from sim.venues.liquidation.liquidation import Liquidation
from sim.venues.venue import Venue

PHASES = {"open": OPEN, "quote": QUOTING, "trade": TRADING, "hedge": HEDGING, "liquidate": LIQUIDATING}
STEP_PHASES = ("quote", "trade", "hedge", "liquidate")
ROUND_PHASES = ("liquidate", "quote", "hedge")
VOLATILITY_WINDOW = 60.0


class Model(mesa.Model):  # type: ignore[misc]  # Mesa ships no types
    """A market of venues and populations.

    `scenarios.build.build` assembles one from a scenario; a program may do the same by hand. It is
    an ordinary Mesa model: `step()` runs one step, `agents` holds one agent per population.

    Attributes
    ----------
    time : float
        Seconds since the start, at the start of the next step.
    steps_total : int
        Steps the scenario asks for; `running` turns False after them, or when a market fails.
    view : View
    moves_recorded : int or None
        Moves on the tape that a row of the series tells of; None for all of them.
    """

    def __init__(self, rng: Any = None) -> None:
        super().__init__(rng=rng)
        self.steps_taken = 0
        self.populations: list[Population] = []

    def assemble(self, parts: Assembly) -> None:
        """Take the parts, open the venues and run the opening phase."""
        self.listing, self.ledger, self.margin, self.router = (
            parts.listing,
            parts.ledger,
            parts.margin,
            parts.router,
        )
        self.venues, self.drivers, self.oracles = list(parts.venues), parts.drivers, list(parts.oracles)
        self.settlement, self.recorder, self.view = parts.settlement, parts.recorder, parts.view
        self.steps_total, self.round_seconds = parts.steps, parts.round_seconds
        self.description, self.listed = parts.description, parts.listed
        self._quotes, self._assets = parts.quotes, parts.assets
        self.view.pending = self.router.pending
        self.datacollector = SeriesCollector(self.recorder)
        by_index = {venue.index: venue for venue in self.venues}
        books = [by_index[int(index)] for index in self.listed]
        self.depths = Depths(books, self._quotes, self.listing.step_seconds)
        self.tape = Tape()
        self.delivery = Delivery(self.router, self.venues, self.margin, self.ledger, self.tape, self.view)
        self._priced = [v for v in self.venues if v.is_priced]
        self._followers = [v for v in self._priced if v.follows_value]
        self._appraisers = [v for v in self.venues if v.appraises]
        self._fallible = [v for v in self.venues if v.may_fail]
        self._vouching = [v for v in self.venues if v.vouches]
        self._liquidation = next((v for v in self.venues if v.seizes), None)
        self._by_phase: dict[str, list[Decider]] = {
            phase: [p for p in self.populations if phase in p.phases] for phase in ("open", *STEP_PHASES)
        }
        self._interventions: dict[str, Decider] = {}
        self._mid_at_hedge = np.array(self.listing.spots, float)
        self._last_mid = np.array(self.listing.spots, float)
        self._worst_residual = 0.0
        self._shown_live: np.ndarray | None = None
        self.moves_recorded: int | None = None
        self._refresh = TypedCall(observation.refresh)
        self._estimate_volatility = TypedCall(observation.estimate_volatility)
        self._open()

    def intervene(self, population: Population, around: Callable[[Decider], Decider]) -> None:
        """Put an intervention around what a population does from now on, and around earlier ones."""
        before = self._interventions.get(population.name, population)
        after = self._interventions[population.name] = around(before)
        for deciders in self._by_phase.values():
            deciders[:] = [after if each is before else each for each in deciders]

    @property
    def time(self) -> float:
        """Seconds since the start of the run."""
        return self.steps_taken * self.listing.step_seconds

    def _open(self) -> None:
        """Let populations take their opening positions, before the first step: buyers of options last."""
        compile_ahead(PREPARED)
        self.view.time, self.view.step, self.view.step_seconds = 0.0, 0, self.listing.step_seconds
        self._see(0.0, self._priced)
        opening = [p for p in self.populations if "open" in p.phases]
        for population in sorted(opening, key=lambda p: p.buyers == SYSTEM[END_USERS]):  # sellers first
            self._decide("open", 0.0, [population])
            if self.delivery.execute(0.0):
                self._see(0.0, self._priced)
        backed = [p.account.ravel() for p in self.populations if p.is_backed]
        self.waterfall = Waterfall(self.ledger, np.concatenate([np.zeros(0, np.int64), *backed]))
        self.margin.run(self.view)
        self.settlement.relist()
        self.opening_worth = self.worth()
        self.opening_profile = profile(self.ledger, self.view, self.margin, 0)
        self.recorder.start(self.view, self.ledger, self.tape, self._mid_at_hedge)
        self._worst_residual = self.ledger.check(0)

    def step(self) -> None:
        """Run one step."""
        start, end = self.time, self.time + self.listing.step_seconds
        self._start_step(start)
        for phase in STEP_PHASES:
            if phase == "hedge":
                self._mid_at_hedge[:] = self.view.assets["mid"]
            if phase == "liquidate":
                self.margin.watch(self.view)
            self._run_phase(phase, start)
        self._run_rounds(start, end)
        self.delivery.deliver(end)
        self.delivery.wind(end)
        self._settle(end)
        self.steps_taken += 1
        self.running = self.steps_taken < self.steps_total and not self.failures
        if not self.running:
            self._close()

    def _start_step(self, now: float) -> None:
        view, self.moves_recorded = self.view, None
        view.time, view.step = now, self.steps_taken
        self.tape.counts[STEP] = self.steps_taken
        self._advance(now)

    def _advance(self, now: float) -> None:
        """Let the exogenous values become those of a step that begins now, and look."""
        self.drivers.advance(self.steps_taken)
        self._assets["value"] = self.drivers.values
        for venue in self._priced:
            venue.start_step(self.tape)
        self._see(now, self._followers)

    def _close(self) -> None:
        """Settle what expires as the last step ends, at the values of that moment.

        Nobody acts on it any more: whom it leaves in breach, or owing, is not liquidated.
        """
        self._show_contracts()
        if self.settlement.is_due(self.time):
            self.moves_recorded = int(self.tape.counts[MOVES])  # the series has no row of later ones
            self._advance(self.time)
            self._worst_residual = max(self._worst_residual, self.ledger.check(self.steps_taken))

    def _run_phase(self, phase: str, now: float) -> None:
        """Let the populations of a phase decide, and execute what arrives at once."""
        self.view.time = now
        if self._by_phase[phase]:
            self._decide(phase, now, self._by_phase[phase])
        if self.router.earliest <= now:
            self.delivery.execute(now)
            self._see_trades(now)

    def _run_rounds(self, start: float, end: float) -> None:
        """Go on liquidating while accounts are in breach and the step has time."""
        now = start + self.round_seconds
        while self._liquidation and self.margin.in_breach.size and now < end - 1e-9:
            self.delivery.execute(now)
            self._see(now, self._priced)
            self.margin.watch(self.view)
            for phase in ROUND_PHASES:
                self._run_phase(phase, now)
            now += self.round_seconds

    def _decide(self, phase: str, now: float, deciders: Sequence[Decider]) -> None:
        outbox, view = self.router.outbox, self.view
        outbox.now = view.time = now
        for decider in deciders:
            decider.decide(phase, view, outbox)
        self.delivery.send(PHASES[phase])

    def _observe(self, venues: Sequence[Venue]) -> None:
        """Bring quotes, mids and margin prices up to date with these venues; without any, nothing is."""
        if not venues:
            return
        for venue in venues:
            venue.observe(self._quotes)
        self._refresh.call(self._quotes, self.listed, self._assets, self.ledger.terms)
        for venue in self._appraisers:
            venue.appraise(self._assets, self.ledger.terms)

    def _see_trades(self, now: float) -> None:
        """Look again after trades within an instant."""
        self._show_contracts()
        self._observe(self._priced)
        self.margin.reprice(now, self.view)

    def _see(self, now: float, venues: Sequence[Venue]) -> None:
        """Look at venues, then at index and mark; settle what has expired and revalue the other options."""
        self._observe(venues)
        for oracle in self.oracles:
            oracle.update(now, self._assets, self._quotes)
        self.settlement.publish(now, self._assets)
        self._refresh.call(self._quotes, self.listed, self._assets, self.ledger.terms)
        self._show_contracts()
        if self.settlement.is_due(now):
            self.settlement.expire(now, self.tape)
            self._show_contracts()
        self.margin.reprice(now, self.view)

    def _show_contracts(self) -> None:
        """Let the View show the contracts listed since it last did, and which have not expired."""
        universe = self.ledger.universe
        if self.view.contracts.size != len(universe.contract_names):
            self.ledger.fit_contracts()
            self.view.contracts = frozen(universe.contracts)
            self.settlement.relist()
        if self._shown_live is not universe.live:
            self._shown_live = universe.live
            self.view.live = frozen(universe.live)

    def _settle(self, end: float) -> None:
        """Settle, check and record the step that ends now."""
        view = self.view
        view.time = end
        self._observe(self._priced)
        if self._liquidation:
            self.waterfall.run(self.steps_taken, self._liquidation.seized)
        self.settlement.fund(end, view)
        self._estimate_volatility.call(
            self._assets, self._last_mid, self.listing.step_seconds, VOLATILITY_WINDOW, SECONDS_PER_YEAR
        )
        self._worst_residual = max(self._worst_residual, self.ledger.check(self.steps_taken))
        for venue in self._vouching:
            venue.vouch(self.steps_taken)
        breaches = self.margin.in_breach.size
        self.recorder.record(view, self.ledger, self.tape, breaches, end)
        self.depths.look(self.steps_taken)

    def run(self) -> Recording:
        """Run the steps that are left and return the recording."""
        while self.running:
            self.step()
        return self.recording()

    def release(self) -> None:
        """Let go of what Mesa keeps of agents that are no populations; without any a model goes by itself."""
        mesa.Agent._ids.pop(self, None)

    def __getstate__(self) -> Any:
        """Refuse to be copied: in a copy, what the parts share would be theirs alone.

        Raises
        ------
        TypeError
        """
        raise TypeError("a market can be neither copied nor pickled; build it again, equal seeds run equally")

    def recording(self) -> Recording:
        """What the run has left so far."""
        universe = self.ledger.universe
        instruments = universe.names + universe.contract_names
        market = {**self.description, "instruments": instruments}
        if self._fallible:
            market["failures"] = self.failures
        return Recording(market, tables(self._left()))

    def _left(self) -> Run:
        """What the tables of a recording are made from."""
        return Run(
            self.description,
            self.listing,
            self.listed,
            self.round_seconds,
            self.ledger,
            self.margin,
            self.view,
            self.tape,
            self.recorder.series(),
            self.steps_taken,
            self.moves_recorded,
            self.liquidations,
            self.waterfall.debts,
            self.opening_worth,
            self.worth(),
            self.opening_profile,
            self.depths.columns(),
        )

    @property
    def failures(self) -> list[dict[str, Any]]:
        """Market failures: `venue`, `time` (s) and the `side` that was empty, bid, ask or both."""
        return [failure for venue in self._fallible if (failure := venue.failure())]

    @property
    def liquidations(self) -> list[Liquidation]:
        """Every liquidation so far."""
        return self._liquidation.liquidations if self._liquidation else []

    def worth(self) -> np.ndarray:
        """Value of every account, collateral at full value, quote currency."""
        return self.margin.worth()

    def reports(self) -> dict[str, dict[str, Any]]:
        """What populations have to say beyond their parameters, by name."""
        return {p.name: report for p in self.populations if (report := p.report())}

    def residuals(self) -> dict[str, float]:
        """Largest cash residual of any step, and lots of instruments that came from nowhere."""
        _, lots = self.ledger.residuals()
        names = self.ledger.universe.names + self.ledger.universe.contract_names
        return {"cash": self._worst_residual, **dict(zip(names, lots.tolist(), strict=True))}
