"""Settlement: funding of perpetuals and expiry of options, at the end of a step."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from sim.instruments import PERPETUAL
from sim.kernels import settling
from sim.ledger import Ledger
from sim.listing import CLEARING
from sim.parameters import LONGEST, SHORTEST, Parameters
from sim.prepared import Prepared
from sim.tape import Tape
from sim.view import View


class Funding(Parameters):
    """Funding of one asset's perpetual.

    Parameters
    ----------
    interval_seconds : float
        How often what accrued is paid.
    dead_band : float
        Premium per eight hours below which nothing is paid.
    cap : float
        Largest rate per eight hours.

    Notes
    -----
    The rate per eight hours is clip(max(d, p) + min(−d, p), ±cap) for the premium
    p = (mark − index) / index and the dead band d: Deribit's rule with d = 0.025%
    (its funding specification). Deribit accrues continuously; here the rate accrues each step
    and is paid at multiples of the interval on the position held then, at the mark.
    """

    interval_seconds: float = Field(default=3600.0, ge=SHORTEST, le=LONGEST)
    dead_band: float = Field(default=0.00025, ge=0, le=1e3)
    cap: float = Field(default=0.005, ge=0, le=1e3)

    def rate(self, premium: float) -> float:
        """Rate per eight hours for a premium; longs pay it when positive."""
        return float(settling.funding_rate(premium, self.dead_band, self.cap))


class Settlement:
    """Pays funding and settles expired options.

    Parameters
    ----------
    ledger : Ledger
    fundings : list of Funding
        One per asset.
    """

    def __init__(self, ledger: Ledger, fundings: list[Funding]) -> None:
        self._ledger = ledger
        self._perpetuals = np.array(
            [
                (f.interval_seconds, f.dead_band, f.cap, 0.0, f.interval_seconds, instrument, row["asset"])
                for instrument, row in enumerate(ledger.terms)
                if row["kind"] == PERPETUAL
                for f in [fundings[row["asset"]]]
            ],
            settling.FUNDING,
        )
        self._next_expiry = 0.0
        self._accrue = Prepared(settling.accrue)

    def run(self, time: float, view: View, tape: Tape) -> None:
        """Settle what is due at `time`, the end of the step."""
        if self._accrue.call(self._perpetuals, view.assets, view.step_seconds, time):
            self._fund(time, view)
        if time >= self._next_expiry - settling.INSTANT:
            self._expire(time, view, tape)

    def _fund(self, time: float, view: View) -> None:
        ledger = self._ledger
        settling.fund(self._perpetuals, view.assets, ledger.terms, ledger.position, time, ledger.amounts)
        ledger.transfer(ledger.amounts)

    def _expire(self, time: float, view: View, tape: Tape) -> None:
        contracts = self._ledger.universe.contracts
        live = contracts["is_live"] == 1
        for number in np.flatnonzero(live & (contracts["expiry"] <= time + settling.INSTANT)):
            self._settle(int(number), time, view, tape)
        later = contracts["expiry"][contracts["is_live"] == 1]
        self._next_expiry = float(later.min()) if later.size else np.inf

    def _settle(self, number: int, time: float, view: View, tape: Tape) -> None:
        ledger = self._ledger
        contracts = ledger.universe.contracts
        tape.reserve(ledger.account_of.size + ledger.wide.shape[0], 0, 0)
        settling.expire(
            contracts,
            number,
            float(view.assets[contracts[number]["asset"]]["index"]),
            ledger.contract,
            ledger.qty,
            ledger.account_of,
            ledger.wide,
            ledger.holder_of,
            CLEARING,
            ledger.population_of,
            time,
            tape.fills,
            tape.counts,
        )
        ledger.post(tape)

    def relist(self) -> None:
        """Look again for the next expiry; call after contracts were listed."""
        self._next_expiry = 0.0
