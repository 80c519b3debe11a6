"""Looking: bring the state of assets up to date with the venues, and record a step."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from sim.base.jit import inlined, kernel
from sim.kernels.accounts.valuation import contract_value, lot_value
from sim.kernels.recording.columns import (
    BREACHES,
    DENSITY_DOWN,
    DENSITY_UP,
    DEPTH_ASK,
    DEPTH_BID,
    EQUITY,
    FIRST_ASSET,
    FUND,
    GAIN,
    GAIN_DOWN,
    GAIN_INSTANT,
    GAIN_UP,
    IMPACT,
    INDEX,
    MARK,
    MID,
    MID_AT_HEDGE,
    NET_DELTA,
    NET_GAMMA,
    PER_ASSET,
    PER_POPULATION,
    RESPONSE,
    SPREAD,
    STEP,
    TIME,
    VALUE,
    VOLATILITY,
    VOLUME,
)
from sim.kernels.recording.gain import (
    instant_impact,
    is_stale,
    larger,
    observe_hedging,
    permanent_impact,
    response,
)
from sim.records import HEDGE, PERPETUAL


class Moment(NamedTuple):
    """The step that is recorded, when it ends, and what is said of the run then."""

    step: Any
    time: Any  # s
    step_seconds: Any
    insurance: Any  # quote currency
    breaches: Any  # accounts


class Market(NamedTuple):
    """What venues, assets and instruments show; rows of `quotes` are `listed` by asset, and `pools`."""

    quotes: Any
    listed: Any
    pools: Any
    assets: Any
    mid_at_hedge: Any
    terms: Any
    contracts: Any
    live: Any  # runs of contracts that have not expired, shape (R, 2)


class Hedgers(NamedTuple):
    """By population: the asset whose gamma it hedges, how much of it, and what it has unlisted."""

    asset: Any
    share: Any
    unlisted: Any  # gamma and delta
    first: Any  # population that is no system account


class Memory(NamedTuple):
    """What recording keeps from step to step: units traded (scratch), and what the loop gain remembers."""

    volume: Any
    smooth: Any  # from `gain.keeping`, as `fade`
    fade: Any
    feedback: Any  # FEEDBACK, a row an asset


@kernel
def refresh(quotes, listed, assets, terms):
    """Copy the mid of each asset's listed venue, and price spot and perpetuals at the mark."""
    for k in range(assets.size):
        mid = quotes[listed[k]]["mid"]
        if mid > 0.0:
            assets[k]["mid"] = mid
    for i in range(terms.size):
        if terms[i]["kind"] <= PERPETUAL:
            terms[i]["price"] = assets[terms[i]["asset"]]["mark"]


@kernel
def estimate_volatility(assets, last_mid, step_seconds, window_seconds, year):
    """Update each asset's exponentially weighted realised volatility with the last step's return."""
    keep = math.exp(-step_seconds / window_seconds)
    for k in range(assets.size):
        change = math.log(assets[k]["mid"] / last_mid[k])
        last_mid[k] = assets[k]["mid"]
        variance = assets[k]["volatility"] * assets[k]["volatility"]
        variance = keep * variance + (1.0 - keep) * change * change * year / step_seconds
        assets[k]["volatility"] = math.sqrt(variance)


@inlined
def exposure(p, terms, contracts, live, position_total, contract_total, out, row, t):
    """Write net gamma and net delta of a population; returns the value of what it holds."""
    gamma, delta, value = 0.0, 0.0, 0.0
    for i in range(terms.size):
        lots = float(position_total[p, i])
        gamma += lots * terms[i]["gamma"]
        delta += lots * terms[i]["delta"]
        value += lot_value(terms, i, lots)
    for run in range(live.shape[0]):
        own = contracts[live[run, 0] : live[run, 1]]
        held = contract_total[p, live[run, 0] : live[run, 1]]
        for c in range(own.size):
            if held[c] != 0:
                units = held[c] * own[c]["lot"]
                gamma += units * own[c]["gamma"]
                delta += units * own[c]["delta"]
                value += contract_value(own[c], held[c])
    out[row + NET_GAMMA, t] = gamma
    out[row + NET_DELTA, t] = delta
    return value


@inlined
def count_volume(fills, first, last, terms, first_population, volume, feedback):
    """Add the units each population traded, as maker or taker, and those hedged, in fills[first:last]."""
    for p in range(volume.size):
        volume[p] = 0.0
    for k in range(feedback.size):
        feedback[k]["hedged"] = 0.0
    for i in range(first, last):
        instrument = fills[i]["instrument"]
        if instrument >= terms.size or terms[instrument]["kind"] > PERPETUAL:
            continue
        units = abs(fills[i]["qty"]) * terms[instrument]["lot"]
        maker, taker = fills[i]["maker_population"], fills[i]["taker_population"]
        if fills[i]["reason"] == HEDGE:
            feedback[terms[instrument]["asset"]]["hedged"] += fills[i]["qty"] * terms[instrument]["lot"]
        if maker >= first_population:
            volume[maker - first_population] += units
        if taker >= first_population:
            volume[taker - first_population] += units


@inlined
def record_gain(out, row, t, quotes, asset, feedback):
    """Write the columns that the loop gain and its parts have, of one asset."""
    hedging = -feedback["gamma"] * response(feedback)
    up, down = hedging + feedback["density_up"], hedging + feedback["density_down"]
    impact = permanent_impact(quotes, asset)
    instant_up = instant_impact(quotes, asset, True)
    instant_down = instant_impact(quotes, asset, False)
    out[row + GAIN, t] = larger(impact * up, impact * down)
    out[row + GAIN_UP, t] = impact * up
    out[row + GAIN_DOWN, t] = impact * down
    out[row + GAIN_INSTANT, t] = larger(instant_up * up, instant_down * down)
    out[row + IMPACT, t] = impact
    out[row + RESPONSE, t] = response(feedback)
    out[row + DENSITY_UP, t] = feedback["density_up"]
    out[row + DENSITY_DOWN, t] = feedback["density_down"]


@inlined
def record_asset(out, row, t, quote, asset, mid_at_hedge):
    """Write the prices, depths and volatility of one asset."""
    out[row + MID, t] = asset["mid"]
    out[row + MID_AT_HEDGE, t] = mid_at_hedge
    out[row + MARK, t] = asset["mark"]
    out[row + INDEX, t] = asset["index"]
    out[row + VALUE, t] = asset["value"]
    out[row + SPREAD, t] = quote["ask"] - quote["bid"]
    out[row + DEPTH_BID, t] = quote["depth_bid"]
    out[row + DEPTH_ASK, t] = quote["depth_ask"]
    out[row + VOLATILITY, t] = asset["volatility"]


@kernel
def record(out, t, moment, market, totals, hedgers, fills, first_fill, last_fill, memory):
    """Write one step of the series into column `t` of `out`, in the order of the column names.

    Parameters
    ----------
    moment : Moment
    market : Market
    totals : Totals
        What populations have, as the ledger keeps it.
    hedgers : Hedgers
    fills : ndarray of FILL
        Those of the step from `first_fill` to before `last_fill`.
    memory : Memory
        Updated.

    Returns
    -------
    bool
        Whether a mark has left the place where liquidation thresholds were counted.
    """
    quotes, listed, assets, mid_at_hedge = market.quotes, market.listed, market.assets, market.mid_at_hedge
    pools, terms, feedback, first_population = market.pools, market.terms, memory.feedback, hedgers.first
    out[STEP, t] = moment.step
    out[TIME, t] = moment.time
    out[FUND, t] = moment.insurance
    out[BREACHES, t] = moment.breaches
    count_volume(fills, first_fill, last_fill, terms, first_population, memory.volume, feedback)
    for k in range(assets.size):
        feedback[k]["gamma"] = 0.0
    row = FIRST_ASSET + PER_ASSET * assets.size + pools.size
    for p in range(first_population, totals.cash.size):
        value = exposure(
            p, terms, market.contracts, market.live, totals.position, totals.contract, out, row, t
        )
        out[row + NET_GAMMA, t] += hedgers.unlisted[p, 0]
        out[row + NET_DELTA, t] += hedgers.unlisted[p, 1]
        out[row + VOLUME, t] = memory.volume[p - first_population]
        out[row + EQUITY, t] = totals.cash[p] + value
        if hedgers.share[p] > 0.0:
            feedback[hedgers.asset[p]]["gamma"] += hedgers.share[p] * out[row + NET_GAMMA, t]
        row += PER_POPULATION
    has_moved = False
    row = FIRST_ASSET
    for k in range(assets.size):
        observe_hedging(feedback[k], mid_at_hedge[k], memory.smooth, memory.fade, moment.step_seconds)
        record_asset(out, row, t, quotes[listed[k]], assets[k], mid_at_hedge[k])
        record_gain(out, row, t, quotes, k, feedback[k])
        has_moved = has_moved or is_stale(feedback[k], assets[k]["mark"])
        row += PER_ASSET
    for j in range(pools.size):
        out[row + j, t] = quotes[pools[j]]["mid"]
    return has_moved
