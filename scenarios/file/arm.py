"""Arms: the counterfactuals that every scenario has, and what a file may say of one.

base        as written
muted       the hedges of the muted populations fill at the mid outside the market: their profit
and exposure are those of hedged accounts, only the impact is gone
open_loop   the muted arm's fills, sent to the market as recorded: the flow without the feedback
unhedged    the muted populations do not hedge
placebo     base's hedges with one random sign per block of ten seconds, sizes kept
aa          base again, nothing changed: every ratio must be exactly 1
margined    base with the muted accounts under margin, so that they can default
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, ValidationInfo, field_validator

from analysis.base.arms import AA, BASE, MARGINED, MUTED, OPEN_LOOP, PLACEBO, UNHEDGED
from scenarios.file.files import with_files
from sim.setup.limits import LONGEST, SHORTEST
from sim.setup.parameters import PopulationName
from sim.setup.table import Parameters

BLOCK_SECONDS = 10.0
"""How long one random sign of the placebo holds, unless the scenario says otherwise."""


class BuiltIn(NamedTuple):
    """What an arm does to the hedges and the accounts of the muted populations.

    Attributes
    ----------
    is_diverted : bool
        Whether their hedges fill at the mid, outside the market.
    is_dropped : bool
        Whether their hedges are not sent.
    replays : str
        The arm whose hedges are sent in their place, and which runs first; "" for none.
    is_signed : bool
        Whether what is replayed gets random signs.
    has_margin : bool
        Whether their accounts stay under margin.
    """

    is_diverted: bool = False
    is_dropped: bool = False
    replays: str = ""
    is_signed: bool = False
    has_margin: bool = False


BUILT_IN = {
    BASE: BuiltIn(),
    MUTED: BuiltIn(is_diverted=True),
    OPEN_LOOP: BuiltIn(is_dropped=True, replays=MUTED),
    UNHEDGED: BuiltIn(is_dropped=True),
    PLACEBO: BuiltIn(is_dropped=True, replays=BASE, is_signed=True),
    AA: BuiltIn(),
    MARGINED: BuiltIn(has_margin=True),
}


def replayed(arm: str) -> str:
    """The arm whose hedges this one replays, and which runs first; "" if there is none."""
    return BUILT_IN[arm].replays if arm in BUILT_IN else ""


class Arm(Parameters):
    """A counterfactual: whose hedges are muted, and what else is different.

    Parameters
    ----------
    mute : list of str, optional
        Populations whose hedges fill at the mid outside the market. For `muted`, and so for the
        arms made from it, every population with a hedging policy if not given; for an arm of
        one's own, none.
    set : table
        Values by dotted key, over the scenario's own.
    block_seconds : float
        Of `placebo`: how long one random sign holds.
    """

    mute: list[PopulationName] | None = None
    overlay: dict[str, Any] = Field(default_factory=dict, alias="set")
    block_seconds: float = Field(default=BLOCK_SECONDS, ge=SHORTEST, le=LONGEST)

    @field_validator("overlay")
    @classmethod
    def _find_files(cls, overlay: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Name files by their whole path: a relative one starts from the folder of the scenario."""
        folder = (info.context or {}).get("folder", Path())
        found: dict[str, Any] = with_files(overlay, folder)
        return found


def names(own: Mapping[str, Arm]) -> list[str]:
    """Every arm that a scenario with these of its own can be run as."""
    return list(dict.fromkeys([*BUILT_IN, *own]))
