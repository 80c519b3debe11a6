"""Columns: what the tables of a recording hold, how it is stored, and in what unit.

The units are words for readers of the files: "quote" is the quote currency, "units" are
units of the asset, "lots" the integers that positions are kept in.
"""

from __future__ import annotations

from typing import NamedTuple

from sim.kernels.recording.columns import ASSET_COLUMNS, POPULATION_COLUMNS, RUN_COLUMNS


class Column(NamedTuple):
    """A declared column: how it is stored, its unit, and whose names its codes stand for."""

    dtype: str
    unit: str
    names: str = ""


STEP = Column("i4", "step")
TIME = Column("f8", "s")
COUNT = Column("i8", "1")
CODE = Column("i4", "1")
ACCOUNT = Column("i4", "account")
LOTS = Column("i8", "lots")
MONEY = Column("f8", "quote")
PRICE = Column("f8", "quote per unit")
UNITS = Column("f8", "units")
GAMMA = Column("f8", "units, per quote per unit")
SHARE = Column("f8", "1")
POPULATION = Column("i2", "name", "populations")
VENUE = Column("i2", "name", "venues")
ASSET = Column("i2", "name", "assets")
INSTRUMENT = Column("i4", "name", "instruments")
PHASE = Column("i1", "name", "phases")
REASON = Column("i1", "name", "reasons")

TABLES: dict[str, dict[str, Column]] = {
    "series": {"step": STEP, "time_s": TIME},
    "fills": {
        "step": STEP,
        "phase": PHASE,
        "time": TIME,
        "seq": COUNT,
        "group": COUNT,
        "venue": VENUE,
        "instrument": INSTRUMENT,
        "price": PRICE,
        "qty": LOTS,
        "maker": ACCOUNT,
        "taker": ACCOUNT,
        "maker_population": POPULATION,
        "taker_population": POPULATION,
        "fee": MONEY,
        "maker_fee": MONEY,
        "reason": REASON,
        "cause": CODE,
    },
    "moves": {
        "step": STEP,
        "phase": PHASE,
        "time": TIME,
        "seq": COUNT,
        "asset": ASSET,
        "population": POPULATION,
        "half_ticks": Column("i8", "half ticks"),
        "cause": CODE,
        "venue": VENUE,
        "account": ACCOUNT,
        "reason": REASON,
        "mover": Column("i1", "name", "movers"),
    },
    "causes": {"cause_id": CODE, "liquidation_id": CODE, "weight": SHARE},
    "charges": {
        "step": STEP,
        "asset": ASSET,
        "population": POPULATION,
        "reason": REASON,
        "half_ticks": Column("f8", "half ticks"),
    },
    "liquidations": {
        "id": CODE,
        "step": STEP,
        "account": ACCOUNT,
        "population": POPULATION,
        "instrument": INSTRUMENT,
        "qty": LOTS,
        "notional": MONEY,
        "price": PRICE,
        "bankruptcy_price": PRICE,
        "bad_debt": MONEY,
        "insurance_paid": MONEY,
        "socialised": MONEY,
        "parent": CODE,
        "generation": CODE,
        "root": CODE,
        "share_hedging": SHARE,
        "share_forced": SHARE,
        "share_exogenous": SHARE,
        "share_liquidations": SHARE,
        "cause": CODE,
    },
    "populations": {
        "account": ACCOUNT,
        "population": POPULATION,
        "row": CODE,
        "cash": MONEY,
        "equity": MONEY,
        "pnl": MONEY,
        "fees": MONEY,
        "hedging_cost": MONEY,
        "liquidated": Column("i4", "liquidations"),
    },
    "rejects": {
        "step": STEP,
        "time": TIME,
        "account": ACCOUNT,
        "population": POPULATION,
        "venue": VENUE,
        "kind": Column("i1", "name", "kinds"),
        "refusal": Column("i1", "name", "refusals"),
        "qty": LOTS,
        "phase": PHASE,
    },
    "profiles": {
        "step": STEP,
        "asset": ASSET,
        "population": POPULATION,
        "price": PRICE,
        "gamma": GAMMA,
        "at_risk": UNITS,
    },
    "depths": {
        "step": STEP,
        "asset": ASSET,
        "distance_bps": Column("f8", "bps"),
        "bid": UNITS,
        "ask": UNITS,
    },
}
"""The columns every table has, in the order of its file; a table may carry more."""

OPTIONAL: dict[str, dict[str, Column]] = {
    "moves": {"answers": Column("f4", "1")},
    "liquidations": {
        "creditors_loss": MONEY,
        "time": TIME,
        "mark": PRICE,
        "equity": MONEY,
        "maintenance": MONEY,
        "is_takeover": Column("?", "1"),
    },
    "populations": {"maintenance": MONEY},
}
"""The columns that a run records beyond those every table has."""

UNSTATED = Column("", "unstated")
"""A column that somebody added without saying what it is: kept as it comes."""

LATER: dict[str, dict[str, float]] = {
    "liquidations": {"share_liquidations": float("nan"), "cause": 0},
}
"""What declared columns that older folders lack are filled with."""

SERIES: dict[str, Column] = {
    name: Column(*stored)
    for name, stored in (ASSET_COLUMNS | POPULATION_COLUMNS | RUN_COLUMNS).items()
    if name not in TABLES["series"]
}
"""The columns of `series`, by the last word of their name ("BTC.mid", "dealers.equity")."""
