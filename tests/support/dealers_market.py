"""The file of a small market in which dealers hedge, for tests that change what it says."""

from __future__ import annotations

HEDGING = "populations.dealers.hedging"
BAND = 'type = "band", width = 0.05'
DEALERS = f"""\
schema_version = 2
name = "dealt"
time = {{steps = 2}}

[[assets]]
name = "BTC"
spot = 1000.0
driver = {{type = "drivers.Constant"}}

[[venues]]
name = "perp"
type = "linear_impact.LinearImpact"
asset = "BTC"
instrument = "perpetual"
lot = 0.01
impact = 0.01

[[venues]]
name = "desk"
type = "rfq.Desk"

[[populations]]
name = "dealers"
type = "dealers.OptionDealers"
margin = "standard"
exposure = {{type = "synthetic", open_interest = 10.0}}
hedging = {{{BAND}}}
route = {{type = "cheapest", venues = ["perp"]}}

"""
