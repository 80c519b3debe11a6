"""The messages of the market: ORDER, FILL, MOVE and REJECT rows, and their codes.

Everything an agent can do to the world is an ORDER row; everything that changes
ownership is a FILL row naming both sides. Prices inside books are integer ticks and
quantities integer lots everywhere; money is float64 in quote currency; times are
seconds since the start of the run. A quantity above zero buys.
"""

from __future__ import annotations

import numpy as np

# What an order asks for, by code.
KINDS = (
    "",
    "limit",
    "market",
    "cancel",  # the sender's resting order with this tag
    "cancel_random",  # one resting order of the sender, chosen by the uniform in `value`
    "cancel_all",  # every resting order of the sender
    "modify",  # the sender's resting order with this tag; keeps its place if only the size falls; 0 keeps it
    "quote",  # set the order under this tag: place, modify or (qty 0) withdraw
    "swap",
    "add_liquidity",
    "remove_liquidity",
    "seize",  # liquidate the account named by `target`
    "request",  # trade with a desk at its quote
    "cancel_at",  # the sender's resting order at this price, in the place drawn among `target` places
)
(
    _,
    LIMIT,
    MARKET,
    CANCEL,
    CANCEL_RANDOM,
    CANCEL_ALL,
    MODIFY,
    QUOTE,
    SWAP,
    ADD_LIQUIDITY,
    REMOVE_LIQUIDITY,
    SEIZE,
    REQUEST,
    CANCEL_AT,
) = range(len(KINDS))

# What a limit price is measured from, at arrival.
ABSOLUTE = 0
MID = 1
OWN_BEST = 2
OPPOSITE_BEST = 3

# Time in force.
GTC = 0
IOC = 1
FOK = 2

# Self-trade prevention, chosen by the taker.
STP_NONE = 0
EXPIRE_TAKER = 1
EXPIRE_MAKER = 2
EXPIRE_BOTH = 3

# Flags, added together.
POST_ONLY = 1
REDUCE_ONLY = 2
SIDE_BY_VALUE = 4  # buy if `value` is above the mid at arrival, sell if below
CALL = 8  # of a bespoke option requested from a desk; a put without it

# Phases of a step, in order.
PHASES = ("open", "quote", "trade", "hedge", "liquidate", "settle")
OPEN, QUOTING, TRADING, HEDGING, LIQUIDATING, SETTLING = range(len(PHASES))

# Why an order was sent, or why ownership changed.
REASONS = (
    "trade",
    "hedge",
    "forced",
    "opening",
    "issue",
    "shock",
    "takeover",
    "liquidity",
    "expiry",
    "close_out",
)
(
    TRADE,
    HEDGE,
    FORCED,
    OPENING,
    ISSUE,
    SHOCK,
    TAKEOVER,
    LIQUIDITY,
    EXPIRY,
    CLOSE_OUT,
) = range(len(REASONS))

# Why an order was refused.
REFUSALS = (
    "",
    "no_margin",
    "would_cross",
    "not_fillable",
    "unknown_tag",
    "tag_in_use",
    "halted",
    "outside_band",
    "off_ladder",
    "no_reference",
    "slippage",
    "not_in_breach",
    "not_traded",
    "nothing_to_reduce",
    "no_quantity",
    "too_late",  # arrived at or after its good_till
    "unsupported",  # says something that has no meaning on such an order at this venue
    "cooling_down",  # in breach, but seized too short a time ago
)
(
    ACCEPTED,
    NO_MARGIN,
    WOULD_CROSS,
    NOT_FILLABLE,
    UNKNOWN_TAG,
    TAG_IN_USE,
    HALTED,
    OUTSIDE_BAND,
    OFF_LADDER,
    NO_REFERENCE,
    SLIPPAGE,
    NOT_IN_BREACH,
    NOT_TRADED,
    NOTHING_TO_REDUCE,
    NO_QUANTITY,
    TOO_LATE,
    UNSUPPORTED,
    COOLING_DOWN,
) = range(len(REFUSALS))

# How a reference mid came to move.
MOVERS = ("trade", "quote", "cancel", "value")
BY_TRADE, BY_QUOTE, BY_CANCEL, BY_VALUE = range(len(MOVERS))

# What a dense instrument is.
INSTRUMENTS = ("spot", "perpetual", "lp_share", "reserve")
SPOT, PERPETUAL, LP_SHARE, RESERVE = range(len(INSTRUMENTS))

# Price of a book side that is empty.
NO_TICK = -1

# Instrument numbers from here on are option contracts.
OPTIONS = 1 << 20

# Slots of the tape's counts, which kernels advance as they write.
FILLS = 0
MOVES = 1
REJECTS = 2
SEQ = 3  # next sequence number, shared by fills and moves
GROUP = 4  # last group number used
STEP = 5  # the step being executed

ORDER = np.dtype(
    [
        ("time", "f8"),  # decision, s
        ("latency", "f8"),  # decision to arrival, s
        ("tie", "u8"),  # keyed draw that orders equal arrivals; written by the router
        # valuation, worst price of a swap, strike of a bespoke option; of a QUOTE, the logarithm of what
        # news made of its price since the last one (the rest answers flow)
        ("value", "f8"),
        ("good_till", "f8"),  # s; infinity rests until cancelled
        ("qty", "i8"),  # lots, > 0 buys
        ("price", "i8"),  # ticks, absolute or an offset (towards worse prices is positive)
        ("target", "i8"),  # tag of the order meant, or the account to liquidate
        ("account", "i4"),
        ("instrument", "i4"),  # for venues that trade several
        ("cause", "i4"),  # row of the table of causes, 0 is exogenous
        ("venue", "i2"),
        ("population", "i2"),  # written by the router
        ("kind", "i1"),
        ("price_ref", "i1"),
        ("tif", "i1"),
        ("stp", "i1"),
        ("phase", "i1"),  # written by the router
        ("reason", "i1"),
        ("flags", "i1"),
    ],
    align=True,
)

FILL = np.dtype(
    [
        ("time", "f8"),
        ("price", "f8"),  # quote currency per unit of the instrument
        ("fee", "f8"),  # paid by the taker to the fee desk, quote currency
        ("maker_fee", "f8"),  # paid by the maker; negative is a rebate
        ("seq", "i8"),
        ("group", "i8"),  # rows of one group are atomic
        ("qty", "i8"),  # lots, > 0 the taker buys
        ("step", "i4"),
        ("instrument", "i4"),
        ("maker", "i4"),
        ("taker", "i4"),
        ("cause", "i4"),
        ("maker_population", "i2"),
        ("taker_population", "i2"),
        ("venue", "i2"),
        ("phase", "i1"),
        ("reason", "i1"),
    ],
    align=True,
)

MOVE = np.dtype(
    [
        ("time", "f8"),
        ("seq", "i8"),
        ("half_ticks", "i8"),  # change of the mid
        ("step", "i4"),
        ("cause", "i4"),
        ("account", "i4"),
        ("answers", "f4"),  # share of what a QUOTE did that answers flow rather than news
        ("population", "i2"),
        ("venue", "i2"),
        ("phase", "i1"),
        ("reason", "i1"),
        ("mover", "i1"),
    ],
    align=True,
)

REJECT = np.dtype(
    [
        ("time", "f8"),
        ("qty", "i8"),
        ("step", "i4"),
        ("account", "i4"),
        ("population", "i2"),
        ("venue", "i2"),
        ("kind", "i1"),
        ("refusal", "i1"),
        ("phase", "i1"),
    ],
    align=True,
)


def orders(count: int) -> np.ndarray:
    """An array of `count` blank ORDER rows: absolute, good till cancelled, no tag."""
    rows = np.zeros(count, ORDER)
    rows["good_till"] = np.inf
    rows["target"] = -1
    rows["instrument"] = -1
    return rows
