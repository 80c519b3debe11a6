"""Tables of parameters: what is true of every one of them."""

from __future__ import annotations

import math
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from sim.setup.limits import LEAST, MOST, MOST_ENTRIES, WHOLE


class Parameters(BaseModel):
    """Base of every parameter table: unknown keys, wrong types and numbers without meaning are errors.

    NaN, infinity, negative zero, and what is larger than `MOST` or closer to 0 than `LEAST` have none.
    """

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="after")
    @classmethod
    def _is_meaningful(cls, value: Any) -> Any:
        if isinstance(value, int | float | list | dict):
            _check_size(value)
        return value


def _check_size(value: Any) -> None:
    """Raise for a number without meaning, or a list or table that is too long, wherever it stands."""
    match value:
        case bool():
            return
        case int() if abs(value) > WHOLE:
            raise ValueError("whole numbers are between -2^63 and 2^63")
        case float() if value == 0.0 and math.copysign(1.0, value) < 0:
            raise ValueError("0 has no sign; write 0.0")
        case float() if value and not LEAST <= abs(value) <= MOST:
            raise ValueError(f"a number other than 0 is between {LEAST:g} and {MOST:g} in size")
        case list() | dict() if len(value) > MOST_ENTRIES:
            raise ValueError(f"has {len(value):,} entries; at most {MOST_ENTRIES:,} are taken")
        case list() | dict():
            for item in value.values() if isinstance(value, dict) else value:
                if isinstance(item, int | float | list | dict):
                    _check_size(item)
