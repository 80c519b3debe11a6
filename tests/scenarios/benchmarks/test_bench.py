"""The benchmark reckons and reports rightly; what it measures is never asserted here."""

from __future__ import annotations

import itertools
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from scenarios import benchmarks
from scenarios.__main__ import main
from scenarios.benchmarks import (
    bench,
    book,
    greeks,
    hedgers,
    memory,
    overhead,
    processes,
    sorted_book,
    sweeps,
)
from scenarios.benchmarks.background import NO_SLOT, Scribe
from scenarios.benchmarks.measurement import Measurement, known
from scenarios.benchmarks.memory import array_bytes
from scenarios.benchmarks.objects import Account, HeapBook, Hedger
from scenarios.benchmarks.rows import (
    Comparison,
    Goal,
    MissingPeer,
    Row,
    Spread,
    alternate,
    figure,
    peer,
    rate,
)
from scenarios.benchmarks.vectorised import OwnOptions, SharedContracts
from sim.base.typed_call import TypedCall
from sim.messages.tape import Tape
from sim.records import FILLS, HEDGE, LIMIT, MARKET, QUOTE, orders

DICE = """
from scenarios.benchmarks.measurement import measurement
from scenarios.benchmarks.rows import Row, Spread

@measurement("dice", 15)
def thrown():
    yield Row("a throw", Spread(4.0, 1.0, 6.0), "s")
"""


def test_ratios_are_taken_pair_by_pair() -> None:
    compared = Comparison(ours=(10.0, 40.0, 30.0), peer=(5.0, 5.0, 10.0))
    assert compared.ratio == Spread(median=3.0, low=2.0, high=8.0)


def test_contestants_take_turns() -> None:
    turns: list[str] = []
    rates = itertools.count(1)

    def contestant(name: str) -> float:
        turns.append(name)
        return float(next(rates))

    compared = alternate(lambda: contestant("ours"), lambda: contestant("peer"), repeats=3)
    assert turns == ["ours", "peer"] * 3
    assert compared == Comparison((1.0, 3.0, 5.0), (2.0, 4.0, 6.0))


@pytest.mark.parametrize(
    ("goal", "value", "verdict"),
    [
        (Goal(6, 10), 5.99, "short"),
        (Goal(6, 10), 6.0, "reached"),
        (Goal(6, 10), 10.0, "aim"),
        (Goal(45, 15, more_is_better=False), 45.1, "short"),
        (Goal(45, 15, more_is_better=False), 45.0, "reached"),
        (Goal(45, 15, more_is_better=False), 15.0, "aim"),
        (Goal(10, more_is_better=False), 1.0, "reached"),
    ],
)
def test_a_verdict_names_what_was_reached(goal: Goal, value: float, verdict: str) -> None:
    assert goal.verdict(value) == verdict


def test_a_row_shows_both_rates_the_ratio_and_the_goal() -> None:
    row = Comparison((30e6, 30e6, 32e6), (5e6, 4e6, 4e6)).row("book", Goal(6, 10), "messages/s")
    assert row.cells() == (
        *("book", "30.0 M messages/s", "4.00 M messages/s"),
        *("7.50x", "6.00-8.00", "6.00x", "10.0x", "reached"),
    )
    assert Row("import", Spread(0.4, 0.3, 0.5), "s").cells()[5:] == ("-", "-", "-")


@pytest.mark.parametrize(("value", "shown"), [(1234.5, "1,234"), (12.34, "12.3"), (1.234, "1.23")])
def test_figures_have_three_digits(value: float, shown: str) -> None:
    assert figure(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(2.5e6, "2.50 M"), (2.5e4, "25.0 k"), (250.0, "250 ")])
def test_rates_have_prefixes(value: float, shown: str) -> None:
    assert rate(value) == shown


def test_a_measurement_is_found_because_its_file_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dice.py").write_text(DICE)
    monkeypatch.setattr(benchmarks, "__path__", [*benchmarks.__path__, str(tmp_path)])
    assert main(["bench", "dice"]) == 0
    sys.modules.pop("scenarios.benchmarks.dice")
    assert "a throw" in capsys.readouterr().out
    monkeypatch.undo()
    subjects = [each.subject for each in known()]
    assert subjects == sorted(subjects, key=subjects.index)  # those of one subject follow each other
    assert "dice" not in subjects
    assert subjects[-1] == "compile"


def test_an_unknown_subject_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "hedger"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "bench: bench has no subject 'hedger'; did you mean \"hedgers\"? "
        f"allowed: {', '.join(dict.fromkeys(each.subject for each in known()))}\n"
    )


def test_the_table_leaves_out_a_subject_whose_peer_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def without_its_peer() -> Iterator[Row]:
        peer("no_such_peer")
        yield Row("never", Spread(1.0, 1.0, 1.0), "x")

    def measured() -> Iterator[Row]:
        yield Comparison((8.0,), (2.0,)).row("something", Goal(6, 10), "things/s")

    monkeypatch.setattr(
        bench, "measures", lambda _: [Measurement(without_its_peer, "a", 1), Measurement(measured, "b", 2)]
    )
    assert main(["bench"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "python 3" in lines[1]
    assert lines[2].split() == ["ours", "peer", "median", "range", "goal", "aim", "verdict"]
    assert lines[3] == "a: left out, no_such_peer is not installed; pip install 'hedgequake[dev]' brings it"
    assert lines[4].startswith("something")
    assert lines[4].endswith("short")


def test_a_missing_peer_says_which_extra_brings_it() -> None:
    with pytest.raises(MissingPeer, match=r"hedgequake\[dev\]"):
        peer("no_such_peer")


def test_pythons_share_is_what_kernels_leave_and_what_calling_them_costs() -> None:
    inside = {1: (2.0, 10), 2: (1.0, 20)}
    share = overhead._share(10.0, inside, lost=0.1, empty={1: 0.05, 2: 0.02}, steps=10)
    assert share.step_seconds == pytest.approx(0.7)  # 10 s less 30 stopwatches of 0.1 s
    assert share.calls_seconds == pytest.approx(0.09)
    assert share.seconds == pytest.approx(0.7 - 0.3 + 0.09)
    assert share.calls == pytest.approx(3.0)


def test_stopwatches_read_kernels_called_by_name_and_prepared_ones_and_are_put_back() -> None:
    from sim.kernels.accounts import settling

    prepared = TypedCall(settling.funding_rate)
    prepared.call(0.01, 0.001, 0.1)
    by_name, chosen = settling.funding_rate, prepared.call
    with overhead.watched() as watches:
        settling.funding_rate(0.01, 0.001, 0.1)
        for _ in range(2):
            prepared.call(0.01, 0.001, 0.1)
        assert sorted(watch.calls for watch in watches if watch.calls) == [1, 2]
    assert settling.funding_rate is by_name
    assert prepared.call is chosen


def test_an_array_seen_twice_counts_once() -> None:
    column = np.zeros(100)
    holder = SimpleNamespace(a=column, b=[column[10:20]], c={"rows": np.zeros(7)}, tape=Tape())
    assert array_bytes(holder, apart=(Tape,)) == 856
    assert array_bytes(holder) > 856


def test_a_proxy_of_what_is_gone_is_passed_over() -> None:
    """numba's registries, which a market's kernels lead to, keep some."""
    passing = {"a set"} - {"a set"}
    holder = SimpleNamespace(proxy=weakref.proxy(passing), column=np.zeros(100))
    del passing
    assert array_bytes(holder) == 800


SMALL: dict[Any, dict[str, Any]] = {
    hedgers: {"WARM_UP": 2, "STEPS": 2, "OBJECT_STEPS": 2},
    greeks: {"MANY": 1_000, "BLOCK": 100, "OPTIONS_TIMED": 1_000},
    overhead: {"SHOCK_SECONDS": 4.0, "CALM_AFTER": 1, "STEPS": 2, "EMPTY_CALLS": 8},
    processes: {"REPEATS": 1},
    memory: {"MILLION": 1_000, "FEW": 100, "MANY": 300},
    sweeps: {"RUNS": 20, "SOME": 10, "FEW": 10, "STEPS": 3, "MANY": 20, "REPEATS": 1},
}
DEFAULTS: dict[Callable[..., Any], tuple[Any, ...]] = {
    book.against_bourse.function: (40_000, 1),
    sorted_book.against_sorted_containers.function: (20_000, 1),
    greeks.against_scipy.function: (1,),
    hedgers.against_bourse_and_numpy.function: (1,),
    hedgers.against_objects.function: (1,),
    hedgers.World.__init__: (100,),
    overhead.outside_kernels.function: (1,),
    overhead.empty_call_seconds: (1,),
    memory.order_bytes: (2_000,),
    sweeps.planned: (3,),
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every subject at a size that takes seconds; kernels come from the cache that there is."""
    for module, constants in SMALL.items():
        for name, value in constants.items():
            monkeypatch.setattr(module, name, value)
    for function, defaults in DEFAULTS.items():
        monkeypatch.setattr(function, "__defaults__", defaults)
    monkeypatch.setattr(sweeps.swept, "__kwdefaults__", {"steps": 3})
    script = sweeps.PARENT.replace("(100, MANY)", "(10, 20)")
    assert script != sweeps.PARENT
    monkeypatch.setattr(sweeps, "PARENT", script)
    own = processes.run_process

    def run_process(*options: str, environment: Any = None) -> tuple[float, dict[str, Any]]:
        return own(*options, "--steps", "2", "--no-figures")

    monkeypatch.setattr(processes, "run_process", run_process)
    monkeypatch.setattr(memory, "run_process", run_process)


@pytest.mark.usefixtures("small")
@pytest.mark.long
def test_all_subjects_one_after_the_other_reach_the_end_of_the_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What a subject leaves in the process must not stop the next one."""
    for name in ("bourse", "sortedcontainers"):
        pytest.importorskip(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert main(["bench"]) == 0
    said = capsys.readouterr()
    begun = [line.split()[1] for line in said.err.splitlines() if line.startswith("measuring ")]
    assert begun == [each.subject for each in known()]
    _, _, headings, *rows, last = said.out.splitlines()
    assert headings.split()[-1] == "verdict"
    assert last.startswith("measured in ")
    assert len(rows) > 20
    assert all(row.split()[-1] in ("aim", "reached", "short", "-") for row in rows)


def test_the_scribe_tells_peers_what_changed() -> None:
    rows = orders(5)
    rows["kind"] = QUOTE, QUOTE, LIMIT, MARKET, MARKET
    rows["qty"] = 5, -5, 3, -2, 9
    rows["price"] = 99, 101, 1, 0, 0
    rows["target"] = 0, 1, -1, -1, -1
    rows["good_till"][2] = 0.5
    rows["reason"][4] = HEDGE
    venue = SimpleNamespace(execute=lambda *_: None)
    scribe = Scribe(venue)

    venue.execute(rows, np.arange(5))
    first = scribe.step(0.0, 100.0, 1.0)
    assert first.cancelled.size == 0
    assert first.slot.tolist() == [0, 1, 2, NO_SLOT]
    assert first.is_buy.tolist() == [True, False, True, False]
    assert first.price.tolist()[:3] == [99, 101, 99]

    rows["price"][0] = 98
    venue.execute(rows, np.arange(2))
    second = scribe.step(1.0, 100.0, 1.0)
    assert sorted(second.cancelled.tolist()) == [0, 2]  # the moved quote and the order that ended
    assert second.price.tolist() == [98]


def test_the_peers_books_keep_price_and_time_priority() -> None:
    heap, tree = HeapBook(), sorted_book.SortedBook(_SortedDict)
    for slot, price in enumerate((101, 100, 100)):
        heap.limit(slot, False, 5, price)
        tree.limit(-5, price, slot)
    heap.market(True, 7)
    tree.market(7)
    assert heap.left == {0: 5, 2: 3}
    assert tree.fills == 2
    heap.cancel(2)
    tree.cancel(2)
    assert heap.best(is_bid=False) == 101
    heap.limit(3, True, 6, 101)
    tree.limit(6, 101, 3)
    assert heap.left == {3: 1}
    assert heap.best(is_bid=True) == 101
    assert tree.fills == 3


class _SortedDict(dict[int, dict[int, int]]):
    """What `SortedBook` needs of the peer's class."""

    def peekitem(self, _: int) -> tuple[int, dict[int, int]]:
        return min(self.items())


def test_all_books_of_the_benchmark_do_the_same_work() -> None:
    bourse = pytest.importorskip("bourse")
    sent = book.stream(messages=2_000, resting=200, batch=100)
    tape = Tape()
    ours = book.run_ours(sent, tape)[1]
    assert book.run_ours(sent, tape)[1] == ours
    theirs = book.run_bourse(bourse, book.instructions(sent.batches, sent.tags))[1]
    tree = sorted_book.SortedBook(_SortedDict)
    for batch in sorted_book.messages_of(sent):
        sorted_book.replay(tree, batch)
    assert tree.fills == ours
    assert theirs == pytest.approx(ours, rel=0.1)


def test_all_markets_of_the_benchmark_do_the_same_work() -> None:
    bourse = pytest.importorskip("bourse")
    steps, world = 60, hedgers.World(60, hedgers=2_000)
    ours, peers = world.market(), [world.objects(kind) for kind in (Hedger, Account)]
    vectorised = [world.vectorised(bourse, valuation) for valuation in (OwnOptions, SharedContracts)]
    sent = [0 for _ in peers]
    for _ in range(steps):
        before = [[hedger.position for hedger in objects.agents] for objects in peers]
        for market in (ours, *peers, *vectorised):
            market.step()
        for n, objects in enumerate(peers):
            sent[n] += sum(b != h.position for b, h in zip(before[n], objects.agents, strict=True))

    fills = ours.tape.fills[: ours.tape.counts[FILLS]]
    hedges = np.unique(fills[fills["reason"] == HEDGE][["step", "taker"]]).size
    assert hedges > 50
    for count, objects in zip(sent, peers, strict=True):
        assert count == pytest.approx(hedges, rel=0.1)
        assert objects.mid == pytest.approx(ours.view.assets["mid"][0], rel=1e-3)
    for peer_market in vectorised:
        assert peer_market.orders == pytest.approx(hedges, rel=0.1)
        assert peer_market.series[-1][0] == pytest.approx(ours.view.assets["mid"][0], rel=1e-3)
    assert vectorised[0].position.tolist() == vectorised[1].position.tolist()


def test_an_account_object_sees_what_the_vectorised_peer_sees() -> None:
    """In the first step, before the books of the two can differ: every account, and the sums."""
    bourse = pytest.importorskip("bourse")
    world = hedgers.World(1, hedgers=500)
    accounts, vectorised = world.objects(Account), world.vectorised(bourse, OwnOptions)
    by_hand = np.array([account.valued(world.spot, 0.0) for account in accounts.agents]).T
    for ours, theirs in zip(by_hand, OwnOptions(world.books).totals(world.spot, 0.0), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
    accounts.step()
    vectorised.step()
    (_, cash, position, delta, gamma, breaches), seen = accounts.series[0], vectorised.series[0]
    assert (cash, position, delta, gamma, breaches) == pytest.approx(
        (seen[1], seen[2] * world.lot, seen[3], seen[4], seen[5]), rel=1e-9, abs=1e-6
    )


def test_a_peer_that_is_slower_than_elsewhere_is_said_to_be() -> None:
    slow = Comparison((8.0, 8.0), (2.0, 2.0))
    assert slow.row("book", None, "messages/s", least=3.0).peer == "2.00  messages/s < 3.00"
    assert "<" not in slow.row("book", None, "messages/s", least=2.0).peer
