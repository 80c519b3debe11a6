"""Contracts that come and go: a new one resets no screen, an expired one costs nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_market import MAKERS, small_market

from sim.accounts.margin.screen import Screen
from sim.accounts.margin.standard import Standard
from sim.kernels.accounts.screening import Market
from sim.model import Model
from sim.recording.recording import Recording
from sim.setup.instruments import Universe

VAULTS = {
    "name": "vaults",
    "type": "vaults.OptionVaults",
    "count": 6,
    "strike_step": 10.0,
    "epoch_seconds": 7.0,
    "first_epoch_seconds": {"dist": "uniform", "low": 2.0, "high": 8.0},
    "hedging": {"type": "band", "width": 0.05, "interval_seconds": 2.0},
    "route": {"venues": ["perp"]},
}
CROWD = 400
LONGS = {
    "name": "longs",
    "type": "levered.LeveredTraders",
    "asset": "BTC",
    "count": CROWD,
    "leverage": {"dist": "uniform", "low": 2.0, "high": 20.0},
}


def rolling(steps: int = 120) -> Model:
    """Vaults that roll every seven seconds, among levered traders that do nothing."""
    return small_market(
        MAKERS,
        VAULTS,
        LONGS,
        {"name": "noise", "type": "noise.NoiseTraders", "venue": "perp", "count": 5, "size": 1.0},
        venues=("perp", "desk", "liquidation"),
        asset={"driver": {"type": "drivers.GeometricBrownian", "volatility": 0.5}},
        steps=steps,
    )


def test_what_is_examined_and_priced_stays_bounded_over_many_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    examined: list[int] = []
    screen = Standard.screen

    def counting(rule: Standard, accounts: np.ndarray, *arguments: Any) -> None:
        examined.append(accounts.size)
        screen(rule, accounts, *arguments)

    monkeypatch.setattr(Standard, "screen", counting)
    model, live = rolling(), []
    model.step()
    examined.clear()
    while model.running:
        model.step()
        live.append(int(np.diff(model.ledger.universe.live).sum()))
    universe = model.ledger.universe
    assert len(universe.contract_names) > 60
    assert len(universe.retired) > 50
    assert max(live) <= 2 * VAULTS["count"]  # type: ignore[operator]
    assert np.mean(examined) < 0.1 * CROWD
    dead = 1 + np.array(universe.retired)
    prices = model.margin._contracts.prices
    assert not prices.worth[6:, dead].any()
    assert not prices.margins[:, dead].any()


def test_an_incremental_listing_gives_what_resetting_everything_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    appended = rolling(60).run()
    take_in = Screen.take_in

    def reset(screen: Screen, market: Market) -> None:
        take_in(screen, market)
        screen.renew(market)
        screen.slack[np.isfinite(screen.slack)] = -np.inf

    monkeypatch.setattr(Screen, "take_in", reset)
    assert same(appended, rolling(60).run())


def same(one: Recording, other: Recording) -> bool:
    tables = ("fills", "series", "populations", "liquidations")
    return all(getattr(one, name).equals(getattr(other, name)) for name in tables)


def test_runs_of_live_contracts_split_and_shrink() -> None:
    universe = Universe(["BTC"])
    for number in range(6):
        universe.list_contract(0, 100.0 + number, 10.0, True, 0.5, 1.0)
    assert universe.live.tolist() == [[0, 6]]
    for number, left in (
        (2, [[0, 2], [3, 6]]),
        (0, [[1, 2], [3, 6]]),
        (5, [[1, 2], [3, 5]]),
        (1, [[3, 5]]),
    ):
        universe.retire(number)
        assert universe.live.tolist() == left
    universe.list_contract(0, 200.0, 10.0, True, 0.5, 1.0)
    assert universe.live.tolist() == [[3, 5], [6, 7]]
    universe.list_contract(0, 201.0, 10.0, True, 0.5, 1.0)
    assert universe.live.tolist() == [[3, 5], [6, 8]]
    assert universe.retired == [2, 0, 5, 1]


def test_a_contract_that_is_held_does_not_retire() -> None:
    model = rolling()
    with pytest.raises(ArithmeticError, match="has expired and is held"):
        model.ledger.retire(0)
