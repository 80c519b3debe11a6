"""A chain like that of a listed market, against the real ones."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import norm

from agents.option_chains.chains import Contract, Snapshot
from agents.option_chains.listed import Listed
from agents.option_chains.synthetic import LaidOut, Synthetic
from sim.setup.instruments import Universe
from sim.setup.listing import SECONDS_PER_YEAR, Listing, Smile

SPOT, DAY, YEAR = 70_000.0, 86400.0, SECONDS_PER_YEAR
CALM, CRASH = "deribit_options_snapshot_20260204T213308Z.csv", "deribit_options_snapshot_20260205T212937Z.csv"
SMILES = {  # of each day and currency, quadratic in ln(K / F) / sqrt(T), contracts weighed by their gamma
    (CALM, "BTC"): Smile(atm=0.54, skew=-0.10, curvature=0.12),
    (CALM, "ETH"): Smile(atm=0.80, skew=-0.10, curvature=0.08),
    (CRASH, "BTC"): Smile(atm=0.78, skew=-0.20, curvature=0.17),
    (CRASH, "ETH"): Smile(atm=1.04, skew=-0.22, curvature=0.14),
}

FLAGSHIP = Smile(atm=0.55, skew=-0.05, curvature=0.05)


class Shares(NamedTuple):
    """Of gamma: within 7 and 30 days, 5, 10 and 20% of the spot, in puts; and a unit's gamma x spot."""

    week: float
    month: float
    nearest: float
    near: float
    around: float
    puts: float
    of_a_unit: float


def shares(contracts: list[Contract], spot: float = SPOT) -> Shares:
    strike, seconds, is_call, volatility, interest = (
        np.array(column) for column in zip(*contracts, strict=True)
    )
    total = volatility * np.sqrt(seconds / YEAR)
    gamma = interest * norm.pdf(np.log(spot / strike) / total + total / 2) / total
    away = np.abs(strike / spot - 1)

    def share(chosen: np.ndarray) -> float:
        return float(gamma[chosen].sum() / gamma.sum())

    spans = share(seconds <= 7 * DAY), share(seconds <= 30 * DAY)
    near = (share(away <= width) for width in (0.05, 0.1, 0.2))
    return Shares(*spans, *near, share(~is_call), float(gamma.sum() / interest.sum()))


def made(parameters: LaidOut | Snapshot, smile: Smile = FLAGSHIP) -> list[Contract]:
    return parameters.chain(Listing(1, 1.0, Universe(["BTC"]), [SPOT], [smile]), 0).contracts


def real(shared: Path, day: str, currency: str) -> Shares:
    foreign = {"convert_by_price": True} if currency != "BTC" else {}
    return shares(made(Snapshot(file=str(shared / "data" / day), currency=currency, **foreign)))


@pytest.mark.parametrize(
    ("day", "currency", "within"),
    [(CALM, "BTC", 0.05), (CRASH, "BTC", 0.125), (CALM, "ETH", 0.105), (CRASH, "ETH", 0.14)],
)
def test_its_gamma_lies_where_that_of_the_real_chain_does(
    shared: Path, day: str, currency: str, within: float
) -> None:
    """It was fitted to the first; the others are held out."""
    theirs = real(shared, day, currency)
    own = shares(made(Listed(open_interest=1e6), SMILES[day, currency]))
    assert own[:-1] == pytest.approx(theirs[:-1], abs=within)
    if day == CALM:
        assert own.of_a_unit == pytest.approx(theirs.of_a_unit, rel=0.2)


def test_the_real_chains_are_as_the_bands_have_it(shared: Path) -> None:
    for day, week, near in ((CALM, 0.187, 0.506), (CRASH, 0.147, 0.362)):
        found = real(shared, day, "BTC")
        assert (found.week, found.near) == (pytest.approx(week, abs=0.002), pytest.approx(near, abs=0.002))


def test_the_one_around_the_spot_is_far_from_it() -> None:
    narrow, listed = (shares(made(kind(open_interest=1e6))) for kind in (Synthetic, Listed))
    assert narrow.week > 0.8
    assert narrow.near > 0.97
    assert narrow.of_a_unit > 3.5 * listed.of_a_unit


def test_its_open_interest_is_shared_as_was_asked() -> None:
    contracts = made(Listed(open_interest=500.0, expiries_days=[2.0, 200.0], expiry_weights=[1.0, 3.0]))
    assert len(contracts) == 2 * 2 * 41
    assert sum(c.open_interest for c in contracts) == pytest.approx(500.0)
    assert sum(c.open_interest for c in contracts if c.seconds == 2 * DAY) == pytest.approx(125.0)
    assert sum(c.open_interest for c in contracts if not c.is_call) == pytest.approx(0.44 * 500.0)


@pytest.mark.parametrize(("growth", "ratio"), [(0.0, 1.0), (0.5, 10.0)])
def test_its_strikes_spread_by_a_power_of_time(growth: float, ratio: float) -> None:
    chosen = {"expiries_days": [3.65, 365.0], "expiry_weights": [1.0, 1.0], "strikes": 200}
    contracts = made(Listed(open_interest=1.0, growth=growth, dispersion=0.2, **chosen))

    def spread(days: float) -> tuple[float, float]:
        own = [c for c in contracts if c.seconds == days * DAY and c.is_call]
        x, weight = np.array([[math.log(c.strike / SPOT), c.open_interest] for c in own]).T
        mean = float(np.average(x, weights=weight))
        return mean, float(np.sqrt(np.average((x - mean) ** 2, weights=weight)))

    (near_mean, near), (far_mean, far) = spread(3.65), spread(365.0)
    assert (far_mean, far) == (pytest.approx(0.5, abs=0.01), pytest.approx(0.2, rel=0.05))
    assert (far_mean / near_mean, far / near) == pytest.approx((ratio, ratio))


def test_every_expiry_needs_its_share() -> None:
    with pytest.raises(ValueError, match="1 expiries_days but 12 expiry_weights"):
        Listed(open_interest=1.0, expiries_days=[1.0])
