"""What a search for a critical value came to, as text."""

from __future__ import annotations

import os

from scenarios.frontier.frontier import Frontier


def table(outcome: Frontier) -> str:
    """What was found, as text: verdict, runs against a grid, the values that were run, the folder."""
    found, scenario = outcome.crossing, outcome.scenario
    head = f"{scenario.name}: {outcome.key} from {outcome.scale.low:.4g} to {outcome.scale.high:.4g}, arm "
    lines = [f"{head}{outcome.arm}: {outcome.status}, {len(outcome.rows):,} runs"]
    if found is None:
        return "\n".join([*lines, outcome.reason, *_failed(outcome)])
    lines += ["", found.verdict]
    if found.grid_runs is not None:
        lines.append(
            f"{found.runs:,} runs; an even grid over the range takes {found.grid_runs:,} for an interval as "
            "narrow (by the fitted curve)"
        )
    if found.estimate is not None and found.misfit is not None and found.misfit < 0.01:
        lines.append(f"the fitted shape is off (p = {found.misfit:.2g}), so the interval may be too narrow")
    if found.undefined:
        lines.append(
            f"{outcome.question.metric} is undefined in {found.undefined:,} runs, which are left out"
        )
    lines += ["", f"{'value':>12}  {'runs':>5}  {found.question.text} [95%]"]
    for place in found.places:
        shown_interval = f"[{place.low:.4g}, {place.high:.4g}]"
        lines.append(f"{place.value:>12.5g}  {place.runs:>5}  {place.mean:.4g} {shown_interval}")
    return "\n".join([*lines, *_failed(outcome), "", f"results  {os.path.relpath(outcome.folder)}"])


def _failed(outcome: Frontier) -> list[str]:
    return [f"{what} failed: {failure.reason}" for what, failure in outcome.failures.items()]
