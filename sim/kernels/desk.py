"""Desk: fill requests at a quote, against one account."""

from __future__ import annotations

from sim.jit import inlined, kernel
from sim.records import (
    FILLS,
    GROUP,
    NO_MARGIN,
    NO_QUANTITY,
    NOT_TRADED,
    OPTIONS,
    REDUCE_ONLY,
    REJECTS,
    SEQ,
    STEP,
)


@inlined
def refuse(orders, row, venue, refusal, rejects, counts):
    """Write a REJECT row for an order."""
    n = counts[REJECTS]
    rejects[n]["time"] = orders[row]["time"] + orders[row]["latency"]
    rejects[n]["qty"] = orders[row]["qty"]
    rejects[n]["step"] = counts[STEP]
    rejects[n]["account"] = orders[row]["account"]
    rejects[n]["population"] = orders[row]["population"]
    rejects[n]["venue"] = venue
    rejects[n]["kind"] = orders[row]["kind"]
    rejects[n]["refusal"] = refusal
    rejects[n]["phase"] = orders[row]["phase"]
    counts[REJECTS] = n + 1


@inlined
def fill(orders, row, venue, instrument, maker, lots, price, fee, population_of, fills, counts):
    """Write a FILL row of an order, the next of the current group."""
    n = counts[FILLS]
    fills[n]["time"] = orders[row]["time"] + orders[row]["latency"]
    fills[n]["price"] = price
    fills[n]["fee"] = fee
    fills[n]["maker_fee"] = 0.0
    fills[n]["seq"] = counts[SEQ]
    fills[n]["group"] = counts[GROUP]
    fills[n]["qty"] = lots
    fills[n]["step"] = counts[STEP]
    fills[n]["instrument"] = instrument
    fills[n]["maker"] = maker
    fills[n]["taker"] = orders[row]["account"]
    fills[n]["cause"] = orders[row]["cause"]
    fills[n]["maker_population"] = population_of[maker]
    fills[n]["taker_population"] = orders[row]["population"]
    fills[n]["venue"] = venue
    fills[n]["phase"] = orders[row]["phase"]
    fills[n]["reason"] = orders[row]["reason"]
    counts[FILLS] = n + 1
    counts[SEQ] += 1


@inlined
def quoted(instrument, sign, terms, contracts, assets, spread, option_spread):
    """Price at which the desk sells (sign 1) or buys (sign -1) one unit; below 0 if it does not trade."""
    if instrument >= OPTIONS:
        number = instrument - OPTIONS
        if contracts[number]["is_live"] == 0:
            return -1.0
        half = option_spread * assets[contracts[number]["asset"]]["mark"]
        return max(contracts[number]["price"] + sign * half, 0.0)
    if instrument < 0 or instrument >= terms.size:
        return -1.0
    return terms[instrument]["price"] * (1.0 + sign * spread)


@kernel
def fill_requests(
    orders,
    rows,
    venue,
    terms,
    contracts,
    assets,
    spread,
    option_spread,
    dense_account,
    option_account,
    population_of,
    room,
    fills,
    rejects,
    counts,
):
    """Fill each request in full at the desk's quote, or refuse it.

    Parameters
    ----------
    spread, option_spread : float
        Half spreads, as fractions of the price and of the underlying's mark.
    dense_account, option_account : int
        Who takes the other side.
    room : ndarray of int64, shape (2, A)
        Options are checked by margin afterwards, dense instruments by this.
    """
    for k in range(rows.size):
        row = rows[k]
        lots, instrument = orders[row]["qty"], orders[row]["instrument"]
        if lots == 0:
            refuse(orders, row, venue, NO_QUANTITY, rejects, counts)
            continue
        sign = 1.0 if lots > 0 else -1.0
        price = quoted(instrument, sign, terms, contracts, assets, spread, option_spread)
        if price < 0.0:
            refuse(orders, row, venue, NOT_TRADED, rejects, counts)
            continue
        maker = option_account if instrument >= OPTIONS else dense_account
        if instrument < OPTIONS and orders[row]["flags"] & REDUCE_ONLY == 0:
            account = orders[row]["account"]
            side = 0 if lots > 0 else 1
            if abs(lots) > room[side, account]:
                refuse(orders, row, venue, NO_MARGIN, rejects, counts)
                continue
            room[side, account] -= abs(lots)
            room[1 - side, account] += abs(lots)
        counts[GROUP] += 1
        fill(orders, row, venue, instrument, maker, lots, price, 0.0, population_of, fills, counts)
