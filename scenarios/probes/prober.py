"""The prober: one seed of a market without an order and with orders of several sizes.

run the market without the scenario's own shocks, in each arm, and see what is traded in a day
run its base, to see what hedging and liquidation would sell in answer to a fall, and which facts it has
run each arm with a meta-order of each size, all else the same, and see what is different
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

from analysis.base.arms import BASE, MUTED, PLACEBO
from analysis.facts.bands import OF_RUNS
from analysis.facts.scorecard import Measured, measured
from analysis.probes.impact import Seed
from analysis.probes.observed import Probe, Schedule, World, probed, world
from scenarios.arms.arms import Arms
from scenarios.file.arm import replayed
from scenarios.file.errors import Problem, ScenarioError, nearest
from scenarios.file.schema import Scenario
from scenarios.file.sources import sources_hash
from sim.recording.recording import Recording

SIZES = (0.001, 0.003, 0.01, 0.03, 0.1)
"""Of the volume of a day."""

AT, OVER, HORIZONS = 600.0, 600.0, (1.0, 60.0, 600.0, 3600.0)


class Prober:
    """Sales of one asset in one arm of a scenario.

    Parameters
    ----------
    scenario : Scenario
    arm : str
    asset : str
        The first, if empty.
    shares : sequence of float
        Sizes over the volume of a day.
    at, over : float
        When a sale begins, and how long it lasts, s.
    horizons : sequence of float
        Times after its end, s.
    scored_seconds : float
        How long the base run lasts at least, of which the stylised facts are measured; none are at 0.
    beside : sequence of str
        Further arms, into which the same units are sold: those that are shares of the volume of `arm`.

    Attributes
    ----------
    scenario : Scenario
        Without shocks, and long enough for the last horizon.
    asset : str
    arms : tuple of str
        `arm`, and those beside it.
    shares : tuple of float
        Rising.
    schedule : Schedule

    Raises
    ------
    ScenarioError
        If there is no such arm or asset, or a sale would begin before the first step has ended.
    """

    def __init__(
        self,
        scenario: Scenario,
        arm: str = MUTED,
        asset: str = "",
        shares: Sequence[float] = SIZES,
        at: float = AT,
        over: float = OVER,
        horizons: Sequence[float] = HORIZONS,
        scored_seconds: float = 0.0,
        beside: Sequence[str] = (),
    ) -> None:
        step = scenario.time.step_seconds
        if at < step:
            what = f"found {at:g}; a step of {step:g} s has to come before the sale"
            raise ScenarioError(Problem(scenario.name, "--at", what))
        self.arm, self.asset = arm, _asset(scenario, asset)
        self.arms = tuple(dict.fromkeys([arm, *beside]))
        self.shares = tuple(sorted(set(shares)))
        self.schedule = Schedule(at, over, tuple(sorted(set(horizons))), step)
        if replaying := [name for name in self.arms if replayed(name)]:
            what = f"{replaying[0]} replays the hedges of another arm, which knows of no probe"
            raise ScenarioError(Problem(scenario.name, "--arms", what))
        self._arms(scenario)
        needed = (*self.arms, MUTED, PLACEBO)
        used = {name: each for name, each in scenario.arms.items() if name in needed}
        alone = scenario.model_copy(update={"sweep": None, "arms": used})
        steps = max(scenario.time.steps, self.schedule.steps)
        self.scenario = alone.set_over({"shocks": [], "time.steps": steps}, "the probe")
        self.scored_seconds = scored_seconds
        self.base_steps = max(steps, math.ceil(scored_seconds / step - 1e-9))

    @property
    def base_is_shared(self) -> bool:
        """Whether a run without a probe is that of base too."""
        return BASE in self.arms and self.base_steps == self.scenario.time.steps

    @property
    def runs(self) -> int:
        """Runs of one seed."""
        return len(self.arms) * (1 + len(self.shares)) + (not self.base_is_shared)

    def identity(self) -> str:
        """Hash of all that decides what a seed gives."""
        own = self.scenario.model_copy(update={"seed": 0}).digest(self.arm)
        asked = self.asset, self.arms, self.shares, self.schedule, self.scored_seconds
        return hashlib.sha256(f"{own} {asked} {sources_hash(self.scenario)}".encode()).hexdigest()

    def at(self, values: dict[str, Any]) -> Prober:
        """The same sales in the market with values set by dotted key."""
        schedule = self.schedule
        asked = (self.shares, schedule.at, schedule.over, schedule.horizons)
        changed = self.scenario.set_over(values, "--key")
        return Prober(changed, self.arm, self.asset, *asked, beside=self.arms[1:])

    def build(self) -> None:
        """Build the market, so that what does not fit together is said before anything is run."""
        for arm in self.arms:
            self._arms(self.scenario).market(arm, self.scenario.seed).release()
        self._base().market(BASE, self.scenario.seed).release()

    def seed(self, seed: int) -> Seed:
        """One seed.

        Raises
        ------
        Undefined
            If nothing is traded without a probe.
        """
        arms = self._arms(self.scenario)
        without = {arm: _run(arms, arm, seed) for arm in self.arms}
        base = without[BASE] if self.base_is_shared else _run(self._base(), BASE, seed)
        found = world(without[self.arm], base, self.asset, self.schedule.at)
        facts = [measured(base, self.asset, fact) for fact in OF_RUNS] if self.scored_seconds else []
        sizes = [-share * found.volume for share in self.shares]
        probes = [[self._probe(arm, qty, run, seed) for qty in sizes] for arm, run in without.items()]
        return Seed(found, probes[0], facts, probes[1:])

    def _base(self) -> Arms:
        return self._arms(self.scenario.set_over({"time.steps": self.base_steps}, "--hours"))

    def _probe(self, arm: str, qty: float, without: Recording, seed: int) -> Probe:
        order = {"type": "market_order", "asset": self.asset, "qty": qty}
        order |= {"at": self.schedule.at, "over_seconds": self.schedule.over}
        scenario = self.scenario.set_over({"shocks": [order]}, "the probe")
        run = _run(self._arms(scenario), arm, seed)
        return probed(run, without, self.asset, qty, self.schedule)

    def _arms(self, scenario: Scenario) -> Arms:
        """The arms and base, so that the same accounts are exempt from margin in all."""
        return Arms(scenario, [*self.arms, BASE])


def _run(arms: Arms, arm: str, seed: int) -> Recording:
    model = arms.market(arm, seed)
    try:
        recording: Recording = model.run()
    finally:
        model.release()
    return recording


def plain(seed: Seed) -> Any:
    """What JSON can hold of a seed."""
    listed = [[list(each) for each in part] for part in (seed.probes, seed.facts, *seed.beside)]
    return [list(seed.world), *listed[:2], listed[2:]]


def received(values: Any) -> Seed:
    """The seed that `plain` made of."""
    own, probes, facts, beside = values
    first, *others = [[Probe(*probe) for probe in each] for each in (probes, *beside)]
    return Seed(World(*own), first, [Measured(*fact) for fact in facts], others)


def _asset(scenario: Scenario, name: str) -> str:
    names = [asset.name for asset in scenario.assets]
    if name and name not in names:
        what = f'no asset is named "{name}"'
        raise ScenarioError(
            Problem(scenario.name, "--asset", what, allowed=tuple(names), nearest=nearest(name, names))
        )
    return name or names[0]
