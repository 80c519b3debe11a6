"""Words: what the pages and the README mean by them, each with its equation where it has one."""

from __future__ import annotations

from typing import NamedTuple


class Term(NamedTuple):
    """A word or two, what is meant, and the equation, empty if there is none."""

    name: str
    meaning: str
    equation: str = ""


TERMS = (
    Term(
        "amplification",
        "How many times larger a metric is with hedging than without its impact: the ratio of means over "
        "seeds.",
        "A = mean(base) / mean(muted)",
    ),
    Term(
        "muted",
        "The same market and draws in which the hedges fill at the mid outside it: hedgers keep their "
        "positions and profit, only the impact of their trades is gone.",
    ),
    Term(
        "flow and feedback",
        "What the hedges do when they are sent as the muted arm recorded them (open loop), and what they do "
        "to each other beyond that.",
        "base / muted = (open_loop / muted) × (base / open_loop)",
    ),
    Term(
        "loop gain",
        "Share of a price move that hedging and liquidation make again in answer to it. At 1 a move feeds "
        "itself; below, in a market of linear impact, it ends 1 / (1 − g) times as large. λ is the price "
        "change of a unit traded, Γ the gamma of the hedgers, ρ the forced units per unit of price.",
        "g = λ (−Γ × response + ρ), λ = 1 / Σ depth",
    ),
    Term(
        "overshoot",
        "How much farther the price went after a shock than the shock's own trades took it, over the mid "
        "before; below zero where others absorbed some of it.",
        "(largest move − direct move) / mid before",
    ),
    Term(
        "variance share",
        "How much of the variance of the mid's changes r over a minute lies in the part rᵢ that a population "
        "made; shares sum to 1, and who pulls the price back has one below zero.",
        "Σ rᵢ r / Σ r²",
    ),
    Term(
        "meta-order",
        "One decision to buy or sell that is sent as many orders, one after the other; its impact grows like "
        "the square root of its size in real markets.",
        "I = Y σ √(Q / V)",
    ),
    Term(
        "branching ratio",
        "Liquidations that one liquidation brings about on average; below 1 a cascade ends by itself.",
        "mean size of a cascade = 1 / (1 − n)",
    ),
    Term("quote currency", "The money that prices, notionals, losses and equity are in, as USD in BTC/USD."),
    Term(
        "short gamma",
        "A book of options whose owner, to stay hedged, sells as the price falls and buys as it rises.",
        "Γ = ∂delta / ∂price < 0",
    ),
    Term(
        "bad debt",
        "Losses beyond the equity of those who made them; the insurance fund, the winners or the creditors "
        "pay.",
    ),
)


def markdown() -> str:
    """The words as a table of the README."""
    rows = [f"| {term.name} | {term.meaning} | {_code(term.equation)} |" for term in TERMS]
    return "\n".join(["| word | meaning | equation |", "|---|---|---|", *rows])


def _code(equation: str) -> str:
    return f"`{equation}`" if equation else ""
