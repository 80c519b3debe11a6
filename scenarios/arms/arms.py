"""The arms of a scenario: the same world and draws, with the hedging taken out or changed.

    base        as written
    muted       the hedges of the muted populations fill at the mid outside the market: their profit
                and exposure are those of hedged accounts, only the impact is gone
    open_loop   the muted arm's fills, sent to the market as recorded: the flow without the feedback
    unhedged    the muted populations do not hedge
    placebo     base's hedges with one random sign per block of ten seconds, sizes kept
    aa          base again, nothing changed: every ratio must be exactly 1
    margined    base with the muted accounts under margin, so that they can default

and those that the scenario defines. In all arms that are compared the accounts of the
muted populations are exempt from margin, `margined` apart; a run of `base` alone leaves
them under it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from scenarios.arms import overlays
from scenarios.build.build import build
from scenarios.build.treatment import Treatment, recorded
from scenarios.file.errors import Problem, ScenarioError, nearest
from scenarios.file.schema import BASE, Scenario
from scenarios.process.interruption import Stopped
from sim.recording.recording import Recording
from sim.setup.draws import Draws

MUTED, OPEN_LOOP, PLACEBO, AA, MARGINED = "muted", "open_loop", "placebo", "aa", "margined"
BUILT_IN = (BASE, MUTED, OPEN_LOOP, "unhedged", PLACEBO, AA, MARGINED)
SOURCES = {OPEN_LOOP: MUTED, PLACEBO: BASE}
"""Arms that replay the hedges of another arm, which runs first."""

BLOCK_SECONDS = 10.0
"""How long one random sign of the placebo holds, unless the scenario says otherwise."""


def hedgers(scenario: Scenario) -> tuple[str, ...]:
    """Populations with a hedging policy."""
    return tuple(
        entry.name
        for entry in scenario.populations
        if hasattr(entry.parameters, "hedging") or getattr(entry.factory, "hedges", False)
    )


def names(scenario: Scenario) -> list[str]:
    """Every arm the scenario can be run as."""
    return list(dict.fromkeys([*BUILT_IN, *scenario.arms]))


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
            Of the arm whose hedges this one replays (`SOURCES`), with the same seed.

        Raises
        ------
        ScenarioError
            If parts of it do not fit together.
        """
        if arm not in self._overlaid:
            self._overlaid[arm] = self.scenario.overlaid(arm)
        scenario = self._overlaid[arm]
        try:
            return build(scenario, seed, self._treatment(arm, seed, source))
        except ValueError as error:
            raise self._misfitting(arm, scenario.misfitting(error)) from error
        except (Exception, SystemExit) as error:
            if broken := scenario.broken(error):
                raise broken from error
            raise

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
        exempt = frozenset() if arm == MARGINED else self.exempt
        if arm in (BASE, AA, MARGINED):
            return Treatment(arm, exempt=exempt)
        if arm in (OPEN_LOOP, PLACEBO, "unhedged"):
            flow = None
            if source is not None:
                flow = recorded(source, self.muted)
            if flow is not None and arm == PLACEBO:
                flow = flow.signed(self._signs(seed), self._block_seconds)
            return Treatment(arm, replayed=self.muted, flow=flow, exempt=exempt)
        return Treatment(arm, diverted=self._mutes(arm), exempt=exempt)

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
        needed = dict.fromkeys(arm for name in self.chosen for arm in (SOURCES.get(name, name), name))
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
            if arm in SOURCES.values():
                sources[arm] = recording
            if arm in self.chosen:
                look(arm, recording)

    def _run(self, arm: str, seed: int, sources: dict[str, Recording]) -> Recording:
        if arm in SOURCES and SOURCES[arm] not in sources:
            raise RuntimeError(f"{arm} replays {SOURCES[arm]}, which failed")
        model = self.market(arm, seed, sources.get(SOURCES.get(arm, "")))
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
    if arm in SOURCES:
        first = arms.market(SOURCES[arm], scenario.seed)
        source = first.run()
        first.release()
    return arms.market(arm, scenario.seed, source)


def _checked(name: str, scenario: Scenario) -> str:
    known = names(scenario)
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
