"""Tables: the recording's columns, from the tape and the books of a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from sim.accounts.ledger import Ledger
from sim.accounts.margin.margin import Margin
from sim.accounts.profile import profile
from sim.accounts.waterfall import BadDebt
from sim.causes.descent import Clock
from sim.causes.genealogy import Genealogy, genealogy
from sim.causes.losses import Setting
from sim.messages.tape import Tape
from sim.messages.view import View
from sim.records import FILLS, HEDGE, MOVES, OPTIONS, REJECTS
from sim.setup.listing import Listing
from sim.venues.liquidation.liquidation import Liquidation

Columns = dict[str, np.ndarray]


class Run(NamedTuple):
    """What a run has left so far.

    `description` says what the market is made of; `listed` is the venue of each asset's reference mid;
    of the moves on the tape the first `moves_recorded` have a row of the series, or all if it is None.
    """

    description: dict[str, Any]
    listing: Listing
    listed: np.ndarray
    round_seconds: float
    ledger: Ledger
    margin: Margin
    view: View
    tape: Tape
    series: Columns
    steps_taken: int
    moves_recorded: int | None
    liquidations: list[Liquidation]
    debts: list[BadDebt]
    opening_worth: np.ndarray
    worth: np.ndarray
    opening_profile: Columns
    depths: Columns


def tables(run: Run) -> dict[str, Any]:
    """Every table of the recording, as columns."""
    fills = run.tape.fills[: run.tape.counts[FILLS]]
    last = run.tape.counts[MOVES] if run.moves_recorded is None else run.moves_recorded
    moves = run.tape.moves[:last]
    now = profile(run.ledger, run.view, run.margin, run.steps_taken)
    traced = genealogy(fills, moves, run.liquidations, setting(run))
    return {
        "series": run.series,
        "fills": fill_columns(fills, run.ledger) | {"cause": traced.fill_causes},
        "moves": columns_of(moves) | {"cause": traced.move_causes},
        "rejects": columns_of(run.tape.rejects[: run.tape.counts[REJECTS]]),
        "liquidations": liquidation_columns(run, fills, traced),
        "causes": traced.causes,
        "charges": traced.charges,
        "populations": population_columns(run, fills),
        "profiles": stacked([run.opening_profile, now]),
        "depths": run.depths,
    }


def columns_of(rows: np.ndarray) -> Columns:
    """Fields of a structured array as columns."""
    return {name: rows[name] for name in rows.dtype.names or ()}


def stacked(parts: Iterable[Columns]) -> Columns:
    """Columns of several tables, one below the other."""
    listed = list(parts)
    return {name: np.concatenate([part[name] for part in listed]) for name in listed[0]}


def instrument_codes(instruments: np.ndarray, ledger: Ledger) -> np.ndarray:
    """Positions in the recording's list of instruments: dense ones first, then contracts."""
    dense = len(ledger.universe.names)
    return np.where(instruments >= OPTIONS, instruments - OPTIONS + dense, instruments)


def fill_columns(fills: np.ndarray, ledger: Ledger) -> Columns:
    """Columns of the fills table."""
    columns = columns_of(fills)
    columns["instrument"] = instrument_codes(fills["instrument"], ledger)
    return columns


def lots_of(instruments: np.ndarray, ledger: Ledger) -> np.ndarray:
    """Units a lot of each instrument number."""
    terms, contracts = ledger.terms, ledger.universe.contracts
    lots = np.empty(instruments.size)
    is_option = instruments >= OPTIONS
    lots[is_option] = contracts["lot"][instruments[is_option] - OPTIONS]
    lots[~is_option] = terms["lot"][instruments[~is_option]]
    return lots


def setting(run: Run) -> Setting:
    """What genealogy has to know of a run."""
    assets, terms = run.description["assets"], run.ledger.terms
    marks, mids = (np.stack([run.series[f"{a['name']}.{name}"] for a in assets]) for name in ("mark", "mid"))
    return Setting(
        run.listed,
        np.array([a["half_tick"] for a in assets], float),
        marks,
        mids,
        terms["asset"].astype(np.int64),
        np.array(terms["lot"]),
        Clock(run.listing.step_seconds, run.round_seconds),
        run.listing.seed,
    )


def liquidation_columns(run: Run, fills: np.ndarray, traced: Genealogy) -> Columns:
    """Columns of the liquidations table."""
    rows, ledger = run.liquidations, run.ledger
    count = len(rows)
    accounts = np.array([r.account for r in rows], np.int64)
    instruments = np.array([r.instrument for r in rows], np.int64)
    units, value = executed(fills, count, ledger)
    with np.errstate(invalid="ignore"):
        price = np.where(units > 0, value / units, np.nan)
    marks = np.array([r.mark for r in rows])
    debts = bad_debt(run, accounts)
    return {
        "id": np.arange(count, dtype=np.int32),
        "step": np.array([r.step for r in rows], np.int32),
        "account": accounts.astype(np.int32),
        "population": ledger.population_of[accounts],
        "instrument": instrument_codes(instruments, ledger),
        "qty": np.array([r.qty for r in rows], np.int64),
        "notional": units * marks,
        "price": price,
        "bankruptcy_price": np.array([r.bankruptcy_price for r in rows], float),
        **debts,
        **traced.liquidations,
        "time": np.array([r.time for r in rows], float),
        "mark": marks.astype(float),
        "equity": np.array([r.equity for r in rows], float),
        "maintenance": np.array([r.maintenance for r in rows], float),
        "is_takeover": np.array([r.is_takeover for r in rows], bool),
    }


def executed(fills: np.ndarray, count: int, ledger: Ledger) -> tuple[np.ndarray, np.ndarray]:
    """Units and value that were traded in each liquidated account's own name."""
    own = fills[fills["cause"] > 0]
    units = np.abs(own["qty"]) * lots_of(own["instrument"], ledger)
    cause = own["cause"] - 1
    return (
        np.bincount(cause, units, minlength=count)[:count],
        np.bincount(cause, units * own["price"], minlength=count)[:count],
    )


def bad_debt(run: Run, accounts: np.ndarray) -> Columns:
    """What each liquidation left unpaid and who paid it, on the account's last liquidation before."""
    names = {"bad_debt": "amount", "insurance_paid": "insurance", "socialised": "socialised"}
    columns = {name: np.zeros(accounts.size) for name in (*names, "creditors_loss")}
    steps = np.array([r.step for r in run.liquidations])
    is_takeover = np.array([r.is_takeover for r in run.liquidations], bool)
    for debt in run.debts:
        is_own = accounts == debt.account
        own = np.flatnonzero((is_own if is_own.any() else is_takeover) & (steps <= debt.step))
        if own.size:
            for name, field in names.items():
                columns[name][own[-1]] += getattr(debt, field)
            columns["creditors_loss"][own[-1]] += debt.creditors
    return columns


def population_columns(run: Run, fills: np.ndarray) -> Columns:
    """Columns of the populations table: every account at the end."""
    ledger = run.ledger
    accounts = np.arange(ledger.cash.size)
    liquidated = np.bincount([r.account for r in run.liquidations], minlength=accounts.size)
    equity = run.worth
    return {
        "account": accounts.astype(np.int32),
        "population": ledger.population_of,
        "row": ledger.owners.row_of,
        "cash": ledger.cash.copy(),
        "equity": equity,
        "pnl": equity - run.opening_worth,
        "fees": fees(fills, accounts.size),
        "hedging_cost": hedging_cost(fills, run),
        "liquidated": liquidated[: accounts.size].astype(np.int32),
        "maintenance": np.array(run.view.maintenance),
    }


def fees(fills: np.ndarray, accounts: int) -> np.ndarray:
    """Fees each account paid, less rebates."""
    taken = np.bincount(fills["taker"], fills["fee"], minlength=accounts)
    made: np.ndarray = taken + np.bincount(fills["maker"], fills["maker_fee"], minlength=accounts)
    return made


def hedging_cost(fills: np.ndarray, run: Run) -> np.ndarray:
    """What hedges cost each account against the reference mid before them: slippage and fees.

    NaN for those who hedged where no reference mid is recorded, as when a pool sets the price.
    """
    ledger = run.ledger
    cost = np.zeros(ledger.cash.size)
    hedges = fills[(fills["reason"] == HEDGE) & (fills["instrument"] < OPTIONS)]
    asset_of = ledger.terms["asset"][hedges["instrument"]]
    for asset in np.unique(asset_of):
        own = hedges[asset_of == asset]
        units = own["qty"] * ledger.terms["lot"][own["instrument"]]
        slippage = units * (own["price"] - mid_before(own["seq"], run, int(asset)))
        cost += np.bincount(own["taker"], slippage + own["fee"], minlength=cost.size)
    return cost


def mid_before(seq: np.ndarray, run: Run, asset: int) -> np.ndarray:
    """Reference mid of an asset just before the order behind each sequence number."""
    moves = run.tape.moves[: run.tape.counts[MOVES]]
    moves = moves[moves["venue"] == run.listed[asset]]
    half_tick = run.description["assets"][asset]["half_tick"]
    if half_tick == 0:
        return np.full(seq.size, np.nan)
    opening = round(run.listing.spots[asset] / half_tick)
    path = opening + np.concatenate([[0], np.cumsum(moves["half_ticks"])])
    mids: np.ndarray = path[np.searchsorted(moves["seq"], seq)] * half_tick
    return mids
