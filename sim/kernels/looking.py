"""Looking: bring the state of assets up to date with the venues, and record a step."""

from __future__ import annotations

import math

from sim.jit import inlined, kernel

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
)
POPULATION_COLUMNS = ("net_gamma", "net_delta", "volume", "equity")


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
def exposure(p, terms, contracts, position_total, contract_total, out, row, t):
    """Write net gamma and net delta of a population; returns the value of what it holds."""
    gamma, delta, value = 0.0, 0.0, 0.0
    for i in range(terms.size):
        lots = float(position_total[p, i])
        gamma += lots * terms[i]["gamma"]
        delta += lots * terms[i]["delta"]
        value += lots * terms[i]["lot"] * terms[i]["price"]
    for c in range(contract_total.shape[1]):
        if contract_total[p, c] != 0:
            units = contract_total[p, c] * contracts[c]["lot"]
            gamma += units * contracts[c]["gamma"]
            delta += units * contracts[c]["delta"]
            value += units * contracts[c]["price"]
    out[row, t] = gamma
    out[row + 1, t] = delta
    return value


@inlined
def count_volume(fills, first, last, terms, first_population, volume):
    """Add the units each population traded, as maker or taker, in fills[first:last]."""
    for p in range(volume.size):
        volume[p] = 0.0
    for i in range(first, last):
        instrument = fills[i]["instrument"]
        if instrument >= terms.size or terms[instrument]["kind"] > PERPETUAL:
            continue
        units = abs(fills[i]["qty"]) * terms[instrument]["lot"]
        maker, taker = fills[i]["maker_population"], fills[i]["taker_population"]
        if maker >= first_population:
            volume[maker - first_population] += units
        if taker >= first_population:
            volume[taker - first_population] += units


@inlined
def gain(quotes, listed, asset, gamma):
    """Loop gain of gamma hedging against the depth resting at every venue of the asset.

    Notes
    -----
    lambda times minus gamma, with lambda one over the units per unit of price,
    depth measured over `QUOTE.depth_span` of each venue. Short gamma gives a gain above zero; in a
    linear market volatility is sigma / (1 - gain). Forced selling is not in it.
    """
    per_price = 0.0
    for v in range(quotes.size):
        if quotes[v]["asset"] == asset and quotes[v]["depth_span"] > 0.0:
            both = 0.5 * (quotes[v]["depth_bid"] + quotes[v]["depth_ask"])
            per_price += both / quotes[v]["depth_span"]
    return -gamma / per_price if per_price > 0.0 else math.nan


@kernel
def record(
    out,
    t,
    step,
    time,
    quotes,
    listed,
    pools,
    assets,
    mid_at_hedge,
    terms,
    contracts,
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
    hedger_gamma,
):
    """Write one step of the series into column `t` of `out`, in the order of the column names."""
    out[0, t] = step
    out[1, t] = time
    out[2, t] = insurance
    out[3, t] = breaches
    row = 4 + 10 * assets.size + pools.size
    count_volume(fills, first_fill, last_fill, terms, first_population, volume)
    for k in range(assets.size):
        hedger_gamma[k] = 0.0
    for p in range(first_population, cash_total.size):
        value = exposure(p, terms, contracts, position_total, contract_total, out, row, t)
        out[row, t] += unlisted[p, 0]
        out[row + 1, t] += unlisted[p, 1]
        out[row + 2, t] = volume[p - first_population]
        out[row + 3, t] = cash_total[p] + value
        if hedged_share[p] > 0.0:
            hedger_gamma[hedged_asset[p]] += hedged_share[p] * out[row, t]
        row += 4
    for k in range(assets.size):
        quote = quotes[listed[k]]
        row = 4 + 10 * k
        out[row, t] = assets[k]["mid"]
        out[row + 1, t] = mid_at_hedge[k]
        out[row + 2, t] = assets[k]["mark"]
        out[row + 3, t] = assets[k]["index"]
        out[row + 4, t] = assets[k]["value"]
        out[row + 5, t] = quote["ask"] - quote["bid"]
        out[row + 6, t] = quote["depth_bid"]
        out[row + 7, t] = quote["depth_ask"]
        out[row + 8, t] = assets[k]["volatility"]
        out[row + 9, t] = gain(quotes, listed, k, hedger_gamma[k])
    for j in range(pools.size):
        out[4 + 10 * assets.size + j, t] = quotes[pools[j]]["mid"]
