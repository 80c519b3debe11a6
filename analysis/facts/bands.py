"""Bands: the stylised facts that a market is scored in, and what is known of each in real markets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from analysis.base.estimate import Estimate
from analysis.facts import at_rest, stylized
from analysis.probes.impact import PROBE
from sim.recording.recording import Recording

HOUR = 3600.0


class Fact(NamedTuple):
    """A stylised fact: what it is called, the metric or the quantity of a probe that it is, its band.

    `measure` gives it with the interval of one run; a fact without one is of a probe.
    `is_of_traders` says whether books without traders who react lack it by construction.
    """

    name: str
    moment: str
    low: float
    high: float
    source: str
    measure: Callable[[Recording, str], Estimate] | None = None
    is_of_traders: bool = True


LIQUID = (0.8, 1.15)
"""Variance ratios of mids in liquid markets."""

WALK = "Lo & MacKinlay 1988 (1 of a random walk); mids of liquid markets 0.8 to 1.15"
OF_ROOT = (
    "Toth et al. 2011, Physical Review X 1, 021006; Sato & Kanazawa 2025, Physical Review Letters 135, 257401"
)
HALF_BACK, HALF_BACK_WITHIN = f"{PROBE}half_back", HOUR
PERPETUAL = "one large Bitcoin perpetual, calm hours of 10 October 2025"

FACTS: Sequence[Fact] = (
    Fact(
        "spread (bps)",
        "mean_spread",
        0.1,
        1.3,
        "a step of 0.1 to 0.5 at 65,000 to 120,000, large Bitcoin perpetuals (0.7, give or take 0.6)",
        at_rest.spread,
    ),
    Fact(
        "depth within 5% over that within 1%",
        "depth_ratio",
        2.5,
        4.5,
        f"{PERPETUAL}: 3.8 bid, 3.1 offered",
        at_rest.depth_ratio,
    ),
    Fact(
        "volume of a day over depth within 1%",
        "volume_over_depth",
        60.0,
        210.0,
        f"$20bn to $50bn a day over $239M to $321M, {PERPETUAL}",
        at_rest.turnover,
    ),
    Fact(
        "volatility over a minute, per year",
        "realised_volatility_1min",
        0.3,
        0.6,
        "Bitcoin, 235 to 250 bps a day, a third to either side",
        at_rest.volatility,
    ),
    Fact(
        "tail exponent of returns over a step",
        "tail_index",
        2.0,
        5.0,
        "Cont 2001, Quantitative Finance 1, 223-236 (2 to 5); Gopikrishnan et al. 1999, "
        "Physical Review E 60, 5305-5316 (about 3)",
        lambda recording, asset: stylized.tail(recording, asset).exponent,
    ),
    Fact(
        "decay exponent of the memory of absolute returns",
        "absolute_return_decay",
        0.2,
        0.4,
        "Cont 2001 (volatility clustering)",
        lambda recording, asset: stylized.size_decay(recording, asset).exponent,
    ),
    Fact(
        "decay exponent of the memory of order signs",
        "order_sign_decay",
        0.5,
        0.6,
        "Lillo & Farmer 2004, Studies in Nonlinear Dynamics & Econometrics 8(3) (0.6); Bouchaud, Farmer & "
        "Lillo 2009, Handbook of Financial Markets: Dynamics and Evolution, chapter 2 (about 0.5)",
        lambda recording, asset: stylized.sign_decay(recording, asset).exponent,
    ),
    *(
        Fact(
            f"variance ratio of mids, {words} over a step",
            f"variance_ratio_{name}",
            *LIQUID,
            WALK,
            partial(at_rest.variance_ratio, horizon=seconds),
            is_of_traders=False,
        )
        for words, name, seconds in (("10 s", "10s", 10.0), ("1 min", "1min", 60.0), ("5 min", "5min", 300.0))
    ),
    Fact(
        "correlation of successive returns over a minute",
        "return_autocorrelation_1min",
        -0.08,
        0.08,
        "liquid markets within 0.08; Bitcoin index, a calm afternoon: +0.058",
        lambda recording, asset: stylized.successive(recording, asset, stylized.MINUTE),
        is_of_traders=False,
    ),
    Fact("exponent of the impact of a meta-order", "probe.exponent", 0.4, 0.6, f"{OF_ROOT} (0.489 +- 0.002)"),
    Fact("prefactor Y of its impact", "probe.prefactor", 0.5, 1.0, f"{OF_ROOT} (order one)"),
    Fact(
        "what is left of it at twice its length",
        "probe.left_at_twice",
        0.35,
        0.75,
        "0.41 in a latent book of small flow (Donier et al. 2015); two thirds at the end of the day in "
        "stocks (Bucci et al. 2019)",
    ),
    Fact(
        "time until half of it is regained (s)",
        HALF_BACK,
        0.0,
        HALF_BACK_WITHIN,
        "uninformed orders on Bitcoin are forgotten almost wholly (Donier & Bonart 2015)",
    ),
)
"""The facts that are scored, in this order."""

OF_RUNS = [fact for fact in FACTS if fact.measure]
"""Those that a run without an extra order can tell."""
