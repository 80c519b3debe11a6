"""Option contracts of any kind, for tests that sum over books of them."""

from __future__ import annotations

import numpy as np

from sim.messages.view import CONTRACT


def contracts_of(rng: np.random.Generator, count: int, scale: float) -> np.ndarray:
    """Contracts of any lot, delta and gamma; `scale` is that of gamma."""
    contracts = np.zeros(count, CONTRACT)
    contracts["lot"] = 10.0 ** rng.integers(-4, 3)
    contracts["delta"] = rng.uniform(-1, 1, count)
    contracts["gamma"] = rng.normal(size=count) * scale
    return contracts
