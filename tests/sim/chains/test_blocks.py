"""Blocks: what is sent to a pool on a chain waits for the next one."""

from __future__ import annotations

import numpy as np
import pytest
from small_market import LPS, market_order, small_market, value_shock

from sim.chains.blocks import Blocks
from sim.setup.draws import Draws

EXOGENOUS = LPS | {"route": {"venues": ["linear"]}}
ARBITRAGEURS = {
    "name": "arbitrageurs",
    "type": "arbitrageurs.Arbitrageurs",
    "count": 1,
    "book": "linear",
    "pool": "pool",
    "share": 1.0,
    "edge_bps": 0.0,
    "interval_seconds": 0.5,
    "latency_seconds": 0.0,
}


def on_a_chain(clock: str, seconds: float, **changes: object):
    """Arbitrageurs between a pool on a chain and an exogenous price that moves all the time."""
    return small_market(
        EXOGENOUS,
        ARBITRAGEURS,
        venues=("linear", "pool", "desk"),
        settings={"pool": {"block_clock": clock, "block_seconds": seconds, "fee_bps": 0.0}},
        asset={"driver": {"type": "drivers.GeometricBrownian", "volatility": 1.0}},
        **changes,
    )


def swaps(model) -> np.ndarray:
    """Times of the swaps with the pool."""
    fills = model.run().fills
    return fills.loc[(fills["venue"] == "pool") & (fills["reason"] == "trade"), "time"].to_numpy()


def test_fixed_blocks_come_at_multiples_and_what_arrives_with_one_makes_it():
    blocks = Blocks("fixed", 12.0, Draws(1, "pool"))
    assert blocks.next_at(np.array([0.0, 0.1, 12.0, 12.1, 35.9])).tolist() == [0, 12, 12, 24, 36]


def test_poisson_blocks_come_at_the_rate_and_do_not_depend_on_who_asks_when():
    blocks, again = (Blocks("poisson", 12.0, Draws(1, "pool")) for _ in range(2))
    times = np.arange(0.0, 60_000.0, 7.0)
    found = blocks.next_at(times)
    for k in (8000, 3, 5000):
        assert again.next_at(times[k : k + 1])[0] == found[k]
    gaps = np.diff(np.unique(blocks.next_at(np.arange(0.0, 60_000.0, 0.01))))
    assert gaps.mean() == pytest.approx(12.0, abs=3 * 12.0 / np.sqrt(gaps.size))
    assert gaps.std() == pytest.approx(12.0, rel=0.1)  # of an exponential law, its mean


def test_a_pool_trades_at_blocks_only_and_arbitrageurs_come_with_each():
    times = swaps(on_a_chain("fixed", 5.0, steps=60))
    assert times.tolist() == list(np.arange(5.0, 60.0, 5.0))


def test_poisson_blocks_fall_within_steps_and_the_trade_is_made_in_the_step_of_the_block():
    model = on_a_chain("poisson", 4.0, steps=400)
    blocks = model.router.blocks[model.venues[1].index]
    times = swaps(model)
    assert times.size > 50
    assert times == pytest.approx(blocks.next_at(np.floor(times)))
    assert np.unique(np.floor(times)).size == times.size


def test_deposits_of_the_opening_wait_for_no_block():
    model = on_a_chain("poisson", 1e6, steps=3)
    assert float(model.venues[1].state["base"][0]) > 0


def test_a_hedger_who_knows_of_no_blocks_trades_with_the_next_one():
    """An outsider's sale into the pool, sent at 2 s, arrives with the block of 10 s."""
    model = small_market(
        EXOGENOUS | {"route": {"venues": ["pool"]}},
        venues=("pool", "desk"),
        settings={"pool": {"block_seconds": 10.0}},
        shocks=[market_order(2.0, -1.0), value_shock(1.0, 0.0)],
        steps=15,
    )
    assert swaps_of(model).tolist() == [10.0]


def swaps_of(model) -> np.ndarray:
    """Times of what the outsider traded."""
    fills = model.run().fills
    return fills.loc[fills["taker_population"] == "shocks", "time"].to_numpy()
