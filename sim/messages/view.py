"""The View: what populations may know of the market when they decide.

One View lives as long as the run; the model refreshes its arrays in place before each
phase. Populations read it and return orders; every array in it is read-only to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from sim.kernels.accounts.valuation import Holdings, Prices
from sim.kernels.costs import sample_curves
from sim.kernels.messages.owners import Owners
from sim.messages.pending import Pending

# The state of one venue. Sizes in units of the instrument, prices in quote currency.
VENUE_STATE = np.dtype(
    [
        ("bid", "f8"),  # NaN where the side is empty
        ("ask", "f8"),
        ("mid", "f8"),  # reference mid: an empty side keeps the last one, see charge
        ("last", "f8"),  # price of the last trade in a book, elsewhere the mid
        ("depth_bid", "f8"),  # units within `depth_bps` of the mid
        ("depth_ask", "f8"),
        ("depth_span", "f8"),  # distance from the mid that the depth covers, quote currency
        ("permanent_depth", "f8"),  # units of net flow that move the price by one for good, 0 if unknown
        ("base", "f8"),  # reserves of a pool, units of the asset
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
        ("curve", "i4"),  # number of the family of its cost curve (`sim.kernels.costs.CURVES`)
        ("chain", "i4"),  # on which the accounts are that trade here
        ("takes", "i4"),  # the kind of order that trades here at once
        ("is_whole", "i4"),  # whether such an order is filled whole or refused
        ("is_halted", "i4"),
        ("is_waiting", "i4"),  # whether what is sent in this step waits for a block of a later one
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
        ("initial", "f8"),  # margin as a fraction of notional, 0 for what is paid in full
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

# A point of a cost curve: what so many units cost together, fees included; below zero what a seller gets.
KNOT = np.dtype([("units", "f8"), ("cost", "f8")])

OFFSETS_BPS = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300)
"""Distances from a venue's best price at which its cost curve has a point."""

ENDLESS = 1e12
"""Units that a cost curve goes to where trades do not move the price: finite, to be interpolated."""


class View:
    """A frozen look at the market.

    Attributes
    ----------
    time, step_seconds : float
        Now, and the length of a step, s.
    step : int
    quotes : ndarray of VENUE_STATE, shape (V,)
    assets : ndarray of ASSET, shape (K,)
    terms : ndarray of TERMS, shape (I,)
    contracts : ndarray of CONTRACT
        Every contract ever listed; a new array when one is.
    live : ndarray of int64, shape (R, 2)
        Those that have not expired, as runs of numbers (`Universe.live`).
    cash : ndarray of float64, shape (A,)
    position : ndarray of int64, shape (I, A)
    cost : ndarray of float64, shape (I, A)
    in_breach : ndarray of int32
        Accounts whose equity is below maintenance.
    shortfall : ndarray of float64
        By how much, in the same order.
    is_in_breach : ndarray of bool, shape (A,)
    pending : Pending
        Lots that accounts have on the way: sent, and neither filled, refused nor expired.
    holder_of : ndarray of int32, shape (A,)
        Row of an account in the option columns, below 0 for none.
    owners : Owners
        Of each account its population and its row there: `population_of` and `row_of`, shape (A,).
    changes : ndarray of int64
        How often cash or positions have changed, and whose the latest changes were
        (`sim.kernels.accounts.changes`).
    resting : dict of int to ndarray, shape (A,)
        By order book: what each account has resting there, lots `buying` and `selling`, and orders `resting`.
    held, held_lots : ndarray of int32 and int64, shape (W, H)
        Contracts of each option holder (-1 in an empty slot) and lots of them.
    contract_worth, contract_margin : ndarray of float64
        What a lot of each contract is worth and ties up, in the columns of `sim.kernels.options.portfolio`.
    """

    __slots__ = (
        "_columns",
        "_margin",
        "assets",
        "cash",
        "changes",
        "contract_margin",
        "contract_worth",
        "contracts",
        "cost",
        "held",
        "held_lots",
        "holder_of",
        "in_breach",
        "is_in_breach",
        "live",
        "owners",
        "pending",
        "position",
        "quotes",
        "resting",
        "shortfall",
        "step",
        "step_seconds",
        "terms",
        "time",
    )

    assets: np.ndarray
    cash: np.ndarray
    changes: np.ndarray
    contract_margin: np.ndarray
    contract_worth: np.ndarray
    contracts: np.ndarray
    cost: np.ndarray
    held: np.ndarray
    held_lots: np.ndarray
    holder_of: np.ndarray
    in_breach: np.ndarray
    is_in_breach: np.ndarray
    live: np.ndarray
    owners: Owners
    pending: Pending
    position: np.ndarray
    quotes: np.ndarray
    resting: Mapping[int, np.ndarray]
    shortfall: np.ndarray
    step: int
    step_seconds: float
    terms: np.ndarray
    time: float

    def show(self, margin: Sums) -> None:
        """Let the View show what margin works out, when it is first asked for."""
        self._margin = margin
        names = ("equity", "maintenance", "value", "delta", "gamma", "short_maintenance")
        self._columns = {name: frozen(getattr(margin, name)) for name in names}

    def standing(self, accounts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Equity and maintenance of these accounts at this moment, quote currency."""
        return self._margin.standing(accounts)

    @property
    def holdings(self) -> Holdings:
        """What accounts hold, as `sim.kernels.accounts.valuation` takes it."""
        return Holdings(self.cash, self.position, self.holder_of, self.held, self.held_lots)

    @property
    def prices(self) -> Prices:
        """What a lot of everything is worth and ties up, likewise."""
        return Prices(self.terms, self.contracts, self.contract_worth, self.contract_margin)

    @property
    def curve(self) -> np.ndarray:
        """What trading costs at each venue: an ndarray of KNOT of shape (V, 2, 16), the first side buys.

        Points stand where the marginal price is `OFFSETS_BPS` from the best one; between them it rises in
        proportion, and of more units than the last point has nothing is known. Where nothing can be traded
        all points have 0 units, and all but the first cost infinitely much. Worked out from the quotes when
        asked for, and so as fresh as they are.
        """
        knots = np.zeros((self.quotes.size, 2, len(OFFSETS_BPS)), KNOT)
        sample_curves(self.quotes, 1e-4 * np.array(OFFSETS_BPS), ENDLESS, knots)
        return knots

    @property
    def equity(self) -> np.ndarray:
        """Equity of every account at the present prices, quote currency, shape (A,)."""
        self._margin.look_at_all()
        return self._columns["equity"]

    @property
    def maintenance(self) -> np.ndarray:
        """Maintenance margin of every account at the present prices, quote currency, shape (A,)."""
        self._margin.look_at_all()
        return self._columns["maintenance"]

    @property
    def holder_value(self) -> np.ndarray:
        """Value of the options each holder has, quote currency, shape (H,)."""
        self._margin.sum_options()
        return self._columns["value"]

    @property
    def holder_delta(self) -> np.ndarray:
        """Delta of the options each holder has, units, shape (H,)."""
        self._margin.sum_options()
        return self._columns["delta"]

    @property
    def holder_gamma(self) -> np.ndarray:
        """Gamma of the options each holder has, units per unit of price, shape (H,)."""
        self._margin.sum_options()
        return self._columns["gamma"]

    @property
    def holder_maintenance(self) -> np.ndarray:
        """Maintenance margin of the options each holder has written, quote currency, shape (H,)."""
        self._margin.sum_options()
        return self._columns["short_maintenance"]


class Sums(Protocol):
    """What the View asks of margin: sums over everybody, worked out when somebody wants them."""

    def look_at_all(self) -> None:
        """Bring equity and maintenance of every account up to date."""

    def standing(self, accounts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Equity and maintenance of these accounts."""

    def sum_options(self) -> None:
        """Bring value, Greeks and margin of every option holder up to date."""


def frozen(array: np.ndarray) -> np.ndarray:
    """A read-only view of an array that its owner goes on writing."""
    window = array.view()
    window.flags.writeable = False
    return window
