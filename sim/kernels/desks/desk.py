"""Desk: fill requests at a quote, against those who take the other side."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.accounts.posting import NO_HOLDER
from sim.kernels.messages.tape import Deal, Party, open_group, origin_of, refuse, sender_of, write_fill
from sim.records import (
    LP_SHARE,
    NO_MARGIN,
    NO_QUANTITY,
    NOT_TRADED,
    NOTHING_TO_REDUCE,
    OPTIONS,
    REDUCE_ONLY,
    REQUEST,
    RESERVE,
    TOO_LATE,
    UNSUPPORTED,
)


class Buyers(NamedTuple):
    """Who takes the other side of the options of each population; end users of those without any."""

    first: Any  # row of each population's first buyer, and one behind the last
    account: Any
    population: Any
    weight: Any


class Terms(NamedTuple):
    """The desk: its row in the quotes, its half spreads, and who takes the other side."""

    venue: Any
    spread: Any  # fraction of the price
    option_spread: Any  # fraction of the underlying's mark
    dense: Any  # Party
    options: Any  # Party
    buyers: Buyers


class Prices(NamedTuple):
    """What a desk prices from."""

    terms: Any
    contracts: Any
    assets: Any


@inlined
def placed_weight(population, buyers, is_in_breach):
    """Weight of the buyers of a population's options that are not in breach; 0 without any."""
    total = 0.0
    for i in range(buyers.first[population], buyers.first[population + 1]):
        if not is_in_breach[buyers.account[i]]:
            total += buyers.weight[i]
    return total


@inlined
def place(order, deal, desk, is_in_breach, tape):
    """Write an option deal with each buyer of the sender's options, shared by weight to the lot."""
    buyers, population, group = desk.buyers, order["population"], open_group(tape)
    sender, origin = sender_of(order), origin_of(order)
    total = placed_weight(population, buyers, is_in_breach)
    if total == 0.0:
        write_fill(tape, desk.venue, group, deal, desk.options, sender, origin)
        return
    weight, done = 0.0, deal.qty * 0
    for i in range(buyers.first[population], buyers.first[population + 1]):
        if is_in_breach[buyers.account[i]]:
            continue
        weight += buyers.weight[i]
        part = np.int64(np.rint(deal.qty * (weight / total))) - done
        if part != 0:
            done += part
            own = Deal(deal.instrument, part, deal.price, deal.fee, deal.maker_fee)
            buyer = Party(buyers.account[i], buyers.population[i])
            write_fill(tape, desk.venue, group, own, buyer, sender, origin)


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
def quoted(instrument, sign, now, prices, desk):
    """Price at which the desk sells (sign 1) or buys (sign -1) one unit; below 0 if it does not trade.

    It trades no share of a pool: only the pool itself issues and redeems them. Reserves change into cash
    and back at par.
    """
    terms, contracts = prices.terms, prices.contracts
    if instrument >= OPTIONS:
        number = instrument - OPTIONS
        if (
            number >= contracts.size
            or contracts[number]["is_live"] == 0
            or contracts[number]["expiry"] <= now
        ):
            return -1.0
        half = desk.option_spread * prices.assets[contracts[number]["asset"]]["mark"]
        return max(contracts[number]["price"] + sign * half, 0.0)
    if instrument < 0 or instrument >= terms.size or terms[instrument]["kind"] == LP_SHARE:
        return -1.0
    if terms[instrument]["kind"] == RESERVE:
        return terms[instrument]["price"]
    return terms[instrument]["price"] * (1.0 + sign * desk.spread)


@kernel
def fill_requests(orders, rows, desk, prices, holder_of, is_in_breach, room, tape):
    """Fill each request at the desk's quote, in full unless it is reduce-only, or refuse it.

    Of options none is reduce-only: what an account holds of one is not looked up.

    Parameters
    ----------
    desk : Terms
    prices : Prices
    holder_of : ndarray of int32, shape (A,)
        Accounts without a row in the option block trade no options.
    is_in_breach : ndarray of bool, shape (A,)
        Buyers in breach take nothing.
    room : ndarray of int64, shape (3, A)
        Options are checked by margin afterwards, dense instruments by this.
    tape : TapeRows
        With room for a refusal an order, and for a fill of every order with each of its buyers.
    """
    for k in range(rows.size):
        order = orders[rows[k]]
        lots, instrument = order["qty"], order["instrument"]
        if lots == 0:
            refuse(tape, desk.venue, order, NO_QUANTITY)
            continue
        account, now = order["account"], order["time"] + order["latency"]
        is_option = instrument >= OPTIONS
        price = quoted(instrument, 1.0 if lots > 0 else -1.0, now, prices, desk)
        is_holder = not is_option or holder_of[account] != NO_HOLDER
        if order["kind"] != REQUEST or price < 0.0 or not is_holder:
            refuse(tape, desk.venue, order, NOT_TRADED)
            continue
        is_late, is_reduce_only = order["good_till"] <= now, order["flags"] & REDUCE_ONLY != 0
        if is_late or (is_option and is_reduce_only):
            refuse(tape, desk.venue, order, TOO_LATE if is_late else UNSUPPORTED)
            continue
        if not is_option:
            lots = afford(lots, account, is_reduce_only, room)
            if lots == 0:
                refuse(tape, desk.venue, order, NOTHING_TO_REDUCE if is_reduce_only else NO_MARGIN)
                continue
            take(lots, account, room)
        deal = Deal(instrument, lots, price, 0.0, 0.0)
        if is_option:
            place(order, deal, desk, is_in_breach, tape)
        else:
            group = open_group(tape)
            write_fill(tape, desk.venue, group, deal, desk.dense, sender_of(order), origin_of(order))
