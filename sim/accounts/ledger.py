"""The ledger: positions and cash of every account, and the only writer of them.

Two blocks. The dense one holds cash and every spot, perpetual and LP share position as
(instrument, account) columns. The sparse one holds options: a row of contract slots for
each account that declared it would hold them, a full row of contracts for the few
accounts (end users, clearing) that hold all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sim.base.typed_call import TypedCall
from sim.kernels.accounts import posting
from sim.kernels.accounts.changes import ROOM, no_changes
from sim.kernels.accounts.valuation import Holdings
from sim.kernels.messages.owners import Owners
from sim.messages.tape import Tape
from sim.records import FILLS
from sim.setup.instruments import Universe

CASH_TOLERANCE = 1e-9


class Ledger:
    """Cash (float64, quote currency) and positions (integer lots) of A accounts.

    Parameters
    ----------
    universe : Universe
    owners : Owners
    populations : int
    fee_account : int
    holders : sequence of (accounts, slots)
        Accounts that hold options, and how many contracts each fits at first.
    wide : sequence of int
        Accounts that may hold every contract.

    Attributes
    ----------
    owners : Owners
        Whose each account is.
    population_of : ndarray of int16, shape (A,)
    cash : ndarray of float64, shape (A,)
    position : ndarray of int64, shape (I, A)
    cost : ndarray of float64, shape (I, A)
        Signed notional at average entry.
    holder_of : ndarray of int32, shape (A,)
        Row in the sparse block, -1 without one, below -1 a wide row.
    account_of : ndarray of int32, shape (H,)
    contract, qty : ndarray of int32 and int64, shape (W, H)
        Contracts held (-1 is an empty slot) and lots of them.
    cash_total, position_total, contract_total : ndarray
        The same by population, kept as fills are posted.
    holdings, books, totals : Holdings, Books, Totals
        These columns, together as kernels take them; new ones when a column is replaced.
    changes : ndarray of int64
        Whose cash or positions have changed (`sim.kernels.accounts.changes`).
    version : int
        Counts up whenever anything is posted or transferred.
    amounts : ndarray of float64, shape (A,)
        Work space for those who call `transfer`: theirs until they have.
    issued : dict of str to float
        Cash created on purpose, by name of the issuance.
    """

    def __init__(
        self,
        universe: Universe,
        owners: Owners,
        populations: int,
        fee_account: int,
        holders: Sequence[tuple[np.ndarray, int]],
        wide: tuple[int, ...],
    ) -> None:
        accounts, instruments = owners.population_of.size, len(universe.names)
        self.universe = universe
        self.owners, self.population_of = owners, owners.population_of
        self.fee_account = fee_account
        self.terms = universe.terms()
        self.cash = np.zeros(accounts)
        self.position = np.zeros((instruments, accounts), np.int64)
        self.cost = np.zeros((instruments, accounts))
        self.changes = no_changes()
        self.amounts = np.zeros(accounts)
        self.version = 0
        self._option_fills = np.zeros(1, np.int64)
        self._options_checked = -1
        self._lots = np.zeros(instruments, np.int64)
        self._issued_cash = 0.0
        self.cash_total = np.zeros(populations)
        self.position_total = np.zeros((populations, instruments), np.int64)
        self.contract_total = np.zeros((populations, 0), np.int64)
        self.wide = np.zeros((len(wide), 0), np.int64)
        self.issued: dict[str, float] = {}
        self._issued_lots = np.zeros(instruments, np.int64)
        self._post, self._transfer = TypedCall(posting.post), TypedCall(posting.transfer)
        self._residual = TypedCall(posting.residual)
        self._allocate_holders(holders, wide)
        self._gather()
        self.fit_contracts()

    def _allocate_holders(self, holders: Sequence[tuple[np.ndarray, int]], wide: tuple[int, ...]) -> None:
        self.holder_of = np.full(self.cash.size, posting.NO_HOLDER, np.int32)
        accounts = [own for own, _ in holders]
        self.account_of = np.concatenate([np.zeros(0, np.int32), *accounts]).astype(np.int32)
        self.holder_of[self.account_of] = np.arange(self.account_of.size)
        for row, account in enumerate(wide):
            self.holder_of[account] = posting.NO_HOLDER - 1 - row
        slots = max((slots for _, slots in holders), default=1)
        self.contract = np.full((slots, self.account_of.size), -1, np.int32)
        self.qty = np.zeros((slots, self.account_of.size), np.int64)

    def _gather(self) -> None:
        """Put the columns together as kernels take them; again whenever one is replaced."""
        self.holdings = Holdings(self.cash, self.position, self.holder_of, self.contract, self.qty)
        self.books = posting.Books(self.cost, self.account_of, self.wide, self.changes, self._option_fills)
        self.totals = posting.Totals(
            self.population_of, self.cash_total, self.position_total, self.contract_total
        )

    def fit_contracts(self) -> None:
        """Make room for every contract listed so far."""
        missing = len(self.universe.contract_names) - self.wide.shape[1]
        if missing > 0:
            self.wide = np.pad(self.wide, ((0, 0), (0, missing)))
            self.contract_total = np.pad(self.contract_total, ((0, 0), (0, missing)))
            self._gather()

    def retire(self, number: int) -> None:
        """Let a contract that was settled cost nothing from now on.

        Raises
        ------
        ArithmeticError
            If somebody still holds it.
        """
        if self.wide[:, number].any() or self.contract_total[:, number].any():
            raise ArithmeticError(f"{self.universe.contract_names[number]} has expired and is held")
        self.universe.retire(number)

    def issue(
        self, name: str, accounts: np.ndarray, cash: np.ndarray, positions: Mapping[int, np.ndarray]
    ) -> None:
        """Create cash and spot on purpose.

        Parameters
        ----------
        name : str
            Of the issuance, as the manifest shows it.
        accounts : ndarray of int
            Who gets it, each once.
        cash : ndarray of float64
            Quote currency per account.
        positions : mapping of instrument -> ndarray of int64
            Lots per account; zero cost (cost is the average entry of traded positions).
        """
        self.cash[accounts] += cash
        self.changes[0] += ROOM + 1  # everybody has missed some
        np.add.at(self.cash_total, self.population_of[accounts], cash)
        self.issued[name] = self.issued.get(name, 0.0) + float(cash.sum())
        self._issued_cash = sum(self.issued.values())
        for instrument, lots in positions.items():
            self.position[instrument, accounts] += lots
            np.add.at(self.position_total[:, instrument], self.population_of[accounts], lots)
            self._issued_lots[instrument] += lots.sum()

    def post(self, tape: Tape) -> None:
        """Post every fill on the tape that is not posted yet."""
        last = tape.counts.item(FILLS)
        self.version += last > tape.posted
        while tape.posted < last:
            tape.posted = self._post.call(
                tape.fills,
                tape.posted,
                last,
                self.terms,
                self.universe.contracts,
                self.fee_account,
                self.holdings,
                self.books,
                self.totals,
            )
            if tape.posted < last:
                self._widen(int(tape.fills[tape.posted]["taker"]), int(tape.fills[tape.posted]["maker"]))

    def _widen(self, *parties: int) -> None:
        for account in parties:
            if self.holder_of[account] == posting.NO_HOLDER:
                raise ValueError(f"account {account} trades an option but never declared that it holds them")
        self.contract = np.concatenate([self.contract, np.full_like(self.contract, -1)])
        self.qty = np.concatenate([self.qty, np.zeros_like(self.qty)])
        self._gather()

    def transfer(self, amounts: np.ndarray) -> None:
        """Move cash between accounts without a fill: funding, interest, gas.

        Parameters
        ----------
        amounts : ndarray of float64, shape (A,)
            Received by each account, quote currency; sums to zero up to rounding.
        """
        self.version += 1
        self._transfer.call(amounts, self.population_of, self.cash, self.cash_total, self.changes)

    def residuals(self) -> tuple[float, np.ndarray]:
        """How far conservation is from holding.

        Returns
        -------
        cash : float
            |total − issued| over the sum of absolute balances.
        lots : ndarray of int64
            Lots of every dense instrument and every contract beyond those issued: zeros.
        """
        contracts = np.zeros(self.wide.shape[1], np.int64)
        posting.option_residual(self.wide, self.qty, self.contract, contracts)
        cash, _ = self._dense_residual()
        return cash, np.concatenate([self._lots - self._issued_lots, contracts])

    def _dense_residual(self) -> tuple[float, bool]:
        """Residual of cash, and whether dense instruments, whose sums go to `_lots`, are whole."""
        total, gross, is_whole = self._residual.call(self.cash, self.position, self._issued_lots, self._lots)
        return abs(total - self._issued_cash) / max(gross, 1.0), is_whole

    def check(self, step: int) -> float:
        """Residual of cash, after asserting that everything is conserved.

        Options are added up whenever fills have moved any since the last check.

        Raises
        ------
        ArithmeticError
            Naming the step and the instrument that does not sum to what was issued.
        """
        cash, is_whole = self._dense_residual()
        if self._option_fills[0] != self._options_checked or not is_whole:
            self._options_checked = int(self._option_fills[0])
            self._assert_lots(step, self.residuals()[1])
        if not cash <= CASH_TOLERANCE:
            raise ArithmeticError(f"step {step}: cash is off by {cash:.3g} of the sum of balances")
        return cash

    def _assert_lots(self, step: int, lots: np.ndarray) -> None:
        if lots.any():
            number = int(np.flatnonzero(lots)[0])
            names = self.universe.names + self.universe.contract_names
            raise ArithmeticError(f"step {step}: {lots[number]} lots of {names[number]} came from nowhere")
