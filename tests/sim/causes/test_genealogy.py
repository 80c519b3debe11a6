"""Who moved the mid, through makers, and which liquidation brought about which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_market import MAKERS, market_order, small_market, value_shock

from scenarios import load, market
from sim.accounts.profile import liquidation_prices
from sim.causes.descent import Clock
from sim.causes.genealogy import Genealogy, genealogy
from sim.causes.losses import Setting
from sim.kernels.causes.lineage import LEAST
from sim.model import Model
from sim.recording.recording import Recording
from sim.records import (
    BY_QUOTE,
    BY_TRADE,
    BY_VALUE,
    FILL,
    FORCED,
    HEDGE,
    HEDGING,
    LIQUIDATING,
    MOVE,
    QUOTING,
    REASONS,
    SHOCK,
    TAKEOVER,
    TRADE,
    TRADING,
)
from sim.venues.liquidation.liquidation import Liquidation

NEWS, MAKER, LEVERED, HEDGER, SHOCKS, ENGINE = range(6)
PHASE = {HEDGE: HEDGING, FORCED: LIQUIDATING}
ANN, BOB = 100, 101


class Story:
    """A tape written by hand: assets at 100, half ticks of 1, lots of 1 unit, venue k for asset k."""

    def __init__(self, assets=1, step_seconds=1.0, round_seconds=1.0):
        self.fills, self.moves, self.liquidations = [], [], []
        self.seq = self.group = self.step = 0
        self.marks = [[] for _ in range(assets)]
        self.now = np.full(assets, 100.0)
        self.clock = Clock(step_seconds, round_seconds)

    def end_step(self):
        for path, price in zip(self.marks, self.now, strict=True):
            path.append(price)
        self.step += 1

    def _time(self, later):
        return self.step * self.clock.step_seconds + later

    def fill(self, taker, population, lots, reason, cause=0, maker=0, venue=0, later=0.1):
        row = np.zeros(1, FILL)
        row["taker"], row["taker_population"], row["maker"], row["maker_population"] = (
            taker,
            population,
            maker,
            MAKER,
        )
        row["qty"], row["reason"], row["cause"], row["venue"], row["instrument"] = (
            lots,
            reason,
            cause,
            venue,
            venue % self.now.size,
        )
        row["phase"], row["time"], row["step"] = PHASE.get(reason, TRADING), self._time(later), self.step
        row["seq"], row["group"] = self.seq, self.group
        self.seq += 1
        self.group += 1
        self.fills.append(row)

    def move(self, half_ticks, account, population, mover, reason=TRADE, cause=0, answers=0.0, **at):
        row, venue = np.zeros(1, MOVE), at.get("venue", 0)
        row["half_ticks"], row["account"], row["population"] = half_ticks, account, population
        row["mover"], row["reason"], row["cause"], row["answers"] = mover, reason, cause, answers
        row["time"], row["step"], row["venue"] = self._time(at.get("later", 0.1)), self.step, venue
        row["seq"] = self.seq
        row["phase"] = QUOTING if mover == BY_QUOTE else PHASE.get(reason, TRADING)
        self.seq += 1
        self.now[venue] += half_ticks
        self.moves.append(row)

    def news(self, half_ticks, venue=0):
        self.move(half_ticks, 0, NEWS, BY_VALUE, venue=venue)

    def trade(self, taker, population, lots, half_ticks, reason, cause=0, **at):
        self.fill(taker, population, lots, reason, cause, **at)
        if half_ticks:
            self.move(half_ticks, taker, population, BY_TRADE, reason, cause, **at)

    def requote(self, half_ticks, answers=1.0, later=0.5):
        self.move(half_ticks, 50, MAKER, BY_QUOTE, answers=answers, later=later)

    def breach(self, account=ANN, exposure=(1.0,), equity=1.0, maintenance=1e9):
        """Log a liquidation; returns its cause. By default the account was never safe."""
        number = len(self.liquidations)
        rest = (0.0, equity, maintenance, False, self.seq, exposure, tuple(self.now))
        row = Liquidation(number, self.step, self._time(0.1), account, 1, -1, self.now[0], *rest)
        self.liquidations.append(row)
        return number + 1

    def forced(self, half_ticks, lots=-1, account=ANN, **breach):
        cause = self.breach(account, **breach)
        self.trade(account, LEVERED, lots, half_ticks, FORCED, cause)

    def told(self, seed=1) -> Genealogy:
        paths = np.array(self.marks).reshape(self.now.size, -1)
        setting = Setting(
            np.arange(self.now.size),
            np.ones(self.now.size),
            paths,
            paths,
            np.arange(self.now.size),
            np.ones(self.now.size),
            self.clock,
            seed,
        )
        fills = np.concatenate([np.zeros(0, FILL), *self.fills])
        moves = np.concatenate([np.zeros(0, MOVE), *self.moves])
        return genealogy(fills, moves, self.liquidations, setting)


def shares(told, row=-1):
    """Shares by class of a liquidation, and on liquidations."""
    names = ("share_forced", "share_hedging", "share_exogenous", "share_liquidations")
    return [float(told.liquidations[name][row]) for name in names]


def mixture(told, cause):
    """Weights of a cause by liquidation."""
    own = told.causes["cause_id"] == cause
    return dict(
        zip(told.causes["liquidation_id"][own].tolist(), told.causes["weight"][own].tolist(), strict=True)
    )


def charged(told):
    """Half ticks by (population, reason)."""
    sums: dict[tuple[int, str], float] = {}
    columns = (told.charges[name].tolist() for name in ("population", "reason", "half_ticks"))
    for population, reason, half_ticks in zip(*columns, strict=True):
        key = (population, REASONS[reason])
        sums[key] = sums.get(key, 0.0) + half_ticks
    return sums


def test_a_liquidation_that_pushed_another_is_its_parent_by_its_share_of_the_fall():
    story = Story()
    story.news(-4)
    story.forced(-6)
    story.breach(BOB)
    told = story.told()
    assert shares(told, 0) == [0.0, 0.0, 1.0, 0.0]
    assert shares(told) == pytest.approx([0.6, 0.0, 0.4, 0.6])
    assert mixture(told, told.liquidations["cause"][1]) == pytest.approx({0: 0.6})
    assert told.liquidations["cause"][0] == 0


def test_parents_are_drawn_in_proportion_to_the_shares_of_the_loss():
    """Over 400 seeds the first liquidation is the parent of the third in 30%, the second in 50%."""
    story = Story()
    story.news(-2)
    story.forced(-3)
    story.forced(-5, account=BOB)
    story.breach(102)
    parents = np.array([story.told(seed).liquidations["parent"][2] for seed in range(400)])
    for parent, expected in ((-1, 0.2), (0, 0.3), (1, 0.5)):
        error = np.sqrt(expected * (1 - expected) / 400)
        assert np.mean(parents == parent) == pytest.approx(expected, abs=3 * error)


def test_generations_and_roots_follow_the_parents():
    """Each fall is the doing of the liquidation before, and everyone was safe until then."""
    story = Story()
    for account in range(ANN, ANN + 3):
        story.forced(-10, account=account, equity=1.0, maintenance=1.0)
        story.end_step()
    told = story.told().liquidations
    assert told["parent"].tolist() == [-1, 0, 1]
    assert told["generation"].tolist() == [0, 1, 2]
    assert told["root"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("equity", "expected"), [(5.0, 1.0), (2.0, 0.6)])
def test_the_window_starts_where_equity_was_last_above_one_and_a_half_times_maintenance(equity, expected):
    """A long of 1 unit that needs 8 has 11 (safe: 1.5 x 8 x 96/90 = 12.8) or 8 at the end of step 0."""
    story = Story()
    story.news(-4)
    story.end_step()
    story.forced(-6)
    story.breach(BOB, equity=equity + 3.0, maintenance=8.0)
    told = story.told()
    assert shares(told)[3] == pytest.approx(expected)


def test_the_window_starts_after_the_account_s_own_last_trade():
    story = Story()
    story.forced(-6)
    story.trade(BOB, HEDGER, -1, -4, SHOCK)
    story.news(-2)
    story.breach(BOB)
    assert shares(story.told()) == pytest.approx([0.0, 0.0, 1.0, 0.0])


def test_an_account_may_be_pushed_by_its_own_earlier_liquidation():
    story = Story()
    story.forced(-6, account=BOB)
    story.breach(BOB)
    told = story.told()
    assert told.liquidations["parent"][1] == 0
    assert shares(told) == [1.0, 0.0, 0.0, 1.0]


def test_a_hedge_passes_on_the_causes_of_the_move_it_answers():
    """The hedger sells after news of -4 and a forced sale of -6: its sale is 0.6 the liquidation's."""
    story = Story()
    story.news(-4)
    story.forced(-6)
    story.trade(7, HEDGER, -2, -3, HEDGE)
    story.breach(BOB)
    told = story.told()
    assert shares(told) == pytest.approx([6 / 13, 3 / 13, 4 / 13, 7.8 / 13])
    assert mixture(told, told.fill_causes[-1]) == pytest.approx({0: 0.6})
    assert told.move_causes[-1] == told.fill_causes[-1] > 2


def test_a_hedger_answers_what_happened_since_it_hedged_before():
    story = Story()
    story.forced(-6)
    story.trade(7, HEDGER, -2, -2, HEDGE)
    story.end_step()
    story.news(-6)
    story.trade(7, HEDGER, -2, 0, HEDGE)
    told = story.told()
    assert mixture(told, told.fill_causes[-2]) == pytest.approx({0: 1.0})
    assert mixture(told, told.fill_causes[-1]) == pytest.approx({0: 0.25})


def test_the_hedges_of_a_population_in_one_round_share_a_cause_by_size():
    """Three units answer a fall that is all forced, one unit of a newcomer one that is half forced."""
    story = Story()
    story.news(-5)
    story.trade(7, HEDGER, -1, 0, HEDGE)
    story.end_step()
    story.forced(-5)
    story.trade(7, HEDGER, -3, 0, HEDGE)
    story.trade(8, HEDGER, -1, 0, HEDGE)
    told = story.told()
    assert told.fill_causes[-1] == told.fill_causes[-2]
    assert mixture(told, told.fill_causes[-1]) == pytest.approx({0: 0.75 + 0.25 * 0.5})


def test_hedges_against_the_move_descend_from_what_went_its_way():
    """Up 10 by news and down 4 by a forced sale is up: buying into it is the news' doing alone."""
    story = Story()
    story.forced(-4)
    story.news(10)
    story.trade(7, HEDGER, 2, 1, HEDGE)
    told = story.told()
    assert told.fill_causes[-1] == 0


def test_a_maker_who_restores_the_mid_undoes_the_impact_of_the_sale():
    story = Story()
    story.news(-4)
    story.forced(-6)
    story.requote(4)
    story.breach(BOB)
    told = story.told()
    assert charged(told) == pytest.approx({(NEWS, "trade"): -4.0, (LEVERED, "forced"): -2.0})
    assert shares(told) == pytest.approx([1 / 3, 0.0, 2 / 3, 1 / 3])


def test_what_news_made_of_a_requote_and_what_goes_beyond_the_flow_is_the_maker_s_own():
    story = Story()
    story.forced(-6)
    story.requote(4, answers=0.5)
    story.requote(6)
    assert charged(story.told()) == pytest.approx({(MAKER, "trade"): 4.0})


def test_a_maker_who_follows_the_flow_charges_it_by_size():
    story = Story()
    story.forced(0, lots=-3)
    story.trade(9, SHOCKS, -1, 0, SHOCK)
    story.trade(9, SHOCKS, 2, 0, SHOCK)  # the lighter side
    story.requote(-8)
    assert charged(story.told()) == pytest.approx({(LEVERED, "forced"): -6.0, (SHOCKS, "shock"): -2.0})


def test_the_more_is_undone_the_more_of_the_rest_goes_by_size():
    """Of a fall of 8 made by one lot of four, half is undone: what is left is half hers, half by size."""
    story = Story()
    story.forced(-8, lots=-1)
    story.trade(9, SHOCKS, -3, 0, SHOCK)
    story.requote(4)
    assert charged(story.told()) == pytest.approx({(LEVERED, "forced"): -2.5, (SHOCKS, "shock"): -1.5})


def test_flow_is_forgotten_after_a_second_or_a_step():
    for step_seconds, expected in ((1.0, {(LEVERED, "forced"): -6.0, (MAKER, "trade"): 4.0}), (10.0, None)):
        story = Story(step_seconds=step_seconds)
        story.forced(-6)
        story.requote(4, later=1.2)
        assert charged(story.told()) == pytest.approx(expected or {(LEVERED, "forced"): -2.0})


def test_makers_quotes_are_no_flow():
    story = Story()
    story.forced(0)
    story.fill(51, MAKER, -9, TRADE)
    story.fills[-1]["phase"] = QUOTING
    story.requote(-4)
    assert charged(story.told()) == pytest.approx({(LEVERED, "forced"): -4.0})


@pytest.mark.parametrize("count", [17, 40])
def test_more_reasons_than_there_are_today_keep_what_is_charged_apart(count, monkeypatch):
    """The last of so many reasons of one population stands beside the first ones of the next."""
    reasons = REASONS + tuple(f"reason {code}" for code in range(len(REASONS), count))
    monkeypatch.setattr("sim.causes.genealogy.REASONS", reasons)
    story = Story()
    for population in (5, 6, 7):
        for reason in range(count):
            story.trade(9, population, 1, 100 * population + reason, reason)
    columns = (story.told().charges[name].tolist() for name in ("population", "reason", "half_ticks"))
    found = {(population, reason): value for population, reason, value in zip(*columns, strict=True)}
    assert found == {(p, code): 100 * p + code for p in (5, 6, 7) for code in range(count)}


def test_a_liquidator_sells_what_it_took_over_pro_rata():
    """Three lots of the first and one of the second; half are sold, then four of a third come in."""
    story = Story()
    for account, lots in ((ANN, 3), (BOB, 1)):
        cause = story.breach(account)
        story.fill(account, LEVERED, -lots, TAKEOVER, cause, maker=60, venue=3)
    story.trade(60, ENGINE, -2, -2, FORCED)
    first = len(story.fills)
    cause = story.breach(102)
    story.fill(102, LEVERED, -4, TAKEOVER, cause, maker=60, venue=3)
    story.end_step()
    story.trade(60, ENGINE, -1, -1, FORCED)
    told = story.told()
    assert mixture(told, told.fill_causes[first - 1]) == pytest.approx({0: 0.75, 1: 0.25})
    assert mixture(told, told.fill_causes[-1]) == pytest.approx({0: 1.5 / 6, 1: 0.5 / 6, 2: 4 / 6})
    assert told.fill_causes[:2].tolist() == [1, 2]
    assert shares(told, 2) == [1.0, 0.0, 0.0, 1.0]


def test_an_account_that_no_move_hurt_broke_by_itself():
    """Funding drained it: the price did not move, or moved its way."""
    story = Story()
    story.forced(-6)
    story.end_step()
    story.breach(BOB, exposure=(-1.0,))
    story.breach(102, exposure=(0.0,))
    told = story.told()
    assert shares(told, 1) == shares(told, 2) == [0.0, 0.0, 1.0, 0.0]
    assert told.liquidations["parent"].tolist() == [-1, -1, -1]


def test_an_account_in_two_assets_is_pushed_by_both():
    """It loses 6 on the first, which was forced, and 2 x 2 on the second, which was news."""
    story = Story(assets=2)
    story.forced(-6, exposure=(1.0, 0.0))
    story.news(-2, venue=1)
    story.news(+9, venue=1)
    story.news(-9, venue=1)
    story.breach(BOB, exposure=(1.0, 2.0))
    told = story.told()
    assert shares(told) == pytest.approx([0.6, 0.0, 0.4, 0.6])
    assert set(told.charges["asset"].tolist()) == {0, 1}


def test_an_empty_tape_has_an_empty_genealogy():
    told = Story().told()
    assert all(column.size == 0 for part in told[:3] for column in part.values())


@pytest.fixture(scope="module")
def crash() -> Model:
    """Four minutes of the crash, its sale brought forward, and a little of the cascade."""
    scenario = load("linear_crash")
    scenario["time.steps"], scenario["shocks.0.at"] = 120, 30.0
    model: Model = scenario.market()
    while len(model.liquidations) < 600 and model.running:
        model.step()
    return model


def tables_of(recording: Recording) -> dict[str, Any]:
    return {name: recording.frame(name) for name in ("liquidations", "causes", "charges", "fills", "moves")}


def check(recording: Recording) -> None:
    """What holds of every recording."""
    table = tables_of(recording)
    closed, causes, charges = table["liquidations"], table["causes"], table["charges"]
    by_class = closed["share_hedging"] + closed["share_forced"] + closed["share_exogenous"]
    assert (by_class == 1.0).all()
    assert closed[["share_hedging", "share_forced", "share_exogenous"]].ge(0).all(axis=None)
    assert closed["share_liquidations"].between(0, 1).all()
    assert (closed["parent"] < closed["id"]).all()
    parents = closed[closed["parent"] >= 0]
    assert (parents["generation"] == closed["generation"].to_numpy()[parents["parent"]] + 1).all()
    assert (parents["root"] == closed["root"].to_numpy()[parents["parent"]]).all()
    assert (causes["weight"].between(LEAST, 1 + 1e-6)).all()
    assert (causes.groupby("cause_id")["weight"].sum() <= 1 + 1e-5).all()
    assert causes["liquidation_id"].between(0, len(closed) - 1).all()
    pairs = set(zip(causes["cause_id"], causes["liquidation_id"], strict=True))
    assert set(zip(parents["cause"], parents["parent"], strict=True)) <= pairs
    listed = set(causes["cause_id"]) | {0}
    for name in ("fills", "moves", "liquidations"):
        assert set(table[name]["cause"]) <= listed
    sums = charges.groupby("step")["half_ticks"].sum()
    moved = table["moves"].groupby("step")["half_ticks"].sum()
    np.testing.assert_allclose(sums.reindex(moved.index).fillna(0.0), moved, atol=1e-6)
    assert set(sums.index) <= set(moved.index)


def test_a_crash_is_attributed_whole(crash):
    recording = crash.recording()
    check(recording)
    closed, causes = recording.liquidations, recording.causes
    assert len(closed) >= 600
    assert 0.1 < closed["share_liquidations"].mean() < 1
    assert closed["share_hedging"].mean() > 0.1
    own = causes.groupby("cause_id")["weight"].sum().reindex(closed["cause"], fill_value=0.0).to_numpy()
    missing = closed["share_liquidations"].to_numpy() - own
    assert -1e-6 < missing.min() <= missing.max() < LEAST, "small weights are listed together"
    forced = recording.fills[recording.fills["reason"] == "forced"]
    assert (forced["cause"] > 0).all(), "liquidators' sales descend from takeovers"


def test_the_same_tape_tells_the_same_story(crash):
    first, second = (tables_of(crash.recording()) for _ in range(2))
    for name, frame in first.items():
        assert frame.equals(second[name]), name


def test_little_memory_tells_nearly_the_same_story(crash, monkeypatch):
    """With lines every few dozen moves instead of at each one, shares stay within a few points."""
    exact = crash.recording().liquidations["share_liquidations"]
    monkeypatch.setattr("sim.causes.genealogy.MEMORY_BYTES", 4 * len(crash.liquidations) * 100)
    recording = crash.recording()
    check(recording)
    rough = recording.liquidations["share_liquidations"]
    assert not rough.equals(exact)
    assert rough.mean() == pytest.approx(exact.mean(), abs=0.02)


def test_a_run_that_stopped_anywhere_has_its_genealogy():
    """Before the first step, after each of the first, and in the midst of the cascade."""
    model = market("linear_cascade", **{"populations.levered.count": 100, "venues.market.impact": 0.06})
    for _ in range(60):
        recording = model.recording()
        check(recording)
        model.step()
    assert len(recording.liquidations) > 5


def test_a_run_that_fails_within_a_step_has_its_genealogy(monkeypatch):
    """Liquidations and moves of the step that was never recorded are there."""
    model = market("linear_cascade")
    while not model.liquidations:
        model.step()
    steps, count = model.steps_taken, len(model.liquidations)

    def fail(*_):
        raise RuntimeError("out of disk")

    with monkeypatch.context() as patched:
        patched.setattr(model.recorder, "record", fail)
        while len(model.liquidations) == count:
            with pytest.raises(RuntimeError, match="out of disk"):
                model.step()
    recording = model.recording()
    check(recording)
    assert len(recording.series) == steps < recording.liquidations["step"].max() + 1


def test_a_quote_tells_news_from_flow():
    """Requoting after a jump of the value answers nothing, after a sale it answers the sale."""
    for shock, expected in ((value_shock(5.0, 0.01), 0.0), (market_order(5.0, -60.0), 1.0)):
        quiet = MAKERS | {"anchor_per_second": 0.0}
        moves = small_market(quiet, shocks=[shock], venues=("perp",), steps=9).run().moves
        after = moves[
            (moves["time"] >= 5.0) & (moves["mover"] != "cancel") & (moves["population"] == "makers")
        ]
        assert len(after) > 1
        weights = after["half_ticks"].abs()
        assert np.average(after["answers"], weights=weights) == pytest.approx(expected, abs=0.1)


def test_thresholds_of_the_textbook_cascade_are_a_hundred_units_per_unit_of_price():
    """Cash is uniform, so the price at which an account breaks is too: from 100 to 90 for 1,000 units."""
    model = market("linear_cascade")
    accounts, prices, units = liquidation_prices(model.ledger, model.margin, 0)
    assert units.sum() == 1000.0
    cash = next(p for p in model.populations if p.name == "levered").column("cash")
    assert accounts.size == cash.size
    slope, at_no_cash = np.polyfit(cash, prices, 1)
    assert at_no_cash == pytest.approx(100.0, abs=1e-6)
    assert at_no_cash + 9.9 * slope == pytest.approx(90.0, abs=1e-6)
    assert prices.min() < 90.1


@pytest.mark.parametrize("ratio", [0.3, 0.6])
def test_a_textbook_cascade_has_the_branching_ratio_and_the_tree_size_of_theory(ratio):
    """n = lambda rho, and 1 / (1 - n) liquidations a tree (THEORY section 6).

    Within three standard errors over seeds, and 2%: windows include the whole of the move that broke an
    account, and the first ones reach back before the first liquidation.
    """
    overrides = {"venues.market.impact": ratio * 10 / 1000, "time.steps": int(2000 * (1 - ratio))}
    found = []
    for seed in range(5):
        closed = market("linear_cascade", rng=seed, **overrides).run().liquidations
        found.append((closed["share_liquidations"].mean(), (closed["parent"] < 0).mean()))
    branching, roots = np.mean(found, axis=0)
    errors = np.std(found, axis=0, ddof=1) / np.sqrt(len(found))
    assert errors.max() < 0.02
    assert branching == pytest.approx(ratio, rel=0.02, abs=3 * errors[0])
    size, error = 1 / roots, errors[1] / roots**2
    assert size == pytest.approx(1 / (1 - ratio), rel=0.02, abs=3 * error + 0.02 / (1 - ratio))
