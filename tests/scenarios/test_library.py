"""What each library scenario is there to show, and the numbers it showed last."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from places import SUPPORT

from analysis.base.trades import executed
from analysis.metrics.quality import variance_ratio
from analysis.metrics.volume import hedging_share
from scenarios import load
from scenarios.arms.arms import Arms
from scenarios.file.errors import ScenarioError
from scenarios.file.library import RENAMED, REPLICATED, STARTER, find, names, start
from sim.base import ahead, typed_call
from sim.recording.recording import Recording

BASELINES = SUPPORT / "baselines.json"
STEPS = 120


def summary(name: str) -> dict[str, float]:
    """A handful of numbers of the first two minutes, with the shock brought forward."""
    scenario = load(name)
    scenario["time.steps"] = STEPS
    if scenario.shocks:
        scenario["shocks.0.at"] = 30.0
    recording = scenario.market().run()
    asset = recording.names("assets")[0]
    mid = recording.column("series", f"{asset}.mid")
    fills = recording.table("fills")
    return {
        "lowest": float(mid.min()),
        "highest": float(mid.max()),
        "fills": float(fills.num_rows),
        "lots": float(np.abs(recording.column("fills", "qty")).sum()),
        "liquidations": float(recording.table("liquidations").num_rows),
    }


@pytest.mark.parametrize("name", names())
def test_a_scenario_gives_the_numbers_it_gave(name: str) -> None:
    """Golden numbers; after a change that is meant to move them: python tests/scenarios/test_library.py."""
    expected = json.loads(BASELINES.read_text())[name]
    typed_call.PREPARED.clear()
    assert summary(name) == pytest.approx(expected, rel=1e-6)
    assert unrecorded() == [], "run tests/support/record_signatures.py"


def unrecorded() -> list[str]:
    """Kernels that are recorded, but not with the types that they were called with."""
    called = {ahead.name_of(each): set(each.overloads) for each in typed_call.PREPARED if each.overloads}
    record = ahead.recorded()
    return [
        name
        for name, types in called.items()
        if name in record and types.isdisjoint(task.signature() for task in record[name])
    ]


PUBLISHED = sorted(REPLICATED.glob("*.toml"))


@pytest.mark.parametrize("name", [*names(), *PUBLISHED], ids=lambda each: Path(each).stem)
def test_no_order_says_what_means_nothing_to_its_venue(name: str | Path) -> None:
    """A population whose orders are refused for that would do nothing, quietly."""
    recording = load(name, {"time.steps": 50}).market().run()
    assert "unsupported" not in set(recording.rejects["refusal"])


WITHOUT_GAMMA = {
    "populations.dealers.exposure.share": 0.0001,
    "populations.vaults.collateral": 0.01,
    "populations.hedged_lps.hedged_share": 0.0,
}


def fall_after_shock(name: str, seed: int = 1, **changes: float) -> tuple[float, int]:
    """Fall of the mid after the sale at ten minutes, and liquidations; checks who bore bad debt."""
    scenario = load(name)
    scenario["time.steps"], scenario["seed"] = 780, seed
    for key, value in changes.items():
        scenario[key] = value
    model = scenario.market()
    recording = model.run()
    debts = sum(debt.amount for debt in model.waterfall.debts)
    assert recording.column("liquidations", "bad_debt").sum() == pytest.approx(debts)
    return after_shock(recording), recording.table("liquidations").num_rows


def after_shock(recording: Recording) -> float:
    """Fall of the mid after ten minutes, of what it was then."""
    mid = recording.column("series", "BTC.mid")
    return float(1 - mid[600:].min() / mid[600])


@pytest.mark.long
def test_the_crash_is_deeper_with_hedging_than_in_the_same_market_without() -> None:
    pairs = [
        (fall_after_shock("linear_crash", s), fall_after_shock("linear_crash", s, **WITHOUT_GAMMA))
        for s in range(1, 7)
    ]
    falls = np.array([(with_it[0], without[0]) for with_it, without in pairs])
    more = falls[:, 0] - falls[:, 1]
    assert more.mean() - 2.57 * more.std(ddof=1) / np.sqrt(more.size) > 0.02  # 95%, 5 degrees of freedom
    assert all(with_it[1] > without[1] > 0 for with_it, without in pairs), "it liquidates more as well"


def test_a_liquid_market_answers_sales_ever_more_weakly_and_forgets_in_part() -> None:
    """Thirty times the sale makes 2.5 to 9 times the fall (a square root 5.5); prices do not trend."""

    def mids(seed: int, qty: float) -> np.ndarray:
        shock = {"at": 300.0, "type": "market_order", "asset": "BTC", "qty": -qty, "over_seconds": 300.0}
        changes = {"seed": seed, "time.steps": 900, "shocks": [shock] if qty else []}
        recording = load("liquid_perpetual", changes).market().run()
        assert (np.abs(recording.column("series", "BTC.mid")) > 0).all()
        return np.log(recording.column("series", "BTC.mid"))

    seeds = range(1, 5)
    quiet = np.array([mids(seed, 0.0) for seed in seeds])
    small, medium, large = (
        np.array([mids(seed, qty) for seed in seeds]).mean(axis=0) - quiet.mean(axis=0)
        for qty in (2000.0, 10_000.0, 60_000.0)
    )
    assert 2.5 < large[599] / small[599] < 9.0
    assert 0.3 < medium[899] / medium[599] < 0.8
    minutes = quiet[:, 60:] - quiet[:, :-60]
    seconds = np.diff(quiet)
    assert 0.7 < (minutes**2).mean() / (60 * (seconds**2).mean()) < 1.4


def test_gamma_below_the_price_leaves_the_quiet_market_alone_and_gamma_at_it_makes_it_trend() -> None:
    """The same units of puts: eight tenths of a per cent below the price, or around it."""

    def minutes(seed: int, begins_below: float) -> float:
        changes = {"seed": seed, "time.steps": 400, "shocks": []}
        dealers = {"populations.dealers.exposure.begins_below": begins_below}
        recording = load("where_gamma_lies", changes | dealers).market().run()
        return variance_ratio(recording, recording.column("series", "BTC.mid"), 60.0)

    seeds = range(1, 5)
    quiet = [minutes(seed, 0.008) for seed in seeds]
    assert quiet == [minutes(seed, 0.02) for seed in seeds], "nobody hedges above the strikes"
    assert np.mean([minutes(seed, -0.005) for seed in seeds]) > 2 * np.mean(quiet)


def test_the_control_does_not_crash() -> None:
    fall, liquidations = fall_after_shock("calm")
    assert 0.001 < fall < 0.01
    assert liquidations == 0


def test_a_tenth_of_the_depth_makes_three_times_the_fall() -> None:
    """The square root of ten, all of the sale executed; nobody defaults before it."""
    scenario = load("short_gamma_crash", {"time.steps": 900})
    runs: dict[str, Recording] = {}
    Arms(scenario, ["base", "muted"]).run(1, runs.__setitem__)
    deep, _ = fall_after_shock("calm")
    thin = {arm: after_shock(recording) for arm, recording in runs.items()}
    assert 2.0 < thin["muted"] / deep < 5.0
    assert thin["base"] > 1.1 * thin["muted"]
    assert all(executed(recording, "BTC") == 1.0 for recording in runs.values())


def test_the_gain_of_each_scenario_is_what_its_description_says() -> None:
    opening, before, shocked, resting = {}, {}, {}, {}
    for name in names():
        scenario = load(name)
        scenario["time.steps"] = 720
        recording = scenario.market().run()
        asset = recording.names("assets")[0]
        gain = recording.column("series", f"{asset}.loop_gain")
        instant = recording.column("series", f"{asset}.loop_gain_instant")
        opening[name], before[name] = gain[0], np.median(gain[60:600])
        shocked[name], resting[name] = np.median(gain[620:]), np.median(instant[620:])
    assert opening["linear_crash"] == pytest.approx(0.5, abs=0.05), "every delta hedged at once"
    assert 0.15 < before["linear_crash"] < 0.25 < 0.4 < shocked["linear_crash"] < 0.55
    assert resting["linear_crash"] > 2
    assert shocked["calm"] < before["calm"] < opening["calm"] < 0.25
    assert 1.0 < before["short_gamma_crash"] < opening["short_gamma_crash"] < 2.0, "a tenth of the depth"
    assert before["linear_feedback"] == pytest.approx(0.5)
    assert opening["short_call_rally"] == pytest.approx(0.4, abs=0.05)
    assert 0.55 < shocked["short_call_rally"] < 0.65
    assert resting["short_call_rally"] > 2


@pytest.mark.long
def test_the_fall_grows_with_the_sale_in_both_arms_and_all_of_it_is_sold() -> None:
    """Ten times the sale makes 2 to 8 times the fall where nobody hedges (a square root 3.2)."""
    falls = {}
    for qty in (2000.0, 6000.0, 20_000.0):
        found = []
        for seed in (1, 2, 3):
            runs: dict[str, Recording] = {}
            scenario = load("short_gamma_crash", {"time.steps": 1000, "shocks.0.qty": -qty})
            Arms(scenario, ["base", "muted"]).run(seed, runs.__setitem__)
            assert all(executed(recording, "BTC") == 1.0 for recording in runs.values())
            found.append([after_shock(runs[arm]) for arm in ("base", "muted")])
        falls[qty] = np.mean(found, axis=0)
    small, medium, large = falls.values()
    assert (small < medium).all()
    assert (medium < large).all()
    assert 2.0 < large[1] / small[1] < 8.0


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_name_still_loads_and_says_the_new_one(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert old not in names()
    with pytest.warns(UserWarning, match=f'{new}.toml:.*: name: "{old}" is called {new} now'):
        assert load(old).name == new
    with pytest.raises(ScenarioError, match="choose another"):
        start(old, tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{old}.toml").write_text(find(new).read_text().replace(new, "mine", 1))
    assert load(old).name == "mine", "a file of one's own comes before it"


def test_a_name_of_today_is_not_remarked_on(recwarn: pytest.WarningsRecorder) -> None:
    for name in RENAMED.values():
        load(name)
    assert not recwarn.list


def test_a_rally_into_short_calls_goes_up_and_liquidates_shorts() -> None:
    scenario = load("short_call_rally")
    scenario["time.steps"] = 1500
    recording = scenario.market().run()
    mid = recording.column("series", "GME.mid")
    assert mid.max() / mid[0] > 1.05
    forced = recording.liquidations
    assert (forced["qty"] > 0).mean() > 0.9, "shorts are bought back"


@pytest.mark.parametrize(
    "name", [name for name in names() if any(venue.name == "pool" for venue in load(name).venues)]
)
def test_the_index_prices_pool_and_reference_and_arbitrageurs_carry_the_basis(name: str) -> None:
    scenario = load(name)
    (asset,), venues = scenario.assets, {venue.name: venue for venue in scenario.venues}
    assert venues["perp"].instrument == "perpetual"
    assert asset.index.venues["pool"] > 0
    assert sum(asset.index.venues.values()) + asset.index.external == pytest.approx(1.0)
    scenario["time.steps"] = 720
    recording = scenario.market().run()
    basis = recording.column("series", "pool.mid") / recording.column("series", f"{asset.name}.mid") - 1
    assert np.abs(basis).max() < 0.015
    assert np.median(np.abs(basis[:600])) < 0.001
    traders = recording.fills.query("venue == 'pool' and reason == 'trade'")["taker_population"]
    assert (traders == "arbitrageurs").sum() > 50


def largest_fall(recording: Recording) -> float:
    mid = recording.column("series", "BTC.mid")
    return float((1 - mid / np.maximum.accumulate(mid)).max())


def test_a_new_users_first_run_hedges_liquidates_and_falls_further_than_with_the_hedges_muted() -> None:
    scenario = load(STARTER)
    runs: dict[str, Recording] = {}
    Arms(scenario, ["base", "muted"]).run(scenario.seed, runs.__setitem__)
    base, fills = runs["base"], runs["base"].fills
    shocked = fills[fills["time"].between(300.0, 360.0)]
    of_it = shocked["qty"].abs().groupby(shocked["reason"].astype(str)).sum() / shocked["qty"].abs().sum()
    assert largest_fall(base) > 0.03
    assert 0.05 < hedging_share(base, "BTC") < of_it["hedge"] < 0.4
    assert base.table("liquidations").num_rows >= 5
    assert base.table("liquidations").num_rows > runs["muted"].table("liquidations").num_rows
    assert largest_fall(base) > 1.5 * largest_fall(runs["muted"])


if __name__ == "__main__":
    BASELINES.write_text(json.dumps({name: summary(name) for name in names()}, indent=2) + "\n")
