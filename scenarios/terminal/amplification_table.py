"""What a comparison of arms came to, as a table of text."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.base.arms import BASE, MAIN
from analysis.feedback.amplification import FEWEST, sign
from analysis.feedback.cautions import FAILED, cautions, of_worlds
from analysis.measures import is_percent
from scenarios.arms.outcome import Amplification
from scenarios.terminal.aligned import aligned
from scenarios.terminal.worlds_table import worlds

DIFFERENCE = ["base - muted", "95% interval", "flow", "feedback", "+-", ""]
SHAPES = {"per sqrt(year)": "{:.1%}", "quote": "{:,.0f}", "liquidations": "{:,.1f}"}
"""How values are written, by unit; in four figures otherwise."""


def table(outcome: Amplification) -> str:
    """Headline, a row a metric, what has no ratio and why, other arms, worlds, failures, and the folder."""
    entries, arms = outcome.entries, outcome.arms.chosen
    ratios = {name: entry for name, entry in entries.items() if entry["ratio"] is not None}
    others = {name: entry for name, entry in entries.items() if name not in ratios}
    lines = [_headline(outcome)]
    if ratios:
        lines += ["", *aligned([_head(arms), *(_row(name, entry, arms) for name, entry in ratios.items())])]
    if others:
        rows = [_difference(name, entry, arms) for name, entry in others.items()]
        lines += ["", *aligned([["no ratio", *_head(arms)[1:-6], *DIFFERENCE], *rows])]
    lines += _others(entries, arms)
    lines += _credited(outcome.shapley)
    lines += worlds(outcome)
    lines += _chances(entries)
    if any(_lacks_interval(entry) for entry in entries.values()):
        what = f"Intervals take {FEWEST} seeds in which a metric is defined in every arm"
        lines += ["", f"{what}; four times as many halve one."]
    every = [*cautions(entries), *of_worlds(outcome.uncertain)]
    lines += [f"caution: {caution}" for caution in every]
    lines += [f"{what} failed: {failure.reason}" for what, failure in outcome.failures.items()]
    lines += ["", f"results  {os.path.relpath(outcome.folder)}"]
    return "\n".join(lines)


def _chances(entries: Mapping[str, Any]) -> list[str]:
    """How often a market failed in each arm."""
    chances = entries.get(FAILED, {}).get("chances", {})
    told = [
        f"{arm} {found['chance']:.3g} [{found['interval'][0]:.3f}, {found['interval'][1]:.3f}]"
        f" ({found['failed']} of {found['runs']})"
        for arm, found in chances.items()
    ]
    return ["", f"P(a market fails), 95% interval: {', '.join(told)}"] if told else []


def _lacks_interval(entry: Mapping[str, Any]) -> bool:
    """True of a ratio or a difference that has no interval."""
    apart = entry.get("difference") or {}
    is_told = entry["ratio"] is not None or apart.get("value") is not None
    return is_told and not (entry["interval"] or apart.get("interval"))


def _headline(outcome: Amplification) -> str:
    done = len({row["replicate"] for row in outcome.rows})
    scenario, muted = outcome.arms.scenario.name, ", ".join(outcome.arms.muted) or "nobody"
    return (
        f"{scenario}: {outcome.status}, {done} of {len(outcome.seeds)} seeds, "
        f"arms {', '.join(outcome.arms.chosen)}; muted: {muted}"
    )


def _head(arms: Sequence[str]) -> list[str]:
    return ["metric", *arms, "base/muted", "95% interval", "flow", "feedback", "+-", "seeds to halve"]


def _row(name: str, entry: Mapping[str, Any], arms: Sequence[str]) -> list[str]:
    interval = entry["interval"]
    return [
        name,
        *_means(name, entry, arms),
        f"{sign(entry)}{entry['ratio']:.3f}",
        f"[{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "none",
        _number((entry.get("flow_ratio") or {}).get("value"), "x {:.3f}"),
        _number((entry.get("feedback_ratio") or {}).get("value"), "x {:.3f}"),
        _number(entry["mc_error"], "{:.3f}"),
        _number(entry["seeds_to_halve"], "{:,}"),
    ]


def _difference(name: str, entry: Mapping[str, Any], arms: Sequence[str]) -> list[str]:
    """A metric without a ratio: means, differences with the interval, and why there is no ratio."""
    shape = _shape(name, entry["unit"])
    apart = entry.get("difference") or {}
    parts = [(entry.get(part) or {}).get("value") for part in ("flow", "feedback")]
    return [
        name,
        *_means(name, entry, arms),
        _number(apart.get("value"), shape),
        _bounds(apart.get("interval"), shape),
        *(_number(part, shape) for part in parts),
        _number(entry["mc_error"], shape),
        f"({entry.get('reason', '')})",
    ]


def _others(entries: Mapping[str, Any], arms: Sequence[str]) -> list[str]:
    """The arms beside base, muted and open_loop against base: ratios, or differences where there is none."""
    more = [arm for arm in arms if arm not in MAIN]
    if not more or BASE not in arms:
        return []
    rows = [["metric", *(f"{arm} / base" for arm in more)]]
    for name, entry in entries.items():
        shape = _shape(name, entry["unit"])
        rows.append(
            [name, *(_with_interval((entry.get("against_base") or {}).get(arm) or {}, shape) for arm in more)]
        )
    return ["", *aligned(rows)]


def _credited(shapley: Mapping[str, Any]) -> list[str]:
    """The factor of every mechanism, metric by metric; they multiply to the total."""
    named = {name: entry for name, entry in shapley.items() if entry["mechanisms"]}
    if not shapley:
        return []
    players = list(next(iter(named.values()))["mechanisms"]) if named else []
    rows = [["Shapley factor", *players, "all together"]]
    for name, entry in named.items():
        parts = [*(entry["mechanisms"][player] for player in players), entry["total"]]
        rows.append([name, *(_factor(part) for part in parts)])
    rows += [[name, f"- ({entry['reason']})"] for name, entry in shapley.items() if name not in named]
    return ["", *aligned(rows)]


def _factor(part: Mapping[str, Any]) -> str:
    interval = part.get("factor_interval")
    shown = f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""
    return f"x {part['factor']:.3f}{shown}"


def _with_interval(part: Mapping[str, Any], shape: str) -> str:
    if part.get("ratio") is not None:
        return f"{sign(part)}{part['ratio']:.3f} {_bounds(part['interval'], '{:.3f}')}".rstrip(" -")
    if part.get("difference") is None:
        return "-"
    shown = _number(part["difference"], shape)
    plus = "" if shown.startswith("-") else "+"
    return f"{plus}{shown} {_bounds(part['difference_interval'], shape)}".rstrip(" -")


def _bounds(interval: Sequence[float] | None, shape: str) -> str:
    return f"[{shape.format(interval[0])}, {shape.format(interval[1])}]" if interval else "-"


def _means(name: str, entry: Mapping[str, Any], arms: Sequence[str]) -> list[str]:
    return [_number(entry[arm]["mean"], _shape(name, entry["unit"])) for arm in arms]


def _shape(name: str, unit: str) -> str:
    """How a metric is written."""
    return "{:.2%}" if is_percent(name) else SHAPES.get(unit, "{:,.4g}")


def _number(value: float | None, shape: str) -> str:
    return "-" if value is None else shape.format(value)
