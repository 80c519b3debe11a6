"""Keyed draws: random numbers that depend on what they are for, not on when they are asked.

A draw is a hash of (key, step, row, use). The key is itself a hash of the seed, the
population's name and the stream's name, so a population that is added, muted or
reordered leaves the draws of all others as they were.
"""

from __future__ import annotations

import math

import numpy as np

from sim.base.jit import inlined, kernel

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)
ROW = np.uint64(0xD1B54A32D192ED03)
USE = np.uint64(0x8CB92BA72F3D8DD7)
UNIT = 1.0 / 9007199254740992.0  # 2 ** -53


@inlined
def mix(word):
    """Scramble a 64-bit word (the finaliser of SplitMix64: Steele, Lea & Flood 2014)."""
    word = (word ^ (word >> np.uint64(30))) * FIRST
    word = (word ^ (word >> np.uint64(27))) * SECOND
    return word ^ (word >> np.uint64(31))


@inlined
def hashed(key, step, row, use):
    """64 random bits for this key, step, row and use."""
    counter = np.uint64(step) * GOLDEN + np.uint64(row) * ROW + np.uint64(use) * USE
    return mix(mix(np.uint64(key) + counter) + GOLDEN)


@inlined
def uniform(key, step, row, use):
    """Uniform in (0, 1), both ends excluded."""
    return (float(hashed(key, step, row, use) >> np.uint64(11)) + 0.5) * UNIT


@inlined
def normal_quantile(p):
    """Inverse of the normal distribution function, relative error about 1e-9.

    Notes
    -----
    Rational approximation in three regions with the coefficients of P. J. Acklam (2003),
    one Halley step is left out: draws need no more.
    """
    if p < 0.02425 or p > 0.97575:
        tail = p if p < 0.5 else 1.0 - p
        q = math.sqrt(-2.0 * math.log(tail))
        top = (-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838e00
        top = ((top * q - 2.549732539343734e00) * q + 4.374664141464968e00) * q + 2.938163982698783e00
        low = (7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996e00
        low = (low * q + 3.754408661907416e00) * q + 1.0
        return top / low if p < 0.5 else -top / low
    q = p - 0.5
    r = q * q
    top = (-3.969683028665376e01 * r + 2.209460984245205e02) * r - 2.759285104469687e02
    top = ((top * r + 1.383577518672690e02) * r - 3.066479806614716e01) * r + 2.506628277459239e00
    low = (-5.447609879822406e01 * r + 1.615858368580409e02) * r - 1.556989798598866e02
    low = ((low * r + 6.680131188771972e01) * r - 1.328068155288572e01) * r + 1.0
    return q * top / low


@inlined
def normal(key, step, row, use):
    """Standard normal draw."""
    return normal_quantile(uniform(key, step, row, use))


@inlined
def exponential(mean, key, step, row, use):
    """Exponential draw with the given mean."""
    return -mean * math.log(uniform(key, step, row, use))


@inlined
def poisson(mean, u):
    """Poisson draw for the uniform `u`: by inversion, above 400 by a rounded normal."""
    if mean > 400.0:
        return max(0, round(mean + math.sqrt(mean) * normal_quantile(u)))
    count = 0
    probability = math.exp(-mean)
    cumulative = probability
    while u > cumulative and probability > 1e-300:
        count += 1
        probability *= mean / count
        cumulative += probability
    return count


@kernel
def fill_uniforms(key, step, first_row, use, out):
    """Write one uniform per row into `out`, for the rows from `first_row` on."""
    for i in range(out.size):
        out[i] = uniform(key, step, first_row + i, use)


@kernel
def fill_normal_quantiles(uniforms, out):
    """Write the normal quantile of each uniform into `out`."""
    for i in range(out.size):
        out[i] = normal_quantile(uniforms[i])


def normal_quantiles(uniforms: np.ndarray) -> np.ndarray:
    """Normal quantile of every element of a float64 array."""
    out = np.empty_like(uniforms)
    fill_normal_quantiles(uniforms, out)
    return out
