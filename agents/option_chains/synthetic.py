"""Synthetic chains: open interest laid out over expiries and strikes."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from agents.option_chains.chains import Chain, Contract, Holding
from sim.setup.limits import LONGEST, MOST, MOST_UNITS
from sim.setup.listing import Listing

DAY = 86400.0

Days = Annotated[float, Field(gt=0, le=LONGEST / DAY)]
Weight = Annotated[float, Field(ge=0, le=MOST)]


class LaidOut(Holding):
    """A chain that is laid out over expiries, sides and strikes by shares of the open interest.

    A subclass says by `strikes_of` where the strikes of an expiry are and how its interest lies over them.

    Parameters
    ----------
    open_interest : float
        Of all contracts together, units of the asset.
    expiries_days : list of float
    expiry_weights : list of float
        Shares of the open interest by expiry; equal if not given.
    put_share : float
        Share of the open interest in puts.
    """

    open_interest: float = Field(gt=0, le=MOST_UNITS)
    expiries_days: list[Days] = Field(min_length=1, max_length=1000)
    expiry_weights: list[Weight] | None = None
    put_share: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _weighs_every_expiry(self) -> LaidOut:
        weights = self.expiry_weights
        if weights is not None and len(weights) != len(self.expiries_days):
            raise ValueError(f"{len(self.expiries_days)} expiries_days but {len(weights)} expiry_weights")
        if weights is not None and sum(weights) <= 0:
            raise ValueError("the expiry_weights sum to 0")
        return self

    def strikes_of(self, days: float, is_call: bool) -> tuple[np.ndarray, np.ndarray]:
        """Strikes of an expiry over the spot, and how far each is from the side's centre, in deviations."""
        raise NotImplementedError

    def chain(self, listing: Listing, asset: int) -> Chain:
        """Lay the open interest out over strikes and expiries, normally around each side's centre."""
        spot, smile = listing.spots[asset], listing.smiles[asset]
        weights = self.expiry_weights or [1.0] * len(self.expiries_days)
        contracts = []
        for days, weight in zip(self.expiries_days, weights, strict=True):
            for is_call, part in ((True, 1 - self.put_share), (False, self.put_share)):
                strikes, deviations = self.strikes_of(days, is_call)
                squares = deviations**2
                shape = np.exp(-0.5 * (squares - squares.min()))
                interest = self.open_interest * weight / sum(weights) * part * shape / shape.sum()
                for relative, amount in zip(strikes.tolist(), interest.tolist(), strict=True):
                    strike, seconds = spot * relative, days * DAY
                    volatility = smile.volatility(strike, spot, seconds)
                    contracts.append(Contract(strike, seconds, is_call, volatility, amount))
        return Chain(contracts, len(contracts), {})


class Synthetic(LaidOut):
    """A synthetic chain: strikes around the spot, open interest falling with moneyness.

    Near the money at every expiry, as it is by default, it has most of its gamma within a week and a tenth of
    the spot, four times the gamma of a unit of real open interest; `agents.option_chains.listed` is like
    that of a listed market.

    Parameters
    ----------
    strikes : int
        Strikes on each side of the spot.
    spacing : float
        Distance between strikes, as a fraction of the spot.
    dispersion : float
        Standard deviation of open interest over moneyness, fraction of the spot.
    skew_to_otm : float
        How far the centre of puts lies below, and that of calls above the spot, fraction.
    open_interest, expiries_days, expiry_weights, put_share
        As of `LaidOut`.
    """

    expiries_days: list[Days] = Field(default=[1.0, 7.0, 30.0], min_length=1, max_length=1000)
    strikes: int = Field(default=12, ge=0, le=1000)
    spacing: float = Field(default=0.01, gt=0, lt=1)
    dispersion: float = Field(default=0.06, gt=0, le=100)
    put_share: float = Field(default=0.55, ge=0, le=1)
    skew_to_otm: float = Field(default=0.02, ge=0, le=100)

    @model_validator(mode="after")
    def _fits(self) -> Synthetic:
        if self.strikes * self.spacing >= 1:
            raise ValueError(f"strikes x spacing is {self.strikes * self.spacing:g}; it must be below 1")
        return self

    def strikes_of(self, days: float, is_call: bool) -> tuple[np.ndarray, np.ndarray]:
        """The same at every expiry."""
        steps = np.arange(-self.strikes, self.strikes + 1) * self.spacing
        centre = self.skew_to_otm if is_call else -self.skew_to_otm
        return 1 + steps, (steps - centre) / self.dispersion
