"""Looking: bring the state of assets up to date with the venues, and record a step."""

from __future__ import annotations

import math

from sim.base.jit import inlined, kernel
from sim.kernels.recording.gain import (
    instant_impact,
    is_stale,
    larger,
    observe_hedging,
    permanent_impact,
    response,
)
from sim.records import HEDGE

SPOT = 0
PERPETUAL = 1

# Columns of the series: of the run, per asset, per pool and per population.
RUN_COLUMNS = ("step", "time_s", "insurance_fund", "accounts_in_breach")
ASSET_COLUMNS = (
    "mid",
    "mid_at_hedge",
    "mark",
    "index",
    "value",
    "spread",
    "depth_bid",
    "depth_ask",
    "realised_volatility",
    "loop_gain",
    "loop_gain_up",
    "loop_gain_down",
    "loop_gain_instant",
    "permanent_impact",
    "hedging_response",
    "liquidation_density_up",
    "liquidation_density_down",
)
POPULATION_COLUMNS = ("net_gamma", "net_delta", "volume", "equity")

# Their places: of the run, within an asset's columns, and within a population's.
STEP, TIME, FUND, BREACHES = range(len(RUN_COLUMNS))
(
    MID,
    MID_AT_HEDGE,
    MARK,
    INDEX,
    VALUE,
    SPREAD,
    DEPTH_BID,
    DEPTH_ASK,
    VOLATILITY,
    GAIN,
    GAIN_UP,
    GAIN_DOWN,
    GAIN_INSTANT,
    IMPACT,
    RESPONSE,
    DENSITY_UP,
    DENSITY_DOWN,
) = range(len(ASSET_COLUMNS))
NET_GAMMA, NET_DELTA, VOLUME, EQUITY = range(len(POPULATION_COLUMNS))
FIRST_ASSET = len(RUN_COLUMNS)
PER_ASSET = len(ASSET_COLUMNS)
PER_POPULATION = len(POPULATION_COLUMNS)


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
        value += lots * terms[i]["lot"] * terms[i]["price"]
    for run in range(live.shape[0]):
        own = contracts[live[run, 0] : live[run, 1]]
        held = contract_total[p, live[run, 0] : live[run, 1]]
        for c in range(own.size):
            if held[c] != 0:
                units = held[c] * own[c]["lot"]
                gamma += units * own[c]["gamma"]
                delta += units * own[c]["delta"]
                value += units * own[c]["price"]
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
def record(
    out,
    t,
    step,
    time,
    step_seconds,
    quotes,
    listed,
    pools,
    assets,
    mid_at_hedge,
    terms,
    contracts,
    live,
    cash_total,
    position_total,
    contract_total,
    hedged_asset,
    hedged_share,
    unlisted,
    first_population,
    insurance,
    breaches,
    fills,
    first_fill,
    last_fill,
    volume,
    smooth,
    fade,
    feedback,
):
    """Write one step of the series into column `t` of `out`, in the order of the column names.

    Parameters
    ----------
    smooth, fade : float
        From `gain.keeping`.
    live : ndarray of int64, shape (R, 2)
        Runs of contracts that have not expired.
    feedback : ndarray of FEEDBACK, shape (K,)
        What the loop gain remembers of each asset. Updated.

    Returns
    -------
    bool
        Whether a mark has left the place where liquidation thresholds were counted.
    """
    out[STEP, t] = step
    out[TIME, t] = time
    out[FUND, t] = insurance
    out[BREACHES, t] = breaches
    count_volume(fills, first_fill, last_fill, terms, first_population, volume, feedback)
    for k in range(assets.size):
        feedback[k]["gamma"] = 0.0
    row = FIRST_ASSET + PER_ASSET * assets.size + pools.size
    for p in range(first_population, cash_total.size):
        value = exposure(p, terms, contracts, live, position_total, contract_total, out, row, t)
        out[row + NET_GAMMA, t] += unlisted[p, 0]
        out[row + NET_DELTA, t] += unlisted[p, 1]
        out[row + VOLUME, t] = volume[p - first_population]
        out[row + EQUITY, t] = cash_total[p] + value
        if hedged_share[p] > 0.0:
            feedback[hedged_asset[p]]["gamma"] += hedged_share[p] * out[row + NET_GAMMA, t]
        row += PER_POPULATION
    has_moved = False
    row = FIRST_ASSET
    for k in range(assets.size):
        observe_hedging(feedback[k], mid_at_hedge[k], smooth, fade, step_seconds)
        record_asset(out, row, t, quotes[listed[k]], assets[k], mid_at_hedge[k])
        record_gain(out, row, t, quotes, k, feedback[k])
        has_moved = has_moved or is_stale(feedback[k], assets[k]["mark"])
        row += PER_ASSET
    for j in range(pools.size):
        out[row + j, t] = quotes[pools[j]]["mid"]
    return has_moved
