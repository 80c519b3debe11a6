"""Repeats: a market that is built a second time as it was, and so will run as it did."""

from __future__ import annotations

import sys
import warnings
from collections import Counter

WARNING = (
    "this market is built again with the seed and the values it had before, so it will run as it did; "
    "mesa.batch_run tells a model nothing of its iteration: instead of iterations=3 give it seeds, "
    'parameters={"rng": [1, 2, 3], ...}'
)
BATCHES = "mesa.batchrunner"

_built: Counter[str] = Counter()


def note_built(digest: str) -> None:
    """Warn of the second build of a scenario in this process, or of the first in a later iteration of Mesa's.

    Its batches may give the iterations of a market to as many processes, each of which builds it once.

    Parameters
    ----------
    digest : str
        Of the scenario with its seed.
    """
    _built[digest] += 1
    if _built[digest] == 2 or (_built[digest] == 1 and _iteration() > 0):
        warnings.warn(WARNING, stacklevel=3)


def _iteration() -> int:
    """The iteration for which Mesa's batches ask for a model, as it stands in their frame; 0 elsewhere."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_globals.get("__name__") == BATCHES:
            return int(frame.f_locals.get("iteration", 0))
    return 0
