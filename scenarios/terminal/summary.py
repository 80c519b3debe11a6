"""What one run came to, in a few lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from agents.option_chains.reading import WARNED_SHARE
from analysis.measures import listed
from scenarios.runs.run import Outcome


def summary(outcome: Outcome, page: Path | None = None) -> str:
    """Name, status, speed, the main metrics, the largest residuals, the folder and its page."""
    names, step = [asset.name for asset in outcome.scenario.assets], outcome.scenario.time.step_seconds
    rows = [(name, each) for name in names for each in listed("told") if each.per]
    rows += [("", each) for each in listed("told") if not each.per]
    lines = [
        (f"{asset} {told.label.format(step=step)}".lstrip(), _shown(found, told.shape))
        for asset, metric in rows
        if (told := metric.told) and (found := outcome.metrics.get(f"{asset}.{metric.name}".lstrip(".")))
    ]
    reports = outcome.manifest.get("reports", {})
    lines += left_out(reports)
    lines += [(f"{name} WARNING", each["warning"]) for name, each in reports.items() if "warning" in each]
    lines += [("largest residual", _residual(outcome.manifest["residuals"])), ("results", _path(outcome))]
    lines += [] if page is None else [("page", os.path.relpath(page))]
    width = max(len(label) for label, _ in lines)
    return "\n".join([_headline(outcome), *(f"  {label:<{width}}  {value}" for label, value in lines)])


def left_out(reports: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """How many rows of each population's option chain were merged or left out, and why."""
    lines = []
    for name, report in reports.items():
        if report.get("merged"):
            lines.append((f"{name} chain rows merged", f"{report['merged']} (of contracts named before)"))
        dropped = report.get("dropped", {})
        if dropped:
            lines.append((f"{name} chain rows left out", f"{sum(dropped.values())} ({_reasons(report)})"))
        if (share := report.get("open_interest_left_out", 0)) > WARNED_SHARE:
            lines.append((f"{name} WARNING", f"{share:.1%} of the chain's open interest is left out"))
    return lines


def _reasons(report: dict[str, Any]) -> str:
    """Why rows of a chain were left out, with the place of the first where it is known."""
    first = report.get("first_dropped", {})
    told = (
        f"{count} {reason}" + (f", first: {first[reason]}" if reason in first else "")
        for reason, count in report["dropped"].items()
    )
    return "; ".join(told)


def _headline(outcome: Outcome) -> str:
    manifest, done = outcome.manifest, f"{outcome.steps_done} of {outcome.scenario.time.steps} steps"
    speed = f"{manifest['wall_seconds']:.1f} s, {manifest['steps_per_second']:,.0f} steps/s while stepping"
    compiled = f", {manifest['compile_seconds']:.1f} s of it compiling" if manifest["compile_seconds"] else ""
    return f"{outcome.scenario.name}: {outcome.status}, {done} in {speed}{compiled}"


def _shown(metric: dict[str, Any], shape: str) -> str:
    value = metric.get("value")
    return f"- ({metric['reason']})" if value is None else shape.format(value)


def _residual(residuals: dict[str, float]) -> str:
    lots = max((abs(value) for name, value in residuals.items() if name != "cash"), default=0)
    return f"{residuals.get('cash', 0.0):.1e} of cash balances, {lots:g} lots"


def _path(outcome: Outcome) -> str:
    return os.path.relpath(outcome.folder)
