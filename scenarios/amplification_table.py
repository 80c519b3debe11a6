"""What a comparison of arms came to, as a table of text."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scenarios.amplify import Amplification

SHAPES = {"1": "{:.2%}", "per sqrt(year)": "{:.1%}", "quote": "{:,.0f}", "liquidations": "{:,.1f}"}
"""How values are written, by unit; in four figures otherwise."""


def table(outcome: Amplification) -> str:
    """Headline, a row a metric, what is undefined and why, failures, and the folder."""
    entries, arms = outcome.entries, outcome.arms.chosen
    defined = {name: entry for name, entry in entries.items() if entry.get("interval")}
    rows = [_head(arms)] + [_row(name, entry, arms) for name, entry in defined.items()]
    others = {name: entry for name, entry in entries.items() if name not in defined}
    lines = [_headline(outcome), "", *_aligned(rows)]
    if others:
        lines += [
            "",
            "no ratio:",
            *_aligned([_difference(name, entry, arms) for name, entry in others.items()]),
        ]
    lines += _others(defined, arms)
    lines += _credited(outcome.shapley)
    lines += [f"{what} failed: {failure.reason}" for what, failure in outcome.failures.items()]
    lines += ["", f"results  {os.path.relpath(outcome.folder)}"]
    return "\n".join(lines)


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
    low, high = entry["interval"]
    return [
        name,
        *_means(entry, arms),
        f"{entry['ratio']:.3f}",
        f"[{low:.3f}, {high:.3f}]",
        _number((entry.get("flow_ratio") or {}).get("value"), "x {:.3f}"),
        _number((entry.get("feedback_ratio") or {}).get("value"), "x {:.3f}"),
        _number(entry["mc_error"], "{:.3f}"),
        _number(entry["seeds_to_halve"], "{:,}"),
    ]


def _difference(name: str, entry: Mapping[str, Any], arms: Sequence[str]) -> list[str]:
    """A metric without a ratio: means, difference with its interval, and why there is no ratio."""
    apart = entry.get("difference") or {}
    interval, unit = apart.get("interval"), entry["unit"]
    shown = _value(apart.get("value"), unit)
    if interval:
        shown += f" [{_value(interval[0], unit)}, {_value(interval[1], unit)}]"
    reason = entry.get("reason") or "too few seeds for an interval"
    return ["  " + name, *_means(entry, arms), f"base - muted {shown}", f"({reason})"]


def _others(defined: Mapping[str, Any], arms: Sequence[str]) -> list[str]:
    """Ratios of the arms beside base, muted and open_loop to base, for each metric."""
    more = [arm for arm in arms if arm not in ("base", "muted", "open_loop")]
    if not more or not defined:
        return []
    rows = [["metric", *(f"{arm}/base" for arm in more)]]
    for name, entry in defined.items():
        found = [(entry.get("against_base") or {}).get(arm) or {} for arm in more]
        rows.append([name, *(_with_interval(each) for each in found)])
    return ["", *_aligned(rows)]


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
    return ["", *_aligned(rows)]


def _factor(part: Mapping[str, Any]) -> str:
    interval = part.get("factor_interval")
    shown = f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""
    return f"x {part['factor']:.3f}{shown}"


def _with_interval(part: Mapping[str, Any]) -> str:
    if part.get("ratio") is None:
        return "-"
    interval = part.get("interval")
    shown = f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""
    return f"{part['ratio']:.3f}{shown}"


def _means(entry: Mapping[str, Any], arms: Sequence[str]) -> list[str]:
    return [_value(entry[arm]["mean"], entry["unit"]) for arm in arms]


def _value(value: float | None, unit: str) -> str:
    return _number(value, SHAPES.get(unit, "{:,.4g}"))


def _number(value: float | None, shape: str) -> str:
    return "-" if value is None else shape.format(value)


def _aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows as lines, columns as wide as they need; the first to the left, numbers to the right."""
    listed = [list(row) for row in rows]
    columns = max((len(row) for row in listed), default=0)
    widths = [max((len(row[i]) for row in listed if i < len(row)), default=0) for i in range(columns)]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=False))
        ).rstrip()
        for row in listed
    ]
