"""Every rule of the order book at once, against a naive book that shares no code with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from book_market import ACCOUNTS, MID, TAGS, Market, queue
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_book import UNLIMITED, NaiveBook

from sim import records as r
from sim.kernels.books.ladder import BLOCK

FIELDS = set(r.ORDER.names or ())
KINDS = [r.LIMIT] * 8 + [r.MARKET] * 2 + [r.CANCEL] * 2 + [r.QUOTE] * 4 + [r.MODIFY] * 2
KINDS += [r.CANCEL_RANDOM, r.CANCEL_ALL, r.SWAP]


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(KINDS))
    reference = draw(st.sampled_from([r.ABSOLUTE] * 3 + [r.MID, r.OWN_BEST, r.OPPOSITE_BEST]))
    near = st.integers(92, 108) if reference == r.ABSOLUTE else st.integers(-3, 6)
    return {
        "kind": kind,
        "gap": draw(st.sampled_from([0.0, 0.0, 0.25, 1.0])),
        "life": draw(st.sampled_from([math.inf, math.inf, 0.0, 0.5, 1.0, 3.0])),
        "account": draw(st.integers(0, ACCOUNTS - 1)),
        "qty": draw(st.integers(-9, 9)),
        "price": draw(
            near if draw(st.integers(0, 15)) else st.sampled_from([0, -5, BLOCK - 1, BLOCK, 10**12])
        ),
        "price_ref": reference,
        "target": draw(st.integers(-1 if kind == r.LIMIT else 0, TAGS)),
        "value": draw(st.sampled_from([98.0, 100.0, 100.5, 103.0])),
        "tif": draw(st.sampled_from([r.GTC] * 3 + [r.IOC, r.FOK])),
        "stp": draw(st.integers(0, 3)),
        "flags": draw(
            st.sampled_from([0] * 4 + [r.POST_ONLY, r.REDUCE_ONLY, r.REDUCE_ONLY, r.SIDE_BY_VALUE])
        ),
        "phase": draw(st.integers(1, 4)),
        "reason": draw(st.integers(0, 2)),
        "cause": draw(st.integers(0, 3)),
    }


def agree(m: Market, naive: NaiveBook) -> None:
    """Assert that both books hold the same and did the same."""
    fills = ["time", "price", "qty", "maker", "taker", "group", "cause", "phase", "reason"]
    assert m.fills[fills].tolist() == naive.fills
    moves = ["time", "half_ticks", "account", "cause", "phase", "reason", "mover"]
    assert m.moves[moves].tolist() == naive.moves
    assert m.rejects[["time", "account", "kind", "refusal", "qty", "phase"]].tolist() == naive.rejects
    assert m.room.tolist() == naive.room
    for side in (1, -1):
        ticks = sorted({o.tick for o in naive.side(side)}, reverse=side > 0)
        lots = [sum(abs(qty) for _, qty, _ in naive.queue(tick)) for tick in ticks]
        assert m.levels(side) == [[tick, n] for tick, n in zip(ticks, lots, strict=True)]
        for tick in ticks:
            assert queue(m.book, tick) == naive.queue(tick)
        column = m.book.accounts["buying" if side > 0 else "selling"]
        assert column.tolist() == [
            sum(o.lots for o in naive.of(a) if o.side == side) for a in range(ACCOUNTS)
        ]
    assert m.book.accounts["resting"].tolist() == [len(naive.of(a)) for a in range(ACCOUNTS)]
    assert m.book._header["resting"][0] == len(naive.orders)
    assert m.book._header["reducing"][0] == sum(o.is_reduce_only for o in naive.orders)
    assert m.book._storage.columns.tags.astype(bool).tolist() == [
        naive.tagged(t) is not None for t in range(TAGS)
    ]
    quote = m.quote
    best = [r.NO_TICK if naive.best(s) is None else naive.best(s) for s in (1, -1)]
    assert [quote["bid_tick"], quote["ask_tick"]] == best
    assert quote["mid_half_ticks"] == naive.mid


@settings(deadline=None, max_examples=300, derandomize=True)
@given(
    st.lists(st.lists(messages(), max_size=12), min_size=1, max_size=8),
    st.sampled_from([{}, {}, {"band_bps": 200.0, "band_window_seconds": 2.0, "halt_seconds": 1.0}]),
    st.lists(st.sampled_from([UNLIMITED, UNLIMITED, 12, 0]), min_size=2 * ACCOUNTS, max_size=2 * ACCOUNTS),
    st.lists(st.integers(-12, 12), min_size=ACCOUNTS, max_size=ACCOUNTS),
)
def test_the_book_does_what_the_naive_book_does(
    batches: list[list[dict[str, Any]]], rules: dict[str, Any], room: list[int], held: list[int]
) -> None:
    compare(batches, rules, np.array(room + held).reshape(3, ACCOUNTS))


def compare(batches: list[list[dict[str, Any]]], rules: dict[str, Any], room: np.ndarray) -> Market:
    """Send batches to both books and assert after each that they agree."""
    m = Market(**rules)
    m.room[:] = room
    naive = NaiveBook(
        2 * MID,
        BLOCK,
        TAGS,
        m.room.tolist(),
        band=1e-4 * rules.get("band_bps", 0.0),
        window=rules.get("band_window_seconds", 1.0),
        halt=rules.get("halt_seconds", 0.0),
    )
    clock, opening = 0.0, m.quote["mid_half_ticks"]
    for batch in batches:
        rows = r.orders(len(batch))
        for row, message in zip(rows, batch, strict=True):
            clock += message["gap"]
            row["time"], row["latency"] = clock - 0.25, 0.25
            row["good_till"] = clock + message["life"]
            for name in message.keys() & FIELDS:
                row[name] = message[name]
            naive.advance(clock, message["phase"])
            if row["kind"] == r.CANCEL_RANDOM and len(naive.of(row["account"])) > 1:
                row["kind"] = r.CANCEL  # which one it takes is tested above
            naive.execute(row)
        clock += 0.25
        naive.advance(clock, r.TRADING)
        m.send_all(rows, clock)
        agree(m, naive)
    bid, ask = m.quote["bid_tick"], m.quote["ask_tick"]
    assert bid < ask or r.NO_TICK in (bid, ask)
    assert opening + m.moves["half_ticks"].sum() == m.quote["mid_half_ticks"]
    seq = np.concatenate([m.fills["seq"], m.moves["seq"]])
    assert sorted(seq) == list(range(seq.size))
    return m


def crowded(dice: np.random.Generator, count: int) -> list[dict[str, Any]]:
    """Messages of three accounts within a few ticks, half of them reduce-only, many whole or not at all."""
    return [
        {
            "kind": int(dice.choice([r.LIMIT, r.LIMIT, r.QUOTE, r.MODIFY, r.MARKET])),
            "gap": float(dice.choice([0.0, 0.25])),
            "life": math.inf,
            "account": int(dice.integers(3)),
            "qty": int(dice.integers(1, 7) * dice.choice([-1, 1])),
            "price": int(dice.integers(97, 104)),
            "price_ref": r.ABSOLUTE,
            "target": int(dice.integers(0, TAGS)),
            "value": 0.0,
            "tif": int(dice.choice([r.GTC, r.GTC, r.GTC, r.FOK, r.IOC])),
            "stp": int(dice.choice([r.STP_NONE, r.STP_NONE, r.EXPIRE_MAKER, r.EXPIRE_TAKER])),
            "flags": int(dice.choice([0, r.REDUCE_ONLY])),
            "phase": 1,
            "reason": 0,
            "cause": 0,
        }
        for _ in range(count)
    ]


def test_reduce_only_fill_or_kill_and_replacements_do_what_the_naive_book_does() -> None:
    """Random streams in which positions run out, orders replace one another, and the band is near."""
    dice = np.random.default_rng(11)
    refusals: set[str] = set()
    for stream in range(250):
        band = {"band_bps": 150.0, "band_window_seconds": 1e6, "halt_seconds": float(stream % 4 == 1)}
        room = np.full((3, ACCOUNTS), UNLIMITED)
        room[2] = dice.integers(-9, 10, ACCOUNTS)
        batches = [crowded(dice, int(dice.integers(1, 12))) for _ in range(6)]
        refusals |= set(compare(batches, band if stream % 2 else {}, room).refusals)
    assert refusals >= {"nothing_to_reduce", "not_fillable", "outside_band", "unknown_tag", "tag_in_use"}
