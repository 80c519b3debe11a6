"""Replicates: the seed of each repetition of an experiment."""

from __future__ import annotations

from sim.draws import key


def replicate_seed(root: int, replicate: int) -> int:
    """Seed of a replicate: a hash of the root seed and its number, below 2^31."""
    return int(key(root, "replicate", str(replicate))) % 2**31


def replicate_seeds(root: int, count: int) -> list[int]:
    """Seeds of the first so many replicates."""
    return [replicate_seed(root, replicate) for replicate in range(count)]
