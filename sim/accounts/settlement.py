"""Settlement: funding of perpetuals at the end of a step, expiry of options at the look it falls on."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from sim.accounts.delivery_price import DeliveryPrice, instant
from sim.accounts.ledger import Ledger
from sim.base.typed_call import TypedCall
from sim.kernels.accounts import settling
from sim.messages.tape import Tape
from sim.messages.view import View
from sim.records import PERPETUAL
from sim.setup.limits import LONGEST, SHORTEST
from sim.setup.listing import CLEARING
from sim.setup.table import Parameters


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
    deliveries : list of DeliveryPrice
        One per asset.
    step_seconds : float

    Attributes
    ----------
    next_expiry : float
        Of the contracts that are live, s; infinite if there are none.
    """

    def __init__(
        self, ledger: Ledger, fundings: list[Funding], deliveries: list[DeliveryPrice], step_seconds: float
    ) -> None:
        self._ledger, self._deliveries = ledger, deliveries
        self._instant = instant(step_seconds)
        self._perpetuals = np.array(
            [
                (f.interval_seconds, f.dead_band, f.cap, 0.0, f.interval_seconds, instrument, row["asset"])
                for instrument, row in enumerate(ledger.terms)
                if row["kind"] == PERPETUAL
                for f in [fundings[row["asset"]]]
            ],
            settling.FUNDING,
        )
        self.next_expiry = np.inf
        self._accrue = TypedCall(settling.accrue)

    def fund(self, time: float, view: View) -> None:
        """Accrue the funding of the step that ends at `time`, and pay what is due."""
        if self._accrue.call(self._perpetuals, view.assets, view.step_seconds, time):
            ledger = self._ledger
            settling.fund(self._perpetuals, view.assets, ledger.terms, ledger.position, time, ledger.amounts)
            ledger.transfer(ledger.amounts)

    def publish(self, time: float, assets: np.ndarray) -> None:
        """Take note of the index of every asset at a look."""
        for asset, delivery in enumerate(self._deliveries):
            delivery.publish(time, float(assets[asset]["index"]))

    def is_due(self, time: float) -> bool:
        """Whether a contract has expired by `time` that is not settled."""
        return time >= self.next_expiry - self._instant

    def expire(self, time: float, tape: Tape) -> None:
        """Settle what has expired by `time`, the last look, at its delivery price."""
        contracts, numbers = self._ledger.universe.contracts, self._live()
        for number in numbers[contracts["expiry"][numbers] <= time + self._instant].tolist():
            self._settle(number, time, tape)
        self.relist()

    def _settle(self, number: int, time: float, tape: Tape) -> None:
        ledger = self._ledger
        contracts = ledger.universe.contracts
        tape.reserve(ledger.account_of.size + ledger.wide.shape[0], 0, 0)
        delivery = self._deliveries[contracts[number]["asset"]]
        settling.expire(
            contracts,
            number,
            delivery.at(float(contracts[number]["expiry"])),
            ledger.holdings,
            ledger.books,
            ledger.population_of,
            CLEARING,
            time,
            tape.rows,
        )
        ledger.post(tape)
        ledger.retire(number)

    def relist(self) -> None:
        """Look again for the next expiry; call after contracts were listed."""
        expiries = self._ledger.universe.contracts["expiry"][self._live()]
        self.next_expiry = float(expiries.min(initial=np.inf))

    def _live(self) -> np.ndarray:
        """Numbers of the contracts that have not expired."""
        runs = [np.arange(first, last) for first, last in self._ledger.universe.live.tolist()]
        return np.concatenate([np.zeros(0, np.int64), *runs])
