"""Every field of an order x every kind x every venue: it changes what is done, or the order is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from book_market import Market as Book
from book_market import order
from desk_market import PERP, Dealing
from linear_market import Textbook
from pool_market import Market as Pool
from small_market import LPS, MAKERS, orders_of, population, refusals, small_market

from sim import records as r
from sim.chains.router import Router
from sim.kernels.messages.owners import Owners
from sim.setup.draws import Draws
from sim.venues.books.linear_impact import LinearImpact
from sim.venues.books.order_book import OrderBook
from sim.venues.liquidation.liquidation import Exchange
from sim.venues.options.rfq import Desk
from sim.venues.pools.amm import ConstantProduct
from sim.venues.sink import Sink

SAID: dict[str, dict[str, Any]] = {
    "value": {"value": 99.0},
    "value, a share": {"value": 0.01},
    "good_till, passed": {"good_till": 0.0},
    "good_till, none": {"good_till": math.nan},
    "qty": {"qty": -3},
    "price": {"price": 97},
    "target": {"target": 1},
    "instrument": {"instrument": 3},
    "price_ref mid": {"price_ref": r.MID},
    "price_ref own": {"price_ref": r.OWN_BEST},
    "price_ref opposite": {"price_ref": r.OPPOSITE_BEST},
    "price_ref unknown": {"price_ref": 4},
    "tif ioc": {"tif": r.IOC},
    "tif fok": {"tif": r.FOK},
    "tif unknown": {"tif": 3},
    "stp taker": {"stp": r.EXPIRE_TAKER},
    "stp maker": {"stp": r.EXPIRE_MAKER},
    "stp both": {"stp": r.EXPIRE_BOTH},
    "stp unknown": {"stp": 4},
    "post-only": {"flags": r.POST_ONLY},
    "reduce-only": {"flags": r.REDUCE_ONLY},
    "side by value": {"flags": r.SIDE_BY_VALUE, "value": 99.0},
    "side by no value": {"flags": r.SIDE_BY_VALUE, "value": math.nan},
    "call": {"flags": r.CALL},
    "flags unknown": {"flags": 16},
}
"""What an order may say, one thing at a time, and how."""

AS_IT_IS = {
    (OrderBook, r.MARKET, "tif ioc"),  # never rests
    *((venue, kind, f"tif {tif}") for venue in (ConstantProduct, LinearImpact) for kind in (r.MARKET, r.SWAP)
      for tif in ("ioc", "fok")),  # trades whole or not at all
    (Desk, r.REQUEST, "tif ioc"),
    (Desk, r.REQUEST, "tif fok"),
}  # fmt: skip
"""What says no more than what the venue does with every order of the kind."""


def outcome(tape: Any, *more: Any) -> tuple[Any, ...]:
    counts = tape.counts
    fills = tape.fills[: counts[r.FILLS]][["qty", "price", "maker", "instrument"]].tolist()
    moves = tape.moves[: counts[r.MOVES]][["half_ticks", "answers", "mover"]].tolist()
    return fills, moves, tape.rejects[: counts[r.REJECTS]]["refusal"].tolist(), *more


def on_a_book(kind: int, fields: dict[str, Any]) -> tuple[Any, ...]:
    """Account 0 holds 3 and quotes inside and among others; what it sends then, at 1 s."""
    m = Book(tags=6)
    m.room[2, 0] = 3
    rows = [(1, 5, 96, -1), (0, 5, 98, 1), (0, 2, 98, 2), (0, -5, 101, 3), (1, -5, 102, -1), (1, -9, 104, -1)]
    for account, qty, price, tag in rows:
        m.send(r.LIMIT, qty, price, account=account, target=tag)
    m.send_all(order(kind, **({"account": 0, "time": 1.0} | fields)))
    later = sorted(m.book.resting[["account", "qty", "price", "tag"]].tolist())
    reducing = int(m.book._header["reducing"][0])
    m.pass_time(9.0)
    return outcome(m.tape, later, reducing, m.book.resting.size)


def book_orders(kind: int) -> Iterator[dict[str, Any]]:
    """Orders in whose places a field may matter: small and large, near and far, of three tags."""
    qtys, targets = [-12, -2, 0, 2, 4, 12, 40], [-1, 0, 1, 2]
    if kind == r.CANCEL_RANDOM:
        yield {}
    elif kind == r.CANCEL_AT:
        for value, target in product([0.1, 0.6], [1, 2]):
            yield {"qty": 1, "price": 98, "target": target, "value": value}
    else:
        is_priced = kind in (r.LIMIT, r.MODIFY, r.QUOTE)
        for qty, target, price in product(qtys, targets, [97, 99, 103] if is_priced else [0]):
            yield {"qty": qty, "target": target, "price": price}


def at_a_pool(kind: int, fields: dict[str, Any]) -> tuple[Any, ...]:
    pool = Pool(fee_bps=5.0)
    pool.pool.set_reference(100.0)
    pool.send(r.ADD_LIQUIDITY, 10_000, account=2)
    pool.send(r.ADD_LIQUIDITY, 1_000)
    pool.room[2, 1] = 30
    pool.send(kind, at=1.0, **({"qty": 0} | fields))
    return outcome(pool.tape)


def at_a_linear_market(kind: int, fields: dict[str, Any]) -> tuple[Any, ...]:
    market = Textbook(impact=2.0)
    market.room[2, -1] = 30
    row = order(kind, **({"account": market.room.shape[1] - 1, "time": 1.0} | fields))
    market.outbox.extend(row)
    market.execute()
    return outcome(market.bench.tape)


def at_a_desk(kind: int, fields: dict[str, Any]) -> tuple[Any, ...]:
    dealing = Dealing(prices=(100.0, 50.0))
    dealing.ask(5, 10, PERP)
    dealing.bench.view.time = 1.0
    asked = {"time": 1.0, "qty": 5} | fields
    dealing.ask(5, asked.pop("qty"), asked.pop("instrument", -1), kind, **asked)
    contracts = dealing.bench.universe.contracts[["strike", "is_call", "asset", "expiry"]].tolist()
    return outcome(dealing.bench.tape, contracts)


def of_qty(*qtys: int, **fields: Any) -> Callable[[int], list[dict[str, Any]]]:
    return lambda kind: [{"qty": qty, **fields} for qty in qtys]


def linear_orders(kind: int) -> list[dict[str, Any]]:
    tifs, prices = ([r.IOC, r.GTC], [0, 198, 202]) if kind == r.LIMIT else ([r.GTC], [0])
    return [{"qty": q, "price": p, "tif": t} for q in (-70, -20, 20, 70) for p in prices for t in tifs]


def requests(kind: int) -> list[dict[str, Any]]:
    """Of a perpetual, and of an option that is not listed."""
    option = {"value": 100.0, "good_till": 86_400.0, "target": 0}
    return [{"qty": -20, "instrument": PERP}, {"qty": 5, "instrument": -1, **option}]


PLACES: dict[type, tuple[Any, Any]] = {
    OrderBook: (on_a_book, book_orders),
    ConstantProduct: (at_a_pool, of_qty(-50, -5, 5, 50)),
    LinearImpact: (at_a_linear_market, linear_orders),
    Desk: (at_a_desk, requests),
}


def is_taken_back(venue: type, kind: int, fields: dict[str, Any]) -> bool:
    """Whether a router refuses the order before it is sent on; the venue trades instrument 0."""
    owners = Owners(np.zeros(9, np.int16), np.arange(9, dtype=np.int32))
    router = Router(1, 1, owners, np.array([Draws(0, "x").key("rows")]))
    router.pending.trade(0, [0])
    router.expect(0, venue.meaning)  # type: ignore[attr-defined]
    router.outbox.extend(order(kind, **fields))
    router.stamp(r.TRADING, 0)
    assert router.refused.size + router.outbox.count == 1
    return bool(router.refused.size)


CELLS = [(v, k, s) for v in (*PLACES, Exchange) for k in v.meaning for s in SAID]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("venue", "kind", "said"), CELLS, ids=[f"{v.__name__}-{r.KINDS[k]}-{s}" for v, k, s in CELLS]
)
def test_what_an_order_says_has_an_effect_or_is_refused(venue: type, kind: int, said: str) -> None:
    """In one of several places at least, an order that says it and one that does not end differently."""
    change = SAID[said]
    if venue is Exchange:
        assert is_taken_back(venue, kind, change) == (said != "target")
        return
    place, bases = PLACES[venue]
    for base in bases(kind):
        if is_taken_back(venue, kind, base | change) and not is_taken_back(venue, kind, base):
            return
        if place(kind, base) != place(kind, base | change):
            return
    assert (venue, kind, said) in AS_IT_IS


@pytest.mark.parametrize("venue", [*PLACES, Exchange], ids=lambda venue: venue.__name__)
def test_a_venue_says_what_means_something_of_every_kind_it_takes(venue: Any) -> None:
    assert set(venue.takes) <= set(venue.meaning)
    assert not is_taken_back(venue, 99, SAID["flags unknown"])  # kinds it does not take are its own to refuse


def test_a_sink_takes_the_orders_of_others_as_they_are() -> None:
    assert Sink.meaning is None
    assert not is_taken_back(Sink, r.LIMIT, SAID["value"] | SAID["target"])


def test_a_request_of_a_listed_contract_names_no_other() -> None:
    for said in ("value", "target", "call"):
        assert is_taken_back(Desk, r.REQUEST, {"qty": 1, "instrument": 1} | SAID[said])
        assert not is_taken_back(Desk, r.REQUEST, {"qty": 1} | SAID[said])
    assert not is_taken_back(OrderBook, r.LIMIT, {"qty": 1, "instrument": 0})  # its own, named


def test_what_is_refused_as_it_is_sent_is_recorded_and_what_is_sent_with_it_arrives() -> None:
    """Among a population's orders some say more than the pool understands."""
    model = small_market(LPS, MAKERS, steps=3)
    row, pool = population(model, "makers"), model.listing.venue("pool").index
    decide = row.decide

    def confused(phase: str, view: Any, outbox: Any) -> None:
        if phase == "quote" and view.step == 1:
            for stp in (r.EXPIRE_TAKER, r.STP_NONE, r.EXPIRE_BOTH, r.STP_NONE):
                outbox.send(row.first, pool, r.SWAP, 5, stp=stp)
        decide(phase, view, outbox)

    row.decide = confused
    orders_of(model, "makers", 3)
    fills = model.recording().fills
    swaps = fills[(fills["venue"] == "pool") & (fills["taker_population"] == "makers")]
    assert swaps["qty"].tolist() == [5, 5]
    assert refusals(model, "makers", "unsupported") == 2
