"""The prober: one seed of a market without an order and with orders of several sizes.

run the market without the scenario's own shocks, and see what is traded in a day
run its base, to see what hedging and liquidation would sell in answer to a fall, and which facts it has
run it with a meta-order of each size, all else the same, and see what is different
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

    Attributes
    ----------
    scenario : Scenario
        Without shocks, and long enough for the last horizon.
    asset : str
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
    ) -> None:
        step = scenario.time.step_seconds
        if at < step:
            what = f"found {at:g}; a step of {step:g} s has to come before the sale"
            raise ScenarioError(Problem(scenario.name, "--at", what))
        self.arm, self.asset = arm, _asset(scenario, asset)
        self.shares = tuple(sorted(set(shares)))
        self.schedule = Schedule(at, over, tuple(sorted(set(horizons))), step)
        if replayed(arm):
            what = f"{arm} replays the hedges of another arm, which knows of no probe"
            raise ScenarioError(Problem(scenario.name, "--arm", what))
        self._arms(scenario)
        used = {name: each for name, each in scenario.arms.items() if name in (arm, MUTED, PLACEBO)}
        alone = scenario.model_copy(update={"sweep": None, "arms": used})
        steps = max(scenario.time.steps, self.schedule.steps)
        self.scenario = alone.set_over({"shocks": [], "time.steps": steps}, "the probe")
        self.scored_seconds = scored_seconds
        self.base_steps = max(steps, math.ceil(scored_seconds / step - 1e-9))

    @property
    def base_is_shared(self) -> bool:
        """Whether the run without a probe is that of base too."""
        return self.arm == BASE and self.base_steps == self.scenario.time.steps

    @property
    def runs(self) -> int:
        """Runs of one seed."""
        return 2 - self.base_is_shared + len(self.shares)

    def identity(self) -> str:
        """Hash of all that decides what a seed gives."""
        own = self.scenario.model_copy(update={"seed": 0}).digest(self.arm)
        asked = self.asset, self.shares, self.schedule, self.scored_seconds, sources_hash(self.scenario)
        return hashlib.sha256(f"{own} {asked}".encode()).hexdigest()

    def at(self, values: dict[str, Any]) -> Prober:
        """The same sales in the market with values set by dotted key."""
        schedule = self.schedule
        asked = (self.shares, schedule.at, schedule.over, schedule.horizons)
        return Prober(self.scenario.set_over(values, "--key"), self.arm, self.asset, *asked)

    def build(self) -> None:
        """Build the market, so that what does not fit together is said before anything is run."""
        self._arms(self.scenario).market(self.arm, self.scenario.seed).release()
        self._base().market(BASE, self.scenario.seed).release()

    def seed(self, seed: int) -> Seed:
        """One seed.

        Raises
        ------
        Undefined
            If nothing is traded without a probe.
        """
        arms = self._arms(self.scenario)
        without = _run(arms, self.arm, seed)
        base = without if self.base_is_shared else _run(self._base(), BASE, seed)
        found = world(without, base, self.asset, self.schedule.at)
        facts = [measured(base, self.asset, fact) for fact in OF_RUNS] if self.scored_seconds else []
        probes = [self._probe(-share * found.volume, without, seed) for share in self.shares]
        return Seed(found, probes, facts)

    def _base(self) -> Arms:
        return self._arms(self.scenario.set_over({"time.steps": self.base_steps}, "--hours"))

    def _probe(self, qty: float, without: Recording, seed: int) -> Probe:
        order = {"type": "market_order", "asset": self.asset, "qty": qty}
        order |= {"at": self.schedule.at, "over_seconds": self.schedule.over}
        scenario = self.scenario.set_over({"shocks": [order]}, "the probe")
        run = _run(self._arms(scenario), self.arm, seed)
        return probed(run, without, self.asset, qty, self.schedule)

    def _arms(self, scenario: Scenario) -> Arms:
        """The arm and base, so that the same accounts are exempt from margin in both."""
        return Arms(scenario, [self.arm, BASE])


def _run(arms: Arms, arm: str, seed: int) -> Recording:
    model = arms.market(arm, seed)
    try:
        recording: Recording = model.run()
    finally:
        model.release()
    return recording


def plain(seed: Seed) -> Any:
    """What JSON can hold of a seed."""
    return [list(seed.world), *([list(each) for each in part] for part in (seed.probes, seed.facts))]


def received(values: Any) -> Seed:
    """The seed that `plain` made of."""
    own, probes, facts = values
    return Seed(World(*own), [Probe(*probe) for probe in probes], [Measured(*fact) for fact in facts])


def _asset(scenario: Scenario, name: str) -> str:
    names = [asset.name for asset in scenario.assets]
    if name and name not in names:
        what = f'no asset is named "{name}"'
        raise ScenarioError(
            Problem(scenario.name, "--asset", what, allowed=tuple(names), nearest=nearest(name, names))
        )
    return name or names[0]
