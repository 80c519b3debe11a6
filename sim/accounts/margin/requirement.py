"""Requirement: the margin rates of one asset's instruments."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from sim.records import PERPETUAL
from sim.setup.table import Parameters


class Requirement(Parameters):
    """Margin of one asset's instruments.

    Parameters
    ----------
    initial, maintenance : float
        Of a perpetual, fractions of notional.
    collateral : float
        Share of the value of spot that counts as equity.
    option_initial, option_floor, option_maintenance : float
        Of a short option per unit, as fractions of the underlying: the initial one is
        `option_initial` less the amount out of the money, at least `option_floor`.

    Notes
    -----
    The option rule is the standard margin Deribit published for its coin-settled options
    (from secondary sources), written in quote currency; the mark
    it adds is in our equity already.
    """

    initial: float = Field(default=0.02, gt=0, le=1)
    maintenance: float = Field(default=0.01, gt=0, le=1)
    collateral: float = Field(default=0.9, ge=0, le=1)
    option_initial: float = Field(default=0.15, ge=0, le=1e3)
    option_floor: float = Field(default=0.10, ge=0, le=1e3)
    option_maintenance: float = Field(default=0.075, ge=0, le=1e3)

    def of(self, kind: int) -> dict[str, float]:
        """Rates of a dense instrument of this kind, as TERMS has them: spot ties up no margin."""
        if kind == PERPETUAL:
            return {"initial": self.initial, "maintenance": self.maintenance}
        return {"collateral": self.collateral}

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.maintenance > self.initial:
            raise ValueError(f"maintenance {self.maintenance:g} is above initial {self.initial:g}")
        return self
