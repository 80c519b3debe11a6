"""Samples: points of the unit cube, which a study turns into values of its keys (scipy.stats.qmc, SALib)."""

from __future__ import annotations

import numpy as np


def unit_points(design: str, points: int, dimensions: int, seed: int) -> np.ndarray:
    """A sample of the unit cube.

    Parameters
    ----------
    design : str
        "lhs", "sobol" or "saltelli".
    points : int
    dimensions : int
    seed : int

    Returns
    -------
    array, shape (points, dimensions)
        Of saltelli (points x (dimensions + 2), dimensions).
    """
    from scipy.stats import qmc

    if design == "lhs":
        return np.asarray(qmc.LatinHypercube(dimensions, rng=np.random.default_rng(seed)).random(points))
    if design == "sobol":
        return np.asarray(qmc.Sobol(dimensions, rng=np.random.default_rng(seed)).random(points))
    from SALib.sample import sobol

    names = [str(number) for number in range(dimensions)]
    problem = {"num_vars": dimensions, "names": names, "bounds": [[0.0, 1.0]] * dimensions}
    return np.asarray(sobol.sample(problem, points, calc_second_order=False, seed=seed))
