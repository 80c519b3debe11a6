"""Owners: whose an account is. A row of a population has one on each chain, wherever they lie."""

from __future__ import annotations

from typing import Any, NamedTuple

from sim.base.jit import inlined

NO_ROW = -1


class Owners(NamedTuple):
    """Of each account the number of its population, and its row there; system accounts are row 0.

    Attributes
    ----------
    population_of : ndarray of int16, shape (A,)
    row_of : ndarray of int32, shape (A,)
    """

    population_of: Any
    row_of: Any


@inlined
def row_in(population, account, owners):
    """Row of an account in a population; `NO_ROW` if it is none of its accounts, or of anybody's."""
    if 0 <= account < owners.population_of.size and owners.population_of[account] == population:
        return owners.row_of[account]
    return NO_ROW
