"""One clock: what happens at several venues within a step happens in the order of time."""

from __future__ import annotations

import numpy as np
import pytest
from small_market import LPS, population, small_market

from scenarios import load
from sim.messages.outbox import Outbox
from sim.messages.view import View

PROVIDERS = LPS | {"deposit": 5000.0, "hedged_share": 0.0, "route": {"venues": ["pool"]}}
BOOK = {"type": "linear_impact.LinearImpact", "instrument": "spot", "lot": 0.001, "impact": 0.0}


def test_every_trade_and_the_move_it_makes_is_written_in_the_order_of_time() -> None:
    recording = load("linear_crash", {"time.steps": 660}).market().run()
    tables = {name: getattr(recording, name) for name in ("fills", "moves")}
    traded = tables["moves"].query("mover == 'trade'")
    written = {**dict(zip(traded["seq"], traded["time"], strict=True))}
    written |= dict(zip(tables["fills"]["seq"], tables["fills"]["time"], strict=True))
    times = np.array([written[seq] for seq in sorted(written)])
    assert {"perp", "pool"} <= set(tables["fills"]["venue"])
    assert (np.diff(times) >= 0).all()


@pytest.mark.parametrize(("at_book", "at_pool", "bought"), [(0.6, 0.3, "pool"), (0.3, 0.6, "book")])
def test_cash_for_one_of_two_orders_is_spent_on_the_one_that_arrives_first(
    at_book: float, at_pool: float, bought: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small_market(PROVIDERS, venues=("book", "pool", "desk"), settings={"book": BOOK}, steps=4)
    buyer = population(model, "lps")
    venues = {venue.name: venue.index for venue in model.venues}
    lots = int(0.7 * model.ledger.cash[buyer.first] / 50_000.0 / 0.001)
    assert lots > 0

    def decide(phase: str, view: View, outbox: Outbox) -> None:
        if phase == "trade" and view.step == 1:
            outbox.market(buyer.first, venues["book"], lots, latency=at_book)
            outbox.market(buyer.first, venues["pool"], lots, latency=at_pool)

    for deciders in model._by_phase.values():
        deciders[:] = [each for each in deciders if each is not buyer]
    buyer.decide = decide
    model._by_phase["trade"].append(buyer)
    model.run()
    fills = model.recording().fills.query("reason == 'trade'")
    assert fills["venue"].tolist() == [bought]
