"""Study: what becomes of many runs, and what every study leaves in its folder.

whatever failed and how it ended is noted here, whatever the runs came to by the study itself
traces of failures, the scenario and the manifest are written last, and the folder is published
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from scenarios.file.schema import Scenario
from scenarios.folders.folder import FAILED, FINISHED, INTERRUPTED, ResultsFolder
from scenarios.process.interruption import Interruption
from scenarios.process.provenance import provenance
from scenarios.workers.workers import Failure


@dataclass(kw_only=True)
class Study:
    """What became of a study; one of its own adds what its runs came to.

    Attributes
    ----------
    kind : str
        Of its folder, as in the manifest.
    status : str
        "finished", "interrupted", or "failed" if a run failed.
    failures : dict of str to Failure
        By what failed.
    figures_failed : dict of str to str
        Why figures could not be drawn, by their names.
    folder : Path
        Where it was published.
    started : float
        On the clock of `time.perf_counter`.
    """

    kind: ClassVar[str]

    status: str = FINISHED
    failures: dict[str, Failure] = field(default_factory=dict)
    figures_failed: dict[str, str] = field(default_factory=dict)
    folder: Path = field(default_factory=Path)
    started: float = field(default_factory=time.perf_counter)

    def note(self, what: str, failure: Failure) -> None:
        """Take note that something failed."""
        self.failures[what], self.status = failure, FAILED

    def heed(self, interruption: Interruption) -> None:
        """Take note of a signal, if one came."""
        if interruption.signal:
            self.status = INTERRUPTED

    def publish(self, results: ResultsFolder, scenario: Scenario, about: Mapping[str, Any]) -> None:
        """Write what every study leaves, and publish its folder.

        Parameters
        ----------
        results : ResultsFolder
            With all in it that the runs came to.
        scenario : Scenario
        about : mapping
            What the manifest says of this study beyond what it says of all.
        """
        results.write_traces({what: failure.trace for what, failure in self.failures.items()})
        (results.partial / "scenario.toml").write_text(scenario.to_toml())
        results.sign(self._manifest(scenario, about))
        self.folder = results.publish()

    def _manifest(self, scenario: Scenario, about: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "status": self.status,
            "scenario": scenario.name,
            "description": scenario.description,
            "scenario_hash": scenario.digest(self.kind),
            "seed": scenario.seed,
            **about,
            "failures": {what: failure.reason for what, failure in self.failures.items()},
            "figures_failed": self.figures_failed,
            "wall_seconds": time.perf_counter() - self.started,
            **provenance(),
        }
