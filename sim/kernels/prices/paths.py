"""Paths: exogenous values of several assets, a block of steps at a time.

Every law is a case of one (Bates 1996): a log-normal diffusion with square-root variance
(Heston 1993) and compensated compound Poisson jumps of normal size (Merton 1976),

    d ln S = (drift - v / 2 - c) dt + sqrt(v) dW + dJ,
    dv = mean_reversion (long_run - v) dt + vol_of_vol sqrt(v) dZ,   d<W, Z> = correlation dt,

with c = jumps (exp(jump_mean + jump_sd^2 / 2) - 1), or, additive, dS = S0 (drift dt +
sqrt(v) dW). Steps are exact where the variance is constant; else full-truncation Euler
(Lord, Koekkoek & van Dijk 2010) in substeps.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.base.draws import normal, poisson, uniform

FLOOR = 1e-3  # least value of an additive law, as a fraction of the opening value
USES = 4  # draws of an asset a substep: value, variance, number and size of jumps
VALUE, VARIANCE, JUMPS, SIZE = range(USES)

LAW = np.dtype(
    [
        ("opening", "f8"),  # quote currency
        ("drift", "f8"),  # per year, as all rates below
        ("variance", "f8"),  # at the start
        ("mean_reversion", "f8"),
        ("long_run", "f8"),  # variance
        ("vol_of_vol", "f8"),
        ("correlation", "f8"),  # of value and variance
        ("jumps", "f8"),  # how many
        ("jump_mean", "f8"),  # of the logarithm
        ("jump_sd", "f8"),
        ("is_additive", "i4"),
    ],
    align=True,
)


class Process(NamedTuple):
    """What moves the values of all assets, for the whole run.

    Attributes
    ----------
    keys : ndarray of uint64, shape (K,)
        Draws are keyed by (key of the asset, step), so blocks of any length give one path.
    years : float
        Length of a substep.
    substeps : int
        Per step.
    laws : ndarray of LAW, shape (K,)
    root : ndarray of float64, shape (K, K)
        Lower triangular square root of the correlation of returns.
    """

    keys: Any
    years: float
    substeps: int
    laws: Any
    root: Any


@inlined
def jump(law, key, step, first_use, years):
    """Logarithm of the jumps of one substep, less what they add on average."""
    if law["jumps"] <= 0.0:
        return 0.0
    mean, sd = law["jump_mean"], law["jump_sd"]
    size = -law["jumps"] * (math.exp(mean + 0.5 * sd * sd) - 1.0) * years
    count = poisson(law["jumps"] * years, uniform(key, step, 0, first_use + JUMPS))
    if count > 0:
        size += count * mean + math.sqrt(count) * sd * normal(key, step, 0, first_use + SIZE)
    return size


@inlined
def move(law, value, variance, asset, z, key, step, first_use, years):
    """Move one asset's value and variance by one substep."""
    v = max(variance[asset], 0.0)
    spread = math.sqrt(v * years)
    if law["vol_of_vol"] > 0.0:
        rho = law["correlation"]
        w = rho * z + math.sqrt(1.0 - rho * rho) * normal(key, step, 0, first_use + VARIANCE)
        variance[asset] += law["mean_reversion"] * (law["long_run"] - v) * years
        variance[asset] += law["vol_of_vol"] * spread * w
    if law["is_additive"] != 0:
        value[asset] += law["opening"] * (law["drift"] * years + spread * z)
    else:
        growth = (law["drift"] - 0.5 * v) * years + spread * z
        value[asset] *= math.exp(growth + jump(law, key, step, first_use, years))


@inlined
def volatility_of(law, value, variance):
    """Volatility of returns per year, jumps included."""
    v = max(variance, 0.0)
    if law["is_additive"] != 0:
        return math.sqrt(v) * law["opening"] / value
    size = law["jump_mean"] * law["jump_mean"] + law["jump_sd"] * law["jump_sd"]
    return math.sqrt(v + law["jumps"] * size)


@kernel
def extend(first, process, factors, value, variance, normals, values, volatilities):
    """Go on with every asset's path for a block of steps.

    Parameters
    ----------
    first : int
        Step of the block's first row. Step 0 is the opening: nothing moves.
    process : Process
    factors : ndarray of float64, shape (B, K)
        Each value is multiplied by this at the end of its step: scheduled shocks.
    value, variance : ndarray of float64, shape (K,)
        State before the block; after it when done. Variances may be below 0 for a while.
    normals : ndarray of float64, shape (K,)
        Scratch.
    values, volatilities : ndarray of float64, shape (B, K)
        Written, a row a step.
    """
    keys, years, laws, root = process.keys, process.years, process.laws, process.root
    for t in range(values.shape[0]):
        step = first + t
        for s in range(process.substeps if step > 0 else 0):
            for k in range(laws.size):
                normals[k] = normal(keys[k], step, 0, USES * s + VALUE)
            for k in range(laws.size):
                z = 0.0
                for j in range(k + 1):
                    z += root[k, j] * normals[j]
                move(laws[k], value, variance, k, z, keys[k], step, USES * s, years)
        for k in range(laws.size):
            value[k] *= factors[t, k]
            if laws[k]["is_additive"] != 0:
                value[k] = max(value[k], FLOOR * laws[k]["opening"])
            values[t, k] = value[k]
            volatilities[t, k] = volatility_of(laws[k], value[k], variance[k])
