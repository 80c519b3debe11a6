"""Mechanisms: what can be taken out of a market one by one, and every market without some of them.

Beside the hedging of populations there are forced selling, where what liquidations sell fills
outside the market, and maker withdrawal, where makers neither thin out nor leave when volatility
rises. A population says by its class which mechanism its hedging belongs to and what keeps its
liquidity in place, so a new population joins in without a change here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from analysis.base.metric import measure
from analysis.feedback.shapley import Coalition, coalitions, credit
from analysis.measures import listed
from scenarios.arms.arms import hedgers
from scenarios.build.build import build
from scenarios.build.compilation import cut_short
from scenarios.build.treatment import Treatment
from scenarios.file.schema import Scenario
from scenarios.process.interruption import Interruption
from scenarios.workers.workers import Failure, run_over
from sim.records import SEIZE

FORCED_SELLING, WITHDRAWAL = "forced selling", "maker withdrawal"


class Mechanism(NamedTuple):
    """One thing that can be taken out of a market.

    Attributes
    ----------
    name : str
    muted : tuple of str
        Populations whose hedges are diverted without it.
    is_forced : bool
        Whether forced sales are diverted without it.
    overlay : mapping of str to object
        Values, by dotted key, that hold without it.
    """

    name: str
    muted: tuple[str, ...] = ()
    is_forced: bool = False
    overlay: Mapping[str, Any] = {}


def mechanisms(scenario: Scenario) -> list[Mechanism]:
    """The mechanisms there are in a scenario."""
    hedging: dict[str, tuple[str, ...]] = {}
    steady: dict[str, Any] = {}
    hedge = hedgers(scenario)
    for entry in scenario.populations:
        if entry.name in hedge:
            name = entry.factory.mechanism or f"hedging of {entry.name}"
            hedging[name] = (*hedging.get(name, ()), entry.name)
        for key, value in entry.factory.steady.items():
            if getattr(entry.parameters, key) is not None:
                steady[f"populations.{entry.name}.{key}"] = value
    found = [Mechanism(name, muted=muted) for name, muted in hedging.items()]
    if any(SEIZE in entry.factory.takes for entry in scenario.venues):
        found.append(Mechanism(FORCED_SELLING, is_forced=True))
    if steady:
        found.append(Mechanism(WITHDRAWAL, overlay=steady))
    return found


def without(scenario: Scenario, taken_out: Iterable[Mechanism]) -> tuple[Scenario, Treatment]:
    """The scenario and the treatment that take these mechanisms out."""
    out = list(taken_out)
    overlay = {key: value for each in out for key, value in each.overlay.items()}
    treatment = Treatment(
        "without " + ", ".join(each.name for each in out) if out else "with all",
        diverted=tuple(name for each in out for name in each.muted),
        exempt=frozenset(hedgers(scenario)),
        is_forced_diverted=any(each.is_forced for each in out),
    )
    return scenario.set_over(overlay, "mechanisms"), treatment


def run_coalitions(
    scenario: Scenario,
    seeds: Sequence[int],
    workers: int,
    progress: Callable[[int], None] = lambda done: None,
    interruption: Interruption | None = None,
) -> tuple[dict[str, Any], dict[int, Failure]]:
    """Run the market with every set of mechanisms over paired seeds, and credit the amplification.

    Returns
    -------
    entries : dict
        As in `shapley.json`: metric to total and mechanisms.
    failures : dict of int to Failure
        Runs that failed, by number.
    """
    players = [each.name for each in mechanisms(scenario)]
    sets = coalitions(players)
    jobs = [(number, seed) for seed in seeds for number in range(len(sets))]
    values: dict[str, np.ndarray] = {}
    failures: dict[int, Failure] = {}
    start: dict[str, Any] = {"workers": workers, "setup": _prepare, "setup_arguments": (scenario,)}
    interruption = interruption or Interruption()
    with cut_short(interruption):
        results = run_over(_run, jobs, stop=lambda: interruption.signal, **start)
        for done, (job, result) in enumerate(results, 1):
            progress(done)
            if isinstance(result, Failure):
                failures[job] = result
                continue
            for name, value in result.items():
                table = values.setdefault(name, np.full((len(sets), len(seeds)), np.nan))
                table[job % len(sets), job // len(sets)] = np.nan if value is None else value
    if interruption.signal:
        return {}, failures
    return {name: credit(_by_coalition(table, sets), players) for name, table in values.items()}, failures


def _by_coalition(table: np.ndarray, sets: Sequence[Coalition]) -> dict[Coalition, np.ndarray]:
    return {each: table[number] for number, each in enumerate(sets)}


_markets: list[tuple[Scenario, Treatment]]


def _prepare(scenario: Scenario) -> None:
    """Set a worker up: the scenario of every coalition."""
    global _markets
    players = mechanisms(scenario)
    _markets = [
        without(scenario, [each for each in players if each.name not in at_work])
        for at_work in coalitions([each.name for each in players])
    ]


def _run(job: tuple[int, int]) -> dict[str, float | None]:
    number, seed = job
    scenario, treatment = _markets[number]
    model = build(scenario, seed, treatment)
    recording = model.run()
    model.release()
    return {name: entry["value"] for name, entry in measure(recording, listed("credited")).items()}
