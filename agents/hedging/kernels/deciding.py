"""Deciding: the edges of the built-in policies, and from edges to what is to be traded."""

from __future__ import annotations

import math

import numpy as np

from agents.hedging.kernels.screening import note_distance
from sim.base.jit import inlined, kernel
from sim.kernels.accounts.valuation import lot_value
from sim.kernels.messages.owners import NO_ROW, row_in
from sim.records import SPOT


@kernel
def hold_band(columns, width, out):
    """Edges a width on either side, as a fraction of the size; back to neutral.

    Parameters
    ----------
    columns : ndarray of COLUMNS
    width : ndarray of float64, shape (N,)
    out : ndarray of DECISION
        Written.
    """
    for i in range(columns.size):
        half = width[columns[i]["row"]] * columns[i]["size"]
        out[i]["low"] = -half
        out[i]["high"] = half
        out[i]["trade"] = -(columns[i]["held"] + columns[i]["delta"])


@kernel
def hold_utility_band(columns, cost, aversion, out):
    """Edges (3/2 k S gamma^2 / a)^(1/3) units on either side; back to the edge.

    Parameters
    ----------
    columns : ndarray of COLUMNS
    cost, aversion : ndarray of float64, shape (N,)
        k, as a fraction of a trade's value, and a, per unit of quote currency.
    out : ndarray of DECISION
        Written.
    """
    for i in range(columns.size):
        row, gamma = columns[i]["row"], columns[i]["gamma"]
        half = (1.5 * cost[row] * columns[i]["price"] * gamma * gamma / aversion[row]) ** (1.0 / 3.0)
        net = columns[i]["held"] + columns[i]["delta"]
        out[i]["low"] = -half
        out[i]["high"] = half
        out[i]["trade"] = -(net - math.copysign(half, net))


@inlined
def claim(each, reserved, holding):
    """Count what a row has on the way: spot it sells is not for sale, and what it buys will cost cash."""
    row, sold, spent = each["row"], np.int64(0), 0.0
    for j in range(holding.instruments.size):
        instrument = holding.instruments[j]
        if holding.terms[instrument]["kind"] == SPOT:
            sold += max(-holding.pending[j, row], 0)
            spent += lot_value(holding.terms, instrument, max(holding.pending[j, row], 0))
    each["reserved"] = reserved[row] + sold
    each["spent"] = spent


@kernel
def claim_all(wanted, reserved, holding):
    """Count what every row that wants to trade has on the way."""
    for n in range(wanted.size):
        claim(wanted[n], reserved, holding)


@kernel
def settle(move, columns, decisions, reaches, undecided, sizes, clock, holding, screen, wanted):
    """List what is to be traded: by rows outside their edges, as much as they answer, up to their most.

    Parameters
    ----------
    move : float
        Of the price, since the reference.
    columns : ndarray of COLUMNS, shape (n,)
    decisions, reaches : ndarray of DECISION, shape (n,)
        What the policy made of each, and between which edges it will do nothing; undecided again afterwards.
    undecided : ndarray of DECISION, shape (1,)
    sizes : Sizes
    clock : Clock
        When rows looked is written.
    holding : Holding
    screen : ndarray of float32, shape (SCREEN_ROWS, N)
        Written (`agents.hedging.kernels.screening`).
    wanted : ndarray of WANTED, shape (N,)
        Written, from the first row on.

    Returns
    -------
    int
        How many rows are to trade.
    """
    count = 0
    for i in range(columns.size):
        row = columns[i]["row"]
        note_distance(screen, columns[i], reaches[i], move)
        clock.looked_at[row] = columns[i]["time"]
        net = columns[i]["held"] + columns[i]["delta"]
        is_out = net < decisions[i]["low"] or net > decisions[i]["high"]
        units = min(max(sizes.response[row] * decisions[i]["trade"], -sizes.most[row]), sizes.most[row])
        urgency = decisions[i]["urgency"]
        decisions[i] = reaches[i] = undecided[0]
        if not (is_out and abs(units) > 0.0):
            continue
        wanted[count]["row"] = row
        wanted[count]["units"] = units
        wanted[count]["urgency"] = urgency
        wanted[count]["slippage"] = sizes.slippage[row]
        wanted[count]["latency"] = clock.latency[row]
        claim(wanted[count], sizes.reserved, holding)
        count += 1
    return count


@kernel
def wait_for(sent, account, owners, ready_at):
    """Let rows, of these accounts, not look before the orders that they have sent can have arrived."""
    population = owners.population_of[account[0, 0]]
    for n in range(sent.size):
        row = row_in(population, sent[n]["account"], owners)
        if row == NO_ROW:
            continue
        ready_at[row] = max(ready_at[row], sent[n]["time"] + sent[n]["latency"])
