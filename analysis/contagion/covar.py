"""CoVaR: what the others stand to lose when one population does badly.

Let X_i(t) be the change of the equity of population i in step t and Y_i(t) that of all other
populations together. With VaR_q(i) minus the q-quantile of X_i, a loss counting above zero,

    CoVaR_q(i)  = - q-quantile of Y_i over the steps in which X_i <= -VaR_q(i),
    delta CoVaR = CoVaR_q(i) - the same over the steps in which X_i is near its median.

Adrian & Brunnermeier (2016) define both; the condition "as bad as VaR or worse" in place of
"just as bad" is that of Girardi & Ergun (2013). Steps of several recordings are pooled. Intervals
are of a moving-block bootstrap over time (Kunsch 1989): blocks of steps are drawn from each
recording anew, so that what lasts for a while stays together.

Equity moves between populations, so that without spot or outsiders the others' change would
be minus one's own: read delta CoVaR of one population against that of another, not alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.base.metric import TRADERS, Undefined, metric
from analysis.base.resampling import LEVELS, SEED
from analysis.base.series import series
from sim.recording.recording import Recording

if TYPE_CHECKING:
    import pandas as pd

HEADING, PLACE = "Contagion and defaults", 160

QUANTILE = 0.05
"""Share of steps that count as bad."""

FEWEST = 5
"""Steps beyond the quantile within the bad ones, with fewer of which there is no CoVaR."""

TIED = 2.0
"""Where this many times the steps that should be bad are as bad, the population has no bad steps."""

BLOCK_SECONDS = 60.0
"""Length of a block of the bootstrap."""

DRAWS = 400
"""Resamples of an interval."""


def covar(
    recordings: Recording | Iterable[Recording],
    quantile: float = QUANTILE,
    *,
    draws: int = DRAWS,
) -> pd.DataFrame:
    """VaR, CoVaR and delta CoVaR of every population, a loss of a step counting above zero.

    Parameters
    ----------
    recordings : Recording or iterable of Recording
        Of markets with the same populations and step.
    quantile : float
        Share of steps that count as bad.
    draws : int
        Resamples of the intervals of 95%; with 0 there are none.

    Returns
    -------
    DataFrame
        Index "population"; columns `var`, `covar`, `median_covar`, `delta_covar`, `low`, `high`
        (of delta CoVaR), quote currency a step. Populations whose equity never changes are left
        out; one whose equity hardly ever does has no bad steps, and NaN.

    Raises
    ------
    Undefined
        If there are too few steps, or fewer than two populations whose equity changes.
    ValueError
        If the recordings differ in their populations or steps.
    """
    import pandas as pd

    pooled = [recordings] if isinstance(recordings, Recording) else list(recordings)
    names, changes = equity_changes(pooled)
    together = np.concatenate(changes, axis=1)
    needed = int(np.ceil(FEWEST / quantile**2))
    if together.shape[1] < needed:
        raise Undefined(f"{together.shape[1]} steps are too few for CoVaR at {quantile:g}; it takes {needed}")
    frame = pd.DataFrame(_estimates(together, quantile), pd.Index(names, name="population"), COLUMNS)
    if draws:
        block = max(1, round(BLOCK_SECONDS / pooled[0].market["step_seconds"]))
        drawn = _resampled(changes, quantile, draws, block)
        known = frame["delta_covar"].notna().to_numpy()
        limits = np.full((len(names), 2), np.nan)
        limits[known] = np.nanpercentile(drawn[:, known], LEVELS, axis=0).T
        frame[["low", "high"]] = limits
    return frame


COLUMNS = ("var", "covar", "median_covar", "delta_covar")
"""Columns of the estimates."""


def equity_changes(recordings: Sequence[Recording]) -> tuple[list[str], list[np.ndarray]]:
    """Populations whose equity changes, and its change in every step, an array (P, T) a recording.

    Raises
    ------
    Undefined
        If there are fewer than two such populations.
    ValueError
        If the recordings differ in their populations or steps.
    """
    kinds = {(tuple(each.names("populations")), each.market["step_seconds"]) for each in recordings}
    if len(kinds) != 1:
        raise ValueError("steps can only be pooled over recordings of the same populations and step length")
    columns = recordings[0].table("series").column_names
    names = [name for name in recordings[0].names("populations") if f"{name}.equity" in columns]
    if len(names) < 2:
        raise Undefined("the recording knows the equity of fewer than two populations")
    found = [
        np.diff(np.array([series(each, f"{name}.equity") for name in names], ndmin=2), axis=1)
        for each in recordings
    ]
    moves = [row for row in range(len(names)) if any(np.any(part[row] != 0) for part in found)]
    if len(moves) < 2:
        raise Undefined("the equity of fewer than two populations ever changes")
    return [names[row] for row in moves], [part[moves] for part in found]


def _estimates(changes: np.ndarray, quantile: float) -> np.ndarray:
    """A row (VaR, CoVaR, median CoVaR, delta CoVaR) for every population, shape (P, 4)."""
    others = changes.sum(axis=0) - changes
    rows = []
    for own, rest in zip(changes, others, strict=True):
        marks = np.quantile(own, (quantile, 0.5 - quantile / 2, 0.5 + quantile / 2))
        if np.mean(own <= marks[0]) > TIED * quantile:
            rows.append((-marks[0], np.nan, np.nan, np.nan))
            continue
        bad = -np.quantile(rest[own <= marks[0]], quantile)
        usual = -np.quantile(rest[(own >= marks[1]) & (own <= marks[2])], quantile)
        rows.append((-marks[0], bad, usual, bad - usual))
    return np.array(rows)


def _resampled(changes: Sequence[np.ndarray], quantile: float, draws: int, block: int) -> np.ndarray:
    """Delta CoVaR of every population in every resample, shape (draws, P)."""
    rng = np.random.default_rng(SEED)
    drawn = []
    for _ in range(draws):
        parts = [part[:, _blocks(rng, part.shape[1], block)] for part in changes]
        drawn.append(_estimates(np.concatenate(parts, axis=1), quantile)[:, 3])
    return np.array(drawn)


def _blocks(rng: np.random.Generator, steps: int, block: int) -> np.ndarray:
    """Steps of successive blocks that begin anywhere; as many steps as there are, wrapped round."""
    starts = rng.integers(steps, size=-(-steps // block))
    rows: np.ndarray = (starts[:, np.newaxis] + np.arange(block)).ravel()[:steps] % steps
    return rows


@metric(
    unit="quote per step",
    over=TRADERS,
    source="delta CoVaR at 5%: 95% loss of all others in the steps in which this population does worst, "
    "less the same in its median steps (Adrian & Brunnermeier 2016; Girardi & Ergun 2013)",
)
def delta_covar(recording: Recording) -> list[float | Undefined]:
    """How much worse the others' bad steps are when this population has one."""
    found = covar(recording, draws=0)["delta_covar"]
    return [_known(recording, name, found.get(name)) for name in recording.names("populations")]


def _known(recording: Recording, name: str, value: float | None) -> float | Undefined:
    """The delta CoVaR of a population, or why it has none."""
    if f"{name}.equity" not in recording.table("series").column_names:
        return Undefined("the recording does not follow its equity")
    if value is None:
        return Undefined("its equity never changes")
    if np.isnan(value):
        return Undefined(f"its equity hardly ever changes: it has no worst {QUANTILE:.0%} of steps")
    return value
