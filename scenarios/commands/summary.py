"""What one run came to, in a few lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from agents.option_chains.reading import WARNED_SHARE
from scenarios.runs.run import Outcome

PER_ASSET = (
    ("max_drawdown", "largest fall from a high", "{:.2%}"),
    ("max_run_up", "largest rise from a low", "{:.2%}"),
    ("shock_overshoot", "overshoot of the shock", "{:.2%}"),
    ("realised_volatility", "realised volatility over {step:g} s, per year", "{:.1%}"),
    ("realised_volatility_1min", "realised volatility over 1 min, per year", "{:.1%}"),
    ("liquidation_count", "liquidations", "{:,.0f}"),
    ("liquidation_notional", "liquidated notional, quote currency", "{:,.0f}"),
    ("hedging_share", "hedging share of volume", "{:.1%}"),
    ("forced_share", "forced share of volume", "{:.1%}"),
)
WHOLE = (
    ("bad_debt", "bad debt, quote currency", "{:,.0f}"),
    ("socialised_loss", "socialised loss, quote currency", "{:,.0f}"),
)


def summary(outcome: Outcome, page: Path | None = None) -> str:
    """Name, status, speed, the main metrics, the largest residuals, the folder and its page."""
    names, step = [asset.name for asset in outcome.scenario.assets], outcome.scenario.time.step_seconds
    told = [(key, label.format(step=step), shape) for key, label, shape in PER_ASSET]
    rows = [(f"{name} {label}", f"{name}.{key}", shape) for name in names for key, label, shape in told]
    rows += [(label, key, shape) for key, label, shape in WHOLE]
    metrics = outcome.metrics
    lines = [(label, _shown(metrics[key], shape)) for label, key, shape in rows if key in metrics]
    lines += left_out(outcome.manifest.get("reports", {}))
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
