"""The policy of a hedger: when it trades, and how much."""

from __future__ import annotations

from typing import Annotated, Literal

from sim.setup.parameters import Fraction, NonNegative, Parameters, Positive, Seconds, up_to


class Policy(Parameters):
    """When and how much to hedge.

    Parameters
    ----------
    type : "band", "time", "leland", "whalley_wilmott" or "decay"
        "band" trades when the net delta at a look is outside `width`, back to zero; "time" at
        every look; "leland" too, by the delta at Leland's volatility; "whalley_wilmott" when the
        net delta is outside a band that widens with gamma and `cost`, back to its edge. "decay"
        trades what time alone has changed delta by since the last look, and leaves open what moves
        of the price have. The last three are for books of options.
    width : float or distribution
        Half width of the band, as a fraction of the row's size (for an option book the gross
        units of its options, for an LP the units in its position). Ignored by "time".
    cost : float or distribution
        Of a trade, as a fraction of its value: what "leland" and "whalley_wilmott" reckon with.
        Venues charge their own.
    risk_aversion : float or distribution
        Absolute, per unit of quote currency, of "whalley_wilmott".
    interval_seconds : float or distribution
        Time between looks. Rows look at different moments (their phases are drawn).
    response : float or distribution
        Share of the net delta that is traded.
    max_units : float or distribution
        Largest order, units of the asset.
    max_slippage : float or distribution
        Worst price accepted, as a fraction of the mid; what is left waits for the next look.
    synchrony : float or distribution
        0 spreads the looks of rows evenly over their interval, 1 makes all look at once.

    Notes
    -----
    Leland (1985), with dt = `interval_seconds`: volatility sigma sqrt(1 + sqrt(2 / pi) 2 k / (sigma
    sqrt(dt))) for a book of short gamma, with a minus for one of long gamma (Hoggard, Whalley &
    Wilmott 1994), sigma that of each contract. Whalley & Wilmott (1997): the band is
    (3/2 k S gamma^2 / a)^(1/3) units on either side. "decay" is the flow that pins prices to
    strikes in Avellaneda & Lipkin (2003).
    """

    type: Literal["band", "time", "leland", "whalley_wilmott", "decay"] = "band"
    width: Annotated[NonNegative, up_to(1e6)] = 0.02
    cost: Annotated[NonNegative, up_to(1.0)] = 0.0005
    risk_aversion: Positive = 1.0
    interval_seconds: Seconds = 1.0
    response: Fraction = 1.0
    max_units: Positive = 1e12
    max_slippage: Annotated[Positive, up_to(1e3)] = 0.01
    synchrony: Fraction = 0.0
