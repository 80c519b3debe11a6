"""Arms: the counterfactuals that every scenario can be run as, and what each is compared for.

base        the market as written
muted       only the impact of the hedges is gone; base / muted is what hedging multiplies
open_loop   the muted arm's hedges as recorded: against muted their flow, base against it the feedback
unhedged    nobody hedges: against muted, what the hedges do to those who make them
placebo     base's hedges with random signs: what so much flow does without the feedback
aa          base again: every ratio to base must be exactly 1
margined    base with the hedgers under margin: what their defaults add

How each is made is in `scenarios.file.arm`.
"""

from __future__ import annotations

BASE, MUTED, OPEN_LOOP, UNHEDGED, PLACEBO, AA, MARGINED = (
    "base",
    "muted",
    "open_loop",
    "unhedged",
    "placebo",
    "aa",
    "margined",
)

MAIN = (BASE, MUTED, OPEN_LOOP)
"""What amplification, its flow and its feedback are measured in."""

NO_LOOP_OF_THEIR_OWN = (OPEN_LOOP, UNHEDGED, PLACEBO, AA)
"""In these no hedger answers to the market, or base is repeated: a loop gain explains nothing there."""
