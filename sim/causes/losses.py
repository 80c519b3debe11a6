"""Losses: the window in which each liquidated account lost what broke it.

The window reaches from the last end of a step at which its equity was above 1.5 times
maintenance, at the mark and at the mid (the mark lags), to its breach, and not beyond the
account's last trade of its own. Equity before the breach is that of what it held then.

Leaves out: changes of an option's delta within a window, funding and volatility, and what
liquidations closed within it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.causes.descent import Clock
from sim.kernels.accounts import margining
from sim.kernels.causes.lineage import Losses
from sim.setup.draws import Draws
from sim.venues.liquidation.liquidation import Liquidation

SAFE = 1.5
"""Equity over maintenance from which on an account is safe."""


class Setting(NamedTuple):
    """What genealogy has to know of a market.

    Attributes
    ----------
    listed : ndarray of int64, shape (K,)
        Venue of each asset's reference mid.
    half_ticks : ndarray of float64, shape (K,)
        Quote currency a half tick; 0 where no moves are recorded.
    marks, mids : ndarray of float64, shape (K, S)
        At the end of each step so far.
    assets, lots : ndarray, shape (I,)
        Asset of each dense instrument, and units a lot.
    clock : Clock
    seed : int
        Of the draws of parents.
    """

    listed: np.ndarray
    half_ticks: np.ndarray
    marks: np.ndarray
    mids: np.ndarray
    assets: np.ndarray
    lots: np.ndarray
    clock: Clock
    seed: int


def losses(
    fills: np.ndarray,
    moves: np.ndarray,
    asset: np.ndarray,
    liquidations: list[Liquidation],
    setting: Setting,
) -> Losses:
    """Windows of liquidations in moves of each asset, and what a half tick up takes from their equity."""
    count, assets = len(liquidations), setting.listed.size
    exposure = np.array([r.exposure for r in liquidations]).reshape(count, assets)
    account = np.array([r.account for r in liquidations], np.int64)
    seq = np.array([r.seq for r in liquidations], np.int64)
    own_seq, own_step = _last_own(fills, account, seq)
    safe = _last_safe(liquidations, exposure, own_step - 1, setting)
    start = np.zeros((count, assets), np.int64)
    for k in range(assets):
        own = moves[asset == k]
        start[:, k] = np.maximum(
            np.searchsorted(own["step"], safe, side="right"), np.searchsorted(own["seq"], own_seq)
        )
    draws = Draws(setting.seed, "genealogy").uniforms("parent", count)
    return Losses(start, -exposure * setting.half_ticks, draws)


def _last_own(fills: np.ndarray, account: np.ndarray, seq: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sequence number and step of each account's last fill before, liquidations aside; 0 if none."""
    accounts = max(int(column.max(initial=0)) for column in (fills["taker"], fills["maker"], account)) + 1
    is_watched = np.zeros(accounts, bool)
    is_watched[account] = True
    taken = np.flatnonzero(is_watched[fills["taker"]] & (fills["cause"] == 0))
    made = np.flatnonzero(is_watched[fills["maker"]])
    rows = np.concatenate([taken, made])
    whose = np.concatenate([fills["taker"][taken], fills["maker"][made]]).astype(np.int64)
    most = int(max(fills["seq"].max(initial=0), seq.max(initial=0))) + 1
    code = np.append(-1, np.sort(whose * most + fills["seq"][rows]))
    before = code[np.searchsorted(code, account * most + seq) - 1]
    last = np.where(before // most == account, before % most, -1)
    step = np.append(fills["step"], 0)[np.searchsorted(fills["seq"], last)]
    return np.maximum(last, 0), np.where(last >= 0, step, 0)


def _last_safe(
    liquidations: list[Liquidation], exposure: np.ndarray, floor: np.ndarray, setting: Setting
) -> np.ndarray:
    """Last step at whose end each account was safe; `floor` if it was not since."""
    safe = np.zeros(len(liquidations), np.int64)
    if liquidations:
        margining.last_safe(
            np.stack([setting.marks, setting.mids], axis=-1),
            setting.marks,
            exposure,
            np.array([r.marks for r in liquidations]),
            np.array([r.equity for r in liquidations]),
            np.array([r.maintenance for r in liquidations]),
            np.array([r.step for r in liquidations], np.int64),
            floor,
            SAFE,
            safe,
        )
    return safe
