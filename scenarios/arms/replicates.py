"""Replicates: the seed of each repetition of an experiment."""

from __future__ import annotations

from sim.setup.draws import key


def replicate_seed(root: int, replicate: int) -> int:
    """Seed of a replicate: a hash of the root seed and its number, below 2^31."""
    return int(key(root, "replicate", str(replicate))) % 2**31


def replicate_seeds(root: int, count: int) -> list[int]:
    """Seeds of the first so many replicates, all different: a hash that was there before is hashed on."""
    seeds: dict[int, None] = {}
    for replicate in range(count):
        seed, more = replicate_seed(root, replicate), 0
        while seed in seeds:
            more += 1
            seed = int(key(root, "replicate", str(replicate), str(more))) % 2**31
        seeds[seed] = None
    return list(seeds)


def own_seed(root: int, replicate: int, point: int) -> int:
    """Seed of a replicate that one point of a design has for itself, below 2^53."""
    return int(key(root, "replicate", str(replicate), "point", str(point))) % 2**53


def design_seed(root: int) -> int:
    """Seed of the sample that a design is, below 2^31."""
    return int(key(root, "design")) % 2**31
