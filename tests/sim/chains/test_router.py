"""The router: orders meet a venue in the order in which they arrive."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.chains.router import Router
from sim.kernels.messages.owners import Owners
from sim.records import HEDGING, TRADING
from sim.setup.draws import Draws

ACCOUNTS = 8


def router(venues=2, seed=1):
    accounts = np.arange(ACCOUNTS)
    keys = np.full(ACCOUNTS, Draws(0, "test").key("rows"))
    return Router(venues, seed, Owners(accounts.astype(np.int16), accounts.astype(np.int32)), keys)


def send(router, account, time, latency=0.0, venue=0, qty=1):
    router.outbox.now = time
    router.outbox.market(account, venue, qty, latency=latency)


def arrivals(router, until):
    """Accounts and quantities delivered by `until`, batch by batch; then forget them."""
    found = [
        (venue, [(int(orders[row]["account"]), int(orders[row]["qty"])) for row in rows])
        for venue, orders, rows, _ in router.due(until)
    ]
    router.forget()
    return found


def test_arrival_decides_not_the_phase_in_which_an_order_was_sent():
    desk = router()
    send(desk, 1, 0.0, latency=0.5)
    desk.stamp(TRADING, 0)
    send(desk, 2, 0.0, latency=0.1)
    desk.stamp(HEDGING, 0)
    send(desk, 3, 0.2, latency=0.1)
    desk.stamp(HEDGING, 0)
    assert desk.outbox.rows["phase"][:3].tolist() == [TRADING, HEDGING, HEDGING]
    assert desk.outbox.rows["population"][:3].tolist() == [1, 2, 3]
    assert arrivals(desk, 1.0) == [(0, [(2, 1), (3, 1), (1, 1)])]


@pytest.mark.parametrize(
    "fields", [{"time": 9.5}, {"latency": -0.5}, {"venue": 7}, {"account": ACCOUNTS}, {"time": np.nan}]
)
def test_an_order_that_cannot_be_delivered_is_refused_as_it_is_sent(fields):
    desk = router()
    send(desk, 1, 10.0)
    for field, value in fields.items():
        desk.outbox.rows[0][field] = value
    with pytest.raises(ValueError, match=r"cannot be delivered: account \d, venue \d"):
        desk.stamp(TRADING, 10, 10.0)


def test_what_arrives_later_waits_and_is_delivered_once():
    desk = router()
    send(desk, 1, 0.0, latency=2.5)
    send(desk, 2, 0.0, latency=0.5, venue=1)
    send(desk, 3, 0.0, latency=1.0)
    desk.stamp(TRADING, 0)
    assert desk.earliest == 0.5
    assert arrivals(desk, 0.4) == []
    assert arrivals(desk, 1.0) == [(1, [(2, 1)]), (0, [(3, 1)])]  # at the instant counts
    assert desk.earliest == 2.5
    assert arrivals(desk, 2.0) == []
    assert arrivals(desk, 3.0) == [(0, [(1, 1)])]
    assert desk.outbox.count == 0
    assert desk.earliest == np.inf


def test_arrival_decides_across_venues():
    desk = router(venues=3)
    for account, (venue, latency) in enumerate([(1, 0.1), (0, 0.2), (0, 0.3), (1, 0.3), (2, 0.25), (0, 0.4)]):
        send(desk, account, 0.0, latency=latency, venue=venue)
    desk.stamp(TRADING, 0)
    found = [(venue, rows.tolist(), at) for venue, _, rows, at in desk.due(1.0)]
    assert found == [
        (1, [0], 0.1),
        (0, [1], 0.2),
        (2, [4], 0.25),
        (0, [2], 0.3),
        (1, [3], 0.3),
        (0, [5], 1.0),
    ]


def test_venues_outside_the_market_come_last_in_one_batch_each():
    desk = router(venues=3)
    desk.put_last(0)
    for account, (venue, latency) in enumerate([(0, 0.1), (1, 0.2), (0, 0.3), (2, 0.4)]):
        send(desk, account, 0.0, latency=latency, venue=venue)
    desk.stamp(TRADING, 0)
    assert arrivals(desk, 1.0) == [(1, [(1, 1)]), (2, [(3, 1)]), (0, [(0, 1), (2, 1)])]


def test_only_what_was_delivered_is_forgotten_and_what_is_sent_meanwhile_is_sorted_in():
    desk = router(venues=3)
    for account, (venue, latency) in enumerate([(0, 0.1), (1, 0.2), (0, 0.3), (2, 0.4)]):
        send(desk, account, 0.0, latency=latency, venue=venue)
    desk.stamp(TRADING, 0)
    delivery = desk.due(1.0)
    assert [next(delivery)[0], next(delivery)[0]] == [0, 1]
    desk.forget()
    send(desk, 7, 0.0, latency=0.35, venue=1)
    desk.stamp(TRADING, 0)
    assert desk.pending.counts.sum() == 3
    assert arrivals(desk, 1.0) == [(0, [(2, 1)]), (1, [(7, 1)]), (2, [(3, 1)])]


def test_an_order_that_was_not_delivered_is_not_forgotten():
    desk = router()
    send(desk, 1, 0.0)
    desk.stamp(TRADING, 0)
    arrivals(desk, 0.0)
    send(desk, 2, 0.0, latency=3.0)
    desk.stamp(TRADING, 0)
    desk.forget()
    assert arrivals(desk, 3.0) == [(0, [(2, 1)])]


def test_a_tie_is_that_of_a_row_of_a_population_wherever_its_accounts_are():
    """A population in front of another leaves the order among the rows of the other as it was."""

    def order_of(*accounts):
        population_of, row_of = np.zeros(44, np.int16), np.arange(44, dtype=np.int32)
        population_of[list(accounts)], row_of[list(accounts)] = 1, range(4)
        keys = np.array([Draws(0, name).key("rows") for name in ("before", "own")])
        desk = Router(1, 7, Owners(population_of, row_of), keys)
        for account in accounts:
            send(desk, account, 0.0)
        desk.stamp(TRADING, 3)
        return [accounts.index(account) for account, _ in arrivals(desk, 0.0)[0][1]]

    assert order_of(0, 1, 2, 3) == order_of(40, 41, 42, 43) == order_of(30, 7, 43, 0)


def test_a_sender_s_orders_of_one_instant_keep_their_order_whatever_the_tie():
    desk = router()
    for qty in range(1, 6):
        for account in (4, 2, 6):
            send(desk, account, 1.0, qty=qty)
    desk.stamp(TRADING, 0)
    [(_, delivered)] = arrivals(desk, 1.0)
    for account in (2, 4, 6):
        assert [q for a, q in delivered if a == account] == [1, 2, 3, 4, 5]
    order = [a for a, _ in delivered]
    assert order == sorted(order, key=order.index)  # and arrive together


def test_nobody_is_always_first_and_other_populations_do_not_matter():
    def first(step, seed, accounts):
        desk = router(seed=seed)
        for account in accounts:
            send(desk, account, 0.0)
        desk.stamp(TRADING, step)
        return [a for a, _ in arrivals(desk, 0.0)[0][1]]

    firsts = [first(step, 1, range(4))[0] for step in range(400)]
    counts = np.bincount(firsts, minlength=4)
    assert counts.sum() == 400
    assert (abs(counts - 100) < 5 * np.sqrt(400 * 0.25 * 0.75)).all()
    assert [first(s, 1, range(4)) for s in range(9)] != [first(s, 2, range(4)) for s in range(9)]
    for step in range(20):  # two accounts meet in the same order, whoever else is there
        alone, crowded = first(step, 1, (1, 3)), first(step, 1, (0, 1, 2, 3, 7))
        assert [a for a in crowded if a in (1, 3)] == alone


def test_latency_is_a_number_of_seconds_from_now_on():
    desk = router()
    for latency in (-0.1, np.nan, np.inf):
        with pytest.raises(ValueError, match="latency"):
            send(desk, 1, 0.0, latency=latency)
    with pytest.raises(ValueError, match="no field 'prise'"):
        desk.outbox.send(1, 0, 1, 1, prise=3)


ORDERS = st.lists(
    st.tuples(
        st.integers(0, ACCOUNTS - 1),
        st.integers(0, 3),
        st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.5]),
        st.sampled_from([0.0, 0.25, 0.5, 2.0]),
    ),
    max_size=2000,
)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(ORDERS, st.sampled_from([0.25, 0.5, 1.0, 4.0]))
def test_every_order_is_delivered_once_in_arrival_order_however_time_is_cut(sent, step):
    desk = router(venues=4)
    for i, (account, venue, time, latency) in enumerate(sent):
        send(desk, account, time, latency, venue, qty=i + 1)
    desk.stamp(TRADING, 0)
    ties = desk.outbox.rows["tie"][: len(sent)].copy()
    delivered = []
    for k in range(int(4 / step) + 1):
        batches = arrivals(desk, k * step)
        assert all(found for _, found in batches)
        delivered += [qty - 1 for _, found in batches for _, qty in found]
    assert delivered == sorted(
        range(len(sent)), key=lambda i: (sent[i][2] + sent[i][3], sent[i][1], ties[i], i)
    )
    assert desk.outbox.count == 0
