"""Loop gain: how much of a price move hedging and liquidation make again in answer to it."""

from __future__ import annotations

import numpy as np

from analysis.base.metric import Undefined, metric
from analysis.base.series import known, series
from sim.recording.recording import Recording

HEADING, PLACE, PER = "Feedback", 30, "assets"

WARM_UP_SECONDS, WARM_UP_STEPS = 60.0, 20
"""How long the response of hedgers is taken to be full for want of data (`sim.kernels.recording.gain`)."""


GAIN = (
    "{what}, without the first minute, of {impact} x (-hedgers' net gamma x measured response + density "
    "of liquidation thresholds), the larger of up and down; in a linear market volatility is "
    "sigma / (1 - gain) (Frey & Stremme 1997)"
)
PERMANENT = "permanent impact (1 / sum of the venues' permanent depths)"
INSTANT = "instantaneous impact (1 / units resting near the mid per price)"


@metric(
    unit="1", source=GAIN.format(what="median over steps", impact=PERMANENT), headline=6, light=19, swept=6
)
def median_loop_gain(recording: Recording, asset: str) -> float:
    """Feedback through hedging and liquidation at ordinary times; 1 is the edge of stability."""
    return float(np.median(_measured_gain(recording, f"{asset}.loop_gain")))


@metric(unit="1", source=GAIN.format(what="median over steps", impact=INSTANT))
def median_loop_gain_instant(recording: Recording, asset: str) -> float:
    """The same against what rests in the book, as a move meets it before makers requote."""
    return float(np.median(_measured_gain(recording, f"{asset}.loop_gain_instant")))


@metric(unit="1", source=GAIN.format(what="largest at a step's end", impact=PERMANENT), headline=7, light=20)
def worst_loop_gain(recording: Recording, asset: str) -> float:
    """Feedback at its strongest."""
    return float(np.max(_measured_gain(recording, f"{asset}.loop_gain")))


@metric(
    unit="1",
    source="1 - 99th percentile of the loop gain over steps, without the first minute; below 0, moves fed "
    "themselves in more than a step of a hundred",
)
def distance_to_instability(recording: Recording, asset: str) -> float:
    """How far the feedback stayed from running away, a hundredth of the time aside."""
    return 1.0 - float(np.percentile(_measured_gain(recording, f"{asset}.loop_gain"), 99))


def is_measured(recording: Recording) -> np.ndarray:
    """Steps at whose end the hedgers' response was measured, not assumed; all if there is none."""
    time, step = recording.column("series", "time_s"), recording.market["step_seconds"]
    late: np.ndarray = time >= max(WARM_UP_SECONDS, WARM_UP_STEPS * step) - 1e-9
    return late if late.any() else np.ones(time.size, bool)


def _measured_gain(recording: Recording, name: str) -> np.ndarray:
    """The known values of a loop gain, the first minute left out."""
    known(recording, name)
    gain = series(recording, name)[is_measured(recording)]
    numbers: np.ndarray = gain[~np.isnan(gain)]
    if numbers.size == 0:
        raise Undefined(f"{name} was known in the first minute only")
    return numbers
