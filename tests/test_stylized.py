"""Stylised facts on series whose answers are known: intervals cover them, seed after seed."""

from __future__ import annotations

import gc
import math
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.signal import lfilter

from analysis import memory, meta_orders, scorecard, stylized, stylized_plots, tails
from analysis.estimate import Estimate
from analysis.figure import figures_of
from analysis.metric import Undefined, measure, metrics_of
from analysis.once import once
from sim.recording import Recording
from sim.records import BY_QUOTE, BY_TRADE, FILL, MOVE, TRADE
from tests.synthetic import a_crash, a_market, a_recording, fills

matplotlib.use("Agg")

STEPS = 3600


def covered(truth: float, found: Iterable[Estimate]) -> float:
    """In what share the interval holds the truth."""
    return float(np.mean([each.low <= truth <= each.high for each in found]))


def over_seeds(seeds: int, of: Callable[[np.random.Generator], Any]) -> list[Any]:
    """What comes of each of so many seeds."""
    return [of(np.random.default_rng(seed)) for seed in range(seeds)]


def of_returns(moves: np.ndarray, **tables: Any) -> Recording:
    """A recording of a mid with these log returns, on too fine a grid to matter."""
    market = a_market(moves.size + 1)
    market["assets"][0]["half_tick"] = 1e-9
    mid = 65000 * np.exp(np.concatenate([[0.0], np.cumsum(moves)]))
    return a_recording({"BTC.mid": mid}, market, **tables)


def long_memory(rng: np.random.Generator, exponent: float, count: int = STEPS) -> np.ndarray:
    """Gaussian observations whose autocorrelation is lag^-exponent / 2."""
    size = 4 * count
    lag = np.minimum(np.arange(size), size - np.arange(size))
    power = np.fft.rfft(np.where(lag == 0, 1.0, 0.5 * np.maximum(lag, 1.0) ** -exponent)).real
    noise = np.fft.rfft(rng.normal(size=size)) * np.sqrt(np.maximum(power, 0))
    return np.asarray(np.fft.irfft(noise, size)[:count])


# Tails.


def test_hill_of_fifty_values_one_power_of_e_above_the_rest() -> None:
    """Every exceedance has logarithm 1, so alpha is 1 and its error 1 / sqrt(50)."""
    values = np.ones(1000)
    values[::20] = -math.e
    found = tails.hill(values)
    half = 1.959964 / math.sqrt(50)
    assert found.exceedances == 50
    assert found.threshold == 1.0
    assert found.exponent == pytest.approx((1.0, 1 - half, 1 + half))


def test_hill_covers_the_exponent_of_a_pareto_tail() -> None:
    """About 95 of 100 intervals hold the 3 that was drawn from."""
    found = over_seeds(200, lambda rng: tails.hill(1 + rng.pareto(3, STEPS)).exponent)
    assert 0.90 <= covered(3.0, found) <= 0.99
    assert np.mean([each.value for each in found]) == pytest.approx(3.0, abs=0.06)


def test_hill_of_student_returns_is_near_their_degrees_of_freedom() -> None:
    """A tail that is only nearly a power measures a little low, within a tenth."""
    found = over_seeds(100, lambda rng: tails.hill(rng.standard_t(3, STEPS)).exponent)
    assert 2.75 <= np.mean([each.value for each in found]) <= 3.0
    assert covered(3.0, found) >= 0.85


def test_hill_of_clustered_values_has_a_wider_interval() -> None:
    """Each value four times over: intervals for independent values are half as wide as they should be."""
    found = over_seeds(200, lambda rng: tails.hill(np.repeat(1 + rng.pareto(3, STEPS // 4), 4)))
    assert covered(3.0, [each.exponent for each in found]) >= 0.88
    naive = [each.exponent.value * 1.96 / math.sqrt(each.exceedances) for each in found]
    strayed = [abs(each.exponent.value - 3) for each in found]
    assert np.mean(np.less(strayed, naive)) <= 0.8


@pytest.mark.parametrize("cell", [0.2, 0.5])
def test_hill_of_prices_on_a_coarse_grid_is_not_misled_by_ties(cell: float) -> None:
    """Rounded values measure as those that were rounded; without the cell they measure too low."""
    rounded = over_seeds(100, lambda rng: np.rint((1 + rng.pareto(3, STEPS)) / cell) * cell)
    found = [tails.hill(values, cell).exponent for values in rounded]
    assert covered(3.0, found) >= 0.88
    assert np.mean([each.value for each in found]) == pytest.approx(3.0, abs=0.12)
    assert np.mean([tails.hill(values).exponent.value for values in rounded]) < 2.85


def test_no_tail_is_called_one_without_fifty_exceedances() -> None:
    """Too few returns, none at all, or a tick so coarse that a tenth of them tie at the top."""
    rng = np.random.default_rng(1)
    for values in (rng.normal(size=400), np.zeros(4000), np.sign(rng.normal(size=4000))):
        with pytest.raises(Undefined, match="no tail of 50 exceedances"):
            tails.hill(values)


def test_longer_horizons_are_measured_from_windows_that_do_not_overlap() -> None:
    """Ten-second returns of 12,000 seconds are 1,200; a minute has too few for a tail."""
    recording = of_returns(1e-4 * np.random.default_rng(9).standard_t(3, 12_000))
    apart = np.diff(np.log(recording.column("series", "BTC.mid")[::10]))
    assert stylized.tail(recording, "BTC", 10.0).exponent == pytest.approx(tails.hill(apart).exponent)
    with pytest.raises(Undefined, match="no tail of 50 exceedances"):
        stylized.tail(recording, "BTC", stylized.MINUTE)


def test_the_hill_plot_goes_through_the_chosen_estimate() -> None:
    """At the chosen number of exceedances the curve is the estimate."""
    for cell in (0.0, 0.05):
        values = np.random.default_rng(5).standard_t(3, STEPS)
        path, chosen = tails.hill_plot(values, cell), tails.hill(values, cell)
        at = list(path.exceedances).index(chosen.exceedances)
        assert path.exponent[at] == pytest.approx(chosen.exponent.value)


def test_kurtosis_of_known_distributions() -> None:
    """Two values that are equally likely have -2, an exponential 6; Laplace returns 3, normal ones none."""
    assert tails.kurtosis(np.tile([1.0, -1.0], 500)).value == pytest.approx(-2.0)
    assert tails.excess(np.array([1.0, 1.0, 2.0, 6.0, 24.0])) == pytest.approx(6.0)
    for truth, draw in ((3.0, np.random.Generator.laplace), (0.0, np.random.Generator.normal)):
        found = over_seeds(100, lambda rng, draw=draw: tails.kurtosis(draw(rng, size=STEPS)))
        assert covered(truth, found) >= 0.80
        assert np.mean([each.value for each in found]) == pytest.approx(truth, abs=0.15)
    with pytest.raises(Undefined, match="does not move"):
        tails.kurtosis(np.zeros(1000))


def test_kurtosis_falls_with_the_horizon_where_returns_are_independent() -> None:
    """Independent Laplace returns: 3 over a step, 3/60 over a minute."""
    changes = over_seeds(
        20, lambda rng: stylized.kurtosis_change(of_returns(rng.laplace(0, 1e-4, STEPS)), "BTC")
    )
    assert all(each.high < 0 for each in changes)
    assert np.mean([each.value for each in changes]) == pytest.approx(3 / 60 - 3, abs=0.3)


# Memory.


def test_autocorrelation_of_an_autoregression_is_a_power_of_its_coefficient() -> None:
    """rho(lag) = 0.5^lag, covered at each of the first lags and where nothing is left."""
    found = over_seeds(
        100, lambda rng: memory.autocorrelation(lfilter([1], [1, -0.5], rng.normal(size=STEPS + 50))[50:])
    )
    assert list(found[0].first[:4]) == [1, 2, 3, 4]
    assert list(found[0].last[:4]) == [2, 3, 4, 6]
    for at in (0, 1, 2, 6):
        truth = 0.5 ** np.arange(found[0].first[at], found[0].last[at]).astype(float)
        hits = covered(
            float(truth.mean()), [Estimate(one.value[at], one.low[at], one.high[at]) for one in found]
        )
        assert hits >= 0.87


@pytest.mark.parametrize("exponent", [0.3, 0.55])
def test_the_decay_of_long_memory_is_measured_without_bias(exponent: float) -> None:
    """A sample an hour long, whose mean strays: the exponent comes out, and its interval covers it."""
    found = over_seeds(
        60, lambda rng: memory.decay(memory.autocorrelation(long_memory(rng, exponent))).exponent
    )
    assert np.mean([each.value for each in found]) == pytest.approx(exponent, abs=0.05)
    assert covered(exponent, found) >= 0.85


def test_what_has_no_memory_has_no_decay() -> None:
    """Noise, a series too short, one that does not vary, and one that decays at once."""
    rng = np.random.default_rng(2)
    with pytest.raises(Undefined, match="not above zero over the first lags"):
        memory.decay(memory.autocorrelation(rng.normal(size=STEPS)))
    with pytest.raises(Undefined, match="299 observations are too few"):
        memory.autocorrelation(rng.normal(size=299))
    with pytest.raises(Undefined, match="do not vary"):
        memory.autocorrelation(np.ones(STEPS))
    with pytest.raises(Undefined, match="too slowly"):
        memory.decay(memory.autocorrelation(np.sin(np.arange(STEPS) / 400) + rng.normal(0, 0.1, STEPS)))


def test_successive_returns_correlate_as_they_were_made_to() -> None:
    """An autoregression of 0.3 over a step; over minutes nearly nothing is left of it."""
    made = over_seeds(
        30, lambda rng: of_returns(lfilter([1], [1, -0.3], rng.normal(0, 1e-4, STEPS + 50))[50:])
    )
    assert covered(0.3, [stylized.successive(each, "BTC", stylized.STEP) for each in made]) >= 0.85
    minutes = [stylized.successive(each, "BTC", stylized.MINUTE) for each in made]
    assert np.mean([each.value for each in minutes]) == pytest.approx(0, abs=0.08)
    assert covered(0.0, minutes) >= 0.8


def test_an_order_that_fills_in_parts_has_one_sign() -> None:
    """Three fills of one order, one of the next, and a swap in the pool that is no order of the book."""
    made = fills(
        {"time": 1.0, "seq": 1, "group": 1, "taker": 7, "qty": 5},
        {"time": 1.0, "seq": 2, "group": 1, "taker": 7, "qty": 4},
        {"time": 1.0, "seq": 3, "group": 1, "taker": 7, "qty": 3},
        {"time": 1.0, "seq": 4, "group": 2, "taker": 7, "qty": 2},
        {"time": 2.0, "seq": 5, "group": 3, "taker": 8, "qty": -1, "venue": 1},
    )
    found = meta_orders.fills_of(a_recording(fills=made), "BTC")
    assert list(found.is_first) == [True, False, False, True, True]
    assert list(found.is_listed) == [True, True, True, True, False]
    with pytest.raises(Undefined, match="2 observations are too few"):
        stylized.sign_memory(a_recording(fills=made), "BTC")


def test_signs_of_split_orders_remember_as_they_were_made_to() -> None:
    """Signs of a process with long memory: the arcsine law keeps its exponent at long lags."""
    signs = np.sign(long_memory(np.random.default_rng(3), 0.5, 40_000))
    made = np.zeros(signs.size, FILL)
    made["qty"], made["time"] = signs, np.arange(signs.size) * 0.09
    made["seq"] = made["group"] = np.arange(signs.size)
    found = stylized.sign_decay(a_recording({"BTC.mid": np.ones(STEPS)}, fills=made), "BTC").exponent
    assert found.low <= 0.5 <= found.high
    assert found.high - found.low < 0.3


# Volatility.


def test_the_signature_of_a_random_walk_is_level() -> None:
    """Its volatility is covered at every interval, and that of short over long intervals is one."""
    truth = 1e-4 * math.sqrt(stylized.YEAR)
    made = over_seeds(60, lambda rng: stylized.signature(of_returns(rng.normal(0, 1e-4, STEPS)), "BTC"))
    assert list(made[0].seconds[[0, -1]]) == [1.0, 120.0]
    for at in (0, 5, 10):
        hits = [Estimate(one.volatility[at], one.low[at], one.high[at]) for one in made]
        assert covered(truth, hits) >= 0.8
    assert covered(1.0, [one.ratio for one in made]) >= 0.8


def test_bounce_lifts_the_short_end_of_the_signature_as_roll_says() -> None:
    """Half a spread of 2 bps on either side, at random: v + s^2 / (2 h) at each interval h."""
    spread, variance = 2e-4, 1e-8

    def bouncing(rng: np.random.Generator) -> stylized.Signature:
        sides = spread / 2 * np.sign(rng.normal(size=STEPS + 1))
        moves = rng.normal(0, math.sqrt(variance), STEPS)
        return stylized.signature(of_returns(moves + np.diff(sides)), "BTC")

    made = over_seeds(60, bouncing)
    for at in (0, 3, 6):
        second = made[0].seconds[at]
        truth = math.sqrt((variance + spread**2 / (2 * second)) * stylized.YEAR)
        assert np.mean([one.volatility[at] for one in made]) == pytest.approx(truth, rel=0.02)
        hits = [Estimate(one.volatility[at], one.low[at], one.high[at]) for one in made]
        assert covered(truth, hits) >= 0.85
    assert min(one.ratio.low for one in made) > 1


def test_volume_that_comes_with_moves_correlates_with_them() -> None:
    """As many units as the price moves in a step, against as many whatever it does."""
    rng = np.random.default_rng(4)
    moves = rng.normal(0, 1e-4, STEPS) * np.repeat(rng.uniform(0.2, 3, 60), 60)

    def traded(lots: np.ndarray) -> Estimate:
        made = np.zeros(STEPS, FILL)
        made["step"], made["qty"] = np.arange(1, STEPS + 1), np.rint(lots)
        return stylized.volume_and_size(of_returns(moves, fills=made), "BTC")

    with_moves, whatever = traded(1e7 * np.abs(moves)), traded(rng.integers(1, 1000, STEPS))
    assert with_moves.low > 0.2
    assert whatever.low < 0 < whatever.high


# Meta-orders.


def moved(*entries: tuple[int, int, int]) -> np.ndarray:
    """MOVE rows of (seq, half ticks, mover)."""
    made = np.zeros(len(entries), MOVE)
    made["seq"], made["half_ticks"], made["mover"] = np.array(entries).T
    return made


def test_a_meta_order_ends_with_a_pause_or_an_opposite_trade() -> None:
    """Account 7 buys twice, pauses, buys twice, sells twice; account 8 only once; impacts by hand."""
    made = fills(
        {"time": 0.0, "seq": 1, "group": 1, "taker": 7, "qty": 1000},
        {"time": 5.0, "seq": 3, "group": 2, "taker": 8, "qty": 500},
        {"time": 60.0, "seq": 5, "group": 3, "taker": 7, "qty": 2000},
        {"time": 60.0, "seq": 6, "group": 3, "taker": 7, "qty": 1000},
        {"time": 121.0, "seq": 9, "group": 4, "taker": 7, "qty": 1000},
        {"time": 122.0, "seq": 10, "group": 5, "taker": 7, "qty": 1000, "venue": 1},
        {"time": 123.0, "seq": 11, "group": 6, "taker": 7, "qty": -500},
        {"time": 124.0, "seq": 13, "group": 7, "taker": 7, "qty": -500},
    )
    path = moved(
        (0, 40, BY_QUOTE), (2, 4, BY_TRADE), (4, 8, BY_TRADE), (7, 12, BY_TRADE), (8, -2, BY_QUOTE),
        (12, -6, BY_TRADE), (14, -10, BY_TRADE), (15, 100, BY_QUOTE),
    )  # fmt: skip
    found = meta_orders.meta_orders(a_recording(fills=made, moves=path), "BTC")
    assert list(found.start) == [0.0, 121.0, 123.0]
    assert list(found.units) == [4.0, 2.0, 1.0]
    assert list(found.orders) == [2, 2, 2]
    mids = 65000 + 0.25 * np.array([40, 64, 62, 62, 62, 46])
    log = np.log(mids)
    assert found.impact == pytest.approx([log[1] - log[0], 0.0, log[4] - log[5]], abs=1e-15)


def test_the_pause_is_ten_steps_where_steps_are_long() -> None:
    """With steps of a minute two orders nine minutes apart are of one meta-order, eleven are not."""
    for apart, is_one in ((540.0, True), (660.0, False)):
        made = fills(
            {"time": 60.0, "seq": 1, "group": 1, "taker": 7, "qty": 1000},
            {"time": 60.0 + apart, "seq": 3, "group": 2, "taker": 7, "qty": 1000},
        )
        recording = a_recording(market=a_market(30, 60.0), fills=made, moves=moved((2, 4, BY_TRADE)))
        if is_one:
            assert list(meta_orders.meta_orders(recording, "BTC").units) == [2.0]
        else:
            with pytest.raises(Undefined, match="two orders in one direction"):
                meta_orders.meta_orders(recording, "BTC")


def with_impact(exponent: float, seed: int = 1, count: int = 3000) -> Recording:
    """Meta-orders of two orders each, one after the other; what they move is taken back by quotes."""
    rng = np.random.default_rng(seed)
    lots = np.rint(10 ** rng.uniform(1, 4, count) / 2).astype(int)
    sign = rng.choice([-1, 1], count)
    ticks = np.rint(40 * (lots / 5) ** exponent + rng.normal(0, 30, count)).astype(int) * sign
    made, path = np.zeros(2 * count, FILL), np.zeros(3 * count, MOVE)
    made["qty"], made["group"] = np.repeat(lots * sign, 2), np.arange(2 * count)
    made["taker"] = np.repeat(np.arange(count) % 100, 2)
    made["seq"] = (5 * np.arange(count)[:, np.newaxis] + [0, 2]).ravel()
    path["seq"] = (5 * np.arange(count)[:, np.newaxis] + [1, 3, 4]).ravel()
    path["half_ticks"] = np.stack([ticks // 2, ticks - ticks // 2, -ticks], axis=1).ravel()
    path["mover"] = np.tile([BY_TRADE, BY_TRADE, BY_QUOTE], count)
    made["time"] = np.repeat(np.linspace(0, STEPS, count, endpoint=False), 2)
    made["reason"] = TRADE
    mid = 65000 + 5 * np.sin(np.arange(STEPS) / 9)
    return a_recording({"BTC.mid": mid}, fills=made, moves=path)


@pytest.mark.parametrize("exponent", [0.3, 0.5, 1.0])
def test_the_impact_law_that_was_planted_is_found(exponent: float) -> None:
    """Meta-orders whose mean impact is a power of their size, in fills and moves of the book."""
    recording = with_impact(exponent)
    found, law = meta_orders.impact(recording, "BTC"), meta_orders.impact_law(recording, "BTC")
    assert found.members.sum() > 2500
    assert law.exponent.low - 0.01 <= exponent <= law.exponent.high + 0.01
    assert law.exponent.high - law.exponent.low < 0.1
    assert np.all((found.low <= law.at(found.size) * 1.25) & (law.at(found.size) <= found.high * 1.25))


def test_the_interval_of_the_impact_exponent_covers_it() -> None:
    """Noise larger than the impact of the small ones, and common to a stretch of time."""

    def one(rng: np.random.Generator) -> Estimate:
        when, size = np.sort(rng.uniform(size=2000)), 10 ** rng.uniform(-6, -3, 2000)
        common = rng.normal(0, 0.02, 30)[(when * 30).astype(int)]
        move = 10 * np.sqrt(size) + common + rng.normal(0, 0.1, 2000)
        return meta_orders.law(meta_orders.by_size(when, size, move)).exponent

    found = over_seeds(60, one)
    assert np.mean([each.value for each in found]) == pytest.approx(0.5, abs=0.06)
    assert covered(0.5, found) >= 0.85


def test_moves_that_do_not_grow_with_size_have_no_law() -> None:
    """Impacts against the direction, sizes all alike, and a mean that falls and rises again."""
    rng = np.random.default_rng(6)
    when, size = np.sort(rng.uniform(size=2000)), 10 ** rng.uniform(-6, -3, 2000)
    with pytest.raises(Undefined, match="no power of the size"):
        meta_orders.law(meta_orders.by_size(when, size, -np.sqrt(size) + rng.normal(0, 1e-3, 2000)))
    bent = (np.log10(size) + 4.5) ** 2 + rng.normal(0, 0.01, 2000)
    with pytest.raises(Undefined, match="no power of the size"):
        meta_orders.law(meta_orders.by_size(when, size, bent))
    with pytest.raises(Undefined, match="span less than a decade"):
        meta_orders.by_size(when, np.full(2000, 1e-4), np.sqrt(size))


# Scorecard, metrics, figures.


@pytest.fixture(scope="module")
def crash() -> Recording:
    """An hour with a crash in it."""
    return a_crash()


def test_the_scorecard_says_inside_outside_or_why_not(crash: Recording) -> None:
    """A row a fact, in order, each with its range and source; undefined ones have a reason and no number."""
    found = scorecard.scorecard(crash)
    assert [each.fact for each in found] == [fact.name for fact in scorecard.FACTS]
    for each in found:
        assert each.source
        if each.verdict.startswith("undefined: "):
            assert (each.measured, each.interval) == (None, None)
            assert len(each.verdict) > 15
        else:
            assert each.interval is not None
            assert each.measured is not None
            meets = each.interval[0] <= each.published[1] and each.interval[1] >= each.published[0]
            assert each.verdict == ("inside" if meets else "outside")


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.0, 2.9, "outside"),
        (1.0, 3.1, "inside"),
        (3.2, 3.8, "inside"),
        (3.9, 5.0, "inside"),
        (4.1, 5.0, "outside"),
    ],
)
def test_a_fact_is_inside_where_its_interval_meets_the_range(low: float, high: float, verdict: str) -> None:
    """Intervals below, into, within, out of and above a published range of 3 to 4."""
    fact = scorecard.Fact("a fact", lambda recording, asset: Estimate(low, low, high), 3.0, 4.0, "nobody")
    assert scorecard.row(a_recording(), "BTC", fact).verdict == verdict


def test_student_returns_are_inside_and_uniform_ones_outside() -> None:
    """The tail row of two markets, one with fat tails and one with none."""
    rng = np.random.default_rng(8)
    (fat, *_), (flat, *_) = (
        scorecard.scorecard(of_returns(1e-4 * moves))
        for moves in (rng.standard_t(3, STEPS), rng.uniform(-1, 1, STEPS))
    )
    assert (fat.published, fat.verdict) == ((2.0, 5.0), "inside")
    assert flat.verdict == "outside"
    assert flat.measured is not None
    assert flat.measured > 5


def test_books_without_traders_are_not_blamed_for_what_they_cannot_have() -> None:
    """The same uniform returns where only noise and makers trade: the verdict says why."""
    recording = of_returns(np.random.default_rng(8).uniform(-1e-4, 1e-4, STEPS))
    recording.market["populations"] = [
        each for each in recording.market["populations"] if each["name"] in ("noise", "makers")
    ]
    assert scorecard.is_unthinking(recording)
    first, *_ = scorecard.scorecard(recording)
    assert first.verdict == "outside, as books without traders who react are by construction"


def test_a_run_that_cannot_tell_is_undefined_throughout() -> None:
    """Four steps, and an hour in which nothing moves or trades."""
    for mid in (np.full(4, 100.0), np.full(STEPS, 100.0)):
        found = scorecard.scorecard(a_recording({"BTC.mid": mid}))
        assert all(each.verdict.startswith("undefined: ") for each in found)


def test_the_table_holds_every_fact_and_every_source_once(crash: Recording) -> None:
    """Columns line up under their heads; sources are numbered below."""
    found = scorecard.scorecard(crash)
    text = scorecard.table(found)
    lines = text.splitlines()
    assert tuple(lines[0].split()) == scorecard.HEADS
    at = lines[0].index("verdict")
    for line, each in zip(lines[1:], found, strict=False):
        assert line[at:] == each.verdict
    for source in {each.source for each in found}:
        assert text.count(source) == 1
    assert [
        scorecard.in_words(each) for each in ((2.0, 5.0), (0.0, math.inf), (-math.inf, 0.0), (0.0, 0.0))
    ] == [
        "2 to 5",
        "above 0",
        "below 0",
        "0",
    ]


def test_every_metric_has_a_value_or_a_reason(crash: Recording) -> None:
    """In a crash most have a value; where nothing moves all have a reason."""
    found = measure(crash, metrics_of(stylized))
    assert {"BTC.tail_index", "BTC.excess_kurtosis", "BTC.impact_exponent", "BTC.signature_ratio"} <= set(
        found
    )
    assert found["BTC.tail_index"]["value"] == stylized.tail(crash, "BTC").exponent.value
    assert sum(each["value"] is not None for each in found.values()) >= 6
    still = measure(a_recording({"BTC.mid": np.full(STEPS, 9.0)}), metrics_of(stylized))
    assert all(each["value"] is None and each["reason"] for each in still.values())


def panel() -> Any:
    """Axes of a figure as the gallery makes it."""
    return Figure(figsize=(7.4, 4.2)).subplots()


def test_figures_show_what_was_measured(crash: Recording) -> None:
    """The chosen tail, the signature and the autocorrelations are the points drawn."""
    ax = stylized_plots.tail_exponent(crash, panel())
    chosen = stylized.tail(crash, "BTC")
    marks = [line.get_xydata().tolist() for line in ax.get_lines()]
    assert [[chosen.exceedances, chosen.exponent.value]] in marks
    ax = stylized_plots.volatility_signature(crash, panel())
    found = stylized.signature(crash, "BTC")
    assert np.allclose(ax.get_lines()[0].get_xydata(), np.stack([found.seconds, 100 * found.volatility], 1))
    ax = stylized_plots.return_memory(crash, panel())
    assert np.allclose(ax.get_lines()[1].get_ydata(), stylized.size_memory(crash, "BTC").value)


def test_the_square_root_law_is_drawn_beside_the_fit() -> None:
    """Slope 1/2 on logarithmic axes, and the fitted slope."""
    recording = with_impact(0.5)
    ax = stylized_plots.meta_order_impact(recording, panel())
    slopes = {}
    for line in ax.get_lines():
        x, y = np.log(line.get_xydata().T)
        slopes[line.get_label()] = (y[-1] - y[0]) / (x[-1] - x[0])
    exponent = meta_orders.impact_law(recording, "BTC").exponent.value
    assert slopes["square-root law"] == pytest.approx(0.5)
    assert slopes[f"fitted, exponent {exponent:.2g}"] == pytest.approx(exponent)


def test_every_figure_draws_a_crash_or_says_what_is_missing(crash: Recording) -> None:
    """Nothing but Undefined is raised, titles and both axes are labelled; an empty run draws nothing."""
    drawn = 0
    for each in figures_of(stylized_plots):
        try:
            ax = each(crash, panel(), asset="BTC")
        except Undefined:
            continue
        drawn += 1
        assert ax.get_title("left")
        assert ax.get_xlabel().endswith(")")
        assert ax.get_ylabel().endswith(")")
    assert drawn >= 7
    for each in figures_of(stylized_plots):
        with pytest.raises(Undefined):
            each(a_recording(), panel(), asset="BTC")


def test_spreads_and_depths_are_drawn_as_shares_of_steps() -> None:
    """Spreads of 1 to 4 bps: a quarter of the steps at each; depths of 10 and 20 half and half."""
    columns = {
        "BTC.mid": np.full(4, 10_000.0),
        "BTC.spread": [1.0, 2.0, 3.0, 4.0],
        "BTC.depth_bid": [10.0, 20.0, 10.0, 20.0],
        "BTC.depth_ask": [5.0, 5.0, 5.0, np.nan],
    }
    recording = a_recording(columns)
    spread = stylized_plots.spread_distribution(recording, panel()).get_lines()[0].get_xydata()
    assert np.allclose(spread, [[1, 1.0], [2, 0.75], [3, 0.5], [4, 0.25]])
    bid = stylized_plots.depth_distribution(recording, panel()).get_lines()[0].get_xydata()
    assert np.allclose(bid, [[10, 0.25], [10, 0.5], [20, 0.75], [20, 1.0]])


def test_what_is_shared_is_computed_once_also_if_undefined() -> None:
    """One call a recording and set of names; a reason is kept like a result; neither keeps the recording."""
    calls = []

    @once
    def counted(recording: Recording, asset: str) -> int:
        calls.append(asset)
        if asset == "none":
            raise Undefined("there is none")
        return len(calls)

    first, second = a_recording(), a_recording()
    assert [counted(first, "BTC"), counted(first, "BTC"), counted(second, "BTC")] == [1, 1, 2]
    for _ in range(2):
        with pytest.raises(Undefined, match="there is none"):
            counted(first, "none")
    assert calls == ["BTC", "BTC", "none"]
    gone = weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None


def test_a_step_too_long_or_a_run_too_short_for_a_horizon_is_said() -> None:
    """A minute in steps of two, and in a run of 29 minutes."""
    path = np.exp(np.cumsum(np.random.default_rng(1).normal(0, 1e-4, 1740)))
    slow = a_recording({"BTC.mid": path}, a_market(1740, step_seconds=120.0))
    with pytest.raises(Undefined, match="too long for a horizon of 60 s"):
        stylized.returns(slow, "BTC", 60.0)
    with pytest.raises(Undefined, match="shorter than 30 times 60 s"):
        stylized.returns(a_recording({"BTC.mid": path}), "BTC", 60.0)
    assert stylized.horizons(a_recording({"BTC.mid": path}), "BTC") == [1.0, 5.0, 10.0, 30.0]
