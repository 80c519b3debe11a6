"""What a calibration came to, as text."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from scenarios.calibration.outcome import Calibration, keys_of, moments_of
from scenarios.terminal.aligned import aligned


def table(outcome: Calibration) -> str:
    """Moments beside targets, keys and how sure they are, what failed, the folder."""
    scenario, seeds = outcome.evaluation.scenario, len(outcome.seeds)
    head = f"{scenario.name}: {outcome.status}, {len(outcome.places)} places, {seeds} seeds at each"
    head += ", as many others at the finalists"
    found = [*_moments(moments_of(outcome)), "", *_keys(keys_of(outcome))] if outcome.places else []
    failed = [f"{what} failed: {failure.reason}" for what, failure in outcome.failures.items()]
    return "\n".join([head, "", *found, *failed, "", f"results  {os.path.relpath(outcome.folder)}"])


def _moments(entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    rows = [["moment", "target", "error", "value", "[95%]", "errors off", ""]]
    for name, entry in entries.items():
        interval = entry["interval"]
        notes = ["held out"] if entry["held_out"] else []
        notes += [f"undefined: {entry['reason']}"] if entry["value"] is None else []
        notes += [f"undefined in {entry['undefined']} runs"] if entry["undefined"] and entry["value"] else []
        rows.append(
            [
                name,
                f"{entry['target']:.4g}",
                f"{entry['error']:.3g}",
                _number(entry["value"], "{:.4g}"),
                "[{:.4g}, {:.4g}]".format(*interval) if interval else "none",
                _number(entry["off"], "{:+.2f}"),
                ", ".join(notes),
            ]
        )
    return aligned(rows)


def _keys(entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    rows = [["key", "value", "standard error", "searched", "moves most", "identified"]]
    for key, entry in entries.items():
        is_identified = entry.get("is_identified", False)
        rows.append(
            [
                key,
                f"{entry['value']:.5g}",
                _number(entry.get("standard_error"), "{:.3g}"),
                f"{entry['low']:g} to {entry['high']:g}",
                entry.get("moves_most") or "none that is defined",
                "yes" if is_identified else f"no: {entry['reason']}",
            ]
        )
    return aligned(rows)


def _number(value: float | None, shape: str) -> str:
    return "-" if value is None else shape.format(value)
