"""Revealing: investors with a price in mind show it to the book when the market comes near."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from agents.kernels.quoting import set_quote
from agents.kernels.sending import next_tick
from sim.base.jit import inlined, kernel
from sim.kernels.base.draws import exponential, normal, uniform

BID, ASK = 0, 1

# What a row draws at a review, and with each piece of news.
WAIT, PLACES, NOISE = 0, 1, 3


class Investors(NamedTuple):
    """Who the investors are; a column has an element a row, shape (N,).

    Attributes
    ----------
    first_tag : int
    laziness : float
        A price that differs from the one shown by less than this share of its distance from the market
        is not sent again.
    key : int
        Of the draws.
    lots, most : ndarray of int64
        Lots of an intention, and lots that a row holds at most, long or short.
    baseline : ndarray of int64
        Lots of the instrument that do not count as held.
    tolerance : ndarray of float64
        Distance of an intention from the price at a review at most, logarithmic.
    wait : ndarray of float64
        Mean time between reviews, s.
    reach : ndarray of float64
        Distance within which an intention is shown, a fraction.
    response, noise : ndarray of float64
        Share of news taken over, and relative error of that.
    adaption : ndarray of float64
        Share of the way that a row's idea of the price goes to the market's at a review.
    """

    first_tag: int
    laziness: float
    key: Any
    lots: Any
    most: Any
    baseline: Any
    tolerance: Any
    wait: Any
    reach: Any
    response: Any
    noise: Any
    adaption: Any


class Intentions(NamedTuple):
    """What the investors have in mind; bids in row 0 and asks in row 1 of what has shape (2, N).

    Attributes
    ----------
    anchor : ndarray of float64, shape (N,)
        What a row takes for the price, quote currency.
    price : ndarray of float64, shape (2, N)
        Reservation price, quote currency.
    left : ndarray of int64, shape (2, N)
        Lots still to trade until the next review.
    shown : ndarray of int64, shape (2, N)
        Tick at which it rests, 0 while it is hidden.
    told : ndarray of float64, shape (2, N)
        Logarithm of what news made of the price since it was sent last.
    seen : ndarray of float64, shape (N,)
        Exogenous value that a row has learned of.
    next_review, arrives : ndarray of float64, shape (N,)
        Times, s; what was sent last arrives at `arrives`.
    reviews : ndarray of int64, shape (N,)
    """

    anchor: Any
    price: Any
    left: Any
    shown: Any
    told: Any
    seen: Any
    next_review: Any
    arrives: Any
    reviews: Any


@kernel
def reveal(now, quotes, assets, position, resting, place, senders, looks, who, state, out):
    """Let every row review, learn of news, and show or hide its bid and its ask, as its capital allows.

    Parameters
    ----------
    quotes, assets : ndarray of VENUE_STATE and of ASSET
        Of them the price that the market is at, and the value.
    position : ndarray of int64, shape (I, A)
    resting : ndarray, shape (A,)
        Lots each account has resting in the book, `buying` and `selling`.
    place : Place
    senders : Senders
    looks : Looks
        Clock at which news is learned.
    who : Investors
    state : Intentions
        Updated.
    out : Out
        With room for two orders a row.
    """
    quote, value = quotes[place.venue], assets[place.asset]["value"]
    reference, best = reference_of(quote), (quote["ask_tick"], quote["bid_tick"])
    last, taken, change, factor = math.nan, math.nan, 0.0, 1.0  # what the news was to the row before
    for row in range(who.lots.size):
        if now < state.arrives[row]:
            continue
        account = senders.account[row]
        if state.shown[BID, row] > 0:
            count_down(state, BID, row, resting[account]["buying"])
        if state.shown[ASK, row] > 0:
            count_down(state, ASK, row, resting[account]["selling"])
        held = position[place.instrument, account] - who.baseline[row]
        is_new = state.next_review[row] <= now
        if is_new:
            review(now, reference, who, state, row)
        if looks.next_at[row] <= now:
            looks.next_at[row] = next_tick(now, looks.interval[row], looks.offset[row])
            if value != state.seen[row]:
                share = share_of_news(who, row, np.int64(now / looks.interval[row]))
                if state.seen[row] != last or share != taken:
                    last, taken = state.seen[row], share
                    change = share * math.log(value / last)
                    factor = math.exp(change)
                hear(value, change, factor, state, row)
        before = out.count[0]
        for side in (BID, ASK):
            room = who.most[row] + (held if side == ASK else -held)
            state.left[side, row] = max(min(state.left[side, row], room), 0)
            if state.left[side, row] > 0 or state.shown[side, row] > 0:
                tick, lots = shown(reference, best[side], place.tick, is_new, who, state, row, side)
                if tick > 0:
                    tag = who.first_tag + 2 * row + side
                    told, latency = state.told[side, row], senders.latency[row]
                    set_quote(out, now, latency, account, place.venue, tag, lots, tick, told)
                    state.told[side, row] = 0.0
        if out.count[0] > before:
            state.arrives[row] = now + senders.latency[row]


@inlined
def reference_of(quote):
    """The price that the market is at: the last trade's where a side is empty, or past it the mid."""
    if quote["bid_tick"] >= 0 and quote["ask_tick"] >= 0:
        return quote["mid"]
    if quote["bid_tick"] >= 0:
        return max(quote["last"], quote["mid"])
    return min(quote["last"], quote["mid"]) if quote["ask_tick"] >= 0 else quote["last"]


@inlined
def count_down(state, side, row, lots):
    """Take note of what was filled of what is shown."""
    state.left[side, row] = lots
    if lots == 0:
        state.shown[side, row] = 0


@inlined
def review(now, reference, who, state, row):
    """Follow the market part of the way, and choose new reservation prices around that."""
    number = state.reviews[row]
    state.reviews[row] = number + 1
    state.next_review[row] = now + exponential(who.wait[row], who.key, number, row, WAIT)
    anchor = state.anchor[row] * math.pow(reference / state.anchor[row], who.adaption[row])
    state.anchor[row] = anchor
    for side in (BID, ASK):
        share = math.pow(uniform(who.key, number, row, PLACES + side), 1.0 / 3.0)
        away = who.tolerance[row] * share
        state.price[side, row] = anchor * math.exp(-away if side == BID else away)
        state.left[side, row] = who.lots[row]


@inlined
def share_of_news(who, row, number):
    """What share of a piece of news a row takes over."""
    share = who.response[row]
    if who.noise[row] > 0.0:
        share *= 1.0 + who.noise[row] * normal(who.key, number, row, NOISE)
    return share


@inlined
def hear(value, change, factor, state, row):
    """Move both reservation prices by a row's share of the news: a logarithm, and its exponential."""
    state.anchor[row] *= factor
    for side in (BID, ASK):
        state.price[side, row] *= factor
        state.told[side, row] += change
    state.seen[row] = value


@inlined
def shown(reference, best, tick_size, is_new, who, state, row, side):
    """Tick and lots to send of an intention: of one that is near and new or moved, none of one that is far.

    The tick is 0 where nothing is to be sent. Distances are signed: a price that the market has gone past
    is near, and asks for no more than the best there is on the other side: nobody pays all that it would
    where less will do.
    """
    price, before = state.price[side, row], state.shown[side, row]
    distance = (reference - price if side == BID else price - reference) / reference
    nothing = np.int64(0)
    if state.left[side, row] == 0 or distance > (1.5 if before > 0 else 1.0) * who.reach[row]:
        state.shown[side, row] = 0
        return before, nothing
    tick = np.int64(math.floor(price / tick_size) if side == BID else math.ceil(price / tick_size))
    if best >= 0:
        tick = min(tick, np.int64(best)) if side == BID else max(tick, np.int64(best))
    slack = who.laziness * abs(tick - reference / tick_size)
    if tick <= 0 or (before > 0 and not is_new and abs(tick - before) <= slack):
        return nothing, nothing
    state.shown[side, row] = tick
    return tick, state.left[side, row] if side == BID else -state.left[side, row]
