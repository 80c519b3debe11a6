"""Loop gain: how much of a price move comes back through hedging and liquidation.

    gain = lambda (-Gamma response + rho),   lambda = 1 / sum of the venues' permanent depths

with Gamma the net gamma of those who hedge, response the share of a change of their delta
that they trade, and rho the units that liquidation forces per unit of price: above the mark
for a rise, below it for a fall. Short gamma gives a gain above zero. In a linear market with
simultaneous hedging volatility is sigma / (1 - gain) (Frey & Stremme 1997), and thresholds of
density rho have the branching ratio lambda rho.

The response is a regression through the origin of the units hedged on the units that
neutralising -Gamma dS would have needed. Both are smoothed exponentially first, so that a
hedge sent some time after its move still counts: one that comes L seconds late counts
exp(-L / SMOOTHING). So the response, and with it the gain, is that of a horizon of about
2 SMOOTHING: hedgers in bands answer large moves in full and small ones late or not at all.
Hedges of anything else (customers' trades, time decay) are noise in it; as they move the price
too, they bias it a little upwards where gamma is short. The regression remembers few
independent moves: of a hedger a minute late its standard error is about 0.15, and it reads some
0.05 low. In a crash both shrink, because the crash is most of what it remembers; by the same
token it takes long to forget one.
"""

from __future__ import annotations

import math

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.accounts.valuation import is_on_margin
from sim.kernels.options.portfolio import has_options

SMOOTHING = 60.0  # s, over which hedges are set against moves
MEMORY = 300.0  # s, after which an observation weighs 1 / e in the regression
LEAST_MEMORY = 60.0  # steps, the same where steps are long
WARM_UP = 60.0  # s, and
LEAST_STEPS = 20  # steps before which the response is taken to be full
FULL = 1.0
LARGEST = 1.5  # response; more is noise
DISTANCE = 0.005  # from the mark within which thresholds are counted, a fraction of it
STALE = 0.25 * DISTANCE  # move of the mark after which they are counted again

# What is kept of each asset between steps.
FEEDBACK = np.dtype(
    [
        ("gamma", "f8"),  # net, of those who hedge, units per unit of price
        ("hedged", "f8"),  # units bought less sold to hedge in the step
        ("mid", "f8"),  # at the last hedge, quote currency
        ("needed", "f8"),  # smoothed units a step that hedging would need
        ("answer", "f8"),  # smoothed units a step that were hedged
        ("cross", "f8"),  # weighted sums of needed x answer
        ("square", "f8"),  # and of needed squared
        ("seconds", "f8"),  # observed
        ("steps", "f8"),
        ("mark", "f8"),  # at which thresholds were counted
        ("density_up", "f8"),  # units forced per unit of price, > 0 if they add to the move
        ("density_down", "f8"),
    ],
    align=True,
)


def keeping(step_seconds: float) -> tuple[float, float]:
    """Share of the past that one step keeps, in the smoothing and in the regression."""
    memory = max(MEMORY, LEAST_MEMORY * step_seconds)
    return math.exp(-step_seconds / SMOOTHING), math.exp(-step_seconds / memory)


@inlined
def observe_hedging(row, mid_at_hedge, smooth, fade, step_seconds):
    """Take a step's move and hedges into the regression."""
    needed = -row["gamma"] * (mid_at_hedge - row["mid"])
    row["mid"] = mid_at_hedge
    row["needed"] = smooth * row["needed"] + (1.0 - smooth) * needed
    row["answer"] = smooth * row["answer"] + (1.0 - smooth) * row["hedged"]
    row["cross"] = fade * row["cross"] + row["needed"] * row["answer"]
    row["square"] = fade * row["square"] + row["needed"] * row["needed"]
    row["seconds"] += step_seconds
    row["steps"] += 1.0


@inlined
def response(row):
    """Share of a change of delta that is hedged; full until enough is known."""
    if row["seconds"] < WARM_UP or row["steps"] < LEAST_STEPS or not row["square"] > 0.0:
        return FULL
    return min(max(row["cross"] / row["square"], 0.0), LARGEST)


@inlined
def permanent_impact(quotes, asset):
    """Price per unit that net flow moves the asset for good; NaN if no venue says."""
    depth = 0.0
    for v in range(quotes.size):
        if quotes[v]["asset"] == asset:
            depth += quotes[v]["permanent_depth"]
    return 1.0 / depth if depth > 0.0 else math.nan


@inlined
def instant_impact(quotes, asset, is_up):
    """Price per unit that eating what rests near the mid moves it; NaN if nothing rests there."""
    depth = 0.0
    for v in range(quotes.size):
        if quotes[v]["asset"] == asset and quotes[v]["depth_span"] > 0.0:
            resting = quotes[v]["depth_ask"] if is_up else quotes[v]["depth_bid"]
            depth += resting / quotes[v]["depth_span"]
    return 1.0 / depth if depth > 0.0 else math.nan


@inlined
def larger(up, down):
    """The larger of two gains; NaN if either is."""
    return up if up >= down or math.isnan(up) else down


@kernel
def count_thresholds(accounts, asset, mark, worth, share, small, holdings, terms, row):
    """Write the liquidation densities of an asset, from thresholds within DISTANCE of its mark.

    Parameters
    ----------
    accounts : ndarray of int32
        Those to look at; others have no threshold so near.
    asset : int
    mark : float
    worth : ndarray of float64, shape (2, 2, A)
        Equity and maintenance of each of them at the mark, and DISTANCE below it.
    share, small : float
        Of a perpetual position, what one seizure closes, and the notional up to which it closes
        all of it. What is forced in options trades with a desk and is not counted.
    holdings : Holdings
    row : ndarray of FEEDBACK, shape (1,)
        The asset's.

    Notes
    -----
    Equity less maintenance is taken to be a line in the price. Accounts in breach already are not
    counted: no move is needed to force them.
    """
    reach = DISTANCE * mark
    row[0]["mark"] = mark
    row[0]["density_up"] = row[0]["density_down"] = 0.0
    for j in range(accounts.size):
        a = accounts[j]
        here, below = worth[0, 0, a] - worth[0, 1, a], worth[1, 0, a] - worth[1, 1, a]
        for i in range(terms.size):
            if not is_on_margin(terms, i) or terms[i]["asset"] != asset or not here >= 0.0:
                continue
            units = holdings.position[i, a] * terms[i]["lot"]
            holder, is_whole = holdings.holder_of[a], abs(units) * mark <= small
            if holder >= 0:
                is_whole = is_whole and not has_options(holder, holdings.qty)
            forced = units if is_whole else units * share
            if below < 0.0:
                row[0]["density_down"] += forced / reach
            elif here + (here - below) < 0.0:
                row[0]["density_up"] -= forced / reach


@inlined
def is_stale(row, mark):
    """Whether the mark has left the place where thresholds were counted."""
    return abs(mark - row["mark"]) > STALE * mark
