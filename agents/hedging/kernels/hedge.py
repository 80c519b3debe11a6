"""Hedge: compare what each row holds with what would neutralise its exposure, and send the rest.

The rules differ in the delta they neutralise, in how far it may stray, and in where they stop:

    band, time        Black-76 delta; a width, or none; back to zero
    Leland            delta at the volatility sigma sqrt(1 -+ A), A = sqrt(2 / pi) 2 k / (sigma sqrt(dt)), up
                      for a book of short gamma (Leland 1985), down for long (Hoggard, Whalley & Wilmott
                      1994); at every look
    Whalley-Wilmott   Black-76 delta; (3/2 k S gamma^2 / a)^(1/3) units either side; back to the edge
                      (Whalley & Wilmott 1997)
    decay             the change of delta that time alone has brought since the last look; all of it

with k the cost of a trade as a fraction of its value and a the absolute risk aversion.
"""

from __future__ import annotations

import math

import numpy as np

from agents.hedging.kernels.banding import note_distance, options_then
from agents.kernels.sending import marketable, next_tick, rounded
from sim.base.jit import inlined, kernel
from sim.kernels.options.greeks import (
    GAMMA,
    IS_CALL,
    MID,
    STRIKE,
    VOLATILITY,
    YEAR,
    YEARS,
    forward_delta_gamma,
)
from sim.kernels.options.portfolio import column_of, options_of
from sim.records import HEDGE

SPOT = 0
PERPETUAL = 1
BAND, LELAND, WHALLEY_WILMOTT, DECAY = range(4)  # rules
# Rows of a policy's columns.
POLICY_ROWS = 10
WIDTH, COST, AVERSION, INTERVAL, OFFSET, RESPONSE, MOST, SLIPPAGE, LATENCY, RESERVED = range(POLICY_ROWS)
TWO_ROOT_TWO_OVER_PI = 2.0 * math.sqrt(2.0 / math.pi)


@inlined
def held_units(account, row, instruments, baseline, pending, position, terms):
    """Units of the asset the row holds in its hedging instruments or has on the way, beyond its treasury."""
    total = 0.0
    for j in range(instruments.size):
        i = instruments[j]
        total += (position[i, account] + pending[j, row] - baseline[j, row]) * terms[i]["lot"]
    return total


@inlined
def claimed(row, instruments, pending, terms):
    """Lots of spot that the row's orders on the way sell, and the cash at the mark that they buy it for."""
    lots, cash = np.int64(0), 0.0
    for j in range(instruments.size):
        if terms[instruments[j]]["kind"] == SPOT:
            lots += max(-pending[j, row], 0)
            cash += max(pending[j, row], 0) * terms[instruments[j]]["lot"] * terms[instruments[j]]["price"]
    return lots, cash


@inlined
def cost_a_unit(quote, units):
    """Expected cost of an order per unit, fees included: what a buyer pays, minus what a seller gets.

    A book charges its best price and half the way through the depth it shows (the whole span
    where it shows none so near), a pool its average price along the curve; infinite where nothing
    can be traded.
    """
    size = abs(units)
    is_buy = units > 0.0
    best = quote["ask"] if is_buy else quote["bid"]
    depth = quote["depth_ask"] if is_buy else quote["depth_bid"]
    if not best > 0.0 or quote["is_halted"] != 0:
        return math.inf
    if quote["base"] > 0.0:
        left = quote["base"] - size if is_buy else quote["base"] + size * (1.0 - quote["pool_fee"])
        if left <= 0.0:
            return math.inf
        price = best * quote["base"] / left
    else:
        reach = quote["depth_span"] * (0.5 * size / depth if depth > 0.0 else 1.0)
        price = best + reach if is_buy else best - reach
    fee = price * quote["taker_fee"]
    return price + fee if is_buy else fee - price


@inlined
def free_cash(account, owed, option_margin, cash, position, terms):
    """Cash that an account may spend on spot, a cautious estimate of the venue's own check.

    Cash and perpetuals at the mark, less what is owed and twice the maintenance: the initial
    margin is about that.
    """
    total, needed = cash[account] - owed, option_margin
    for i in range(terms.size):
        if terms[i]["kind"] == PERPETUAL:
            value = position[i, account] * terms[i]["lot"] * terms[i]["price"]
            total += value
            needed += abs(value) * terms[i]["maintenance"]
    return total - 2.0 * needed


@inlined
def is_affordable(account, venue, units, reserved, quotes, owed, option_margin, cash, position, terms):
    """Whether the account has the spot to sell, or the cash to buy it; the venue checks perpetuals.

    A venue counts what cash buys in whole lots at the mark, so a lot to spare is asked for.
    """
    instrument = quotes[venue]["instrument"]
    if terms[instrument]["kind"] != SPOT:
        return True
    if units < 0.0:
        return (position[instrument, account] - reserved) * terms[instrument]["lot"] >= -units
    needed = (units + quotes[venue]["lot"]) * cost_a_unit(quotes[venue], units)
    return needed <= free_cash(account, owed, option_margin, cash, position, terms)


@inlined
def cheapest(account, units, worst, reserved, venues, quotes, owed, option_margin, cash, position, terms):
    """Venue with the lowest expected cost, in whole lots, that the account can afford; -1 if none.

    A pool fills an order whole or not at all: one that would cost more than `worst` is passed over.
    """
    best, least = np.int64(-1), math.inf
    for j in range(venues.size):
        venue = venues[j]
        whole = rounded(units, quotes[venue]["lot"]) * quotes[venue]["lot"]
        cost = cost_a_unit(quotes[venue], whole)
        if whole == 0.0 or (quotes[venue]["base"] > 0.0 and cost > worst):
            continue
        if cost < least and is_affordable(
            account, venue, whole, reserved, quotes, owed, option_margin, cash, position, terms
        ):
            best, least = venue, cost
    return best


@inlined
def is_look(now, before, interval, offset, latency, ready_at):
    """Whether a row's clock ticked since the population decided last.

    A row whose last order has only arrived since then looks if its clock ticked meanwhile.
    """
    if ready_at > now:
        return False
    since = ready_at - latency if ready_at > before else before
    return next_tick(since, interval, offset) <= now


@inlined
def gamma_of(holder, contract, qty, work):
    """Gamma of one holder's options, units per unit of price."""
    gamma = 0.0
    for slot in range(contract.shape[0]):
        gamma += float(qty[slot, holder]) * work[GAMMA, column_of(contract[slot, holder])]
    return gamma


@inlined
def delta_at(holder, contract, qty, contracts, work, later, load):
    """Delta of one holder's options at the mid, with `later` more years to expiry and other volatilities.

    `load` is what sigma^2 is raised by, over sigma: Leland's sqrt(2 / pi) 2 k / sqrt(dt).
    """
    delta = 0.0
    for slot in range(contract.shape[0]):
        number = contract[slot, holder]
        if number >= 0:
            column = column_of(number)
            vol = work[VOLATILITY, column]
            vol = math.sqrt(max(vol * (vol + load), 0.0))
            years, is_call = work[YEARS, column] + later, work[IS_CALL, column] != 0.0
            each, _ = forward_delta_gamma(work[MID, column], work[STRIKE, column], years, vol, is_call)
            delta += float(qty[slot, holder]) * contracts[number]["lot"] * each
    return delta


@inlined
def leland_delta(holder, contract, qty, contracts, work, cost, interval):
    """Delta at Leland's volatility: raised if the book is short gamma, lowered if long."""
    load = TWO_ROOT_TWO_OVER_PI * cost / math.sqrt(interval / YEAR)
    if gamma_of(holder, contract, qty, work) > 0.0:
        load = -load
    return delta_at(holder, contract, qty, contracts, work, 0.0, load)


@inlined
def whalley_wilmott_half_band(gamma, price, cost, aversion):
    """How far delta may stray, units."""
    return (1.5 * cost * price * gamma * gamma / aversion) ** (1.0 / 3.0)


@inlined
def decayed(holder, contract, qty, contracts, work, seconds):
    """Change of delta that the last so many seconds have brought at the present mid."""
    before = delta_at(holder, contract, qty, contracts, work, seconds / YEAR, 0.0)
    return delta_at(holder, contract, qty, contracts, work, 0.0, 0.0) - before


@kernel
def rescreen(
    first_account,
    first_holder,
    contract,
    qty,
    contracts,
    then,
    instruments,
    baseline,
    pending,
    position,
    terms,
    band,
    scale,
    screen,
):
    """Note how far every row is from the edges of its band, by the present reference of deltas.

    Parameters
    ----------
    first_account, first_holder, contract, qty, contracts, then
        As in `hedge`; `then` are the present deltas.
    instruments, baseline, pending, position, terms
        What the rows hold of their hedging instruments and have on the way.
    band, scale : ndarray of float64, shape (N,)
        Half width, as a fraction of the scale, and the scale, units; 0 looks always.
    screen : ndarray of float32, shape (SCREEN_ROWS, N)
        Written (`agents.hedging.kernels.banding.unsettled`).
    """
    for row in range(band.size):
        account = first_account + row
        net = held_units(account, row, instruments, baseline, pending, position, terms)
        past, bend, gross = options_then(first_holder + row, contract, qty, contracts, then)
        note_distance(screen, row, net + past, bend, gross, band[row] * scale[row])


@kernel
def hedge(
    now,
    before,
    first_account,
    rows,
    row_count,
    exposure,
    scale,
    first_holder,
    contract,
    qty,
    contracts,
    work,
    margins,
    instruments,
    baseline,
    pending,
    cash,
    position,
    terms,
    venues,
    quotes,
    mid,
    rule,
    policy,
    ready_at,
    looked_at,
    then,
    screen,
    out,
    count,
):
    """Send an order for each listed row whose net delta is outside its band at its look.

    What a row has on the way counts as held: an order that waits for a block is not sent again.

    Parameters
    ----------
    before : float
        When the population decided last, s.
    rows : ndarray of int32
        Rows to look at, the first `row_count`.
    exposure : ndarray of float64, shape (N,)
        Delta to neutralise beside that of the options held, units of the asset.
    scale : ndarray of float64, shape (N,)
        Units that the band width is a fraction of.
    first_holder : int
        Holder of row 0's options, -1 if the rows hold none.
    contract, qty, contracts, work, margins
        Options held and what they are worth (`sim.kernels.options.portfolio`).
    instruments : ndarray of int64, shape (J,)
        Dense instruments that count as hedge.
    baseline : ndarray of int64, shape (J, N)
        Lots of them that are treasury, not hedge.
    pending : ndarray of int64, shape (J, N)
        Lots of them on the way.
    venues : ndarray of int64
        Venues to choose from. A row that can trade at none of them waits for its next look.
    mid : float
        Reference mid of the asset, from which slippage is measured.
    rule : int
        BAND, LELAND, WHALLEY_WILMOTT or DECAY; all but the first need options.
    policy : ndarray of float64, shape (POLICY_ROWS, N)
        By the numbers above: band (fraction of scale), cost of a trade (fraction of its value) and risk
        aversion that the rule reckons with, seconds between looks, time of the first, share of
        the net delta that is traded, largest order in units, worst price (fraction of the mid),
        seconds to arrival, lots of spot that are never sold.
    ready_at, looked_at : ndarray of float64, shape (N,)
        When each row's last order arrives, and when it looked last. Written.
    then, screen
        Reference, and what `agents.hedging.kernels.banding.unsettled` needs of each row. Written but for
        the reference.

    Returns
    -------
    int
        Orders in the outbox afterwards.
    """
    for j in range(row_count):
        row = rows[j]
        interval, latency = policy[INTERVAL, row], policy[LATENCY, row]
        if not is_look(now, before, interval, policy[OFFSET, row], latency, ready_at[row]):
            continue
        account = first_account + row
        net = exposure[row] + held_units(account, row, instruments, baseline, pending, position, terms)
        value, needed, half, kept = 0.0, 0.0, policy[WIDTH, row] * scale[row], 0.0
        if first_holder >= 0:
            value, delta, _, needed = options_of(first_holder + row, contract, qty, work, margins)
            past, bend, gross = options_then(first_holder + row, contract, qty, contracts, then)
            note_distance(screen, row, net + past, bend, gross, half)
            if rule == LELAND:
                delta = leland_delta(
                    first_holder + row,
                    contract,
                    qty,
                    contracts,
                    work,
                    policy[COST, row],
                    interval,
                )
            elif rule == WHALLEY_WILMOTT:
                gamma = gamma_of(first_holder + row, contract, qty, work)
                half = kept = whalley_wilmott_half_band(gamma, mid, policy[COST, row], policy[AVERSION, row])
            elif rule == DECAY:
                since = now - looked_at[row]
                net, delta = 0.0, decayed(first_holder + row, contract, qty, contracts, work, since)
            net += delta
            looked_at[row] = now
        if not abs(net) > half:
            continue
        net -= math.copysign(kept, net)
        units = min(max(-policy[RESPONSE, row] * net, -policy[MOST, row]), policy[MOST, row])
        worst = mid * (policy[SLIPPAGE, row] + 1.0 if units > 0.0 else policy[SLIPPAGE, row] - 1.0)
        sold, spent = claimed(row, instruments, pending, terms)
        reserved, owed = policy[RESERVED, row] + sold, spent - min(value, 0.0)
        venue = cheapest(account, units, worst, reserved, venues, quotes, owed, needed, cash, position, terms)
        if venue < 0:
            continue
        lots = rounded(units, quotes[venue]["lot"])
        if lots != 0:
            most_off = policy[SLIPPAGE, row]
            count = marketable(out, count, now, latency, account, quotes, venue, lots, mid, most_off, HEDGE)
            ready_at[row] = now + latency
    return count
