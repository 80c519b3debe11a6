"""Desk: fill requests at a quote, against one account."""

from __future__ import annotations

from sim.base.jit import inlined, kernel
from sim.kernels.accounts.posting import NO_HOLDER
from sim.records import (
    FILLS,
    GROUP,
    LP_SHARE,
    NO_MARGIN,
    NO_QUANTITY,
    NOT_TRADED,
    NOTHING_TO_REDUCE,
    OPTIONS,
    REDUCE_ONLY,
    REJECTS,
    REQUEST,
    SEQ,
    STEP,
    TOO_LATE,
    UNSUPPORTED,
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
def reducible(room, account, side):
    """Lots that an account can trade on a side (> 0 buys) before it has no position left."""
    return max(-side * room[2, account], 0)


@inlined
def reduced(lots, account, room):
    """Lots cut to what is left to reduce of the account's position."""
    if lots > 0:
        return min(lots, reducible(room, account, 1))
    return max(lots, -reducible(room, account, -1))


@inlined
def afford(lots, account, is_reduce_only, room):
    """Lots within the sender's room, all or none; if reduce-only, cut to what is left to reduce."""
    if is_reduce_only:
        return reduced(lots, account, room)
    return lots if abs(lots) <= room[0 if lots > 0 else 1, account] else lots * 0


@inlined
def take(lots, account, room):
    """Account for a trade in what an account may still buy (row 0) and sell (row 1), and holds (row 2)."""
    room[0, account] -= lots
    room[1, account] += lots
    room[2, account] += lots


@inlined
def quoted(instrument, sign, now, terms, contracts, assets, spread, option_spread):
    """Price at which the desk sells (sign 1) or buys (sign -1) one unit; below 0 if it does not trade.

    It trades no share of a pool: only the pool itself issues and redeems them.
    """
    if instrument >= OPTIONS:
        number = instrument - OPTIONS
        if (
            number >= contracts.size
            or contracts[number]["is_live"] == 0
            or contracts[number]["expiry"] <= now
        ):
            return -1.0
        half = option_spread * assets[contracts[number]["asset"]]["mark"]
        return max(contracts[number]["price"] + sign * half, 0.0)
    if instrument < 0 or instrument >= terms.size or terms[instrument]["kind"] == LP_SHARE:
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
    holder_of,
    room,
    fills,
    rejects,
    counts,
):
    """Fill each request at the desk's quote, in full unless it is reduce-only, or refuse it.

    Of options none is reduce-only: what an account holds of one is not looked up.

    Parameters
    ----------
    spread, option_spread : float
        Half spreads, as fractions of the price and of the underlying's mark.
    dense_account, option_account : int
        Who takes the other side.
    holder_of : ndarray of int32, shape (A,)
        Accounts without a row in the option block trade no options.
    room : ndarray of int64, shape (3, A)
        Options are checked by margin afterwards, dense instruments by this.
    """
    for k in range(rows.size):
        row = rows[k]
        lots, instrument = orders[row]["qty"], orders[row]["instrument"]
        if lots == 0:
            refuse(orders, row, venue, NO_QUANTITY, rejects, counts)
            continue
        account, now = orders[row]["account"], orders[row]["time"] + orders[row]["latency"]
        is_option = instrument >= OPTIONS
        sign = 1.0 if lots > 0 else -1.0
        price = quoted(instrument, sign, now, terms, contracts, assets, spread, option_spread)
        is_holder = not is_option or holder_of[account] != NO_HOLDER
        if orders[row]["kind"] != REQUEST or price < 0.0 or not is_holder:
            refuse(orders, row, venue, NOT_TRADED, rejects, counts)
            continue
        is_late, is_reduce_only = orders[row]["good_till"] <= now, orders[row]["flags"] & REDUCE_ONLY != 0
        if is_late or (is_option and is_reduce_only):
            refuse(orders, row, venue, TOO_LATE if is_late else UNSUPPORTED, rejects, counts)
            continue
        if not is_option:
            lots = afford(lots, account, is_reduce_only, room)
            if lots == 0:
                refusal = NOTHING_TO_REDUCE if is_reduce_only else NO_MARGIN
                refuse(orders, row, venue, refusal, rejects, counts)
                continue
            take(lots, account, room)
        counts[GROUP] += 1
        maker = option_account if is_option else dense_account
        fill(orders, row, venue, instrument, maker, lots, price, 0.0, population_of, fills, counts)
