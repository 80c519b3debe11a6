"""Names and keys of the random streams."""

from __future__ import annotations

import hashlib

import numpy as np

from sim.kernels.base.draws import fill_uniforms
from sim.setup.distributions import Distribution
from sim.setup.parameters import check_draws
from sim.setup.table import Parameters


def key(seed: int, *names: str) -> np.uint64:
    """The key of a stream: a hash of the seed and of names, never of an index."""
    text = "\x1f".join((str(seed), *names))
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))


class Draws:
    """The random streams of one owner (a population, a driver, a venue).

    Parameters
    ----------
    seed : int
        Seed of the run.
    owner : str
        Name of the owner; equal names draw equal numbers.
    """

    def __init__(self, seed: int, owner: str) -> None:
        self.seed = seed
        self.owner = owner

    def key(self, stream: str) -> np.uint64:
        """Key to hand to a kernel that draws from this stream."""
        return key(self.seed, self.owner, stream)

    def uniforms(self, stream: str, count: int) -> np.ndarray:
        """One uniform in (0, 1) per row."""
        out = np.empty(count)
        fill_uniforms(self.key(stream), 0, 0, 0, out)
        return out

    def column(self, parameter: float | Distribution, stream: str, count: int) -> np.ndarray:
        """A value per row: the number itself, or a draw from the distribution.

        Parameters
        ----------
        parameter : float or Distribution
        stream : str
            Usually the parameter's name.
        count : int
            Number of rows.

        Returns
        -------
        ndarray of float64, shape (count,)
        """
        if isinstance(parameter, Distribution):
            return parameter.quantiles(self.uniforms(stream, count))
        return np.full(count, float(parameter))

    def columns(self, parameters: Parameters, stream: str, count: int) -> dict[str, np.ndarray]:
        """A value per row of each number among parameters, by name: the number itself, or a draw of its own.

        Parameters
        ----------
        parameters : Parameters
        stream : str
            Put before each name.
        count : int
            Number of rows.

        Raises
        ------
        Misfit
            If what is drawn is larger than makes sense.
        """
        values = {name: getattr(parameters, name) for name in type(parameters).model_fields}
        found = {}
        for name, value in values.items():
            if isinstance(value, int | float | Distribution) and not isinstance(value, bool):
                found[name] = self.column(value, f"{stream}.{name}", count)
                check_draws(type(parameters), name, found[name])
        return found
