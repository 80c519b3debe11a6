"""Captions: what one sees in a figure, in one line and in numbers of the run."""

from __future__ import annotations

import numpy as np

from analysis.base.metric import Metric, Undefined
from analysis.base.trades import first_shock, liquidations
from analysis.figures.style import level, short, words
from analysis.metrics import liquidity, loop_gain, price, shocks, volume
from sim.recording.recording import Recording


def of_price(recording: Recording, asset: str) -> str:
    """How far the price went after the shock, and how soon half of it was regained."""
    shock = first_shock(recording, asset)
    largest, half = _values(recording, asset, shocks.shock_largest_move, shocks.shock_half_recovery)
    if shock is not None and largest is not None:
        moved = f"{asset} {'falls' if shock.qty < 0 else 'rises'} {largest:.1%} after the shock"
        return moved if half is None else f"{moved}; half is regained in {_duration(half)}"
    (fall,) = _values(recording, asset, price.max_drawdown)
    return f"The price of {asset}" if fall is None else f"{asset} falls {fall:.1%} at most"


def _duration(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    for least, unit in ((7200.0, 3600.0), (120.0, 60.0)):
        if seconds >= least:
            return f"{seconds / unit:.2g} {'h' if unit == 3600.0 else 'min'}"
    return f"{seconds:g} s"


def of_flow(recording: Recording, asset: str) -> str:
    """How much of the volume is hedging, and how much is forced."""
    hedging, forced = _values(recording, asset, volume.hedging_share, volume.forced_share)
    if hedging is None or forced is None:
        return f"Nobody trades {asset}"
    return f"{hedging:.0%} of the volume is hedging, {forced:.0%} is forced by liquidations"


def of_liquidity(recording: Recording, asset: str) -> str:
    """How thin the book and how wide the spread became."""
    worst, bid, ask = _values(
        recording, asset, liquidity.worst_depth, liquidity.mean_depth_bid, liquidity.mean_depth_ask
    )
    widest, spread = _values(recording, asset, liquidity.worst_spread, liquidity.mean_spread)
    if worst is None or bid is None or ask is None or widest is None or spread is None:
        return f"The book of {asset} is never quoted"
    mean = (bid + ask) / 2
    if worst > 0.98 * mean and widest <= 1.02 * spread:
        return f"Depth stays at {short(mean, 2)} {asset} a side, the spread at {short(spread, 2)} bps"
    return (
        f"Depth thins to {short(worst, 2)} {asset} a side (mean {short(mean, 2)}), "
        f"spread widens to {short(widest, 2)} bps ({short(spread, 2)})"
    )


def of_liquidations(recording: Recording, asset: str) -> str:
    """How many were liquidated, for how much, and what was left unpaid."""
    closed = liquidations(recording, asset)
    if closed.time.size == 0:
        return f"Nobody is liquidated in {asset}"
    notional, debt = short(closed.notional.sum()), closed.bad_debt.sum()
    unpaid = f"{short(debt)} of bad debt" if debt > 1e-9 * closed.notional.sum() else "no bad debt"
    return f"{closed.time.size:,} liquidations of {notional} in all leave {unpaid}"


def of_equity(changes: dict[str, np.ndarray]) -> str:
    """Who lost and who gained most."""
    final = {name: change[-1] for name, change in changes.items()}
    worst, best = min(final, key=final.__getitem__), max(final, key=final.__getitem__)
    if worst == best:
        return f"Equity of {words(best)} changes by {short(final[best])}"
    lost, won = (f"{words(name)} ({_signed(final[name])})" for name in (worst, best))
    return f"Worst off at the end: {lost}; best off: {won}"


def of_loop_gain(recording: Recording, asset: str) -> str:
    """How strong the feedback was."""
    typical, worst = _values(recording, asset, loop_gain.median_loop_gain, loop_gain.worst_loop_gain)
    if typical is None or worst is None:
        return "The loop gain was never known"
    return f"Loop gain {short(typical)} typically, {short(worst)} at worst; at 1 a move feeds itself"


def of_gamma(asset: str, price: np.ndarray, per_percent: np.ndarray, start: float) -> str:
    """How much delta a move of 1% changes, at the start and where it changes most."""
    here = float(np.interp(start, price, per_percent))
    most = int(np.abs(per_percent).argmax())
    there = f", {short(abs(per_percent[most]))} at {level(price[most])}"
    if (per_percent[most] < 0) != (here < 0):
        there = f", {_side(per_percent[most])}{there[1:]}"
    elif abs(per_percent[most]) < 1.02 * abs(here):
        there = ", the most at any price"
    elif most in (0, price.size - 1):
        there = ""
    return f"Hedgers are {_side(here)} {short(abs(here))} {asset} per 1% move at the start{there}"


def of_risk(asset: str, price: np.ndarray, at_risk: np.ndarray, start: float) -> str:
    """How much a fall of a tenth would force, and a rise."""
    fall = np.maximum(at_risk, 0)[(price >= 0.9 * start) & (price <= start)].sum()
    rise = np.maximum(-at_risk, 0)[(price <= 1.1 * start) & (price >= start)].sum()
    return f"A fall of 10% would force {short(fall)} {asset} of sales, a rise {short(rise)} of purchases"


def _side(gamma: float) -> str:
    return "short" if gamma < 0 else "long"


def _signed(number: float) -> str:
    return ("+" if number > 0 else "") + short(number)


def _values(recording: Recording, asset: str, *metrics: Metric) -> list[float | None]:
    """Metrics of an asset; None where undefined."""
    found: list[float | None] = []
    for each in metrics:
        try:
            found.append(float(each(recording, asset)))
        except Undefined:
            found.append(None)
    return found
