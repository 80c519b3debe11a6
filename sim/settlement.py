"""Settlement: funding of perpetuals and expiry of options, at the end of a step."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from sim.instruments import PERPETUAL
from sim.kernels import settling
from sim.ledger import Ledger
from sim.listing import CLEARING
from sim.parameters import Parameters
from sim.records import FILLS, SEQ, STEP
from sim.tape import Tape
from sim.view import View

EIGHT_HOURS = 8 * 3600.0


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
    (MECHANICS section 3). Deribit accrues continuously; here the rate accrues each step
    and is paid at the interval on the position held then.
    """

    interval_seconds: float = Field(default=60.0, gt=0)
    dead_band: float = Field(default=0.00025, ge=0)
    cap: float = Field(default=0.005, ge=0)

    def rate(self, premium: float) -> float:
        """Rate per eight hours for a premium; longs pay it when positive."""
        return min(max(max(self.dead_band, premium) + min(-self.dead_band, premium), -self.cap), self.cap)


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
        self._fundings = fundings
        self._accrued = [0.0] * len(fundings)
        self._paid_at = [0.0] * len(fundings)
        self._amounts = np.zeros(ledger.cash.size)
        self._perpetuals = [
            (instrument, int(row["asset"]))
            for instrument, row in enumerate(ledger.terms)
            if row["kind"] == PERPETUAL
        ]
        self._next_expiry = 0.0

    def run(self, time: float, view: View, tape: Tape) -> None:
        """Settle what is due at `time`, the end of the step."""
        for instrument, asset in self._perpetuals:
            self._fund(time, instrument, asset, view)
        if time >= self._next_expiry:
            self._expire(time, view, tape)

    def _fund(self, time: float, instrument: int, asset: int, view: View) -> None:
        funding, row = self._fundings[asset], view.assets[asset]
        mark, index = float(row["mark"]), float(row["index"])
        rate = funding.rate((mark - index) / index)
        self._accrued[asset] += rate * view.step_seconds / EIGHT_HOURS
        if time - self._paid_at[asset] < funding.interval_seconds - 1e-9:
            return
        accrued, self._accrued[asset], self._paid_at[asset] = self._accrued[asset], 0.0, time
        if accrued != 0.0:
            self._amounts[:] = 0.0
            value = mark * float(self._ledger.terms[instrument]["lot"])
            settling.fund(self._ledger.position[instrument], value, accrued, self._amounts)
            self._ledger.transfer(self._amounts)

    def _expire(self, time: float, view: View, tape: Tape) -> None:
        contracts = self._ledger.universe.contracts
        live = contracts["is_live"] == 1
        for number in np.flatnonzero(live & (contracts["expiry"] <= time)):
            self._settle(int(number), time, view, tape)
        later = contracts["expiry"][(contracts["is_live"] == 1)]
        self._next_expiry = float(later.min()) if later.size else np.inf

    def _settle(self, number: int, time: float, view: View, tape: Tape) -> None:
        ledger = self._ledger
        contracts = ledger.universe.contracts
        tape.reserve(ledger.account_of.size + ledger.wide.shape[0], 0, 0)
        before = int(tape.counts[FILLS])
        after = settling.expire(
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
            int(tape.counts[STEP]),
            tape.fills,
            before,
            int(tape.counts[SEQ]),
        )
        tape.counts[FILLS] = after
        tape.counts[SEQ] += after - before
        ledger.post(tape)

    def relist(self) -> None:
        """Look again for the next expiry; call after contracts were listed."""
        self._next_expiry = 0.0
