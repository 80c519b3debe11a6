"""Probe: sell into a market at several sizes, in one arm or more, over paired seeds, and say what came of it.

build the market, and find what an earlier session has done
run the seeds that are missing over the workers, and keep each as it is finished
write what was found, the scorecard, a row a run, the figures, and say in the manifest what this is
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from analysis.facts.scorecard import Row, entries, excused, pooled
from analysis.figures.drawing import going_on
from analysis.figures.figure import MAIN, NONE
from analysis.probes.arms import compared
from analysis.probes.impact import Impact, Seed
from scenarios.arms.replicates import replicate_seeds
from scenarios.build.compilation import cut_short
from scenarios.folders.begun import Begun
from scenarios.folders.folder import FINISHED, ResultsFolder
from scenarios.probes.prober import Prober, plain, received
from scenarios.process.interruption import Interruption
from scenarios.workers import workers as processes
from scenarios.workers.resumed import resumed
from scenarios.workers.study import Study
from scenarios.workers.workers import Failure

PROBE = "probe"


@dataclass
class ProbeOutcome(Study):
    """What became of a probe, beyond what every study has.

    Attributes
    ----------
    prober : Prober
    seeds : list of int
    found : dict of int to Seed
        By replicate.
    """

    prober: Prober
    seeds: list[int]
    found: dict[int, Seed] = field(default_factory=dict)
    kind: ClassVar[str] = PROBE

    @property
    def impact(self) -> Impact:
        """What the seeds that are done say."""
        return self.impacts[self.prober.arm]

    @property
    def impacts(self) -> dict[str, Impact]:
        """What they say in each arm, those beside the first before it."""
        done = [self.found[replicate] for replicate in sorted(self.found)]
        first, *others = self.prober.arms
        probes = {arm: [seed.beside[number] for seed in done] for number, arm in enumerate(others)}
        probes[first] = [seed.probes for seed in done]
        schedule = self.prober.shares, self.prober.schedule
        return {
            arm: Impact(*schedule, [seed._replace(probes=own) for seed, own in zip(done, each, strict=True)])
            for arm, each in probes.items()
        }


def scored(outcome: ProbeOutcome) -> list[Row]:
    """The stylised facts of the market over the seeds that are done; none if they were not measured."""
    prober, done = outcome.prober, [outcome.found[replicate] for replicate in sorted(outcome.found)]
    if not (done and prober.scored_seconds):
        return []
    seconds = prober.base_steps * prober.schedule.step
    rows = pooled(prober.asset, [seed.facts for seed in done], seconds, outcome.impact)
    return excused(rows, [entry.type for entry in prober.scenario.populations])


def default_folder(prober: Prober) -> Path:
    """`results/<name>-probe-<first digits of the hash>`."""
    return Path("results") / f"{prober.scenario.name}-{PROBE}-{prober.identity()[:8]}"


def probe(
    prober: Prober,
    folder: Path,
    *,
    seeds: int,
    workers: int = 1,
    force: bool = False,
    figures: str = MAIN,
    progress: Callable[[int], None] = lambda done: None,
    interruption: Interruption | None = None,
) -> ProbeOutcome:
    """Run the probes over seeds that are not done yet, and publish what they come to.

    Parameters
    ----------
    prober : Prober
    folder : Path
    seeds : int
    workers : int
        Processes.
    force : bool
        Replace a finished result, if this one is finished too; else it lands beside.
    figures : str
        "none", or any.
    progress : callable
        Called with the number of runs done.
    interruption : Interruption, optional
        Looked at after every seed; what is done by then is published, and gone on with by the next call.

    Raises
    ------
    ScenarioError
        Before anything is written: the market cannot be built, or the folder is taken.
    """
    outcome = ProbeOutcome(prober, replicate_seeds(prober.scenario.seed, seeds))
    results = ResultsFolder(folder, PROBE, force=force)
    interruption = interruption or Interruption()
    with cut_short(interruption):
        prober.build()
    with Begun(folder, prober.identity()) as begun, results:
        with cut_short(interruption):
            _run(outcome, workers, begun, progress, interruption)
        outcome.heed(interruption)
        _publish(outcome, results, figures=figures)
        if outcome.status == FINISHED:
            begun.over()
    return outcome


def _run(
    outcome: ProbeOutcome,
    workers: int,
    begun: Begun,
    progress: Callable[[int], None],
    interruption: Interruption,
) -> None:
    """Do the seeds that are missing, in any order."""
    jobs = {str(seed): seed for seed in outcome.seeds}
    with processes.of(_seed, min(workers, len(jobs)), _prepare, outcome.prober) as those:
        done = resumed(those, jobs, begun, lambda: interruption.signal)
        for number, (name, result) in enumerate(done, 1):
            replicate = outcome.seeds.index(jobs[name])
            if isinstance(result, Failure):
                outcome.note(f"replicate {replicate}", result)
            else:
                outcome.found[replicate] = received(result)
            progress(number * outcome.prober.runs)


_prober: Prober


def _prepare(prober: Prober) -> None:
    """Set a worker up: one reading of the scenario serves all its seeds."""
    global _prober
    _prober = prober


def _seed(seed: int) -> Any:
    """One seed, as plain values."""
    return plain(_prober.seed(seed))


def described(outcome: ProbeOutcome) -> dict[str, Any]:
    """What was found, as in `probe.json`."""
    about = {"asset": outcome.prober.asset, "arm": outcome.prober.arm}
    if not outcome.found:
        return about | {"reason": "no seed was run"}
    beside = {"compared": compared(outcome.impacts)} if len(outcome.prober.arms) > 1 else {}
    return about | outcome.impact.entry() | beside


def _rows(outcome: ProbeOutcome) -> Iterator[dict[str, Any]]:
    """A row a run."""
    schedule, arms = outcome.prober.schedule, outcome.prober.arms
    for replicate, seed in sorted(outcome.found.items()):
        own = {"replicate": replicate, "seed": outcome.seeds[replicate]}
        yield own | {"arm": arms[0], "share": 0.0, "qty": 0.0} | seed.world._asdict()
        for arm, probes in zip(arms, [seed.probes, *seed.beside], strict=True):
            for share, each in zip(outcome.prober.shares, probes, strict=True):
                left = {
                    f"move_{seconds:g}": each.moves[schedule.position(seconds)]
                    for seconds in (0.0, *schedule.horizons)
                }
                numbers = {name: value for name, value in each._asdict().items() if name != "moves"}
                yield own | {"arm": arm, "share": share} | numbers | left


def _publish(outcome: ProbeOutcome, results: ResultsFolder, *, figures: str) -> None:
    """Write what was found, a row a run and the figures, and publish."""
    columns = dict.fromkeys(name for row in _rows(outcome) for name in row)
    results.write_runs([{name: _known(row.get(name)) for name in columns} for row in _rows(outcome)])
    entry, facts = described(outcome), entries(scored(outcome))
    results.write_json(f"{PROBE}.json", entry)
    if facts:
        results.write_json("facts.json", {"facts": facts})
        with (results.partial / "facts.csv").open("w", newline="", encoding="utf-8") as file:
            lines = csv.DictWriter(file, list(facts[0]))
            lines.writeheader()
            lines.writerows(facts)
    if figures != NONE and outcome.found:
        from analysis.facts import card_plots
        from analysis.probes import plots

        with going_on(outcome.figures_failed, PROBE):
            plots.save(entry, results.partial / "figures")
        if facts:
            with going_on(outcome.figures_failed, "facts"):
                card_plots.save({"facts": facts}, results.partial / "figures")
    outcome.publish(results, outcome.prober.scenario, _about(outcome))


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _about(outcome: ProbeOutcome) -> dict[str, Any]:
    """What the probe was, for the manifest."""
    prober = outcome.prober
    return {
        "seeds": outcome.seeds,
        "seeds_done": len(outcome.found),
        "asset": prober.asset,
        "arm": prober.arm,
        "arms": list(prober.arms),
        "shares": list(prober.shares),
        "at": prober.schedule.at,
        "over_seconds": prober.schedule.over,
        "horizons": list(prober.schedule.horizons),
        "scored_seconds": prober.scored_seconds,
    }
