"""Contagion: clearing payments, DebtRank, and the size of liquidation cascades."""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.contagion.clearing import clearing_vector, debtrank
from analysis.feedback import theory
from scenarios.replications.replicate import Row, Rows, estimated, exact, measured, replication
from sim.recording.recording import Recording

OWED = [[0, 6, 4], [3, 0, 5], [2, 4, 0]]
PAID = {(1, 2, 1): (6, 8, 6), (0.5, 0.5, 0.5): (5.403226, 7.741935, 6), (2, 0, 0): (7, 8, 6)}
LINKS: list[tuple[Any, tuple[float, ...], tuple[float, ...]]] = [
    ([[0, 0.5], [0.5, 0]], (0.2, 0), (0.26667, 0.13333)),
    ([[0, 0.3, 0.2], [0.4, 0, 0.1], [0.25, 0.35, 0]], (0.1, 0, 0), (0.12706, 0.05596, 0.05135)),
]
SIXTH, FIFTH = 5e-7, 5e-6  # half a unit of the last figure given
DENSITY = 100.0  # units that are liquidated per unit of price in linear_cascade
ACCOUNTS, QUICK_ACCOUNTS = 20_000, 2_000  # that these units are split over
FALL = 4.0  # how far news and cascades take the price, before the thresholds run out
NEWS = 0.005  # fall of the value a step


def sizes(recording: Recording) -> tuple[float, float]:
    """Share of liquidations brought about by others, and liquidations a cascade."""
    table = recording.liquidations
    return float(table["share_liquidations"].mean()), float(1.0 / (table["parent"] < 0).mean())


@replication(
    source="Eisenberg & Noe (2001); Battiston et al. (2012), linear; Harris (1963): 1 / (1 - n)",
    about="Clearing payments, DebtRank, and liquidations a cascade against the branching ratio.",
    runs=20,
    quick_runs=5,
)
def contagion(runs: int, workers: int, quick: bool) -> Rows:
    """Worked cases, and `linear_cascade` at several impacts."""
    return [*clearing(), *propagation(), *cascades(runs, workers, QUICK_ACCOUNTS if quick else ACCOUNTS)]


def clearing() -> list[Row]:
    """What three debtors pay, by what comes in from outside."""
    rows = []
    for external, expected in PAID.items():
        paid = clearing_vector(OWED, external).payments
        label = ", ".join(f"{each:g}" for each in external)
        rows += [
            exact(f"clearing payment {i + 1}, external ({label})", expected[i], paid[i], SIXTH)
            for i in range(3)
        ]
    return rows


def propagation() -> list[Row]:
    """Where relative losses end that start with one node."""
    rows = []
    for links, first, expected in LINKS:
        lost = debtrank(links, first)
        rows += [
            exact(f"DebtRank of node {i + 1} of {len(first)}", expected[i], lost[i], FIFTH)
            for i in range(len(first))
        ]
    return rows


def cascades(runs: int, workers: int, accounts: int) -> list[Row]:
    """Branching ratio and cascade size of levered accounts on the linear-impact market.

    A cascade's size has a variance of n / (1 - n)^3, 100 at n = 0.8: it takes some 30,000 cascades to
    tell 5 from the 4.8 of a density that is 1% lower.
    """
    ratios = (0.3, 0.6, 0.8)
    variants = [split(accounts) | crowded(n) for n in ratios]
    rows = []
    for n, found in zip(ratios, measured("linear_cascade", sizes, variants, runs, workers), strict=True):
        branching, size = np.array(found).T
        rows.append(estimated(f"branching ratio, lambda rho = {n}", n, branching, 0.01 * n))
        expected = float(theory.mean_cascade_size(n))
        rows.append(estimated(f"liquidations a cascade, lambda rho = {n}", expected, size, 0.01 * expected))
    return rows


def crowded(n: float) -> dict[str, Any]:
    """The impact at which one liquidation brings about n others, and steps for the fall."""
    return {"venues.market.impact": n / DENSITY, "time.steps": round(FALL * (1 - n) / NEWS)}


def split(accounts: int) -> dict[str, Any]:
    """The levered units of the scenario split over so many accounts."""
    each = 1000 / accounts
    return {
        "populations.levered.count": accounts,
        "populations.levered.notional": 100.0 * each,
        "populations.levered.cash": {"dist": "uniform", "low": 0.0, "high": 9.9 * each},
        "venues.market.lot": 0.001 * each,
    }
