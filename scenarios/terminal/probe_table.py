"""What a probe came to, as text, with the scorecard of the market."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.base.arms import BASE
from analysis.facts import scorecard
from analysis.feedback.amplification import sign
from scenarios.probes.probe import ProbeOutcome, described, scored
from scenarios.terminal.aligned import aligned

BPS = 1e4


def table(outcome: ProbeOutcome) -> str:
    """What was found, as text: the market, a row a size, the law, the gain by horizon, the folder."""
    prober, schedule = outcome.prober, outcome.prober.schedule
    head = (
        f"{prober.scenario.name}: {prober.asset} sold over {schedule.over:g} s from {schedule.at:g} s, arm "
    )
    done = f"{head}{', '.join(prober.arms)}: {outcome.status}, {len(outcome.found)} seeds"
    failed = [f"{what} failed: {failure.reason}" for what, failure in outcome.failures.items()]
    entry = described(outcome)
    found = _found(entry) if outcome.found else []
    found += _compared(entry["compared"]) if "compared" in entry else []
    facts = ["", scorecard.table(rows)] if (rows := scored(outcome)) else []
    return "\n".join([done, *found, *facts, *failed, "", f"results  {os.path.relpath(outcome.folder)}"])


def _found(entry: Mapping[str, Any]) -> list[str]:
    without = entry["without"]
    volume, variance = without["volume"]["value"], without["variance"]["value"]
    market = (
        f"without it {volume:,.5g} units are traded a day, the volatility of a day is {variance**0.5:.2%}"
    )
    law = [
        f"impact goes with size to the power of {_shown(entry['exponent'])}; prefactor Y "
        f"{_shown(entry['prefactor'])}",
        f"left at twice the length of the order: {_shown(entry['left_at_twice'])} of the move at its end",
    ]
    return [market, "", *_sizes(entry), "", *law, *_bounds(entry), *_undefined(entry), "", *_gains(entry)]


def _sizes(entry: Mapping[str, Any]) -> list[str]:
    """A row a size; closed forms are of amplification by the hedging there is."""
    horizons = [f"{each['horizon']:g}" for each in entry["gain"]]
    heads = ["% of a day", "units", "move, bps", "[95%]", "Y", *(f"left {h} s" for h in horizons)]
    rows = [[*heads, "book back, s", "half back, s", "x + √(1+x²)", "(a + √(a²+4))/2"]]
    for size in entry["sizes"]:
        value, interval = size["move"]["value"], size["move"]["interval"]
        rows.append(
            [
                f"{100 * size['share']:.3g}",
                f"{size['units']:,.4g}",
                _number(value, BPS, "{:.2f}"),
                _ends(interval),
                _number(size["prefactor"]["value"], 1, "{:.2f}"),
                *(_part(size["left"][horizon]["value"], value) for horizon in horizons),
                *(_back(size[name], size["runs"]) for name in ("book_back", "half_back")),
                *(_number(size["amplification"][name], 1, "{:.3f}") for name in ("meta_order", "sale")),
            ]
        )
    return aligned(rows)


def _compared(found: Mapping[str, Any]) -> list[str]:
    """The arms size by size, and in words whether their falls grow and are concave."""
    rows = [
        ["the same sales in arms", "% of a day", "move, bps", "[95%]", "executed", "failed", "base/muted"]
    ]
    ratios = found["ratios"]
    for arm, own in found["arms"].items():
        for number, size in enumerate(own["sizes"]):
            multiplied = ratios[number] if ratios and arm == BASE else {"value": None, "interval": None}
            rows.append(
                [
                    arm,
                    f"{100 * size['share']:.3g}",
                    _number(size["move"]["value"], BPS, "{:.2f}"),
                    _ends(size["move"]["interval"]),
                    f"{size['executed']:.1%}",
                    f"{size['failed']}",
                    sign(multiplied) + _shown(multiplied, "{:.3f}"),
                ]
            )
    told = [
        f"{arm}: a larger sale moves the price further: {own['increases']}; concave: {own['is_concave']} "
        f"(exponent {_shown(own['exponent'])})"
        for arm, own in found["arms"].items()
    ]
    alike = "alike in all arms" if found["executed_alike"] else "NOT alike: the arms cannot be compared"
    return ["", *aligned(rows), "", *told, f"executed: {alike}"]


def _ends(interval: Sequence[float] | None) -> str:
    return "[{:.2f}, {:.2f}]".format(*(BPS * end for end in interval)) if interval else "none"


def _gains(entry: Mapping[str, Any]) -> list[str]:
    rows = [["seconds after", "impact a unit, bps", "gain [95%]", "1/(1 - gain)"]]
    price = entry["without"]["price"]["value"]
    for each in entry["gain"]:
        impact = _number(each["impact"]["value"], BPS / price, "{:.4g}")
        amplified = _number(each["amplification"], 1, "{:.3f}")
        rows.append([f"{each['horizon']:g}", impact, _shown(each["gain"], "{:.3g}"), amplified])
    return ["gain by horizon, of the smallest order:", *aligned(rows)]


def _bounds(entry: Mapping[str, Any]) -> list[str]:
    """Sizes of which some moves are lower bounds."""
    return [
        f"{100 * size['share']:.3g}%: {what} in {size[name]} of {size['runs']} runs: lower bounds"
        for size in entry["sizes"]
        for name, what in (("executed_in_part", "not executed in full"), ("failed", "the market failed"))
        if size[name]
    ]


def _undefined(entry: Mapping[str, Any]) -> list[str]:
    """What a dash stands for: a line a reason."""
    found = [(name, part.get("reason")) for name, part in entry.items() if isinstance(part, Mapping)]
    for size in entry["sizes"]:
        named = f"{100 * size['share']:.3g}%"
        found.append((f"Y of {named}", size["prefactor"].get("reason")))
        found.append((f"closed forms of {named}", size["amplification"].get("reason")))
    for each in entry["gain"]:
        named = f"{each['horizon']:g} s"
        found.append((f"gain after {named}", each["gain"].get("reason")))
        found.append((f"1/(1 - gain) after {named}", each.get("reason")))
    why: dict[str, list[str]] = {}
    for name, reason in found:
        if reason:
            why.setdefault(reason, []).append(name.replace("_", " "))
    return [f"undefined: {', '.join(names)}: {reason}" for reason, names in why.items()]


def _part(value: float | None, whole: float | None) -> str:
    return "-" if value is None or whole is None or whole <= 0 else f"{value / whole:.2f}"


def _back(found: Mapping[str, Any], runs: int) -> str:
    """Mean time, and in how many runs it was not reached."""
    never = runs - found["runs"]
    shown = _number(found["value"], 1, "{:.0f}")
    return f"{shown} ({never} not)" if never else shown


def _shown(found: Mapping[str, Any], shape: str = "{:.2f}") -> str:
    """A value with its interval."""
    interval = found["interval"]
    ends = f" [{', '.join(shape.format(end) for end in interval)}]" if interval else ""
    return _number(found["value"], 1, shape) + ends


def _number(value: float | None, times: float, shape: str) -> str:
    return "-" if value is None else shape.format(times * value)
