"""Attribution: who moved the price, by how much, and whose are its ups and downs.

From the charges r_i(t) of every part i in every step t (`analysis.attribution.charges`), with r the
sum of the parts, over a horizon of h steps:

    r_i^h(t) = r_i(t) + ... + r_i(t + h - 1),
    share of variance_i = sum_t r_i^h(t) r^h(t) / sum_t r^h(t)^2,

which is the slope of r_i on r through the origin. The shares add up to 1 because the parts
add up to the whole; one below zero belongs to a part that leans against the price. It is
the Euler decomposition of a variance (Tasche 1999, "Risk contributions and performance
measurement", section 5) with second moments about zero. Intervals of time overlap, as in
the realised volatilities of `analysis.metrics.price`.

Shares are descriptions of one run: a charge says through whose hands a change went, not
what the price would have done without them. That takes another run (`muted`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analysis.attribution.charges import (
    FORCING,
    HEDGING,
    LAST_TOUCH,
    THROUGH_MAKERS,
    WHYS,
    Charges,
    Span,
    by_phase,
    charges,
    largest_fall,
    largest_rise,
    minute,
    versions,
)
from analysis.base.metric import Undefined, metric
from analysis.base.remembered import remembered
from analysis.base.resampling import in_blocks, ratio_interval
from sim.recording.recording import Recording

if TYPE_CHECKING:
    import pandas as pd

HEADING, PLACE, PER = "Attribution", 90, "assets"

BLOCKS = 60
"""Blocks of time that an interval is resampled from, unless they were shorter than `SPANS` horizons."""

SPANS = 3
"""Horizons that a block of time has at least, so that one block hardly knows of the next."""


class Shares(NamedTuple):
    """Shares of something by part; they add up to 1.

    Attributes
    ----------
    value : ndarray of float64, shape (parts,)
    low, high : ndarray of float64, shape (parts,)
        Ends of the interval of 95%; NaN where there is none.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def shares_of_variance(charged: Charges, horizon: int = 1) -> Shares:
    """Each part's share of the variance of price changes over a horizon in steps.

    Raises
    ------
    Undefined
        If the run is shorter than the horizon, or the price never changed over it.

    Notes
    -----
    The interval is resampled over `BLOCKS` blocks of time (`analysis.base.resampling`), fewer if
    they would be shorter than `SPANS` horizons: it says how far the shares hang on the
    stretches of this run, not how they vary from seed to seed.
    """
    paths = charged.paths
    if paths.shape[1] <= horizon:
        raise Undefined(f"the run has fewer than {horizon} steps")
    changes = (paths[:, horizon:] - paths[:, :-horizon]).astype(np.float64)
    whole = changes.sum(axis=0)
    if not whole.any():
        raise Undefined(f"the price never changed over {horizon} steps")
    length = max(SPANS * horizon, -(-whole.size // BLOCKS))
    common, square = in_blocks(changes * whole, length), in_blocks(whole**2, length)
    value = common.sum(axis=1) / square.sum()
    try:
        low, high = ratio_interval(common, square).T
    except Undefined:
        low = high = np.full(value.size, np.nan)
    return Shares(value, low, high)


def shares_within(charged: Charges, span: Span) -> np.ndarray:
    """Each part's share of the price change over a span of steps, shape (parts,).

    Raises
    ------
    Undefined
        If the price is the same at both ends.
    """
    moved = charged.half_ticks[:, span.first : span.last].sum(axis=1)
    if abs(moved.sum()) < 1e-9:
        raise Undefined("the price is the same at both ends")
    shares: np.ndarray = moved / moved.sum()
    return shares


QUANTITIES = {
    "net": "% of the opening price, below zero where it fell",
    "gross": "% of the opening price, sum over steps of the size of the change",
    "variance_step": "share of the variance of changes from step to step",
    "variance_1min": "share of the variance of changes over a minute",
    "variance_1min_low": "lower end of its interval of 95%, over blocks of time",
    "variance_1min_high": "upper end of its interval of 95%",
    "fall": "share of the largest fall of the price, from its high to its low",
    "rise": "share of the largest rise of the price, from its low to its high",
}
"""Columns of the tables and what they hold."""


def table(recording: Recording, asset: str, by: str = "reason") -> pd.DataFrame:
    """Who moved the price: a row for each population and reason, both versions side by side.

    Parameters
    ----------
    recording : Recording
    asset : str
    by : str
        "reason" for a row for each population and reason, "population" for one for each
        population, "phase" for one for each phase of the step (last touch alone).

    Returns
    -------
    DataFrame
        Columns are pairs of a version and one of `QUANTITIES`; a version that the recording
        does not hold has none, a quantity that is undefined is NaN throughout. `net` adds up
        to the change of the price, shares to 1. Those charged with nothing have no row.

    Raises
    ------
    Undefined
        If the asset's mid never moved.
    """
    import pandas as pd

    found = {LAST_TOUCH: by_phase(recording, asset)} if by == "phase" else versions(recording, asset)
    frames = {}
    for version, charged in found.items():
        rows = charged.by_who() if by == "population" else charged
        columns = _quantities(recording, asset, rows)
        if by == "reason":
            index: Any = pd.MultiIndex.from_tuples(rows.parts, names=["population", "reason"])
        else:
            index = pd.Index([part.who for part in rows.parts], name=by)
        frames[version] = pd.DataFrame(columns, index=index)
    both = pd.concat(frames, axis=1, names=["version", "quantity"])
    order = _order(recording, both.index) if by != "phase" else both.index
    return both.reindex(order).fillna({column: 0.0 for column in both if both[column].notna().any()})


def _order(recording: Recording, index: pd.Index) -> pd.Index:
    """Rows in the order of the populations, hedging before forced before other."""
    rank = {name: place for place, name in enumerate(recording.names("populations"))}
    last = len(rank)

    def place(row: Any) -> tuple[int, int]:
        who, why = row if isinstance(row, tuple) else (row, WHYS[0])
        return rank.get(who, last), WHYS.index(why)

    return index[sorted(range(len(index)), key=lambda at: place(index[at]))]


def _quantities(recording: Recording, asset: str, charged: Charges) -> dict[str, np.ndarray]:
    """Every quantity of the tables; NaN where undefined."""
    none = np.full(len(charged.parts), np.nan)
    shares = _or(lambda: shares_of_variance(charged, minute(recording, asset)), Shares(none, none, none))
    return {
        "net": charged.percent(charged.half_ticks.sum(axis=1)),
        "gross": charged.percent(np.abs(charged.half_ticks).sum(axis=1)),
        "variance_step": _or(lambda: shares_of_variance(charged).value, none),
        "variance_1min": shares.value,
        "variance_1min_low": shares.low,
        "variance_1min_high": shares.high,
        "fall": _or(lambda: shares_within(charged, largest_fall(recording, asset)), none),
        "rise": _or(lambda: shares_within(charged, largest_rise(recording, asset)), none),
    }


def _or(quantity: Any, otherwise: Any) -> Any:
    """A quantity, or something else where it is undefined."""
    try:
        return quantity()
    except Undefined:
        return otherwise


# Metrics.

VARIANCE = "sum(r_i r) / sum(r^2) over 1 min, changes of the mid charged {rule}"
FALL = "share of the fall from the high to the low of the largest drawdown, charged {rule}"
RISE = "share of the rise from the low to the high of the largest run-up, charged {rule}"
TOUCH = "to whoever's order made them"
CAUSE = "to the flow that makers answer with them, else to whoever's order made them"


@metric(unit="1", as_percent=True, over="populations", source=VARIANCE.format(rule=TOUCH))
def variance_share(recording: Recording, asset: str) -> np.ndarray:
    """Whose orders made the price vary."""
    return _over_populations(recording, *_variance(recording, asset, LAST_TOUCH))


@metric(unit="1", as_percent=True, over="populations", source=VARIANCE.format(rule=CAUSE))
def variance_share_through_makers(recording: Recording, asset: str) -> np.ndarray:
    """Whose flow made the price vary."""
    return _over_populations(recording, *_variance(recording, asset, THROUGH_MAKERS))


@metric(unit="1", as_percent=True, source=VARIANCE.format(rule=TOUCH) + ", of hedging", headline=10)
def hedging_variance_share(recording: Recording, asset: str) -> float:
    """How much of the price's variance hedging made."""
    return _of(HEDGING, *_variance(recording, asset, LAST_TOUCH))


@metric(unit="1", as_percent=True, source=VARIANCE.format(rule=CAUSE) + ", of hedging")
def hedging_variance_share_through_makers(recording: Recording, asset: str) -> float:
    """How much of the price's variance hedging made, makers' answers included."""
    return _of(HEDGING, *_variance(recording, asset, THROUGH_MAKERS))


@metric(unit="1", as_percent=True, source=VARIANCE.format(rule=TOUCH) + ", of forced trades", headline=11)
def forced_variance_share(recording: Recording, asset: str) -> float:
    """How much of the price's variance liquidations made."""
    return _of(FORCING, *_variance(recording, asset, LAST_TOUCH))


@metric(unit="1", as_percent=True, source=VARIANCE.format(rule=CAUSE) + ", of forced trades")
def forced_variance_share_through_makers(recording: Recording, asset: str) -> float:
    """How much of the price's variance liquidations made, makers' answers included."""
    return _of(FORCING, *_variance(recording, asset, THROUGH_MAKERS))


@metric(unit="1", as_percent=True, over="populations", source=FALL.format(rule=TOUCH))
def fall_share(recording: Recording, asset: str) -> np.ndarray:
    """Whose orders made the largest fall."""
    return _over_populations(recording, *_within(recording, asset, LAST_TOUCH, largest_fall))


@metric(unit="1", as_percent=True, over="populations", source=FALL.format(rule=CAUSE))
def fall_share_through_makers(recording: Recording, asset: str) -> np.ndarray:
    """Whose flow made the largest fall."""
    return _over_populations(recording, *_within(recording, asset, THROUGH_MAKERS, largest_fall))


@metric(unit="1", as_percent=True, over="populations", source=RISE.format(rule=TOUCH))
def rise_share(recording: Recording, asset: str) -> np.ndarray:
    """Whose orders made the largest rise."""
    return _over_populations(recording, *_within(recording, asset, LAST_TOUCH, largest_rise))


@metric(unit="1", as_percent=True, over="populations", source=RISE.format(rule=CAUSE))
def rise_share_through_makers(recording: Recording, asset: str) -> np.ndarray:
    """Whose flow made the largest rise."""
    return _over_populations(recording, *_within(recording, asset, THROUGH_MAKERS, largest_rise))


@remembered
def _variance(recording: Recording, asset: str, version: str) -> tuple[Charges, np.ndarray]:
    """Shares of variance over a minute, with the charges they are of."""
    charged = charges(recording, asset, version)
    return charged, shares_of_variance(charged, minute(recording, asset)).value


def _within(recording: Recording, asset: str, version: str, span: Any) -> tuple[Charges, np.ndarray]:
    """Shares of the change over a span, with the charges they are of."""
    charged = charges(recording, asset, version)
    return charged, shares_within(charged, span(recording, asset))


def _over_populations(recording: Recording, charged: Charges, shares: np.ndarray) -> np.ndarray:
    """Shares by population, whatever the reason; those of no population are left out."""
    names = list(recording.names("populations"))
    own = [place for place, part in enumerate(charged.parts) if part.who in names]
    codes = [names.index(charged.parts[place].who) for place in own]
    return np.bincount(codes, shares[own], minlength=len(names))


def _of(why: str, charged: Charges, shares: np.ndarray) -> float:
    """Shares for one reason, whoever acted."""
    return float(shares[[part.why == why for part in charged.parts]].sum())
