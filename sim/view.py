"""The View: what populations may know of the market when they decide.

One View lives as long as the run; the model refreshes its arrays in place before each
phase. Populations read it and return orders; every array in it is read-only to them.
"""

from __future__ import annotations

import numpy as np

# The state of one venue. Sizes in units of the instrument, prices in quote currency.
QUOTE = np.dtype(
    [
        ("bid", "f8"),  # NaN where the side is empty
        ("ask", "f8"),
        ("mid", "f8"),  # reference mid: an empty side keeps the last one
        ("depth_bid", "f8"),  # units within `depth_bps` of the mid
        ("depth_ask", "f8"),
        ("depth_span", "f8"),  # distance from the mid that the depth covers, quote currency
        ("base", "f8"),  # reserves of a pool: units of the asset,
        ("cash", "f8"),  # and quote currency
        ("tick", "f8"),
        ("lot", "f8"),
        ("pool_fee", "f8"),  # fraction of a swap's input, inside bid and ask already
        ("taker_fee", "f8"),  # fraction of the notional
        ("maker_fee", "f8"),
        ("flow", "i8"),  # lots bought minus sold by takers (makers' quotes aside) since the last step began
        ("volume", "i8"),  # lots traded since the last step began
        ("net_flow", "i8"),  # lots bought minus sold by takers since the start of the run
        ("bid_tick", "i8"),  # NO_TICK where empty
        ("ask_tick", "i8"),
        ("mid_half_ticks", "i8"),
        ("instrument", "i4"),
        ("asset", "i4"),
        ("is_halted", "i4"),
    ],
    align=True,
)

# The state of one asset. Prices in quote currency.
ASSET = np.dtype(
    [
        ("mid", "f8"),  # reference mid of the listed book
        ("mark", "f8"),
        ("index", "f8"),
        ("value", "f8"),  # exogenous value
        ("volatility", "f8"),  # realised, per year, exponentially weighted
    ],
    align=True,
)

# One dense instrument, per lot.
TERMS = np.dtype(
    [
        ("price", "f8"),  # quote currency a unit, for margin
        ("delta", "f8"),  # units of the asset a lot
        ("gamma", "f8"),  # units of the asset a lot and unit of price
        ("lot", "f8"),  # units a lot
        ("initial", "f8"),  # margin as a fraction of notional
        ("maintenance", "f8"),
        ("collateral", "f8"),  # share of the value that counts as equity
        ("kind", "i4"),
        ("asset", "i4"),
    ],
    align=True,
)

# One option contract, per unit of the underlying.
CONTRACT = np.dtype(
    [
        ("strike", "f8"),
        ("expiry", "f8"),  # s since the start of the run
        ("volatility", "f8"),  # implied, per year
        ("price", "f8"),  # at the mark
        ("delta", "f8"),  # at the reference mid
        ("gamma", "f8"),
        ("lot", "f8"),
        ("asset", "i4"),
        ("is_call", "i4"),
        ("is_live", "i4"),
    ],
    align=True,
)


class View:
    """A frozen look at the market.

    Attributes
    ----------
    time, step_seconds : float
        Now, and the length of a step, s.
    step : int
    quotes : ndarray of QUOTE, shape (V,)
    assets : ndarray of ASSET, shape (K,)
    terms : ndarray of TERMS, shape (I,)
    contracts : ndarray of CONTRACT
    cash : ndarray of float64, shape (A,)
    position : ndarray of int64, shape (I, A)
    cost : ndarray of float64, shape (I, A)
    equity, maintenance : ndarray of float64, shape (A,)
        As of the last margin run.
    in_breach : ndarray of int32
        Accounts whose equity is below maintenance.
    is_in_breach : ndarray of bool, shape (A,)
    holder_of : ndarray of int32, shape (A,)
        Row of an account in the option columns, below 0 for none.
    holder_value, holder_delta, holder_gamma : ndarray of float64, shape (H,)
        Of the options held: quote currency, units, units per unit of price.
    holder_maintenance : ndarray of float64, shape (H,)
        Maintenance margin of the options written, quote currency, as of the last margin run.
    """

    __slots__ = (
        "assets",
        "cash",
        "contracts",
        "cost",
        "equity",
        "holder_delta",
        "holder_gamma",
        "holder_maintenance",
        "holder_of",
        "holder_value",
        "in_breach",
        "is_in_breach",
        "maintenance",
        "position",
        "quotes",
        "step",
        "step_seconds",
        "terms",
        "time",
    )

    assets: np.ndarray
    cash: np.ndarray
    contracts: np.ndarray
    cost: np.ndarray
    equity: np.ndarray
    holder_delta: np.ndarray
    holder_gamma: np.ndarray
    holder_maintenance: np.ndarray
    holder_of: np.ndarray
    holder_value: np.ndarray
    in_breach: np.ndarray
    is_in_breach: np.ndarray
    maintenance: np.ndarray
    position: np.ndarray
    quotes: np.ndarray
    step: int
    step_seconds: float
    terms: np.ndarray
    time: float


def frozen(array: np.ndarray) -> np.ndarray:
    """A read-only view of an array that its owner goes on writing."""
    window = array.view()
    window.flags.writeable = False
    return window
