"""A market whose dealers hedge by a policy, a route or an exposure of the test's own."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import numpy as np

from agents.hedging import Policy
from scenarios import load
from sim.recording.recording import Recording

TEXT = """\
schema_version = 2
name = "own"
modules = ["mine.py"]
time = {steps = 40}

[[assets]]
name = "BTC"
spot = 50000.0
driver = {type = "drivers.GeometricBrownian", volatility = 1.0}

[[venues]]
name = "cheap"
type = "linear_impact.LinearImpact"
asset = "BTC"
instrument = "perpetual"
lot = 0.001
impact = 0.5

[[venues]]
name = "deep"
type = "linear_impact.LinearImpact"
asset = "BTC"
instrument = "perpetual"
lot = 0.001
impact = 0.1
taker_fee_bps = 2.0

[[venues]]
name = "desk"
type = "rfq.Desk"

[[populations]]
name = "dealers"
type = "dealers.OptionDealers"
count = 20
exposure = {type = "synthetic", open_interest = 2000.0, expiries_days = [1.0]}
hedging = {type = "time", synchrony = 1.0}
route = {type = "cheapest", venues = ["cheap", "deep"]}
"""


TIME = '{type = "time", synchrony = 1.0}'


def ran(code: str, old: str, new: str) -> Recording:
    """A run of the scenario with a module of one's own, and this part of it changed."""
    assert old in TEXT
    Path("mine.py").write_text(code)
    Path("own.toml").write_text(TEXT.replace(old, new))
    return load("own.toml").market().run()


def hedges(recording: Recording) -> np.ndarray:
    """What was hedged: time, lots, account and venue of each fill."""
    fills = recording.fills
    own = fills[fills["reason"] == "hedge"]
    assert len(own) > 50
    return own[["time", "qty", "taker", "price", "venue"]].to_numpy()


def documented() -> str:
    """The policy that the documentation of the base class shows, as a module."""
    lines = (
        (Policy.__doc__ or "").partition("::\n")[2].partition("Parameters\n    ----------\n    parameters")[0]
    )
    return dedent(lines)
