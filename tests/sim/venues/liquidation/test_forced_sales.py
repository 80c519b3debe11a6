"""Forced sales in a market: what waits, and who comes second."""

from __future__ import annotations

from typing import Any

from small_market import LPS, MAKERS, small_market, units, value_shock


def test_a_perpetual_whose_sale_waits_for_a_block_is_not_sold_again() -> None:
    """A pool of perpetuals with a block a minute: what was seized in all is no more than was held."""
    keeper = {"name": "keeper", "type": "liquidators.ExchangeLiquidators", "count": 1, "latency_seconds": 0.0}
    trader = {"name": "levered", "type": "levered.LeveredTraders", "count": 1, "notional": 1e6}
    trader |= {"leverage": 19.0, "long_share": 1.0, "cash": 0.0}
    pool = {"instrument": "perpetual", "block_seconds": 60.0, "fee_bps": 0.0}
    deep = LPS | {"deposit": 5000.0, "hedged_share": 0.0, "capital": 2.0, "route": {"venues": ["pool"]}}
    model = small_market(
        deep,
        keeper,
        trader,
        venues=("pool", "desk", "liquidation"),
        steps=70,
        settings={"liquidation": {"backstop": 0.0}, "pool": pool},
        shocks=[value_shock(2.0, -0.045)],
        asset={"margin": {"maintenance": 0.04, "initial": 0.05}},
    )
    held = units(model, "levered", "BTC-perpetual").sum() / 0.001
    model.run()
    seized = [each.qty for each in model.liquidations]
    assert seized[:2] == [-4000, -3200]
    assert 0 < -sum(seized) <= held
    fills = model.recording().fills.query("taker_population == 'levered' and reason == 'forced'")
    assert fills["qty"].sum() >= -held


def test_a_second_seizure_in_one_instant_is_refused_as_cooling_down() -> None:
    def keepers(name: str) -> dict[str, Any]:
        return {"name": name, "type": "liquidators.ExchangeLiquidators", "count": 1, "latency_seconds": 0.0}

    traders = {"name": "levered", "type": "levered.LeveredTraders", "count": 5, "notional": 1e6}
    traders |= {"leverage": 20.0, "long_share": 1.0, "cash": 0.0}
    model = small_market(
        MAKERS,
        keepers("a"),
        keepers("b"),
        traders,
        venues=("perp", "desk", "liquidation"),
        steps=6,
        shocks=[value_shock(3.0, -0.045)],
    )
    rejects = model.run().rejects
    assert len(model.liquidations) >= 5
    assert set(rejects.loc[rejects["kind"] == "seize", "refusal"]) == {"cooling_down"}
