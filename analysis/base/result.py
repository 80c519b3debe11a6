"""Results: what a folder of one run, or of an amplification, holds.

An amplification is the same market in several arms over several seeds, with the recording of
one base run in its folder `base`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from analysis.base.arms import BASE
from sim.recording.recording import Recording

UNITS = {"per sqrt(year)": "per √year"}


class Name(NamedTuple):
    """The parts of a metric's name; asset and label are "" where it has none."""

    asset: str
    metric: str
    label: str


@dataclass(frozen=True)
class Result:
    """What a results folder holds; of an amplification, the base run's metrics and recording.

    Attributes
    ----------
    folder : Path
    manifest, scenario, metrics : dict
        Contents of manifest.json, scenario.toml and metrics.json.
    amplification : dict or None
        Contents of amplification.json; None for a single run.
    recording : Recording or None
        None if the run left no tables.
    shapley : dict
        Contents of shapley.json; empty if nothing was credited.
    worlds : dict
        Contents of worlds.json; empty if none were drawn.
    scenario_text, traceback : str
        scenario.toml as it stands, and what broke, "" if nothing did.
    """

    folder: Path
    manifest: dict[str, Any]
    scenario: dict[str, Any]
    metrics: dict[str, Any]
    amplification: dict[str, Any] | None
    recording: Recording | None
    shapley: dict[str, Any] = field(default_factory=dict)
    worlds: dict[str, Any] = field(default_factory=dict)
    scenario_text: str = ""
    traceback: str = ""

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return str(self.scenario["name"])

    @cached_property
    def assets(self) -> list[str]:
        """Names of the assets."""
        return [str(asset["name"]) for asset in self.scenario["assets"]]

    @property
    def is_unfinished(self) -> bool:
        """Whether the run was interrupted or failed."""
        return bool(self.manifest.get("status", "finished") != "finished")

    @property
    def currency(self) -> str:
        """What prices are in."""
        return str(self.recording.market.get("quote", "quote")) if self.recording else "quote"

    def parsed(self, name: str) -> Name:
        """The parts of a metric's name."""
        first, _, rest = name.partition(".")
        asset, rest = (first, rest) if first in self.assets and rest else ("", name)
        metric, _, label = rest.partition(".")
        return Name(asset, metric, label)

    def unit(self, name: str, unit: str) -> str:
        """Unit of a metric in the words of this market."""
        own = {"quote": self.currency, "units": self.parsed(name).asset or "units"}
        return UNITS.get(unit) or " ".join(own.get(word, word) for word in unit.split() if word != "1")

    def measured(self, name: str) -> dict[str, Any]:
        """A metric of the run; one that is not in its file is undefined, and says so."""
        return self.metrics.get(name) or {"value": None, "unit": "1", "reason": "it was not measured"}

    @property
    def duration(self) -> float:
        """How long the steps that were done took, s; those of a whole run in an amplification."""
        time = self.scenario["time"]
        return float(self.manifest.get("steps_done", time["steps"]) * time["step_seconds"])

    def came(self, shock: Mapping[str, Any]) -> bool:
        """Whether a shock came before the end; a jump of the value waits for a step to begin."""
        wait = 0.0 if shock.get("type") == "market_order" else self.scenario["time"]["step_seconds"]
        return bool(shock["at"] + wait * (1 - 1e-9) < self.duration)

    def direction(self, asset: str) -> str:
        """Whether the first shock that came makes the asset "fall" or "rise"; without one, "fall"."""
        shocks = [
            (shock["at"], shock["qty"])
            for shock in self.scenario.get("shocks", [])
            if shock.get("type") == "market_order"
            and shock.get("asset") in (None, asset)
            and self.came(shock)
        ]
        return "rise" if shocks and min(shocks)[1] > 0 else "fall"


def read(folder: str | Path) -> Result:
    """The result in a folder, of one run or of an amplification.

    Raises
    ------
    FileNotFoundError
        If the folder holds no manifest.json or no scenario.toml.
    ValueError
        If one of its files is not what it should be.
    """
    folder = Path(folder)
    for name in ("manifest.json", "scenario.toml"):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} is not a results folder: it holds no {name}")
    is_amplification = (folder / "amplification.json").is_file()
    own, text = folder / BASE if is_amplification else folder, _text(folder / "scenario.toml")
    return Result(
        folder=folder,
        manifest=_json(folder / "manifest.json"),
        scenario=_scenario(folder / "scenario.toml", text),
        metrics=_metrics(own / "metrics.json"),
        amplification=_entries(folder / "amplification.json") if is_amplification else None,
        recording=Recording.read(own) if (own / "series.parquet").is_file() else None,
        shapley=_json(folder / "shapley.json"),
        worlds=_json(folder / "worlds.json"),
        scenario_text=text,
        traceback=_text(folder / "traceback.txt"),
    )


def arms(result: Result) -> list[str]:
    """Names of the arms of an amplification, in the order of its file."""
    entries = (result.amplification or {}).values()
    return list(
        dict.fromkeys(
            arm
            for entry in entries
            for arm, found in entry.items()
            if isinstance(found, dict) and "mean" in found
        )
    )


def _json(path: Path) -> dict[str, Any]:
    """Contents of a file of JSON; empty if there is none."""
    if not path.is_file():
        return {}
    try:
        contents = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} is no JSON: {error}") from error
    if not isinstance(contents, dict):
        raise ValueError(f"{path.name} holds no table")
    return contents


def _entries(path: Path) -> dict[str, Any]:
    """Contents of a file of JSON in which every entry is a table with a unit."""
    contents = _json(path)
    for name, entry in contents.items():
        if not (isinstance(entry, dict) and isinstance(entry.get("unit"), str)):
            raise ValueError(f'{path.name}: "{name}" is no table with a unit')
    return contents


def _metrics(path: Path) -> dict[str, Any]:
    """Values of metrics, which are numbers or nothing."""
    contents = _entries(path)
    for name, entry in contents.items():
        if not isinstance(entry.get("value", path), int | float | None):
            raise ValueError(f'{path.name}: "{name}" has no number for its value')
    return contents


def _scenario(path: Path, text: str) -> dict[str, Any]:
    """Values of a scenario, of which a name and assets with names are there."""
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} is no TOML: {error}") from error
    assets = values.get("assets")
    is_named = isinstance(assets, list) and all(
        isinstance(asset, dict) and "name" in asset for asset in assets
    )
    if not (is_named and isinstance(values.get("name"), str)):
        raise ValueError(f"{path.name} is no scenario: it lacks its name or its assets'")
    return values


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is no text: {error.reason} at byte {error.start}") from error
