"""The evaluation: the moments of a market with some values of its keys, one seed at a time.

A run of the scenario as it is written gives the metrics, a probe the rest. What the seeds came to is put
together here too: a metric is a mean over seeds, a quantity of a probe is made of the means of all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from analysis.base.arms import BASE
from analysis.base.metric import measure
from analysis.feedback.amplification import NOTHING, Estimate
from analysis.feedback.means import mean
from analysis.probes.impact import PROBE, Impact
from scenarios.arms.arms import Arms
from scenarios.calibration.targets import Targets, needed, prober_of
from scenarios.file.schema import Scenario
from scenarios.probes.prober import plain, received

Values = dict[str, float | int]


class Job(NamedTuple):
    """The market with these values, and a seed."""

    values: Values
    seed: int

    @property
    def name(self) -> str:
        """What tells it from every other job of a calibration."""
        return json.dumps([self.values, self.seed])


class Evaluation:
    """What one seed of a market says of its moments.

    Parameters
    ----------
    scenario : Scenario
    targets : Targets
    """

    def __init__(self, scenario: Scenario, targets: Targets) -> None:
        used = {name: arm for name, arm in scenario.arms.items() if name == targets.probe.arm}
        self.scenario = scenario.model_copy(update={"sweep": None, "arms": used})
        self.targets = targets
        self.prober = prober_of(targets, scenario)

    @property
    def identity(self) -> str:
        """All that decides what a job gives, but its values and seed."""
        probing = self.prober.identity() if self.prober else ""
        return f"{self.scenario.model_copy(update={'seed': 0}).digest(BASE)} {self.targets.metrics} {probing}"

    @property
    def runs(self) -> int:
        """Runs of one job."""
        return bool(self.targets.metrics) + (self.prober.runs if self.prober else 0)

    def build(self, values: Values) -> None:
        """Build the market with these values."""
        Arms(self.scenario.set_over(values, "--to"), [BASE]).market(BASE, self.scenario.seed).release()
        if self.prober:
            self.prober.at(values).build()

    def run(self, job: Job) -> dict[str, Any]:
        """What JSON can hold of a job: the metrics, why some are undefined, and the probe."""
        found: dict[str, Any] = {"metrics": {}, "reasons": {}, "probe": None}
        if self.targets.metrics:
            model = Arms(self.scenario.set_over(job.values, "--to"), [BASE]).market(BASE, job.seed)
            try:
                entries = measure(model.run(), needed(self.targets))
            finally:
                model.release()
            for name in self.targets.metrics:
                entry = entries.get(name) or {"value": None, "reason": "the run has no such metric"}
                found["metrics"][name] = entry["value"]
                if entry["value"] is None:
                    found["reasons"][name] = entry["reason"]
        if self.prober:
            found["probe"] = plain(self.prober.at(job.values).seed(job.seed))
        return found


class Moments:
    """The moments of one market, over the seeds that were run.

    Parameters
    ----------
    targets : Targets
    results : sequence of dict
        As `Evaluation.run` gives them.
    evaluation : Evaluation
    """

    def __init__(self, evaluation: Evaluation, results: Sequence[Mapping[str, Any]]) -> None:
        self._evaluation, self._results = evaluation, results
        self._names = list(evaluation.targets.moments)

    def estimates(self) -> dict[str, Estimate]:
        """Every moment with its interval over seeds; NaN where undefined."""
        if not self._results:
            return dict.fromkeys(self._names, NOTHING)
        probed = self._probed(self._results)
        return {
            name: probed[name] if name.startswith(PROBE) else mean(self._column(name, self._results))
            for name in self._names
        }

    def values(self) -> np.ndarray:
        """Every moment; NaN where undefined."""
        return self._of(self._results)

    def errors(self) -> np.ndarray:
        """Standard error of every moment over seeds; NaN where undefined."""
        found = np.sqrt(np.diag(self.covariance()))
        return np.where(np.isfinite(self.values()), found, np.nan)

    def covariance(self) -> np.ndarray:
        """Covariance of the moments over seeds, by the jackknife; 0 of what is undefined."""
        count = len(self._results)
        if count < 2:
            return np.zeros((len(self._names), len(self._names)))
        without = [self._of([*self._results[:n], *self._results[n + 1 :]]) for n in range(count)]
        away = np.array(without) - np.mean(without, axis=0)
        spread: np.ndarray = np.nan_to_num((count - 1) / count * away.T @ away)
        return spread

    def undefined(self, name: str) -> tuple[int, str]:
        """In how many runs a moment is undefined, and why in the first of them."""
        reasons = [each["reasons"][name] for each in self._results if name in each["reasons"]]
        if self._results and name.startswith(PROBE):
            return 0, self._impact(self._results).reason(name.removeprefix(PROBE))
        return len(reasons), reasons[0] if reasons else "no run was finished"

    def _of(self, results: Sequence[Mapping[str, Any]]) -> np.ndarray:
        if not results:
            return np.full(len(self._names), np.nan)
        probed = self._probed(results)
        found = [
            probed[name].value if name.startswith(PROBE) else _mean(self._column(name, results))
            for name in self._names
        ]
        return np.array(found, float)

    @staticmethod
    def _column(name: str, results: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """A metric by seed."""
        return np.array([each["metrics"][name] for each in results], float)

    def _probed(self, results: Sequence[Mapping[str, Any]]) -> dict[str, Estimate]:
        """What a probe measures, by the names of moments."""
        if self._evaluation.prober is None:
            return {}
        found = self._impact(results).quantities()
        return {f"{PROBE}{name}": each for name, each in found.items()}

    def _impact(self, results: Sequence[Mapping[str, Any]]) -> Impact:
        own = self._evaluation.prober
        if own is None:
            raise ValueError("nothing is probed here")
        return Impact(own.shares, own.schedule, [received(each["probe"]) for each in results])


def _mean(values: np.ndarray) -> float:
    """The mean of what is defined, if that is more than half."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if 2 * known.size > values.size else np.nan
