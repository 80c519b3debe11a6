"""Losses: who was liquidated, what could not be paid, who paid it, and who earned.

Sums of money are in quote currency. An account's loss beyond its equity is bad debt; the
insurance fund takes what it can and the rest is socialised, so the three add up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.base.metric import TRADERS, Told, Undefined, metric
from analysis.base.series import known
from analysis.base.trades import liquidations
from sim.recording.recording import Recording

HEADING, PLACE = "Liquidations and losses", 80


@metric(
    unit="liquidations",
    per="assets",
    source="number of liquidations in instruments of the asset",
    headline=14,
    light=12,
    told=Told(6, "liquidations", "{:,.0f}"),
    only_grows=True,
)
def liquidation_count(recording: Recording, asset: str) -> int:
    """How many positions were closed by force."""
    return liquidations(recording, asset).time.size


@metric(
    unit="quote",
    per="assets",
    source="sum of the notional of liquidations at their price",
    headline=15,
    light=13,
    swept=3,
    credited=5,
    told=Told(7, "liquidated notional, quote currency", "{:,.0f}"),
    only_grows=True,
)
def liquidation_notional(recording: Recording, asset: str) -> float:
    """Worth of the positions closed by force."""
    return float(liquidations(recording, asset).notional.sum())


@metric(
    unit="liquidations",
    over=TRADERS,
    source="number of liquidations of the population's accounts",
    only_grows=True,
)
def liquidations_of(recording: Recording) -> np.ndarray:
    """Whose positions were closed by force."""
    return _by_population(recording, "liquidations", np.ones_like)


@metric(
    unit="quote",
    over=TRADERS,
    source="sum of the notional of liquidations of the population's accounts",
    only_grows=True,
)
def liquidated_notional_of(recording: Recording) -> np.ndarray:
    """Worth of the positions closed by force, by owner."""
    return _by_population(recording, "liquidations", np.abs, "notional")


@metric(unit="accounts", source="number of different accounts with a liquidation", only_grows=True)
def liquidated_accounts(recording: Recording) -> int:
    """How many accounts were liquidated at least once."""
    return np.unique(recording.column("liquidations", "account")).size


@metric(
    unit="accounts",
    source="largest number of accounts that a step's last margin run found below maintenance",
    only_grows=True,
)
def worst_accounts_in_breach(recording: Recording) -> int:
    """How far liquidation fell behind."""
    return int(known(recording, "accounts_in_breach").max())


@metric(
    unit="quote",
    source="sum over liquidations of the loss beyond the account's equity",
    headline=16,
    light=14,
    swept=2,
    told=Told(10, "bad debt, quote currency", "{:,.0f}"),
    only_grows=True,
)
def bad_debt(recording: Recording) -> float:
    """Losses that the liquidated accounts could not pay."""
    return float(recording.column("liquidations", "bad_debt").sum())


@metric(unit="quote", source="balance of the insurance fund after the first step")
def insurance_fund_start(recording: Recording) -> float:
    """What the insurance fund began with."""
    return float(known(recording, "insurance_fund")[0])


@metric(unit="quote", source="balance of the insurance fund after the last step")
def insurance_fund_end(recording: Recording) -> float:
    """What was left of the insurance fund."""
    return float(known(recording, "insurance_fund")[-1])


@metric(unit="quote", source="sum over liquidations of the bad debt that the fund took", only_grows=True)
def insurance_fund_used(recording: Recording) -> float:
    """What the insurance fund paid."""
    return float(recording.column("liquidations", "insurance_paid").sum())


@metric(
    unit="quote",
    source="sum over liquidations of the bad debt charged to other accounts",
    headline=17,
    told=Told(11, "socialised loss, quote currency", "{:,.0f}"),
    only_grows=True,
)
def socialised_loss(recording: Recording) -> float:
    """What the winners paid."""
    return float(recording.column("liquidations", "socialised").sum())


# Profit, and orders that were refused.


@metric(unit="quote", source="sum of the profit of all accounts of populations of type makers, fees included")
def maker_profit(recording: Recording) -> float:
    """What making markets earned."""
    kinds = [entry["type"].split(".")[0] for entry in recording.market["populations"]]
    makers = [code for code, kind in enumerate(kinds) if kind == "makers"]
    if not makers:
        raise Undefined("the market has no makers")
    return float(_by_population(recording, "populations", _as_it_is, "pnl")[makers].sum())


@metric(
    unit="quote", over="populations", source="sum of the profit of the population's accounts, fees included"
)
def profit(recording: Recording) -> np.ndarray:
    """What every population earned."""
    return _by_population(recording, "populations", _as_it_is, "pnl")


@metric(
    unit="quote",
    over=TRADERS,
    source="sum of the hedging cost of the population's accounts",
    heading="Feedback",
)
def hedging_cost(recording: Recording) -> list[float | Undefined]:
    """What hedging cost every population."""
    unknown = Undefined("it hedged where no reference mid is recorded")
    costs = _by_population(recording, "populations", _as_it_is, "hedging_cost")
    return [unknown if np.isnan(cost) else float(cost) for cost in costs]


@metric(
    unit="orders",
    over="refusals",
    source="number of orders refused for this reason",
    heading="Orders refused",
    only_grows=True,
)
def rejects(recording: Recording) -> np.ndarray:
    """Orders refused, by reason."""
    refusals = recording.column("rejects", "refusal")
    return np.bincount(refusals[refusals >= 0], minlength=len(recording.names("refusals")))


def _as_it_is(values: np.ndarray) -> np.ndarray:
    return values


def _by_population(recording: Recording, table: str, what: Any, column: str = "account") -> np.ndarray:
    """Sum over the rows of each population of a function of a column."""
    codes = recording.column(table, "population")
    owned = codes >= 0
    values = what(recording.column(table, column)[owned])
    return np.bincount(codes[owned], values, minlength=len(recording.names("populations")))
