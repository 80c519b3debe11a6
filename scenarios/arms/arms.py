"""The arms of a scenario: the same world and draws, with the hedging taken out or changed.

What each does is said in `scenarios.file.arm`, for those that every scenario has, and in the
scenario for its own. In all arms that are compared the accounts of the muted populations are
exempt from margin, `margined` apart; a run of `base` alone leaves them under it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from analysis.base.arms import BASE, MUTED, PLACEBO
from scenarios.build.build import build, faults_placed
from scenarios.build.treatment import Treatment, recorded
from scenarios.file import overlays
from scenarios.file.arm import BLOCK_SECONDS, BUILT_IN, BuiltIn, names, replayed
from scenarios.file.errors import Problem, ScenarioError, nearest
from scenarios.file.schema import Scenario
from scenarios.process.interruption import Stopped
from sim.recording.recording import Recording
from sim.setup.draws import Draws


def hedgers(scenario: Scenario) -> tuple[str, ...]:
    """Populations that keep hedges."""
    return tuple(entry.name for entry in scenario.populations if entry.factory.may_hedge(entry.parameters))


class Arms:
    """The arms of one scenario that are to be compared.

    Parameters
    ----------
    scenario : Scenario
    chosen : iterable of str
        Names of arms.

    Attributes
    ----------
    chosen : list of str
    muted : tuple of str
        Populations whose hedging the arms take out.
    exempt : frozenset of str
        Populations that are exempt from margin in all of them.

    Raises
    ------
    ScenarioError
        If there is no such arm.
    """

    def __init__(self, scenario: Scenario, chosen: Iterable[str]) -> None:
        self.scenario = scenario
        self.chosen = [_checked(name, scenario) for name in dict.fromkeys(chosen)]
        own = scenario.arms.get(MUTED)
        self.muted = hedgers(scenario) if own is None or own.mute is None else tuple(own.mute)
        muting = [mute for name in self.chosen for mute in self._mutes(name)]
        self.exempt = frozenset(muting if self.chosen != [BASE] else ())
        self._overlaid: dict[str, Scenario] = {}

    def _mutes(self, arm: str) -> tuple[str, ...]:
        """Populations whose hedges the arm diverts or drops, or compares with."""
        return self.muted if arm in BUILT_IN else tuple(self.scenario.arms[arm].mute or ())

    def market(self, arm: str, seed: int, source: Recording | None = None) -> Any:
        """Build the market of an arm.

        Parameters
        ----------
        arm : str
        seed : int
        source : Recording, optional
            Of the arm whose hedges this one replays, with the same seed.

        Raises
        ------
        ScenarioError
            If parts of it do not fit together.
        """
        if arm not in self._overlaid:
            self._overlaid[arm] = self.scenario.overlaid(arm)
        scenario = self._overlaid[arm]
        try:
            with faults_placed(scenario):
                return build(scenario, seed, self._treatment(arm, seed, source))
        except ScenarioError as error:
            raise self._misfitting(arm, error) from error

    def _misfitting(self, arm: str, error: ScenarioError) -> ScenarioError:
        """The error, with what comes from the values the arm sets at its place among these."""
        document = self.scenario.located()
        overlay = self.scenario.arms[arm].overlay if arm in self.scenario.arms else {}
        path = ("arms", arm, "set")
        origin = document.key(path)
        return ScenarioError(
            overlays.moved(problem, overlay, path, document) if problem.origin == origin else problem
            for problem in error.problems
        )

    def _treatment(self, arm: str, seed: int, source: Recording | None) -> Treatment:
        what = BUILT_IN.get(arm, BuiltIn(is_diverted=True))
        flow = recorded(source, self.muted) if what.replays and source is not None else None
        if flow is not None and what.is_signed:
            flow = flow.signed(self._signs(seed), self._block_seconds)
        return Treatment(
            arm,
            diverted=self._mutes(arm) if what.is_diverted else (),
            replayed=self.muted if what.is_dropped else (),
            flow=flow,
            exempt=frozenset() if what.has_margin else self.exempt,
        )

    @property
    def _block_seconds(self) -> float:
        own = self.scenario.arms.get(PLACEBO)
        return own.block_seconds if own else BLOCK_SECONDS

    def _signs(self, seed: int) -> np.ndarray:
        """A keyed random sign for each block of time."""
        time = self.scenario.time
        blocks = int(time.steps * time.step_seconds / self._block_seconds) + 2
        heads = Draws(seed, "arms").uniforms(PLACEBO, blocks) < 0.5
        signs: np.ndarray = np.where(heads, 1, -1)
        return signs

    def run(
        self,
        seed: int,
        look: Callable[[str, Recording], None],
        failed: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        """Run every chosen arm with one seed, and those that they replay.

        Parameters
        ----------
        seed : int
        look : callable
            Called with the name and the recording of each chosen arm.
        failed : callable, optional
            Called with the name of an arm that raises, or whose source did, and the exception; the
            others go on. If not given, the exception is raised.
        """
        needed = dict.fromkeys(arm for name in self.chosen for arm in (replayed(name) or name, name))
        sources: dict[str, Recording] = {}
        for arm in needed:
            try:
                recording = self._run(arm, seed, sources)
            except Stopped:
                raise
            except (Exception, SystemExit) as error:
                if failed is None:
                    raise
                failed(arm, error)
                continue
            if arm in map(replayed, self.chosen):
                sources[arm] = recording
            if arm in self.chosen:
                look(arm, recording)

    def _run(self, arm: str, seed: int, sources: dict[str, Recording]) -> Recording:
        source = replayed(arm)
        if source and source not in sources:
            raise RuntimeError(f"{arm} replays {source}, which failed")
        model = self.market(arm, seed, sources.get(source))
        try:
            recording: Recording = model.run()
        finally:
            model.release()
        return recording


def alone(scenario: Scenario, arm: str, beside: Iterable[str] = ()) -> Any:
    """Build the market of one arm with the scenario's seed, after running what it replays.

    Parameters
    ----------
    scenario : Scenario
    arm : str
    beside : iterable of str
        Arms that it is compared with.

    Raises
    ------
    ScenarioError
        If there is no such arm, or parts of it do not fit together.
    """
    arms = Arms(scenario.checked(), [arm, *beside])
    source = None
    if replayed(arm):
        first = arms.market(replayed(arm), scenario.seed)
        source = first.run()
        first.release()
    return arms.market(arm, scenario.seed, source)


def _checked(name: str, scenario: Scenario) -> str:
    known = names(scenario.arms)
    if name not in known:
        raise ScenarioError(
            Problem(
                scenario.name,
                "arms",
                f'no arm is named "{name}"',
                found=name,
                allowed=tuple(known),
                nearest=nearest(name, known),
            )
        )
    return name
