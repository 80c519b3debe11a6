"""Whose an account is, the owners say: where it lies, and whether there are others, says nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_market import MAKERS, market_order, small_market

from scenarios import load
from sim.model import Model
from sim.recording.recording import Recording
from sim.setup.listing import Listing
from sim.venues.books.order_book import OrderBook

CRASH = {
    "populations.dealers.count": 60,
    "populations.dealers.customer_trades_per_day": 5000.0,
    "populations.dealers.exposure.expiries_days": [0.0003, 2.0],
    "populations.dealers.treasury": 0.2,
    "populations.vaults.count": 3,
    "populations.vaults.first_epoch_seconds": 12.0,
    "populations.levered.count": 300,
    "populations.levered.leverage": 45.0,
    "shocks.0.at": 5.0,
    "shocks.0.over_seconds": 20.0,
    "time.steps": 40,
}
SENDERS = {"maker", "taker", "account"}
NOISE = {"name": "noise", "type": "noise.NoiseTraders", "venue": "perp", "count": 5}
TREND = {"name": "trend", "type": "momentum.MomentumTraders", "venue": "perp", "count": 9, "threshold": 0.0}
HEDGERS = {
    "name": "dealers",
    "type": "dealers.OptionDealers",
    "count": 8,
    "exposure": {"type": "constant_gamma", "gamma": -0.02},
    "hedging": {"type": "band", "width": 1e-4},
    "route": {"venues": ["perp", "linear"]},
}


FLOOR: tuple[dict[str, Any], ...] = (
    {
        "type": "zero_intelligence.ZeroIntelligenceTraders",
        "limit_rates": [3.0, 1.0],
        "reach_ticks": 8,
        "market_rate": 1.0,
        "cancel_rates": [0.5, 0.25],
        "session_seconds": 10.0,
        "size": 0.01,
    },
    {
        "type": "anonymous.AnonymousTraders",
        "largest": 0.1,
        "offset_sd": 5.0,
        "opening": [{"price": 49_990.0, "units": 5.0}, {"price": 50_010.0, "units": -5.0}],
    },
    {
        "type": "straddles.StraddleHedgers",
        "straddles": -0.5,
        "volatility": 30_000.0,
        "session_seconds": 10.0,
        "expiry_seconds": 30.0,
        "interval_seconds": 1.0,
    },
)


def crash() -> Model:
    """A short crash in which every population of the library scenario acts."""
    return load("linear_crash", CRASH).market()


def floor() -> Model:
    """The populations of published replications, several rows of each, at one book."""
    own = [each | {"name": f"p{n}", "venue": "perp", "count": 3 + n} for n, each in enumerate(FLOOR)]
    return small_market(*own, venues=("perp",), steps=30)


def dealt(monkeypatch: pytest.MonkeyPatch, plain: Model, made: Callable[[], Model], chains: int = 1) -> Model:
    """A market made anew, with an account on so many chains for each row, all given out as by lot."""
    system = len(plain.listing.system)
    lots = np.random.default_rng(3).permutation(chains * (plain.ledger.cash.size - system))
    number = np.concatenate([np.arange(system), system + lots])
    take = Listing.take_accounts

    def take_any(listing: Listing, count: int) -> np.ndarray:
        listing.chains = chains
        listing.claims.append(number[take(listing, count)])
        del listing.claims[-2]
        return listing.claims[-1]

    with monkeypatch.context() as patch:
        patch.setattr(Listing, "take_accounts", take_any)
        return made()


def traded(recording: Recording) -> dict[str, pd.DataFrame]:
    """Fills and moves, with the row of a population for the account, and no numbers of liquidations.

    Takeovers of one moment are numbered by account.
    """
    row_of = recording.populations.set_index("account")["row"]
    tables = {"fills": recording.fills, "moves": recording.moves}
    for name, table in tables.items():
        own = {column: row_of.reindex(table[column]).to_numpy() for column in SENDERS & set(table.columns)}
        tables[name] = table.drop(columns="cause").assign(**own)
    return tables


def kept(recording: Recording) -> pd.DataFrame:
    """What each row has in the end, in all its accounts."""
    rows = recording.populations.groupby(["population", "row"], observed=True)
    return rows.sum(numeric_only=True).drop(columns="account")


@pytest.mark.parametrize(
    ("made", "chains", "seen"),
    [
        (crash, 1, {"hedge", "forced", "expiry", "issue", "takeover"}),
        (crash, 2, {"hedge", "forced", "expiry", "issue", "takeover"}),
        (floor, 1, {"hedge", "trade"}),
    ],
)
def test_a_market_does_not_ask_where_accounts_lie(
    made: Callable[[], Model], chains: int, seen: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = made()
    mixed = dealt(monkeypatch, plain, made, chains)
    assert all((np.diff(each.account) < 0).any() for each in mixed.populations if each.rows > 2)
    one, other = plain.run(), mixed.run()
    assert seen <= set(one.fills["reason"])
    for name, table in traded(one).items():
        pd.testing.assert_frame_equal(table, traded(other)[name], check_exact=True, obj=name)
    pd.testing.assert_frame_equal(one.series, other.series, rtol=1e-9)
    pd.testing.assert_frame_equal(kept(one), kept(other), rtol=1e-9)


def hedged() -> Model:
    """Makers, noise, trend followers and hedgers at a book and a linear market, all on credit."""
    free = [each | {"margin": "none"} for each in (MAKERS, NOISE, TREND, HEDGERS)]
    return small_market(*free, venues=("perp", "linear"), shocks=[market_order(3.0, -20.0)], steps=30)


def test_who_trades_at_a_venue_does_so_from_the_account_on_its_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    model = hedged()
    plain = model.run()
    monkeypatch.setattr(OrderBook, "chain", 1)
    model = dealt(monkeypatch, model, hedged, chains=2)
    elsewhere = model.run()
    for name, table in traded(plain).items():
        pd.testing.assert_frame_equal(table, traded(elsewhere)[name], check_exact=True, obj=name)
    pd.testing.assert_frame_equal(plain.series, elsewhere.series, rtol=1e-9)
    account = np.concatenate([p.account for p in model.populations], axis=1)
    fills = elsewhere.fills[elsewhere.fills["taker_population"] != "outside"]
    assert {"perp", "linear"} == set(fills["venue"])
    for venue, own in fills.groupby("venue", observed=True):
        assert np.isin(own["taker"], account[1 if venue == "perp" else 0]).all()
