"""The recorder: one column of numbers a step, and the tables of a finished run."""

from __future__ import annotations

import numpy as np

from sim.accounts.ledger import Ledger
from sim.accounts.profile import Thresholds
from sim.base.typed_call import TypedCall
from sim.kernels.recording import observation
from sim.kernels.recording.columns import ASSET_COLUMNS, POPULATION_COLUMNS, RUN_COLUMNS
from sim.kernels.recording.gain import FEEDBACK, keeping
from sim.messages.tape import Tape
from sim.messages.view import View
from sim.records import FILLS
from sim.setup.listing import INSURANCE


def columns(assets: list[str], pools: list[str], populations: list[str]) -> list[str]:
    """Names of the columns of the series of a market of these assets, pools and populations."""
    return [
        *RUN_COLUMNS,
        *(f"{asset}.{column}" for asset in assets for column in ASSET_COLUMNS),
        *(f"{pool}.mid" for pool in pools),
        *(f"{name}.{column}" for name in populations for column in POPULATION_COLUMNS),
    ]


class Recorder:
    """Writes the series as the run goes; equal runs write equal bytes.

    Parameters
    ----------
    steps, step_seconds : int and float
        Steps the series has room for at first, and their length.
    assets, pools, populations : list of str
        Names; populations without the system accounts.
    listed, pool_rows : ndarray of int64
        Row in the quotes of each asset's listed venue, and of each pool.
    hedged_asset, hedged_share : ndarray of int64 and of float64, shape (P,)
        Asset whose gamma a population hedges, and how much of it.
    unlisted : ndarray of float64, shape (P, 2)
        Gamma and delta of populations' exposures that are not instruments.
    thresholds : Thresholds
        Counts the liquidation thresholds around the marks.

    Attributes
    ----------
    names : list of str
        Of the series' columns.
    """

    def __init__(
        self,
        steps: int,
        step_seconds: float,
        assets: list[str],
        pools: list[str],
        populations: list[str],
        listed: np.ndarray,
        pool_rows: np.ndarray,
        hedged_asset: np.ndarray,
        hedged_share: np.ndarray,
        unlisted: np.ndarray,
        thresholds: Thresholds,
    ) -> None:
        self.names = columns(assets, pools, populations)
        self.steps = 0
        self._columns = np.zeros((len(self.names), max(steps, 1)))
        self._listed, self._pools = listed, pool_rows
        first = unlisted.shape[0] - len(populations)
        self._hedgers = observation.Hedgers(hedged_asset, hedged_share, unlisted, first)
        self._step_seconds, self._feedback = step_seconds, np.zeros(len(assets), FEEDBACK)
        volume = np.zeros(len(populations))
        self._memory = observation.Memory(volume, *keeping(step_seconds), self._feedback)
        self._market: observation.Market  # once it starts
        self._thresholds = thresholds
        self._first_fill = 0
        self._record = TypedCall(observation.record)

    def record(self, view: View, ledger: Ledger, tape: Tape, breaches: int, time: float) -> None:
        """Record the step that ends at `time`."""
        if self.steps == self._columns.shape[1]:
            self._columns = np.pad(self._columns, ((0, 0), (0, self.steps)))
        last = int(tape.counts[FILLS])
        self._thresholds.count(view, time, self._feedback)
        insurance, universe = ledger.cash[INSURANCE], ledger.universe
        if self._market.contracts is not universe.contracts or self._market.live is not universe.live:
            self._market = self._market._replace(contracts=universe.contracts, live=universe.live)
        self._thresholds.is_stale = self._record.call(
            self._columns,
            self.steps,
            observation.Moment(view.step, time, self._step_seconds, insurance, breaches),
            self._market,
            ledger.totals,
            self._hedgers,
            tape.fills,
            self._first_fill,
            last,
            self._memory,
        )
        self._first_fill = last
        self.steps += 1

    def start(self, view: View, ledger: Ledger, tape: Tape, mid_at_hedge: np.ndarray) -> None:
        """Keep what the series is read from; leave out what was traded, and how mids moved, until now."""
        self._first_fill = int(tape.counts[FILLS])
        self._feedback["mid"] = mid_at_hedge
        universe = ledger.universe
        self._market = observation.Market(
            view.quotes,
            self._listed,
            self._pools,
            view.assets,
            mid_at_hedge,
            ledger.terms,
            universe.contracts,
            universe.live,
        )

    def last(self, name: str) -> float:
        """Latest value of a column of the series."""
        return float(self._columns[self.names.index(name), self.steps - 1])

    def series(self) -> dict[str, np.ndarray]:
        """Column name to values, a row a step."""
        found = {name: self._columns[i, : self.steps] for i, name in enumerate(self.names)}
        found["step"] = found["step"].astype(np.int32)
        return found
