"""Counterparties: who would owe whom after a sudden move, who could not pay, and who would bear it.

At the end of a run every mark moves by the same fraction at once and nobody trades. Then

- writers owe the holders of their options what these are worth (`analysis.contagion.option_books`);
- losers on perpetuals owe the exchange their loss, and the exchange owes the winners their
  gain; the exchange has its insurance fund besides;
- a pool owes the holders of its shares what it holds;
- accounts whose cash and perpetuals are below zero owe that much to the clearing account.

Against this an account has its cash, the value of its perpetuals before the move and its
spot after it. System accounts, and populations that began with nothing (outsiders, liquidators
with the fund behind them), stand for a world that is not limited by what is recorded of
it: they always pay. What nets to zero within an
account's options on the same contract is netted, nothing else; creditors rank alike.

Left out: loans between populations, which the simulator does not have, and whatever
hedging, liquidation or deleveraging would do on the way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from analysis.base.metric import Undefined, metric
from analysis.base.remembered import remembered
from analysis.base.series import series
from analysis.contagion.clearing import Clearing, clearing_vector, debtrank, systemic_loss
from analysis.contagion.contagion import instrument_assets
from analysis.contagion.option_books import OptionBooks, option_books
from sim.recording.recording import Recording

if TYPE_CHECKING:
    import pandas as pd

HEADING, PLACE = "Contagion and defaults", 140

MOVE = 0.2
"""Size of the sudden move that the metrics ask about, as a fraction of the price."""

FUND, CLEARING = "insurance", "clearing"
"""Populations of the accounts that stand for the exchange, and for who lends against margin."""

NOTHING = 1.0
"""Opening worth, in quote currency, up to which an account began with nothing."""


class Balances(NamedTuple):
    """What every account has at the end of a run, quote currency, columns of A accounts.

    Attributes
    ----------
    equity, cash, perpetuals, spot : ndarray of float64
        Of which equity is the recorded worth of everything, at the mark.
    shares : sparse array, shape (A, S)
        Pool shares held, as a fraction of all there are of each kind.
    pools : ndarray of int, shape (S,)
        Account of the pool behind each kind of share.
    options : OptionBooks
    is_limited : ndarray of bool
        Who can fail: those who began with something, and of the system accounts the fund.
    """

    equity: np.ndarray
    cash: np.ndarray
    perpetuals: np.ndarray
    spot: np.ndarray
    shares: sparse.csr_array
    pools: np.ndarray
    options: OptionBooks
    is_limited: np.ndarray


class Move(NamedTuple):
    """What a sudden move leads to.

    Attributes
    ----------
    liabilities : sparse array, shape (A, A)
        What row owes column, quote currency.
    external : ndarray of float64, shape (A,)
        What each has from outside the network.
    clearing : Clearing
    """

    liabilities: sparse.csr_array
    external: np.ndarray
    clearing: Clearing


@remembered
def balances(recording: Recording) -> Balances:
    """What every account has at the end; computed once.

    Raises
    ------
    Undefined
        If the recording holds no accounts or no steps.
    """
    if recording.table("populations").num_rows == 0:
        raise Undefined("the recording holds no accounts")
    return _balance(recording)


@remembered
def sudden_move(recording: Recording, move: float) -> Move:
    """Who owes whom, and what they pay, were every mark a fraction `move` higher at the end.

    Raises
    ------
    Undefined
        If nobody would owe anything.
    """
    owed, external = _network(recording, balances(recording), move)
    if owed.count_nonzero() == 0:
        raise Undefined("nobody owes anything at the end of the run")
    return Move(owed, external, clearing_vector(owed, external))


def exposures(recording: Recording, move: float = 0.0) -> pd.DataFrame:
    """What each population owes each other after a move, quote currency: rows owe columns.

    Raises
    ------
    Undefined
        If nobody would owe anything.
    """
    import pandas as pd

    codes, names = recording.column("populations", "population"), recording.names("populations")
    member = sparse.csr_array(
        (np.ones(codes.size), (codes, np.arange(codes.size))), shape=(len(names), codes.size)
    )
    owed = (member @ sudden_move(recording, move).liabilities @ member.T).toarray()
    index, columns = pd.Index(names, name="debtor"), pd.Index(names, name="creditor")
    return pd.DataFrame(owed, index, columns)


def distress(recording: Recording, move: float, *, once: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Losses of every account as fractions of its equity, before and after distress has spread.

    Claims lose value as their debtors lose equity (`analysis.contagion.clearing.debtrank`), so this is
    the most that the network could add. Accounts that cannot fail pass nothing on.

    Raises
    ------
    Undefined
        If nobody would owe anything.
    """
    held, moved = balances(recording), sudden_move(recording, move)
    stands = held.is_limited & (held.equity > 0)
    inverse = np.divide(1.0, held.equity, out=np.zeros_like(held.equity), where=stands)
    first = np.clip((held.equity - moved.clearing.paid_in_full) * inverse, 0.0, 1.0)
    claims = sparse.diags_array(inverse) @ moved.liabilities.T @ sparse.diags_array(stands.astype(float))
    return first, debtrank(claims, first, once=once)


def _balance(recording: Recording) -> Balances:
    """Split the recorded worth into cash, options, perpetuals, pool shares, and what is left: spot."""
    equity, cash, pnl = (recording.column("populations", name) for name in ("equity", "cash", "pnl"))
    options = option_books(recording)
    perpetuals = _worth(recording, "-perpetual")
    rest = equity - cash - options.values() - perpetuals
    lots = [_lots(recording, name) for name in _named(recording, "-share")]
    pools = np.array([int(each.argmin()) for each in lots], int)
    is_limited = (equity - pnl > NOTHING) & _is_trader(recording)
    reserve = _worth(recording, "-spot")[pools]
    shares = np.array([each.clip(min=0) / max(1, -each.min()) for each in lots]).reshape(-1, equity.size)
    spot = rest - (reserve - rest[pools]) @ shares
    spot[pools] = reserve
    return Balances(equity, cash, perpetuals, spot, sparse.csr_array(shares.T), pools, options, is_limited)


def _is_trader(recording: Recording) -> np.ndarray:
    """Whose accounts belong to a population that trades, or are the exchange's fund; shape (A,)."""
    kinds = [each.get("type") != "system" or each["name"] == FUND for each in recording.market["populations"]]
    owners: np.ndarray = np.array([*kinds, False])[recording.column("populations", "population")]
    return owners


def _named(recording: Recording, ending: str) -> list[str]:
    """The instruments whose name ends so."""
    return [name for name in recording.names("instruments") if name.endswith(ending)]


def _lots(recording: Recording, name: str) -> np.ndarray:
    """Lots of an instrument that fills gave each account, shape (A,)."""
    own = recording.column("fills", "instrument") == list(recording.names("instruments")).index(name)
    qty, accounts = recording.column("fills", "qty")[own], recording.table("populations").num_rows
    taken = np.bincount(recording.column("fills", "taker")[own], qty, accounts)
    made = np.bincount(recording.column("fills", "maker")[own], qty, accounts)
    net: np.ndarray = taken - made
    return net


def _worth(recording: Recording, ending: str) -> np.ndarray:
    """Worth at the last mark of what fills gave each account of spot, or of perpetuals, shape (A,)."""
    total = np.zeros(recording.table("populations").num_rows)
    owner = dict(zip(recording.names("instruments"), instrument_assets(recording).tolist(), strict=False))
    for name in _named(recording, ending):
        asset = recording.names("assets")[owner[name]]
        venues = [v for v in recording.market["venues"] if v["asset"] == asset and v["lot"] > 0]
        lot = next((v["lot"] for v in venues if v["instrument"] == name), venues[0]["lot"] if venues else 1.0)
        total += _lots(recording, name) * lot * series(recording, f"{asset}.mark")[-1]
    return total


def _network(recording: Recording, held: Balances, move: float) -> tuple[sparse.csr_array, np.ndarray]:
    """What accounts owe each other after a move, and what each has from outside."""
    exchange, clearing = (_account(recording, name) for name in (FUND, CLEARING))
    assets = held.cash + held.perpetuals + held.spot * (1 + move)
    gain = held.perpetuals * move
    gain[exchange] = 0.0
    every = np.arange(assets.size)
    parts = [
        held.options.owed(move),
        _edges(np.maximum(-gain, 0.0), every, exchange),
        _edges(np.maximum(gain, 0.0), exchange, every),
        _edges(np.maximum(-assets, 0.0), every, clearing),
    ]
    for pool, share in zip(held.pools, held.shares.T.toarray(), strict=True):
        parts.append(_edges(share * max(0.0, assets[pool]), pool, every))
    owed = sparse.csr_array(sum(parts[1:], parts[0]))
    owed.setdiag(0.0)
    owed.eliminate_zeros()
    due = np.asarray(owed.sum(axis=1), float).ravel()
    external = np.maximum(assets, 0.0) + np.where(held.is_limited, 0.0, due)
    external[held.pools] = np.maximum(assets[held.pools], 0.0)
    return owed, external


def _edges(money: np.ndarray, debtor: np.ndarray | int, creditor: np.ndarray | int) -> sparse.csr_array:
    """Debts of so much each, where there is any."""
    size = money.size
    debtors, creditors = (np.broadcast_to(each, size) for each in (debtor, creditor))
    owing = money > 0
    return sparse.csr_array((money[owing], (debtors[owing], creditors[owing])), shape=(size, size))


def _account(recording: Recording, population: str) -> int:
    """The account of a system population.

    Raises
    ------
    Undefined
        If the market has none of that name.
    """
    names = list(recording.names("populations"))
    own = recording.column("populations", "population")
    found = np.flatnonzero(own == names.index(population)) if population in names else np.zeros(0, int)
    if found.size == 0:
        raise Undefined(f"the market has no account of {population!r}")
    return int(found[0])


def borne(recording: Recording, move: float) -> np.ndarray:
    """What each population would bear of what others cannot pay, quote currency, shape (P,).

    Raises
    ------
    Undefined
        If nobody would owe anything.
    """
    codes = recording.column("populations", "population")
    lost = sudden_move(recording, move).clearing.losses
    return np.bincount(codes, lost, len(recording.names("populations")))


def _amplified(recording: Recording, move: float) -> float:
    """What distress adds to the losses, as a share of the equity of those who can fail."""
    held = balances(recording)
    equity = np.where(held.is_limited, np.maximum(held.equity, 0.0), 0.0)
    if equity.sum() == 0:
        raise Undefined("nobody who can fail has any equity")
    first, final = distress(recording, move)
    return systemic_loss(final, first, equity)


AFTER = f"if every mark {{moved}} by {MOVE:.0%} at the end of the run and nobody traded on the way"
BORNE = "Eisenberg-Noe clearing of options, perpetuals and pool shares " + AFTER
DISTRESS = "linear DebtRank (Bardoscia et al. 2015) on the same claims, an upper bound, " + AFTER


@metric(unit="quote", over="populations", source=BORNE.format(moved="fell"))
def unpaid_after_fall(recording: Recording) -> np.ndarray:
    """Who would bear what cannot be paid after a sudden fall."""
    return borne(recording, -MOVE)


@metric(unit="quote", over="populations", source=BORNE.format(moved="rose"))
def unpaid_after_rise(recording: Recording) -> np.ndarray:
    """Who would bear what cannot be paid after a sudden rise."""
    return borne(recording, MOVE)


@metric(unit="accounts", source="accounts that do not pay in full: " + BORNE.format(moved="fell"))
def defaults_after_fall(recording: Recording) -> int:
    """How many accounts a sudden fall would break."""
    return int(sudden_move(recording, -MOVE).clearing.is_default.sum())


@metric(unit="accounts", source="accounts that do not pay in full: " + BORNE.format(moved="rose"))
def defaults_after_rise(recording: Recording) -> int:
    """How many accounts a sudden rise would break."""
    return int(sudden_move(recording, MOVE).clearing.is_default.sum())


@metric(unit="1", source=DISTRESS.format(moved="fell"))
def debtrank_after_fall(recording: Recording) -> float:
    """Share of all equity that distress among counterparties would add to a sudden fall's losses."""
    return _amplified(recording, -MOVE)


@metric(unit="1", source=DISTRESS.format(moved="rose"))
def debtrank_after_rise(recording: Recording) -> float:
    """Share of all equity that distress among counterparties would add to a sudden rise's losses."""
    return _amplified(recording, MOVE)
