"""What a comparison of arms came to, and what of it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from analysis.feedback import cautions
from analysis.feedback.amplification import Failed
from analysis.measures import find
from scenarios.arms.arms import Arms
from scenarios.arms.seeds import Row
from scenarios.arms.worlds import World
from scenarios.folders.folder import ResultsFolder
from scenarios.workers.study import Study

AMPLIFICATION, WORLDS = "amplification", "worlds"


@dataclass
class Amplification(Study):
    """What became of a comparison, beyond what every study has.

    Attributes
    ----------
    arms : Arms
    seeds : list of int
        That were asked for.
    rows : list of dict
        A row a run of the scenario as written: replicate, seed, arm, and the metrics, None where undefined.
    entries : dict
        As in `amplification.json`.
    worlds : list of dict
        Values by dotted key of each world that is drawn.
    world_rows : list of list of dict
        Of each world, rows as of the scenario as written.
    uncertain : dict
        Ratios as in `worlds.json`; empty if no worlds are drawn.
    reasons : dict of str to str
        Why a metric was undefined in some run.
    shapley : dict
        As in `shapley.json`; empty if it was not asked for.
    """

    arms: Arms
    seeds: list[int]
    rows: list[Row] = field(default_factory=list)
    entries: dict[str, Any] = field(default_factory=dict)
    worlds: list[World] = field(default_factory=list)
    world_rows: list[list[Row]] = field(default_factory=list)
    uncertain: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    shapley: dict[str, Any] = field(default_factory=dict)
    kind: ClassVar[str] = AMPLIFICATION

    def values(self, metric: str, rows: Sequence[Row] | None = None) -> dict[str, np.ndarray]:
        """Values of a metric by arm, a value a seed, NaN where undefined.

        Parameters
        ----------
        metric : str
        rows : sequence of dict, optional
            Of a world, whose seeds that were not run are NaN too; if not given those of the scenario as
            written, of which there is no value then.
        """
        table = {arm: np.full(len(self.seeds), np.nan) for arm in self.arms.chosen}
        for row in self.rows if rows is None else rows:
            found = row.get(metric)
            table[row["arm"]][row["replicate"]] = np.nan if found is None else found
        if rows is not None:
            return table
        done = sorted({row["replicate"] for row in self.rows})
        return {arm: each[done] for arm, each in table.items()}

    def of_worlds(self) -> dict[str, Any]:
        """The worlds and what came of them, as in `worlds.json`."""
        return {"worlds": self.worlds, "ratios": self.uncertain} if self.worlds else {}

    def failed(self, metric: str, rows: Sequence[Row] | None = None) -> Failed:
        """By arm and seed whether a value is a lower bound, because a market failed in the run."""
        about = find(metric)
        own = about is not None and about.only_grows
        return cautions.failed(self.values(cautions.FAILED, rows)) if own else {}


def write(outcome: Amplification, results: ResultsFolder) -> None:
    """Write the comparison, a row a run and the worlds, and publish."""
    results.write_runs(outcome.rows)
    results.write_json(f"{AMPLIFICATION}.json", outcome.entries)
    if outcome.worlds:
        results.write_json(f"{WORLDS}.json", outcome.of_worlds())
        numbered = list(enumerate(outcome.world_rows))
        rows = [{"world": number, **outcome.worlds[number], **row} for number, own in numbered for row in own]
        results.write_rows("world_runs.parquet", rows)
        results.write_rows("worlds.parquet", _of_worlds(outcome))
    if outcome.shapley:
        results.write_json("shapley.json", outcome.shapley)
    outcome.publish(results, outcome.arms.scenario, _about(outcome))


def _of_worlds(outcome: Amplification) -> list[Row]:
    """A row a world: its values, runs, and the ratio in every metric."""
    rows = []
    for number, world in enumerate(outcome.worlds):
        ratios = {name: entry["as_drawn"][number]["ratio"] for name, entry in outcome.uncertain.items()}
        rows.append({"world": number, **world, "runs": len(outcome.world_rows[number]), **ratios})
    return rows


def _about(outcome: Amplification) -> dict[str, Any]:
    """What the comparison was, for the manifest."""
    return {
        "overrides": outcome.arms.scenario.overrides(),
        "seeds": outcome.seeds,
        "seeds_done": len({row["replicate"] for row in outcome.rows}),
        "worlds": len(outcome.worlds),
        "arms": outcome.arms.chosen,
        "muted": list(outcome.arms.muted),
        "exempt": sorted(outcome.arms.exempt),
    }
