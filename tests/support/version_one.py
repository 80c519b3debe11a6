"""A scenario file of version 1, with all that only version 1 took, and the same file of version 2."""

from __future__ import annotations

CLOCK = "populations.clocks.hedging"
OLD = """\
# Said in version 1.
schema_version = 1  # the first
name = "old"

[time]
steps = 4

[[assets]]
name = "BTC"
spot = 65000
driver = {type = "drivers.Heston", volatility = 0.55}

[[venues]]
name = "perp"
type = "linear_impact.LinearImpact"
asset = "BTC"
instrument = "perpetual"
impact = 0.01
[[populations]]
name = "clocks"  # they look at a clock
type = "own_population.Watchers"
hedging = {type = "clock", seconds = 1.0, width = {dist = "normal", mean = 0.1}, cost = 0.1}  # twice

[[populations]]
name = "dotted"
type = "own_population.Watchers"
hedging.type = "clock"
hedging.width = 0.5
hedging.seconds = 2.0

[[populations]]
name = "tables"
type = "own_population.Watchers"
[populations.hedging]
risk_aversion = 2.0
# A comment in a table.
type = "band"
width = 0.25
[[venues]]
name = "other"  # out of its order
type = "linear_impact.LinearImpact"
asset = "BTC"
instrument = "spot"
impact = 0.01
[arms.wide]
set = {"populations.clocks.hedging.width" = 3.0, "populations.tables.hedging.width" = 0.5}
"""
NEW = """\
# Said in version 1.
schema_version = 2  # the first
name = "old"

[time]
steps = 4

[[assets]]
name = "BTC"
spot = 65000
driver = {type = "drivers.Heston", volatility = 0.55}

[[venues]]
name = "perp"
type = "linear_impact.LinearImpact"
asset = "BTC"
instrument = "perpetual"
impact = 0.01
[[populations]]
name = "clocks"  # they look at a clock
type = "own_population.Watchers"
hedging = {type = "clock", seconds = 1.0}  # twice

[[populations]]
name = "dotted"
type = "own_population.Watchers"
hedging.type = "clock"
hedging.seconds = 2.0

[[populations]]
name = "tables"
type = "own_population.Watchers"
[populations.hedging]
# A comment in a table.
type = "band"
width = 0.25
[[venues]]
name = "other"  # out of its order
type = "linear_impact.LinearImpact"
asset = "BTC"
instrument = "spot"
impact = 0.01
[arms.wide]
set = {"populations.tables.hedging.width" = 0.5}
"""
