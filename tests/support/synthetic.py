"""Recordings made by hand: a small one to compute on paper, and one that looks like a crash."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.messages.columns import TABLES
from sim.recording.recording import Recording
from sim.records import (
    BY_QUOTE,
    BY_TRADE,
    FILL,
    FORCED,
    HEDGE,
    HEDGING,
    LIQUIDATING,
    MOVE,
    SHOCK,
    TRADE,
    TRADING,
)

POPULATIONS = (
    ("noise", "noise.PoissonFlow", 1, False),
    ("fundamental", "fundamental.Fundamental", 200, False),
    ("momentum", "momentum.Momentum", 100, False),
    ("makers", "makers.InventoryMakers", 20, False),
    ("dealers", "dealers.OptionDealers", 1000, True),
    ("vaults", "vaults.OptionVaults", 20, True),
    ("levered", "levered.LeveredTraders", 5000, False),
    ("liquidators", "liquidators.Liquidators", 1, False),
    ("arbitrageurs", "arbitrageurs.Arbitrageurs", 5, False),
    ("liquidity_providers", "liquidity_providers.LiquidityProviders", 50, True),
)
NAMES = tuple(name for name, *_ in POPULATIONS)
NOISE, MAKERS, DEALERS, VAULTS, LEVERED = (
    NAMES.index(name) for name in ("noise", "makers", "dealers", "vaults", "levered")
)


def a_market(steps: int = 4, step_seconds: float = 1.0, **changes: Any) -> dict[str, Any]:
    """A market of one asset, a book of its perpetual, a pool and ten populations."""
    market: dict[str, Any] = {
        "name": "by_hand",
        "description": "Made by a test.",
        "seed": 1,
        "arm": "base",
        "step_seconds": step_seconds,
        "steps": steps,
        "assets": [{"name": "BTC", "spot": 65000.0, "half_tick": 0.25}],
        "venues": [
            _venue("perp", "order_book.OrderBook", "perpetual"),
            _venue("pool", "amm.ConstantProduct", "spot"),
        ],
        "populations": [
            {"name": name, "type": kind, "count": count, "hedges": hedges}
            for name, kind, count, hedges in POPULATIONS
        ],
        "instruments": ["BTC-perpetual", "BTC-spot", "BTC-172800-65000-C"],
        "shocks": [],
    }
    return market | changes


def _venue(name: str, kind: str, instrument: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "asset": "BTC", "instrument": instrument, "tick": 0.5, "lot": 0.001}


def a_recording(
    columns: dict[str, Any] | None = None, market: dict[str, Any] | None = None, **tables: Any
) -> Recording:
    """A recording of the given series columns and tables; everything else is empty."""
    columns = {name: np.asarray(values) for name, values in (columns or {}).items()}
    steps = max((len(values) for values in columns.values()), default=4)
    market = market or a_market(steps)
    clock = {"step": np.arange(steps), "time_s": np.arange(1, steps + 1) * market["step_seconds"]}
    return Recording(market, {"series": clock | columns} | tables)


def rows(table: str, *entries: dict[str, Any]) -> dict[str, Any]:
    """A table of the given rows; columns that are not given are zero, or nobody."""
    blank = {name: -1 if column.names else 0 for name, column in TABLES[table].items()}
    filled = [blank | entry for entry in entries]
    return {name: np.array([entry[name] for entry in filled]) for name in blank}


def fills(*entries: dict[str, Any]) -> np.ndarray:
    """FILL rows at the book; fields that are not given are zero."""
    made = np.zeros(len(entries), FILL)
    for row, entry in zip(made, entries, strict=True):
        for name, value in entry.items():
            row[name] = value
    return made


def a_crash(steps: int = 3600, seed: int = 7) -> Recording:
    """An hour with a sell shock after ten minutes, hedging that follows it and a cascade."""
    rng = np.random.default_rng(seed)
    time = np.arange(1, steps + 1, dtype=float)
    market = a_market(steps, name="synthetic_crash")
    market["shocks"] = [{"at": 600.0, "type": "market_order", "asset": "BTC", "qty": -400.0}]
    value = 65000 * np.exp(np.cumsum(rng.normal(0, 5e-5, steps)))
    fall = _fall(time)
    mid = np.round(value * (1 - fall) * (1 + rng.normal(0, 8e-5, steps)) * 2) / 2
    liquidations = _liquidations(rng, time, mid)
    tape = _tape(rng, time, mid, liquidations)
    tables = {
        "series": _series(rng, time, mid, value, fall, tape),
        "fills": tape,
        "moves": _moves(mid, tape),
        "liquidations": liquidations,
        "populations": _accounts(rng),
        "rejects": _rejects(rng),
        "profiles": _profiles(market),
    }
    return Recording(market, tables, {"status": "finished", "steps_done": steps})


def _fall(time: np.ndarray) -> np.ndarray:
    """Fraction below the value: a jump, a cascade in waves, a slow recovery."""
    direct = 0.010 * (time > 600) * np.exp(-np.maximum(time - 600, 0) / 1500)
    feedback = 0.055 / (1 + np.exp(-(time - 720) / 30)) + 0.03 / (1 + np.exp(-(time - 1010) / 18))
    feedback *= (time > 600) * np.exp(-np.maximum(time - 1100, 0) / 1100)
    total: np.ndarray = direct + feedback
    return total


def _liquidations(rng: np.random.Generator, time: np.ndarray, mid: np.ndarray) -> dict[str, Any]:
    """Levered longs closed as the price falls to new lows."""
    lows = np.minimum.accumulate(mid)
    intensity = np.maximum(-np.diff(lows, prepend=lows[0]), 0) * 0.12
    steps = np.repeat(np.arange(time.size), rng.poisson(intensity))
    units = rng.lognormal(0.3, 1.2, steps.size)
    price = mid[steps] * (1 - rng.exponential(8e-4, steps.size))
    loss = np.where(rng.uniform(size=steps.size) < 0.04, units * price * 0.004, 0.0)
    population = np.where(rng.uniform(size=steps.size) < 0.05, DEALERS, LEVERED)
    share = rng.dirichlet((2, 2, 1), steps.size)
    blank = np.arange(steps.size)
    return {
        "id": blank,
        "step": steps,
        "account": 2000 + blank,
        "population": population,
        "instrument": np.zeros(steps.size, int),
        "qty": -np.round(units * 1000).astype(int),
        "notional": units * price,
        "price": price,
        "bankruptcy_price": price * 0.995,
        "bad_debt": loss,
        "insurance_paid": loss,
        "socialised": 0 * loss,
        "parent": blank - 1,
        "generation": np.minimum(blank, 9),
        "root": 0 * blank,
        "share_hedging": share[:, 0],
        "share_forced": share[:, 1],
        "share_exogenous": share[:, 2],
    }


def _tape(
    rng: np.random.Generator, time: np.ndarray, mid: np.ndarray, liquidations: dict[str, Any]
) -> np.ndarray:
    """Background trades, hedges that follow the price, forced sales and the shock."""
    steps = time.size
    smooth = np.convolve(np.pad(mid, 10, mode="edge"), np.ones(21) / 21, "valid")
    hedged = np.diff(smooth, prepend=smooth[0]) * 0.9
    parts = [_some(rng, s, NOISE, TRADING, TRADE, rng.normal(0, 1.5, 1)) for s in range(steps)]
    parts += [_some(rng, s, DEALERS, HEDGING, HEDGE, hedged[s : s + 1] * 0.8) for s in range(steps)]
    parts += [_some(rng, s, VAULTS, HEDGING, HEDGE, hedged[s : s + 1] * 0.2) for s in range(0, steps, 7)]
    for step, qty in zip(liquidations["step"], liquidations["qty"], strict=True):
        parts.append(_some(rng, step, LEVERED, LIQUIDATING, FORCED, np.array([qty / 1000])))
    parts.append(_some(rng, 600, -1, TRADING, SHOCK, np.full(40, -10.0)))
    tape = np.concatenate(parts)
    tape = tape[np.argsort(tape["step"], kind="stable")]
    tape["time"] = time[tape["step"]]
    tape["price"] = mid[tape["step"]]
    tape["fee"] = np.abs(tape["qty"]) * 0.001 * tape["price"] * 4.5e-4
    tape["seq"] = np.arange(tape.size)
    kept: np.ndarray = tape[tape["qty"] != 0]
    return kept


def _some(
    rng: np.random.Generator, step: int, taker: int, phase: int, reason: int, units: np.ndarray
) -> np.ndarray:
    made = np.zeros(units.size, FILL)
    made["step"], made["phase"], made["reason"] = step, phase, reason
    made["qty"] = np.round(units * 1000)
    made["venue"] = rng.uniform(size=units.size) < 0.15
    made["instrument"] = made["venue"]
    made["maker_population"] = np.where(made["venue"] == 1, -1, MAKERS)
    made["taker_population"] = taker
    return made


def _series(
    rng: np.random.Generator,
    time: np.ndarray,
    mid: np.ndarray,
    value: np.ndarray,
    fall: np.ndarray,
    tape: np.ndarray,
) -> dict[str, Any]:
    """Liquidity that leaves with volatility, and the state of the populations."""
    speed = np.abs(np.gradient(fall))
    stress = np.convolve(speed, np.exp(-np.arange(300) / 90), "full")[: time.size] * 25
    spread = 1.0 + np.round(rng.exponential(1 + 30 * stress) * 2) / 2
    columns = {
        "step": np.arange(time.size),
        "time_s": time,
        "BTC.mid": mid,
        "BTC.mid_at_hedge": mid,
        "BTC.mark": np.convolve(np.pad(mid, (29, 0), mode="edge"), np.ones(30) / 30, "valid"),
        "BTC.index": value * (1 - 0.9 * fall),
        "BTC.value": value,
        "BTC.spread": spread,
        "BTC.depth_bid": 90 * np.exp(-1.6 * stress) * rng.uniform(0.8, 1.2, time.size),
        "BTC.depth_ask": 90 * np.exp(-1.0 * stress) * rng.uniform(0.8, 1.2, time.size),
        "BTC.realised_volatility": 0.5 + 3 * stress,
        "BTC.loop_gain": 0.25 + 0.5 * stress,
        "pool.mid": mid * (1 + rng.normal(0, 2e-4, time.size)),
        "insurance_fund": 2e6 - 1.5e6 / (1 + np.exp(-(time - 1000) / 60)),
        "accounts_in_breach": np.bincount(tape["step"][tape["reason"] == FORCED], minlength=time.size),
    }
    for code, name in enumerate(NAMES):
        own = tape["taker_population"] == code
        units = np.abs(tape["qty"][own]) * 0.001
        columns[f"{name}.volume"] = np.bincount(tape["step"][own], units, minlength=time.size)
        columns[f"{name}.net_gamma"] = np.full(time.size, _peak(name)) * (1 - fall)
        columns[f"{name}.net_delta"] = np.zeros(time.size)
        columns[f"{name}.equity"] = 5e7 * (1 - fall * (name == "levered") * 3)
    return columns


def _peak(name: str) -> float:
    return {"dealers": -0.7, "vaults": -0.12, "liquidity_providers": -0.02}.get(name, 0.0)


def _moves(mid: np.ndarray, tape: np.ndarray) -> np.ndarray:
    """One move a step, charged to whoever traded there last, else to the makers."""
    change = np.round(np.diff(mid, prepend=mid[0]) * 4).astype(int)
    made = np.zeros(mid.size, MOVE)
    made["step"], made["time"], made["half_ticks"] = np.arange(mid.size), np.arange(1, mid.size + 1), change
    made["population"], made["mover"] = MAKERS, BY_QUOTE
    made["population"][tape["step"]] = tape["taker_population"]
    made["phase"][tape["step"]] = tape["phase"]
    made["reason"][tape["step"]] = tape["reason"]
    made["mover"][tape["step"]] = BY_TRADE
    moved: np.ndarray = made[change != 0]
    return moved


def _accounts(rng: np.random.Generator) -> dict[str, Any]:
    """Ten accounts of every population; makers earn 1,000 each."""
    population = np.repeat(np.arange(len(NAMES)), 10)
    count = population.size
    pnl = np.where(population == MAKERS, 1000.0, rng.normal(0, 5e4, count))
    return {
        "account": np.arange(count),
        "population": population,
        "row": np.tile(np.arange(10), len(NAMES)),
        "cash": rng.uniform(1e5, 1e6, count),
        "equity": rng.uniform(1e5, 1e6, count),
        "pnl": pnl,
        "fees": rng.exponential(100, count),
        "hedging_cost": np.where(population == DEALERS, rng.exponential(900, count), 0.0),
        "liquidated": (population == LEVERED) * (rng.uniform(size=count) < 0.4),
    }


def _rejects(rng: np.random.Generator) -> dict[str, Any]:
    entries = [
        {"step": int(step), "time": float(step), "population": LEVERED, "venue": 0, "kind": 2, "refusal": 1}
        for step in np.sort(rng.integers(600, 1200, 30))
    ]
    return rows("rejects", *entries)


def _profiles(market: dict[str, Any]) -> dict[str, Any]:
    """Gamma that peaks at the strikes, and liquidation prices on both sides of the start."""
    grid = np.linspace(0.75, 1.25, 101) * 65000
    parts = []
    for code, name in enumerate(NAMES):
        gamma = _peak(name) * sum(
            w * np.exp(-(((grid - k) / 1800) ** 2)) for k, w in ((60000, 0.8), (63000, 1.0), (70000, 0.5))
        )
        below, above = np.exp(-(((grid - 60500) / 2200) ** 2)), np.exp(-(((grid - 69500) / 2000) ** 2))
        at_risk = (name == "levered") * np.where(grid < 65000, 160 * below, -90 * above)
        if not np.any(gamma) and not np.any(at_risk):
            continue
        parts.append((np.full(grid.size, code), grid, np.asarray(gamma), at_risk))
    population, price, gamma, at_risk = (np.concatenate(column) for column in zip(*parts, strict=True))
    blank = np.zeros(price.size, int)
    return {
        "step": blank,
        "asset": blank,
        "population": population,
        "price": price,
        "gamma": gamma,
        "at_risk": at_risk,
    }
