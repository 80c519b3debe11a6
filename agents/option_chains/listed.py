"""A chain like that of a listed market: short expiries near the money, long ones wide, interest in all.

Strikes are in ln(K / F). At T years the open interest of a side lies normally around centre x T^growth with
a standard deviation of dispersion x T^growth. Expiries, their shares and these four numbers were fitted to
one day of BTC options at Deribit (4 February 2026, 21:33 UTC, 355,000 BTC) by the shares of gamma below,
Black 1976 with that day's smile; the day of the crash after it was held out, as was ETH. Share of gamma by

====================  =======  =======  =======  =======  ========  ========
..                    <= 7 d   <= 30 d  +-5%     +-10%    +-20%     in puts
====================  =======  =======  =======  =======  ========  ========
4 Feb BTC, real       .19      .55      .34      .51      .73       .64
fitted                .19      .50      .34      .51      .71       .64
5 Feb BTC, real       .15      .47      .15      .36      .52       .63
its smile             .21      .54      .26      .41      .61       .57
4 Feb ETH, real       .29      .60      .27      .50      .72       .63
its smile             .19      .52      .27      .43      .63       .59
5 Feb ETH, real       .22      .56      .21      .39      .57       .67
its smile             .21      .55      .23      .37      .57       .54
`synthetic`           .82      1.00     .75      .98      1.00      .55
====================  =======  =======  =======  =======  ========  ========

Had the width of strikes grown with the root of time (growth .5), .37 of the gamma would be within 7 days.
What the crash left behind is what it does not show: strikes far above a spot that has fallen by 13%.
"""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field

from agents.option_chains.synthetic import Days, LaidOut, Weight

DAYS_A_YEAR = 365.0
SHARES = {
    0.5: 0.01,
    1.5: 0.08,
    2.5: 0.005,
    3.5: 0.005,
    8.0: 0.065,
    15.0: 0.02,
    22.0: 0.2,
    50.0: 0.305,
    78.0: 0.035,
    141.0: 0.155,
    232.0: 0.065,
    323.0: 0.055,
}
"""Of the open interest, by days to expiry."""

REACH = 2.5
"""Deviations from its centre to which the strikes of the wider side go."""


class Listed(LaidOut):
    """A synthetic chain with the expiries and strikes of a listed market.

    Parameters
    ----------
    strikes : int
        Strikes on each side of the spot, of every expiry.
    centre_calls, centre_puts : float
        ln(K / F) around which their interest lies, for options of one year.
    dispersion : float
        Standard deviation of ln(K / F), for options of one year.
    growth : float
        Power of time by which centres and dispersion grow; .5 with its root.
    open_interest, expiries_days, expiry_weights, put_share
        As of `agents.option_chains.synthetic.LaidOut`.
    """

    expiries_days: list[Days] = Field(default=[*SHARES], min_length=1, max_length=1000)
    expiry_weights: list[Weight] | None = Field(default=[*SHARES.values()])
    strikes: int = Field(default=20, ge=1, le=1000)
    put_share: float = Field(default=0.44, ge=0, le=1)
    centre_calls: float = Field(default=0.50, ge=-5, le=5)
    centre_puts: float = Field(default=0.03, ge=-5, le=5)
    dispersion: float = Field(default=0.27, gt=0, le=5)
    growth: float = Field(default=0.11, ge=0, le=1)

    def strikes_of(self, days: float, is_call: bool) -> tuple[np.ndarray, np.ndarray]:
        """As wide as the time to expiry makes them."""
        furthest = max(abs(self.centre_calls), abs(self.centre_puts)) + REACH * self.dispersion
        places = np.arange(-self.strikes, self.strikes + 1) * (furthest / self.strikes)
        centre = self.centre_calls if is_call else self.centre_puts
        scale = math.pow(days / DAYS_A_YEAR, self.growth)
        return np.exp(places * scale), (places - centre) / self.dispersion
