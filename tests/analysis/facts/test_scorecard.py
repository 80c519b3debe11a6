"""The scorecard passes, fails, or says what it would take; over seeds and with probes it tells more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from samples import STEPS, of_returns
from small_market import MAKERS, small_market
from synthetic import a_crash, a_recording, fills, rows

from analysis.base.estimate import Estimate
from analysis.base.metric import Absent, Undefined
from analysis.facts import scorecard
from analysis.facts.bands import FACTS, HOUR, OF_RUNS, Fact
from analysis.facts.scorecard import Measured
from analysis.measures import metrics
from analysis.probes.impact import Impact, Seed
from analysis.probes.observed import Probe, Schedule, World
from sim.recording.recording import Recording
from sim.records import TRADE


def row_of(rows: list[scorecard.Row], moment: str) -> scorecard.Row:
    return next(row for row in rows if row.fact.moment == moment)


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (3.5, 0.2, "pass"),
        (3.9, 0.24, "pass"),
        (3.5, 0.5, "not measurable: it takes about 4 h"),
        (4.1, 0.2, "not measurable: outside by less than it may be off"),
        (4.5, 0.2, "fail"),
        (2.5, 0.2, "fail"),
    ],
)
def test_a_fact_passes_fails_or_takes_longer(value: float, error: float, said: str) -> None:
    """Of a band from 3 to 4: a quarter is 0.25, and errors halve in four times the time."""
    reach = 1.959964 * error
    fact = Fact("a fact", "own", 3.0, 4.0, "nobody", lambda *_: Estimate(value, value - reach, value + reach))
    found = scorecard.measured(a_recording(), "BTC", fact)
    assert found.error == pytest.approx(error)
    assert scorecard.verdict(fact, found, HOUR) == said


def test_what_is_not_there_fails_and_what_cannot_be_told_does_not() -> None:
    def absent(*_: object) -> Estimate:
        raise Absent("no memory")

    def untold(*_: object) -> Estimate:
        raise Undefined("too short")

    for measure, said in ((absent, "fail: no memory"), (untold, "not measurable: too short")):
        fact = Fact("a fact", "own", 3.0, 4.0, "nobody", measure)
        assert scorecard.verdict(fact, scorecard.measured(a_recording(), "BTC", fact), HOUR) == said


def test_independent_returns_have_no_memory_of_sizes_and_clustered_ones_have() -> None:
    rng = np.random.default_rng(3)
    none = scorecard.scorecard(of_returns(rng.normal(0, 1e-4, STEPS)))
    assert row_of(none, "absolute_return_decay").verdict.startswith("fail: the autocorrelation is not above")
    few = scorecard.scorecard(of_returns(rng.normal(0, 1e-4, 320)))
    assert row_of(few, "absolute_return_decay").verdict.startswith("not measurable")


def test_thick_tails_pass_and_none_fail() -> None:
    rng = np.random.default_rng(8)
    fat, flat = (
        row_of(scorecard.scorecard(of_returns(1e-4 * moves)), "tail_index")
        for moves in (rng.standard_t(3, STEPS), rng.uniform(-1, 1, STEPS))
    )
    assert (fat.verdict, flat.verdict) == ("pass", "fail")


def test_books_without_traders_are_not_blamed_for_what_they_cannot_have() -> None:
    recording = of_returns(np.random.default_rng(8).uniform(-1e-4, 1e-4, STEPS))
    recording.market["populations"] = [
        each for each in recording.market["populations"] if each["name"] in ("noise", "makers")
    ]
    found = row_of(scorecard.scorecard(recording), "tail_index")
    assert found.verdict == "fail, as books without traders who react do by construction"


def test_one_run_cannot_tell_what_takes_an_order() -> None:
    rows = scorecard.scorecard(a_crash())
    assert [row.fact for row in rows] == list(FACTS)
    for row in rows:
        assert row.verdict.startswith(("pass", "fail", "not measurable"))
        assert (row.fact.measure is None) == ("hedgequake probe" in row.verdict)


def test_a_run_that_cannot_tell_says_so_throughout() -> None:
    short, still = (
        scorecard.scorecard(a_recording({"BTC.mid": np.full(steps, 100.0)})) for steps in (4, STEPS)
    )
    for row in [*short, *still]:
        is_told = row in still and row.fact.moment == "realised_volatility_1min"
        assert row.verdict.startswith("fail" if is_told else "not measurable")


def of_makers(steps: int, seed: int = 1) -> Recording:
    """Makers and noise around a random walk."""
    noise = {"name": "noise", "type": "noise.NoiseTraders", "venue": "perp", "count": 5, "market_rate": 0.3}
    driver = {"driver": {"type": "drivers.GeometricBrownian", "volatility": 0.6}}
    return small_market(MAKERS, noise, venues=("perp",), steps=steps, seed=seed, asset=driver).run()


def test_errors_of_depths_and_turnover_are_those_of_independent_minutes() -> None:
    """3, and a relative error of sqrt((0.1^2 + 0.2^2) / 60); a unit a second over a depth of 100 +- 10."""
    rng, minutes = np.random.default_rng(5), range(60, STEPS + 1, 60)
    near, far = rng.normal(100, 10, 60), rng.normal(300, 60, 60)
    looks = [
        {"step": step, "asset": 0, "distance_bps": distance, "bid": depth, "ask": depth}
        for step, *both in zip(minutes, near, far, strict=True)
        for distance, depth in zip((100.0, 500.0), both, strict=True)
    ]
    made = fills(*({"step": step, "reason": TRADE, "qty": 1000} for step in range(STEPS)))
    columns = {"BTC.mid": np.full(STEPS, 100.0)}
    found = scorecard.scorecard(a_recording(columns, depths=rows("depths", *looks), fills=made))
    ratio, turnover = (row_of(found, moment).found for moment in ("depth_ratio", "volume_over_depth"))
    assert ratio.value == pytest.approx(3.0, rel=0.05)
    assert ratio.error == pytest.approx(3.0 * math.sqrt((0.1**2 + 0.2**2) / 60), rel=0.3)
    assert turnover.value == pytest.approx(864.0, rel=0.03)
    assert turnover.error == pytest.approx(864.0 * 0.1 / math.sqrt(60), rel=0.3)


def test_a_fact_is_the_metric_of_its_name() -> None:
    """The same numbers as in calibrations, of every fact that a run can tell."""
    recording = of_makers(9100)
    values = metrics(recording)
    known = 0
    for fact in OF_RUNS:
        found, entry = scorecard.measured(recording, "BTC", fact), values[f"BTC.{fact.moment}"]
        assert (found.value is None) == (entry["value"] is None)
        if found.value is not None:
            assert found.value == pytest.approx(entry["value"], rel=1e-12)
            assert found.low is not None
            assert found.high is not None
            assert found.low < found.value < found.high
            known += 1
    assert known > 7


def an_impact(moves: float, half_back: float, *, is_back: bool, last: float) -> Impact:
    """Eight seeds of two sales, nine times the size moving three times as far, and half left soon after."""
    schedule = Schedule(60.0, 60.0, (last,), 1.0)
    seeds = []
    for seed in range(8):
        world = World(1e5, 4e-4, 10.0, 100.0)
        probes = [
            Probe(
                -1e5 * share,
                1.0,
                False,
                [size * moves * (1 + 0.001 * seed) for _ in schedule.times],
                1.0,
                half_back,
                True,
                is_back,
            )
            for share, size in ((0.001, 1.0), (0.009, 3.0))
        ]
        seeds.append(Seed(world, probes))
    return Impact((0.001, 0.009), schedule, seeds)


def test_over_seeds_errors_are_those_of_the_seeds_and_probes_count() -> None:
    values = np.linspace(0.6, 0.8, 8)
    runs = [[Measured(value, 9.0, -9.0, 9.0) for _ in OF_RUNS] for value in values]
    rows = scorecard.pooled("BTC", runs, HOUR, an_impact(6e-4, 900.0, is_back=True, last=3600.0))
    spread = row_of(rows, "mean_spread")
    assert spread.found.value == pytest.approx(0.7)
    assert spread.found.error == pytest.approx(values.std(ddof=1) / math.sqrt(8), rel=0.2)
    assert (spread.runs, spread.seconds, spread.verdict) == (8, HOUR, "pass")
    assert row_of(rows, "probe.exponent").found.value == pytest.approx(0.5)
    assert row_of(rows, "probe.exponent").verdict == "pass"
    assert row_of(rows, "probe.left_at_twice").verdict == "fail", "nothing is forgotten"
    assert row_of(rows, "probe.half_back").verdict == "pass"


@pytest.mark.parametrize(("last", "said"), [(3600.0, "fail: half was"), (600.0, "not measurable: half was")])
def test_a_half_that_is_not_regained_is_no_short_time(last: float, said: str) -> None:
    runs = [[Measured(0.7) for _ in OF_RUNS] for _ in range(8)]
    rows = scorecard.pooled("BTC", runs, HOUR, an_impact(6e-4, last, is_back=False, last=last))
    assert row_of(rows, "probe.half_back").verdict.startswith(said)


def test_what_most_seeds_lack_the_market_lacks() -> None:
    there, gone, short = (
        Measured(0.3, 0.1, 0.1, 0.5),
        Measured(None, reason="none", is_absent=True),
        Measured(None),
    )
    assert scorecard.over_seeds([gone] * 6 + [short] * 2) == gone
    assert not scorecard.over_seeds([gone] * 3 + [short] * 5).is_absent
    assert scorecard.over_seeds([there] * 8 + [gone] * 3).value == pytest.approx(0.3)


def test_the_table_holds_every_fact_and_every_source_once() -> None:
    rows = scorecard.scorecard(a_crash())
    text = scorecard.table(rows)
    for row in rows:
        assert sum(row.fact.name in line for line in text.splitlines()) == 1
        assert text.count(row.fact.source) == 1 or row.fact.source in text
    counted = [sum(row.verdict.startswith(kind) for row in rows) for kind in ("pass", "fail", "not")]
    assert f"{counted[0]} of 15 facts pass, {counted[1]} fail, {counted[2]} not measurable" in text
