"""The outcome of a calibration: what was looked at, where the search ended, and what is written of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from analysis.calibration.fit import Asked, Found, distance
from analysis.calibration.precision import covariance, precision
from analysis.figures.drawing import going_on
from analysis.figures.figure import NONE
from scenarios.calibration.evaluation import Evaluation, Job, Moments
from scenarios.calibration.fitted import fitted
from scenarios.calibration.targets import Space, Targets
from scenarios.file.schema import Scenario
from scenarios.folders.folder import ResultsFolder
from scenarios.workers.study import Study

CALIBRATION = "calibration"


@dataclass
class Calibration(Study):
    """What became of a calibration, beyond what every study has.

    Attributes
    ----------
    evaluation : Evaluation
    space : Space
    seeds, fresh : list of int
        At every place, and at the finalists.
    made_by : str
        The command.
    places : list of ndarray
        Of the unit cube, in the order in which they were looked at.
    results : list of list
        What each place's seeds came to.
    found : Found or None
        Where the search ended; None if it did not.
    """

    evaluation: Evaluation
    space: Space
    seeds: list[int]
    fresh: list[int]
    made_by: str
    places: list[np.ndarray] = field(default_factory=list)
    results: list[list[dict[str, Any]]] = field(default_factory=list)
    found: Found | None = None
    kind: ClassVar[str] = CALIBRATION

    @property
    def targets(self) -> Targets:
        """What is aimed at."""
        return self.evaluation.targets

    @property
    def is_fitted(self) -> np.ndarray:
        """Of each moment, whether it is fitted and not held out."""
        return ~self.targets.column("held_out")

    def jobs(self, place: np.ndarray, *, is_again: bool = False) -> list[Job]:
        """What there is to do at a place."""
        return [Job(self.space.values(place), seed) for seed in (self.fresh if is_again else self.seeds)]

    def add(self, asked: Asked, found: list[list[dict[str, Any]]]) -> None:
        """Take what the seeds came to at some places; those of one that is looked at again are joined."""
        if asked.is_again:
            for place, own in zip(asked.places, found, strict=True):
                self.results[self._number(place)] += own
        else:
            self.places += list(asked.places)
            self.results += found

    def _number(self, place: np.ndarray) -> int:
        return next(n for n, each in enumerate(self.places) if np.array_equal(each, place))

    def moments(self, number: int) -> Moments:
        """The moments of a place."""
        return Moments(self.evaluation, self.results[number])

    def distances(self) -> np.ndarray:
        """Sum of squares of (moment - target) / error of each place, over what is fitted."""
        own = self.targets
        values = np.array([self.moments(number).values() for number in range(len(self.places))])
        off = (values - own.column("target")) / own.column("error")
        return distance(off[:, self.is_fitted])

    @property
    def best(self) -> int:
        """Number of the place where the search ended, or of the nearest so far."""
        if self.found is None:
            return int(np.argmin(self.distances()))
        return self._number(self.found.place)

    def values(self, number: int) -> dict[str, float | int]:
        """Values by key at a place."""
        return self.space.values(self.places[number])


def moments_of(outcome: Calibration) -> dict[str, dict[str, Any]]:
    """Every moment beside its target, as in `moments.json`."""
    if not outcome.places:
        return {}
    moments = outcome.moments(outcome.best)
    values, estimates = moments.values(), moments.estimates()
    found = {}
    for value, (name, about) in zip(values, outcome.targets.moments.items(), strict=True):
        is_known = math.isfinite(value)
        runs, why = moments.undefined(name)
        found[name] = {
            "target": about.target,
            "error": about.error,
            "value": float(value) if is_known else None,
            "interval": estimates[name].entry()["interval"],
            "off": float((value - about.target) / about.error) if is_known else None,
            "held_out": about.held_out,
            "undefined": runs,
            **({"reason": why} if not is_known else {}),
            "source": about.source,
        }
    return found


def keys_of(outcome: Calibration) -> dict[str, dict[str, Any]]:
    """Every key with its value and how sure that is, as in `keys.json`."""
    if not outcome.places:
        return {}
    place, values = outcome.places[outcome.best], outcome.values(outcome.best)
    about: dict[str, dict[str, Any]] = {
        key: {"value": values[key], "low": scale.low, "high": scale.high, "log": scale.is_log}
        for key, scale in outcome.space.scales.items()
    }
    if outcome.found is None:
        return {key: {**each, "reason": "the search did not end"} for key, each in about.items()}
    is_fitted = outcome.is_fitted
    simulated = outcome.moments(outcome.best).covariance()[np.ix_(is_fitted, is_fitted)]
    jacobian, errors = outcome.found.jacobian, outcome.targets.column("error")[is_fitted]
    spread = covariance(jacobian, errors, simulated)
    for number, (key, sure) in enumerate(zip(about, precision(place, spread, list(about)), strict=True)):
        error = outcome.space.error(key, float(place[number]), sure.error)
        names = [name for name, own in outcome.targets.moments.items() if not own.held_out]
        about[key] |= {
            "standard_error": _known(error),
            "of_range": _known(sure.error),
            "is_identified": sure.is_identified,
            "reason": sure.reason,
            "moves_most": _most_moved(np.abs(jacobian[:, number] / errors), names),
        }
    return about


def _most_moved(moved: np.ndarray, names: list[str]) -> str | None:
    """The moment that moves most; None where all that is defined stands still."""
    known = np.nan_to_num(moved)
    return names[int(known.argmax())] if known.any() else None


def _known(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def publish(outcome: Calibration, scenario: Scenario, results: ResultsFolder, *, figures: str) -> None:
    """Write the fitted scenario, moments, keys, what was run and the figure, and publish."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    moments = moments_of(outcome)
    results.write_json("moments.json", moments)
    results.write_json("keys.json", keys_of(outcome))
    if outcome.places:
        rows = _points(outcome)
        pq.write_table(pa.Table.from_pylist(rows), results.partial / "points.parquet", compression="zstd")
        text = fitted(scenario, outcome.values(outcome.best), outcome.made_by, results.path)
        (results.partial / "fitted.toml").write_text(text, encoding="utf-8")
    if figures != NONE and moments:
        from analysis.calibration import plots

        with going_on(outcome.figures_failed, "moments"):
            plots.save(moments, results.partial / "figures")
    outcome.publish(results, scenario, _about(outcome))


def _points(outcome: Calibration) -> list[dict[str, Any]]:
    """A row a place: values, moments, the distance."""
    names, distances = list(outcome.targets.moments), outcome.distances()
    rows = []
    for number in range(len(outcome.places)):
        values = outcome.moments(number).values()
        own = {"point": number, "seeds": len(outcome.results[number]), "distance": float(distances[number])}
        found = zip(names, map(_known, values), strict=True)
        rows.append({**own, **outcome.values(number), **dict(found)})
    return rows


def _about(outcome: Calibration) -> dict[str, Any]:
    """What the calibration was, for the manifest."""
    return {
        "seeds": outcome.seeds,
        "points": len(outcome.places),
        "keys": list(outcome.space.scales),
        "targets": outcome.targets.model_dump(),
        "made_by_command": outcome.made_by,
    }
