"""Changes: whose cash or positions have changed, in the order in which they did.

The ledger notes them; whoever watches accounts reads those noted since it last looked, and so
need not compare every account with what it was. The newest `ROOM` are kept: who has missed
some takes it that everybody has changed.
"""

from __future__ import annotations

import numpy as np

from sim.base.jit import inlined

ROOM = 1 << 14


def no_changes() -> np.ndarray:
    """An empty log: the number of changes so far, then a ring of accounts."""
    return np.zeros(1 + ROOM, np.int64)


@inlined
def note(changes, account):
    """Note that the cash or the positions of an account have changed."""
    changes[1 + (changes[0] & (ROOM - 1))] = account
    changes[0] += 1


@inlined
def has_missed(changes, since):
    """Whether some of the changes after the first `since` are not kept any more."""
    return changes[0] - since > ROOM


@inlined
def noted(changes, number):
    """Account of a change that is kept, by its number, from 0 on."""
    return changes[1 + (number & (ROOM - 1))]
