"""Series whose answers are known, and how often intervals cover these."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from synthetic import a_market, a_recording

from analysis.base.estimate import Estimate
from sim.recording.recording import Recording
from sim.records import BY_QUOTE, BY_TRADE, FILL, MOVE, TRADE

STEPS = 3600


def covered(truth: float, found: Iterable[Estimate]) -> float:
    """In what share the interval holds the truth."""
    return float(np.mean([each.low <= truth <= each.high for each in found]))


def over_seeds(seeds: int, of: Callable[[np.random.Generator], Any]) -> list[Any]:
    """What comes of each of so many seeds."""
    return [of(np.random.default_rng(seed)) for seed in range(seeds)]


def of_returns(moves: np.ndarray, **tables: Any) -> Recording:
    """A recording of a mid with these log returns, on too fine a grid to matter."""
    market = a_market(moves.size + 1)
    market["assets"][0]["half_tick"] = 1e-9
    mid = 65000 * np.exp(np.concatenate([[0.0], np.cumsum(moves)]))
    return a_recording({"BTC.mid": mid}, market, **tables)


def long_memory(rng: np.random.Generator, exponent: float, count: int = STEPS) -> np.ndarray:
    """Gaussian observations whose autocorrelation is lag^-exponent / 2."""
    size = 4 * count
    lag = np.minimum(np.arange(size), size - np.arange(size))
    power = np.fft.rfft(np.where(lag == 0, 1.0, 0.5 * np.maximum(lag, 1.0) ** -exponent)).real
    noise = np.fft.rfft(rng.normal(size=size)) * np.sqrt(np.maximum(power, 0))
    return np.asarray(np.fft.irfft(noise, size)[:count])


def with_impact(exponent: float, seed: int = 1, count: int = 3000) -> Recording:
    """Meta-orders of two orders each, one after the other; what they move is taken back by quotes."""
    rng = np.random.default_rng(seed)
    lots = np.rint(10 ** rng.uniform(1, 4, count) / 2).astype(int)
    sign = rng.choice([-1, 1], count)
    ticks = np.rint(40 * (lots / 5) ** exponent + rng.normal(0, 30, count)).astype(int) * sign
    made, path = np.zeros(2 * count, FILL), np.zeros(3 * count, MOVE)
    made["qty"], made["group"] = np.repeat(lots * sign, 2), np.arange(2 * count)
    made["taker"] = np.repeat(np.arange(count) % 100, 2)
    made["seq"] = (5 * np.arange(count)[:, np.newaxis] + [0, 2]).ravel()
    path["seq"] = (5 * np.arange(count)[:, np.newaxis] + [1, 3, 4]).ravel()
    path["half_ticks"] = np.stack([ticks // 2, ticks - ticks // 2, -ticks], axis=1).ravel()
    path["mover"] = np.tile([BY_TRADE, BY_TRADE, BY_QUOTE], count)
    made["time"] = np.repeat(np.linspace(0, STEPS, count, endpoint=False), 2)
    made["reason"] = TRADE
    mid = 65000 + 5 * np.sin(np.arange(STEPS) / 9)
    return a_recording({"BTC.mid": mid}, fills=made, moves=path)
