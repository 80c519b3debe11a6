"""Orders that a population leaves on a book when the market, or a session, opens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from sim.records import LIMIT, OPENING, orders
from sim.setup.limits import HIGHEST_PRICE, MOST_UNITS
from sim.setup.listing import VenueTerms
from sim.setup.misfit import Misfit
from sim.setup.parameters import check_lots
from sim.setup.table import Parameters


class Level(Parameters):
    """What rests at one price.

    Parameters
    ----------
    price : float
        Quote currency; rounded to the nearest tick.
    units : float
        Of the instrument, above zero to buy.
    orders : int
        Equal orders that the units come in.
    """

    price: float = Field(gt=0, le=HIGHEST_PRICE)
    units: float = Field(ge=-MOST_UNITS, le=MOST_UNITS)
    orders: int = Field(default=1, ge=1, le=100_000)


def lots_of(levels: Sequence[Level], terms: VenueTerms) -> list[int]:
    """Lots of an order of each level.

    Raises
    ------
    Misfit
        If an order of a level is less than half a lot.
    """
    sizes = [level.units / level.orders / terms.lot for level in levels]
    for n, size in enumerate(sizes):
        check_lots(abs(size), ("opening", n, "units"))
    lots = [round(size) for size in sizes]
    if 0 in lots:
        what = f'an order of it is less than half a lot of {terms.lot:g} at "{terms.name}"'
        raise Misfit(what, ("opening", lots.index(0), "units"))
    return lots


def resting(levels: Sequence[Level], account: int, terms: VenueTerms, now: float) -> np.ndarray:
    """The ORDER rows that leave these levels on a book.

    Parameters
    ----------
    levels : sequence of Level
    account : int
        Whose orders they are.
    terms : VenueTerms
        Of the book.
    now : float
        Decision time, s; they arrive at once.

    Raises
    ------
    Misfit
        If an order of a level is less than half a lot.
    """
    rows = orders(sum(level.orders for level in levels))
    rows["time"], rows["account"], rows["venue"] = now, account, terms.index
    rows["kind"], rows["reason"] = LIMIT, OPENING
    if rows.size:
        repeats = [level.orders for level in levels]
        rows["qty"] = np.repeat(np.array(lots_of(levels, terms), np.int64), repeats)
        rows["price"] = np.repeat([round(level.price / terms.tick) for level in levels], repeats)
    return rows
