"""Pools: orders against a constant-product curve.

A pool holds integer lots of the asset and float cash. Whatever is rounded, is rounded in
favour of the pool: neither the product of the reserves under swaps nor the reserves per
share ever fall.
"""

from __future__ import annotations

import math

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.desks.desk import reduced, take
from sim.kernels.messages.tape import (
    Deal,
    Origin,
    Party,
    open_group,
    origin_of,
    refuse,
    sender_of,
    write_fill,
)
from sim.kernels.pools.curves import portion, swap_in, swap_out
from sim.records import (
    ADD_LIQUIDITY,
    FILLS,
    LIQUIDITY,
    MARKET,
    NO_MARGIN,
    NO_QUANTITY,
    NO_REFERENCE,
    NO_TICK,
    NOT_FILLABLE,
    NOT_TRADED,
    NOTHING_TO_REDUCE,
    REDUCE_ONLY,
    REMOVE_LIQUIDITY,
    SIDE_BY_VALUE,
    SLIPPAGE,
    SWAP,
    TOO_LATE,
)

LOCKED = 1000  # share lots of the first deposit that nobody ever owns
ULPS = 4.0 * 2.0**-52  # relative allowance for rounding, charged to the taker

DONE = 0
IGNORED = -1  # neither filled nor refused

POOL = np.dtype(
    [
        ("cash", "f8"),  # reserve, quote currency
        ("lot", "f8"),  # units of the asset a lot
        ("share_lot", "f8"),  # share units a lot
        ("kept", "f8"),  # 1 - fee
        ("reference", "f8"),  # price of the first deposit, NaN if none is set
        ("cumulative", "f8"),  # integral of the spot price over time, quote currency x s
        ("clock", "f8"),  # s, up to which it is integrated
        ("depth", "f8"),  # fraction of the mid within which depth is measured
        ("base", "i8"),  # reserve, lots of the asset
        ("supply", "i8"),  # share lots, the locked ones included
        ("flow", "i8"),
        ("volume", "i8"),
        ("instrument", "i4"),
        ("share_instrument", "i4"),
        ("account", "i4"),
        ("venue", "i4"),
        ("asset", "i4"),
        ("population", "i4"),  # of the account
    ],
    align=True,
)


@inlined
def spot_price(pool):
    """Marginal price without fee, quote currency a unit."""
    return pool["cash"] / (pool["base"] * pool["lot"])


@inlined
def swap_cash(pool, qty):
    """Cash for `qty` lots, > 0 bought from the pool: paid rounded up, received rounded down."""
    if qty > 0:
        top, low = swap_in(float(qty), pool["cash"], float(pool["base"]), pool["kept"], 1.0)
        paid = top / low
        return paid + ULPS * (pool["cash"] + paid)
    top, low = swap_out(float(-qty), float(pool["base"]), pool["cash"], pool["kept"], 1.0)
    return top / low - ULPS * pool["cash"]


@inlined
def advance(pool, time):
    """Integrate the spot price up to `time`."""
    if time > pool["clock"]:
        if pool["base"] > 0:
            pool["cumulative"] += spot_price(pool) * (time - pool["clock"])
        pool["clock"] = time


@inlined
def wanted(pool, order, room):
    """Signed lots a swap asks for: by the side of its value, reduced to the position."""
    lots = order["qty"]
    if order["flags"] & SIDE_BY_VALUE:
        price = spot_price(pool)
        lots = abs(lots) if order["value"] > price else (-abs(lots) if order["value"] < price else 0)
    return reduced(lots, order["account"], room) if order["flags"] & REDUCE_ONLY else lots


@inlined
def is_afforded(pool, account, lots, cash, room):
    """Whether the sender has the lots it sells, or, room being lots at the spot price, the cash."""
    if lots < 0:
        return -lots <= room[1, account]
    return lots <= room[0, account] and cash <= room[0, account] * pool["lot"] * spot_price(pool)


@inlined
def is_worse(order, lots, price):
    """Whether the average price is beyond what the order accepts."""
    if order["kind"] != SWAP or order["flags"] & SIDE_BY_VALUE or not order["value"] > 0.0:
        return False
    return price > order["value"] if lots > 0 else price < order["value"]


@inlined
def deal_with(pool, tape, order, group, instrument, lots, price, origin):
    """Write the fill of an order against the pool."""
    deal, maker = Deal(instrument, lots, price, 0.0, 0.0), Party(pool["account"], pool["population"])
    write_fill(tape, pool["venue"], group, deal, maker, sender_of(order), origin)


@inlined
def swap(pool, order, room, tape):
    """Trade against the pool; returns a refusal, DONE or IGNORED."""
    if order["qty"] == 0:
        return NO_QUANTITY
    if pool["base"] == 0:
        return NO_REFERENCE
    lots = wanted(pool, order, room)
    if lots == 0:
        return NOTHING_TO_REDUCE if order["flags"] & REDUCE_ONLY else IGNORED
    if lots >= pool["base"]:
        return NOT_FILLABLE
    units = abs(lots) * pool["lot"]
    cash = swap_cash(pool, lots)
    if cash <= 0.0:
        return NOT_FILLABLE
    if not is_afforded(pool, order["account"], lots, cash, room):
        return NO_MARGIN
    price = cash / units
    if is_worse(order, lots, price):
        return SLIPPAGE
    deal_with(pool, tape, order, open_group(tape), pool["instrument"], lots, price, origin_of(order))
    pool["cash"] += units * price if lots > 0 else -(units * price)
    pool["base"] -= lots
    pool["flow"] += lots
    pool["volume"] += abs(lots)
    take(lots, order["account"], room)
    return DONE


@inlined
def exchange(pool, order, lots, price, shares, share_price, tape):
    """Write the two fills of a change of liquidity, one group, and carry the pool along.

    `lots` > 0 are taken out of the pool and `shares` < 0 burnt, or the reverse; both
    against cash, so that what remains of it is the deposit or the withdrawal.
    """
    group, sent = open_group(tape), origin_of(order)
    origin = Origin(sent.time, sent.cause, sent.phase, np.int64(LIQUIDITY))
    deal_with(pool, tape, order, group, pool["share_instrument"], shares, share_price, origin)
    if lots != 0:
        deal_with(pool, tape, order, group, pool["instrument"], lots, price, origin)
    pool["cash"] += shares * pool["share_lot"] * share_price
    pool["cash"] += lots * pool["lot"] * price
    pool["base"] -= lots
    pool["supply"] += shares


@inlined
def deposit(pool, lots):
    """Cash that goes with `lots` of the asset, and the share lots they buy."""
    if pool["supply"] == 0:
        cash = lots * pool["lot"] * pool["reference"]
        root = math.sqrt(lots * pool["lot"]) * math.sqrt(cash)
        return cash, int(root / pool["share_lot"] * (1.0 - ULPS)) - LOCKED
    top, low = portion(pool["cash"], float(lots), float(pool["base"]))
    cash = top / low
    top, low = portion(float(pool["supply"]), float(lots), float(pool["base"]))
    return cash, int(top / low * (1.0 - ULPS))


@inlined
def add_liquidity(pool, order, room, tape):
    """Take lots of the asset and matching cash for shares; returns a refusal or DONE."""
    account, lots = order["account"], order["qty"]
    if lots <= 0:
        return NO_QUANTITY
    if pool["supply"] == 0 and not pool["reference"] > 0.0:
        return NO_REFERENCE
    if lots > room[0, account] or lots > room[1, account]:
        return NO_MARGIN
    cash, shares = deposit(pool, lots)
    if shares <= 0:
        return NOT_FILLABLE
    price = pool["reference"] if pool["supply"] == 0 else spot_price(pool)
    share_price = (lots * pool["lot"] * price + cash) / (shares * pool["share_lot"])
    if pool["supply"] == 0:
        pool["supply"] = LOCKED
    exchange(pool, order, -lots, price, shares, share_price, tape)
    room[0, account] -= lots
    room[1, account] -= lots
    room[2, account] -= lots
    return DONE


@inlined
def owned(account, share_instrument, held, tape, first):
    """Share lots of an account, with what the fills from `first` on have brought it."""
    shares, fills = held[account], tape.fills
    for i in range(first, tape.counts[FILLS]):
        if fills[i]["taker"] == account and fills[i]["instrument"] == share_instrument:
            shares += fills[i]["qty"]
    return shares


@inlined
def remove_liquidity(pool, held, first, order, room, tape):
    """Burn shares for their part of both reserves, in whole lots; returns a refusal or DONE.

    Cash goes with the lots, not with the shares: what is left, dust though it be, keeps its price.
    """
    account, shares = order["account"], order["qty"]
    if shares <= 0:
        return NO_QUANTITY
    if shares > owned(account, pool["share_instrument"], held, tape, first):
        return NOTHING_TO_REDUCE
    top, low = portion(float(pool["base"]), float(shares), float(pool["supply"]))
    lots = int(top / low * (1.0 - ULPS))
    top, low = portion(pool["cash"], float(lots), float(pool["base"]))
    cash = max(top / low - ULPS * pool["cash"], 0.0)
    price = spot_price(pool)
    share_price = (lots * pool["lot"] * price + cash) / (shares * pool["share_lot"])
    exchange(pool, order, lots, price, -shares, share_price, tape)
    room[0, account] += lots
    room[1, account] += lots
    room[2, account] += lots
    return DONE


@kernel
def execute_pool(pools, held, orders, due, until, room, tape):
    """Execute swaps and changes of liquidity in arrival order.

    Parameters
    ----------
    pools : ndarray of POOL, shape (1,)
    held : ndarray of int64, shape (A,)
        Share lots of each account, all earlier fills posted.
    orders : ndarray of ORDER
    due : ndarray of int64
        Rows of `orders`, in arrival order.
    until : float
        Time up to which the price is integrated, s.
    room : ndarray of int64, shape (3, A)
        Lots each account may still buy and sell, and holds.
    tape : TapeRows
        With room for two fills and one refusal an order.
    """
    pool, first = pools[0], tape.counts[FILLS]
    for k in range(due.size):
        order, outcome = orders[due[k]], NOT_TRADED
        kind, now = order["kind"], order["time"] + order["latency"]
        advance(pool, now)
        if order["good_till"] <= now:
            outcome = TOO_LATE
        elif kind in (SWAP, MARKET):
            outcome = swap(pool, order, room, tape)
        elif kind == ADD_LIQUIDITY:
            outcome = add_liquidity(pool, order, room, tape)
        elif kind == REMOVE_LIQUIDITY:
            outcome = remove_liquidity(pool, held, first, order, room, tape)
        if outcome > DONE:
            refuse(tape, pool["venue"], order, outcome)
    advance(pool, until)


@kernel
def observe_pool(pools, quotes, index):
    """Write the state of a pool into row `index` of `quotes` (dtype VENUE_STATE).

    Notes
    -----
    From price P to P (1 + d) a pool sells x (1 - 1 / sqrt(1 + d)) units; from P to
    P (1 - d) it takes x (1 / sqrt(1 - d) - 1) / kept. Its permanent depth, the limit of
    both for small d over P d, is x / 2P.
    """
    pool = pools[0]
    is_open = pool["base"] > 0
    units = pool["base"] * pool["lot"]
    mid = spot_price(pool) if is_open else pool["reference"]
    quotes[index]["bid"] = mid * pool["kept"] if is_open else math.nan
    quotes[index]["ask"] = mid / pool["kept"] if is_open else math.nan
    quotes[index]["mid"] = mid
    quotes[index]["last"] = mid
    quotes[index]["depth_bid"] = units * (1.0 / math.sqrt(1.0 - pool["depth"]) - 1.0) / pool["kept"]
    quotes[index]["depth_ask"] = units * (1.0 - 1.0 / math.sqrt(1.0 + pool["depth"]))
    quotes[index]["depth_span"] = mid * pool["depth"] if is_open else 0.0
    quotes[index]["permanent_depth"] = 0.5 * units / mid if is_open else 0.0
    quotes[index]["base"] = units
    quotes[index]["cash"] = pool["cash"]
    quotes[index]["tick"] = 0.0
    quotes[index]["lot"] = pool["lot"]
    quotes[index]["pool_fee"] = 1.0 - pool["kept"]
    quotes[index]["taker_fee"] = 0.0
    quotes[index]["maker_fee"] = 0.0
    quotes[index]["flow"] = pool["flow"]
    quotes[index]["volume"] = pool["volume"]
    quotes[index]["bid_tick"] = NO_TICK
    quotes[index]["ask_tick"] = NO_TICK
    quotes[index]["mid_half_ticks"] = 0
    quotes[index]["instrument"] = pool["instrument"]
    quotes[index]["asset"] = pool["asset"]
    quotes[index]["is_halted"] = 0


@kernel
def appraise_shares(pools, terms, mark):
    """Write price, delta and gamma of a pool's shares into their row of `terms`.

    Notes
    -----
    Shares are worth 2 sqrt(x y mark), what arbitrage leaves at the mark, so that a swap
    cannot lift the collateral value of shares for an instant. Delta x and gamma -x / (2 P)
    are those of the reserves as they stand.
    """
    pool = pools[0]
    if pool["base"] > 0:
        units, row = pool["base"] * pool["lot"], pool["share_instrument"]
        worth = 2.0 * math.sqrt(units * pool["cash"] * mark)
        terms[row]["price"] = worth / (pool["supply"] * pool["share_lot"])
        terms[row]["delta"] = units / pool["supply"]
        terms[row]["gamma"] = -0.5 * units / (spot_price(pool) * pool["supply"])
