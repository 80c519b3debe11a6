"""Impact: what probes of several sizes did over seeds, by size and by time since.

With I(Q) the mean move at the end of an order of Q, sigma and V volatility and volume of a day without it,

    exponent     slope of log I over log Q
    prefactor    Y = I / (sigma sqrt(Q / V)), its geometric mean over sizes
    left         move after a time over I; over all sizes together each move counts over sqrt(Q / V)

Means are taken over seeds before logarithms are; intervals are from the paired bootstrap over seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from analysis.feedback import theory
from analysis.feedback.amplification import NOTHING, Estimate
from analysis.feedback.means import exponential, log_sum, mean, product, quotient
from analysis.probes.observed import Probe, Schedule, World

PROBE = "probe."
"""How the names of what a probe measures begin, where they stand beside those of metrics."""

WHOLE = 1.0
"""Share executed of an order that was executed in full."""

ONE_SIZE = "it takes two sizes"
NOT_MOVED = "a mean move is not above 0"
NOT_MEASURED = "what hedging and liquidation sell was measured in no run"
NO_END = "a gain of 1 or more feeds itself without end"


def told(found: Estimate, why: str) -> dict[str, Any]:
    """An estimate as plain values, with a reason if it is undefined."""
    entry = found.entry()
    return entry if entry["value"] is not None else entry | {"reason": why}


class Seed(NamedTuple):
    """The world of one seed, its probes by rising size, and what its base without a probe says of facts.

    `beside` holds the probes of each further arm, of the same units.
    """

    world: World
    probes: Sequence[Probe]
    facts: Sequence[Any] = ()
    beside: Sequence[Sequence[Probe]] = ()


class Impact:
    """The probes of a market over seeds.

    Parameters
    ----------
    shares : sequence of float
        Sizes over the volume of a day, rising.
    schedule : Schedule
    seeds : sequence of Seed

    Attributes
    ----------
    moves : ndarray of float64, shape (sizes, times, seeds)
    """

    def __init__(self, shares: Sequence[float], schedule: Schedule, seeds: Sequence[Seed]) -> None:
        self.shares, self.schedule = np.array(shares, float), schedule
        self._seeds = seeds
        moves = np.array([[probe.moves for probe in seed.probes] for seed in seeds], float)
        self.moves = moves.reshape(len(seeds), len(shares), schedule.times.size).transpose(1, 2, 0)
        self._end = schedule.position(0.0)

    def of_worlds(self, name: str) -> np.ndarray:
        """A number of the worlds without a probe, by seed."""
        return np.array([getattr(seed.world, name) for seed in self._seeds], float)

    def of_probes(self, name: str) -> np.ndarray:
        """A number of the probes, shape (sizes, seeds)."""
        found = [[getattr(probe, name) for probe in seed.probes] for seed in self._seeds]
        return np.array(found, float).reshape(len(self._seeds), self.shares.size).T

    @property
    def at_end(self) -> np.ndarray:
        """Moves when the order was done, shape (sizes, seeds)."""
        end: np.ndarray = self.moves[:, self._end]
        return end

    def after(self, seconds: float) -> np.ndarray:
        """Moves some time after the order was done, shape (sizes, seeds)."""
        later: np.ndarray = self.moves[:, self.schedule.position(seconds)]
        return later

    def exponent(self) -> Estimate:
        """Power of the size that the impact goes with; NaN for one size."""
        if self.shares.size < 2:
            return NOTHING
        logs = np.log(self.shares)
        weights = (logs - logs.mean()) / np.square(logs - logs.mean()).sum()
        return log_sum(self.at_end, weights)

    def prefactor(self) -> Estimate:
        """Y, over all sizes."""
        return self._prefactor(self.at_end, self.shares)

    def _prefactor(self, moves: np.ndarray, shares: np.ndarray) -> Estimate:
        weights = np.concatenate([np.full(shares.size, 1 / shares.size), [-0.5]])
        columns = np.concatenate([moves, self.of_worlds("variance")[None]])
        return exponential(log_sum(columns, weights, -0.5 * float(np.log(shares).mean())))

    def left(self, seconds: float) -> Estimate:
        """What is left after a time, over all sizes, as a fraction of the move at the end of the order."""
        roots = np.sqrt(self.shares)[:, None]
        return quotient((self.after(seconds) / roots).mean(axis=0), (self.at_end / roots).mean(axis=0))

    def left_at_twice(self) -> Estimate:
        """What is left when twice the length of the order has passed."""
        return self.left(self.schedule.length)

    def gain(self, seconds: float) -> tuple[Estimate, Estimate]:
        """Impact a unit of the smallest probe after a time, and the loop gain that it makes.

        Returns
        -------
        impact : Estimate
            Price a unit sold.
        gain : Estimate
            That, times what hedging and liquidation sell per unit that the price falls.
        """
        units = np.abs(self.of_probes("qty")[0])
        impact = self.after(seconds)[0] * self.of_worlds("price") / units
        return mean(impact), product(impact, self.of_worlds("demand"))

    def hedged(self) -> float:
        """Units that hedging and liquidation sell per unit of log return, G; NaN if never measured."""
        sold = self.of_worlds("demand") * self.of_worlds("price")
        known = sold[np.isfinite(sold)]
        return float(known.mean()) if known.size else np.nan

    @staticmethod
    def names(horizons: Sequence[float]) -> list[str]:
        """Names of what a calibration may aim at."""
        own = ["exponent", "prefactor", "left_at_twice", "book_back", "half_back"]
        return own + [f"left_{seconds:g}" for seconds in horizons]

    def quantities(self) -> dict[str, Estimate]:
        """What a calibration may aim at, by name."""
        found = [
            self.exponent(),
            self.prefactor(),
            self.left_at_twice(),
            mean(self.of_probes("book_back").mean(axis=0)),
            mean(self.of_probes("half_back").mean(axis=0)),
            *(self.left(seconds) for seconds in self.schedule.horizons),
        ]
        return dict(zip(self.names(self.schedule.horizons), found, strict=True))

    def reason(self, name: str) -> str:
        """Why a quantity of this name is undefined, if it is."""
        return ONE_SIZE if name == "exponent" and self.shares.size < 2 else NOT_MOVED

    def entry(self) -> dict[str, Any]:
        """Everything, as plain values."""
        names = ("volume", "variance", "demand", "price")
        return {
            "over_seconds": self.schedule.over,
            "at": self.schedule.at,
            "seeds": len(self._seeds),
            "without": {name: mean(self.of_worlds(name)).entry() for name in names},
            **{name: told(found, self.reason(name)) for name, found in self.quantities().items()},
            "sizes": [self._size(number) for number in range(self.shares.size)],
            "gain": [self._gain(seconds) for seconds in self.schedule.horizons],
        }

    def _size(self, number: int) -> dict[str, Any]:
        """What one size did, and what closed forms make of hedging on top of it."""
        move, runs = mean(self.at_end[number]), len(self._seeds)
        path = self.moves[number].mean(axis=-1)
        own = {name: self.of_probes(name)[number] for name in Probe._fields if name != "moves"}
        return {
            "share": float(self.shares[number]),
            "units": float(np.abs(own["qty"]).mean()),
            "move": move.entry(),
            "peak": float(path.max()),
            "prefactor": told(self._prefactor(self.at_end[[number]], self.shares[[number]]), NOT_MOVED),
            "left": {
                f"{seconds:g}": mean(self.after(seconds)[number]).entry()
                for seconds in (self.schedule.length, *self.schedule.horizons)
            },
            "runs": runs,
            "executed": float(own["executed"].mean()),
            "executed_in_part": int((own["executed"] < WHOLE).sum()),
            "failed": int(own["is_failed"].sum()),
            "book_back": {**mean(own["book_back"]).entry(), "runs": int(own["is_book_back"].sum())},
            "half_back": {**mean(own["half_back"]).entry(), "runs": int(own["is_half_back"].sum())},
            "times": self.schedule.times.tolist(),
            "path": path.tolist(),
            "amplification": self._closed_forms(number, move.value),
        }

    def _closed_forms(self, number: int, move: float) -> dict[str, Any]:
        """How hedging would amplify this order: from the law of the impact, and from its own move."""
        prefactor, sigma = self.prefactor().value, float(np.sqrt(self.of_worlds("variance").mean()))
        volume, hedged = self.of_worlds("volume").mean(), self.hedged()
        if not (np.isfinite(prefactor) and move > 0):
            return {"meta_order": None, "sale": None, "reason": NOT_MOVED}
        if not np.isfinite(hedged):
            return {"meta_order": None, "sale": None, "reason": NOT_MEASURED}
        strength = theory.concave_gain(prefactor, sigma, hedged, volume)
        own = hedged * move / float(np.abs(self.of_probes("qty")[number]).mean())
        return {
            "meta_order": float(theory.meta_order_amplification(strength, move)),
            "sale": float(theory.sale_amplification(own)),
        }

    def _gain(self, seconds: float) -> dict[str, Any]:
        impact, gain = self.gain(seconds)
        amplified = float(theory.feedback_volatility(1.0, gain.value))
        entry = {
            "horizon": seconds,
            "impact": impact.entry(),
            "gain": told(gain, NOT_MEASURED),
            "amplification": amplified if np.isfinite(amplified) else None,
        }
        return entry if np.isfinite(amplified) or np.isnan(gain.value) else entry | {"reason": NO_END}
