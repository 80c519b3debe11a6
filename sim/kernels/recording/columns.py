"""Columns of the series: their names, how they are stored and their units, in order, and their places."""

RUN_COLUMNS = {
    "step": ("i4", "step"),
    "time_s": ("f8", "s"),
    "insurance_fund": ("f8", "quote"),
    "accounts_in_breach": ("i4", "account"),
}
STEP, TIME, FUND, BREACHES = range(len(RUN_COLUMNS))

ASSET_COLUMNS = {
    "mid": ("f8", "quote per unit"),
    "mid_at_hedge": ("f8", "quote per unit"),
    "mark": ("f8", "quote per unit"),
    "index": ("f8", "quote per unit"),
    "value": ("f8", "quote per unit"),
    "spread": ("f8", "quote per unit"),
    "depth_bid": ("f8", "units"),
    "depth_ask": ("f8", "units"),
    "realised_volatility": ("f8", "per sqrt(year)"),
    "loop_gain": ("f8", "1"),
    "loop_gain_up": ("f8", "1"),
    "loop_gain_down": ("f8", "1"),
    "loop_gain_instant": ("f8", "1"),
    "permanent_impact": ("f8", "quote per unit, per unit"),
    "hedging_response": ("f8", "1"),
    "liquidation_density_up": ("f8", "units, per quote per unit"),
    "liquidation_density_down": ("f8", "units, per quote per unit"),
}
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

POPULATION_COLUMNS = {
    "net_gamma": ("f8", "units, per quote per unit"),
    "net_delta": ("f8", "units"),
    "volume": ("f8", "units"),
    "equity": ("f8", "quote"),
}
NET_GAMMA, NET_DELTA, VOLUME, EQUITY = range(len(POPULATION_COLUMNS))

FIRST_ASSET = len(RUN_COLUMNS)
PER_ASSET = len(ASSET_COLUMNS)
PER_POPULATION = len(POPULATION_COLUMNS)
