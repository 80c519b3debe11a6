"""Arms: one world, several fates of the hedging, and the same draws in all of them."""

from __future__ import annotations

import numpy as np
import pytest
from small_market import LPS, listen, small_scenario

from analysis.base.arms import AA, BASE, MUTED, OPEN_LOOP, PLACEBO
from analysis.base.trades import executed
from scenarios.arms.arms import Arms, hedgers
from scenarios.build.build import build
from scenarios.build.loading import load
from scenarios.build.treatment import Treatment, recorded
from scenarios.file.arm import replayed
from scenarios.file.errors import ScenarioError
from sim.records import FORCED, HEDGE, TRADE

HORIZON = 200


def recordings(scenario, chosen, seed=5):
    """Recordings of the chosen arms, by name."""
    found = {}
    Arms(scenario, chosen).run(seed, found.__setitem__)
    return found


@pytest.fixture(scope="module")
def crash():
    """Five arms of the first twelve minutes of the crash."""
    scenario = load("linear_crash", {"time.steps": 720})
    return recordings(scenario, [BASE, MUTED, OPEN_LOOP, "unhedged", PLACEBO, AA])


def gap_to_the_pool(recording):
    """Largest distance of the pool's price from that of the listed book, basis points."""
    series = recording.series
    return 1e4 * float(np.abs(np.log(series["pool.mid"] / series["GME.mid"])).max())


def test_replayed_hedges_go_where_the_route_sends_them_by_then():
    """Muted, hedgers see a pool that never answers; what they sent to it is not all sent to it again."""
    scenario = load("short_call_rally", {"time.steps": 720})
    found = recordings(scenario, [BASE, MUTED, OPEN_LOOP])
    sizes = {}
    for arm in (MUTED, OPEN_LOOP):
        hedges = found[arm].fills.query("reason == 'hedge' and taker_population == 'dealers'")
        by_venue = hedges.assign(size=hedges.qty.abs()).groupby("venue", observed=True)["size"].sum()
        sizes[arm] = {name.removesuffix("-sink"): size for name, size in by_venue.items()}
        sizes[arm]["all"] = by_venue.sum()
    assert sizes[MUTED]["pool"] > 0.6 * sizes[MUTED]["all"]
    assert sizes[OPEN_LOOP]["pool"] < 0.4 * sizes[OPEN_LOOP]["all"]
    assert sizes[OPEN_LOOP]["all"] == pytest.approx(sizes[MUTED]["all"], rel=0.02)
    gaps = {arm: gap_to_the_pool(recording) for arm, recording in found.items()}
    assert gaps[OPEN_LOOP] < 4 * gaps[BASE]


def long_run(recording):
    """Standard deviation of the mid over the horizon, just before the hedge phase."""
    path = recording.series["X.mid_at_hedge"].to_numpy()
    return np.sqrt(np.mean((path[HORIZON:] - path[:-HORIZON]) ** 2))


@pytest.mark.parametrize(
    "gain", [0.5, *(pytest.param(gain, marks=pytest.mark.long) for gain in (-0.5, 0.25))]
)
def test_flow_and_feedback_are_those_of_theory_in_the_linear_market(gain):
    """open_loop/muted = 1 + g and base/muted = 1/(1 - g), over paired seeds, within 2%."""
    gamma = {"populations.dealers.exposure.gamma": -10.0 * gain, "time.steps": 1500}
    scenario = load("linear_feedback", gamma)
    ratios = []
    for seed in range(6):
        found = recordings(scenario, [BASE, MUTED, OPEN_LOOP], seed)
        muted = long_run(found[MUTED])
        ratios.append((long_run(found[OPEN_LOOP]) / muted, long_run(found[BASE]) / muted))
    means, errors = np.mean(ratios, axis=0), np.std(ratios, axis=0, ddof=1) / np.sqrt(len(ratios))
    assert (errors < 0.01).all()
    assert means[0] == pytest.approx(1 + gain, rel=0.02)
    assert means[1] == pytest.approx(1 / (1 - gain), rel=0.02)


def test_the_draws_of_two_arms_are_the_same_rows():
    """Kind, side, size, offset, uniform and time of every background order are equal, arm by arm."""
    arms = Arms(load("linear_crash", {"time.steps": 640}), [BASE, MUTED])
    heard = {}
    for arm in arms.chosen:
        model = arms.market(arm, 5)
        noise = listen(next(p for p in model.populations if p.name == "noise"))
        recording = model.run()
        heard[arm] = np.concatenate(noise), recording.series["BTC.mid"].to_numpy()
    base, muted = heard[BASE][0], heard[MUTED][0]
    assert not np.array_equal(heard[BASE][1], heard[MUTED][1])
    assert base.size == muted.size > 10_000
    for field in ("time", "latency", "account", "kind", "qty", "price_ref", "value", "good_till"):
        assert np.array_equal(base[field], muted[field]), field
    # The offset is a share of the mid, in ticks: it differs by no more than the mids do.
    assert np.array_equal(base["price"] == 0, muted["price"] == 0)
    assert (np.abs(base["price"] - muted["price"]) <= 1 + 0.08 * base["price"]).all()


def test_the_value_and_the_sale_are_the_same_in_every_arm(crash):
    """What comes from outside the market does not know of the arms."""
    for recording in crash.values():
        assert np.array_equal(recording.series["BTC.value"], crash[BASE].series["BTC.value"])
        assert executed(recording, "BTC") == 1.0


def test_aa_is_base_again_to_the_last_bit(crash):
    """Nothing changed: equal fills."""
    for column in ("seq", "price", "qty", "maker", "taker", "time"):
        assert np.array_equal(crash[AA].column("fills", column), crash[BASE].column("fills", column))


def test_muted_hedges_fill_at_the_mid_and_move_nothing(crash):
    """They meet the account outside at the mid of their arrival; no move of the mid is theirs."""
    muted = crash[MUTED]
    hedges = muted.fills.query("reason == 'hedge'")
    assert hedges.shape[0] > 1000
    assert set(hedges.venue.unique()) <= {"perp-sink", "pool-sink"}
    assert set(hedges.maker_population.unique()) == {"outside"}
    assert not (muted.moves["reason"] == "hedge").any()
    moves = muted.moves[muted.moves.venue == "perp"]
    path = 65000.0 + 0.25 * np.concatenate([[0], moves.half_ticks.cumsum()])
    mids = path[np.searchsorted(moves.time.to_numpy(), hedges.time.to_numpy(), "right")]
    assert hedges.price.to_numpy() == pytest.approx(mids, abs=1e-9)


def test_muted_and_unhedged_leave_the_same_prices(crash):
    """A hedge without impact and no hedge at all are the same to everybody else."""
    assert np.array_equal(crash[MUTED].series["BTC.mid"], crash["unhedged"].series["BTC.mid"])
    assert not (crash["unhedged"].fills.reason == "hedge").any()
    held = [crash[arm].series["dealers.net_delta"].abs().mean() for arm in (MUTED, "unhedged")]
    assert held[0] < 0.7 * held[1]


def test_open_loop_sends_what_muted_filled(crash):
    """Every account trades the same lots in the same steps, now against the market."""
    sums = {}
    for arm in (MUTED, OPEN_LOOP):
        hedges = crash[arm].fills.query("reason == 'hedge'")
        sums[arm] = hedges.groupby(["step", "taker"], observed=True).qty.sum()
    matched = sums[OPEN_LOOP].reindex(sums[MUTED].index)
    assert (matched == sums[MUTED]).mean() > 0.99  # a book that ran empty fills in part
    assert set(crash[OPEN_LOOP].fills.query("reason == 'hedge'").venue.unique()) <= {"perp", "pool"}


def test_the_placebo_keeps_sizes_and_flips_signs_by_block(crash):
    """Within a minute either every hedge of base is sent as it was, or every one is turned round."""
    names = tuple(hedgers(load("linear_crash")))
    flow = recorded(crash[BASE], names)
    signs = np.array([1, -1] * 20)
    turned = flow.signed(signs, 60.0)
    block = (flow.orders["time"] // 60).astype(int)
    assert np.array_equal(turned.orders["qty"], flow.orders["qty"] * signs[block])
    base, placebo = (np.abs(crash[arm].fills.query("reason == 'hedge'").qty).sum() for arm in (BASE, PLACEBO))
    assert placebo == pytest.approx(base, rel=0.02)


def test_muted_accounts_are_exempt_from_margin_in_every_arm_but_margined():
    """So that a default of the dealers does not tell the arms apart."""
    scenario = load("linear_crash", {"time.steps": 1})
    arms = Arms(scenario, [BASE, MUTED, "margined"])
    rules = {arm: arms.market(arm, 1).margin.is_checked for arm in arms.chosen}
    dealers = next(p for p in arms.market(BASE, 1).populations if p.name == "dealers").accounts
    assert not rules[BASE][dealers].any()
    assert not rules[MUTED][dealers].any()
    assert rules["margined"][dealers].all()
    assert Arms(scenario, [BASE]).market(BASE, 1).margin.is_checked[dealers].all()


@pytest.mark.parametrize("name", ["linear_crash", "tests/support/two_assets.toml"])
def test_cash_and_instruments_are_conserved_in_every_arm(name):
    """Sinks and replays included, with options, pools, expiries and liquidations."""
    arms = Arms(load(name, {"time.steps": 660}), [BASE, MUTED, OPEN_LOOP, "unhedged", PLACEBO, "margined"])
    sources = {}
    for arm in arms.chosen:
        model = arms.market(arm, 7, sources.get(replayed(arm)))
        sources[arm] = model.run()
        residuals = model.residuals()
        assert residuals.pop("cash") < 1e-12, arm
        assert not any(residuals.values()), arm
        assert sources[arm].fills.shape[0] > 1000, arm


@pytest.mark.parametrize(("share", "muted"), [(0.0, ()), (0.4, ("lps",))])
def test_who_never_hedges_is_neither_muted_nor_exempt(share, muted):
    scenario = small_scenario(LPS | {"hedged_share": share})
    arms = Arms(scenario, [BASE, MUTED])
    assert arms.muted == muted
    assert arms.exempt == frozenset(muted)


def test_populations_do_not_know_of_sinks():
    """Neither the listing nor the View shows them; two assets with strangers who trade anywhere agree too."""
    scenario = load("tests/support/two_assets.toml", {"time.steps": 60})
    found = recordings(scenario, [MUTED, "unhedged"], 7)
    for asset in ("BTC", "ETH"):
        mids = [found[arm].series[f"{asset}.mid"] for arm in (MUTED, "unhedged")]
        assert np.array_equal(*mids)
    model = Arms(scenario, [BASE, MUTED]).market(MUTED, 7)
    assert not any(name.endswith("-sink") for name in model.listing.venues)
    assert model.view.quotes.size == len(model.listing.venues) < len(model.venues)


def test_forced_sales_can_be_diverted_too():
    """Then no move of the mid is forced, though accounts are liquidated; money and lots are conserved."""
    scenario = load("linear_crash", {"time.steps": 720})
    model = build(scenario, 5, Treatment("no forced selling", is_forced_diverted=True))
    recording = model.run()
    forced = recording.fills.query("reason == 'forced'")
    assert forced.shape[0] > 50
    assert set(forced.venue.unique()) == {"perp-sink"}
    assert not np.isin(recording.column("moves", "reason"), [FORCED]).any()
    assert np.isin(recording.column("moves", "reason"), [TRADE, HEDGE]).any()
    residuals = model.residuals()
    assert residuals.pop("cash") < 1e-12
    assert not any(residuals.values())


def test_an_arm_of_the_scenario_sets_values_and_mutes():
    """`set` and `mute` of a scenario's own arm."""
    scenario = load("linear_crash", {"time.steps": 2})
    scenario = scenario.model_copy(update={"arms": {}})
    scenario["arms.wide.set"] = {"populations.dealers.hedging.width": 0.3}
    scenario["arms.no_lps.mute"] = ["hedged_lps"]
    arms = Arms(scenario, [BASE, "wide", "no_lps"])
    dealers = next(p for p in arms.market("wide", 1).populations if p.name == "dealers")
    assert (dealers.hedger.policy.width == 0.3).all()
    assert arms.exempt == {"hedged_lps", "dealers", "vaults"}
    with pytest.raises(ScenarioError, match=r'no arm is named "wid".*did you mean "wide"'):
        Arms(scenario, ["wid"])
