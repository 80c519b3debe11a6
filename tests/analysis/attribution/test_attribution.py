"""Attribution: charges add up to the price exactly, and shares of its variance to one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from synthetic import DEALERS, LEVERED, MAKERS, NOISE, a_crash, a_market, a_recording, rows

from analysis.attribution import attribution, charges
from analysis.attribution import plots as attribution_plots
from analysis.attribution.charges import LAST_TOUCH, THROUGH_MAKERS, Charges, Part
from analysis.base.metric import Undefined, measure, metrics_of
from analysis.base.resampling import FEWEST, in_blocks, ratio_interval
from sim.messages import columns
from sim.recording.recording import Recording
from sim.records import FORCED, HEDGE, HEDGING, LIQUIDATING, QUOTING, SHOCK, TRADE, TRADING

HALF_TICK = 0.25
SPOT = 65000.0

Move = tuple[int, int, int, int, int]
"""Step, phase, population, reason, half ticks."""


@pytest.fixture(autouse=True)
def charged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings hold charges through makers, as the contract has them."""
    declared = {
        "step": columns.STEP,
        "asset": columns.ASSET,
        "population": columns.POPULATION,
        "reason": columns.REASON,
        "half_ticks": columns.Column("f8", "half ticks"),
    }
    if "charges" not in columns.TABLES:
        monkeypatch.setitem(columns.TABLES, "charges", declared)


def moved(
    moves: list[Move], steps: int = 4, through: list[tuple[int, int, int, float]] | None = None, **more: Any
) -> Recording:
    """A recording whose mid is what the moves make it; `through` is step, population, reason, half ticks."""
    change = np.zeros(steps, np.int64)
    for step, *_, half_ticks in moves:
        change[step] += half_ticks
    mid = SPOT + HALF_TICK * np.cumsum(change)
    keys = ("step", "phase", "population", "reason", "half_ticks")
    tables = {"moves": rows("moves", *({"asset": 0} | dict(zip(keys, move, strict=True)) for move in moves))}
    if through is not None:
        names = ("step", "population", "reason", "half_ticks")
        entries = ({"asset": 0} | dict(zip(names, each, strict=True)) for each in through)
        tables["charges"] = rows("charges", *entries)
    return a_recording({"BTC.mid": mid}, a_market(steps), **tables, **more)


def by_hand() -> Recording:
    """Dealers sell, makers mark the price down after them; levered longs are sold and it comes back."""
    moves = [
        (0, TRADING, NOISE, TRADE, 40),
        (1, HEDGING, DEALERS, HEDGE, -100),
        (1, QUOTING, MAKERS, TRADE, -60),
        (2, LIQUIDATING, LEVERED, FORCED, -80),
        (2, QUOTING, MAKERS, TRADE, 20),
        (3, TRADING, -1, SHOCK, 30),
    ]
    through = [
        (0, NOISE, TRADE, 40.0),
        (1, DEALERS, HEDGE, -145.0),
        (1, MAKERS, TRADE, -15.0),
        (2, LEVERED, FORCED, -72.5),
        (2, DEALERS, HEDGE, 12.5),
        (3, -1, SHOCK, 30.0),
    ]
    return moved(moves, through=through)


def a_long_crash() -> Recording:
    """An hour with a crash; half of what makers did in every other step answers the dealers."""
    crash = a_crash()
    moves = {name: crash.column("moves", name).copy() for name in columns.TABLES["moves"]}
    quoted = (moves["population"] == NOISE) & (moves["step"] % 2 == 0)
    moves["population"][quoted] = MAKERS
    codes, half_ticks = moves["population"], moves["half_ticks"].astype(float)
    half_ticks[quoted] /= 2
    through = {
        "step": np.append(moves["step"], moves["step"][quoted]),
        "asset": np.zeros(codes.size + quoted.sum(), int),
        "population": np.append(codes, np.full(quoted.sum(), DEALERS)),
        "reason": np.append(moves["reason"], np.full(quoted.sum(), HEDGE)),
        "half_ticks": np.append(half_ticks, half_ticks[quoted]),
    }
    tables = {"series": crash.table("series"), "moves": moves, "charges": through}
    return Recording(crash.market, tables)


def test_the_fall_by_hand_is_charged_in_both_versions() -> None:
    """From 65,010 to 64,955: dealers made 100 or 132.5 of the 220 half ticks, makers 40 or 15."""
    table = attribution.table(by_hand(), "BTC")
    fall = dict(table.xs("fall", axis=1, level="quantity").iterrows())
    assert fall["dealers", "hedging"].to_dict() == pytest.approx(
        {LAST_TOUCH: 100 / 220, THROUGH_MAKERS: 132.5 / 220}
    )
    assert fall["makers", "other"].to_dict() == pytest.approx(
        {LAST_TOUCH: 40 / 220, THROUGH_MAKERS: 15 / 220}
    )
    assert fall["levered", "forced"].to_dict() == pytest.approx(
        {LAST_TOUCH: 80 / 220, THROUGH_MAKERS: 72.5 / 220}
    )
    assert fall["noise", "other"].to_dict() == {LAST_TOUCH: 0, THROUGH_MAKERS: 0}


def test_net_and_gross_are_in_percent_of_the_opening_price() -> None:
    """Makers moved 60 down and 20 up of 260,000 half ticks; those of no population have a row."""
    table = attribution.table(by_hand(), "BTC")
    assert table.loc[("makers", "other"), (LAST_TOUCH, "net")] == pytest.approx(-100 * 40 / 260_000)
    assert table.loc[("makers", "other"), (LAST_TOUCH, "gross")] == pytest.approx(100 * 80 / 260_000)
    assert table.loc[(charges.NOBODY, "other"), (LAST_TOUCH, "net")] == pytest.approx(100 * 30 / 260_000)
    assert list(table.index) == [
        ("noise", "other"),
        ("makers", "other"),
        ("dealers", "hedging"),
        ("levered", "forced"),
        (charges.NOBODY, "other"),
    ]
    assert table.xs("net", axis=1, level="quantity").sum().tolist() == pytest.approx(
        [-100 * 150 / 260_000] * 2
    )


def test_variance_by_hand() -> None:
    """Changes are 40, -160, -60, 30: the dealers' share is 100 x 160 over their squares."""
    table = attribution.table(by_hand(), "BTC")
    squares = 40**2 + 160**2 + 60**2 + 30**2
    assert table.loc[("dealers", "hedging"), (LAST_TOUCH, "variance_step")] == pytest.approx(16_000 / squares)
    assert table.loc[("makers", "other"), (LAST_TOUCH, "variance_step")] == pytest.approx(
        (60 * 160 - 20 * 60) / squares
    )
    through = (145 * 160 - 12.5 * 60) / squares
    assert table.loc[("dealers", "hedging"), (THROUGH_MAKERS, "variance_step")] == pytest.approx(through)
    assert table[LAST_TOUCH, "variance_1min"].isna().all()


def test_phases_are_charged_too() -> None:
    """Quotes moved the mid by -40, hedges by -100, liquidations by -80."""
    found = charges.by_phase(by_hand(), "BTC")
    net = dict(zip((part.who for part in found.parts), found.half_ticks.sum(axis=1).tolist(), strict=True))
    assert net == {"quote": -40, "trade": 70, "hedge": -100, "liquidate": -80}
    table = attribution.table(by_hand(), "BTC", by="phase")
    assert table[LAST_TOUCH, "variance_step"].sum() == pytest.approx(1)


def test_populations_add_up_their_reasons() -> None:
    """A population that hedges and trades has two rows, and one when reasons are not asked for."""
    recording = moved([(0, HEDGING, DEALERS, HEDGE, 5), (1, TRADING, DEALERS, TRADE, -2)])
    assert len(attribution.table(recording, "BTC")) == 2
    table = attribution.table(recording, "BTC", by="population")
    assert table.index.tolist() == ["dealers"]
    assert table.loc["dealers", (LAST_TOUCH, "net")] == pytest.approx(100 * 3 / 260_000)


MOVES = st.lists(
    st.tuples(
        st.integers(0, 19),
        st.integers(0, 5),
        st.integers(-1, 9),
        st.integers(0, 9),
        st.integers(-(10**6), 10**6).filter(bool),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(MOVES)
def test_charges_add_up_exactly_and_variance_to_one(moves: list[Move]) -> None:
    """Whatever the moves, integers sum to the change of every step, by population and by phase."""
    recording = moved(moves, steps=20)
    whole = np.zeros(20, np.int64)
    for step, *_, half_ticks in moves:
        whole[step] += half_ticks
    for found in (
        charges.last_touch(recording, "BTC"),
        charges.last_touch(recording, "BTC").by_who(),
        charges.by_phase(recording, "BTC"),
    ):
        assert found.half_ticks.dtype == np.int64
        assert found.total.tolist() == whole.tolist()
        assert (found.paths[:, -1].sum(), found.paths[:, 0].any()) == (whole.sum(), False)
        for horizon in (1, 3, 20):
            path = np.append(0, np.cumsum(whole))
            if not np.any(path[horizon:] != path[:-horizon]):
                continue
            assert attribution.shares_of_variance(found, horizon).value.sum() == pytest.approx(1)
    mid = recording.column("series", "BTC.mid")
    assert np.array_equal(SPOT + HALF_TICK * np.cumsum(found.total), mid)


def test_charges_that_do_not_add_up_are_refused() -> None:
    """Charges of half the moves are no second version, and a recording without any has none."""
    moves = [(0, TRADING, NOISE, TRADE, 40), (2, HEDGING, DEALERS, HEDGE, -8)]
    with pytest.raises(Undefined, match="do not add up"):
        charges.through_makers(moved(moves, through=[(0, NOISE, TRADE, 20.0)]), "BTC")
    with pytest.raises(Undefined, match="what flow the makers answered"):
        charges.through_makers(moved(moves), "BTC")
    assert list(charges.versions(moved(moves), "BTC")) == [LAST_TOUCH]
    assert THROUGH_MAKERS not in attribution.table(moved(moves), "BTC")


def test_an_older_recording_has_no_charges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the table is unknown altogether the second version is undefined, not an error."""
    monkeypatch.delitem(columns.TABLES, "charges")
    with pytest.raises(Undefined, match="what flow the makers answered"):
        charges.through_makers(moved([(0, TRADING, NOISE, TRADE, 40)]), "BTC")


def test_a_price_that_never_moves_has_no_shares() -> None:
    """Every metric of a still market says that it did not move."""
    entries = measure(a_recording({"BTC.mid": np.full(200, SPOT)}), metrics_of(attribution))
    assert {entry["reason"] for entry in entries.values()} == {"the mid of BTC never moved"}


def test_the_fall_runs_from_the_last_high_to_the_low() -> None:
    """A price of 10, 12, 12, 9, 11 falls in its fourth step; it rises most in its second."""
    recording = a_recording({"BTC.mid": np.array([10.0, 12, 12, 9, 11])})
    assert charges.largest_fall(recording, "BTC") == (3, 4)
    assert charges.largest_rise(recording, "BTC") == (4, 5)
    with pytest.raises(Undefined, match="never fell"):
        charges.largest_fall(a_recording({"BTC.mid": np.array([1.0, 2.0])}), "BTC")


def test_metrics_agree_with_the_table() -> None:
    """Shares by population add up to 1; hedging's and forced trades' are those of their rows."""
    recording = a_long_crash()
    table = attribution.table(recording, "BTC", by="population")
    names = list(recording.names("populations"))
    for metric, version, quantity in (
        (attribution.variance_share, LAST_TOUCH, "variance_1min"),
        (attribution.variance_share_through_makers, THROUGH_MAKERS, "variance_1min"),
        (attribution.fall_share, LAST_TOUCH, "fall"),
        (attribution.rise_share_through_makers, THROUGH_MAKERS, "rise"),
    ):
        shares = metric(recording, "BTC")
        inside = [name for name in table.index if name in names]
        listed = table.loc[inside, (version, quantity)]
        assert shares[[names.index(name) for name in inside]] == pytest.approx(listed.to_numpy())
    reasons = attribution.table(recording, "BTC")
    hedging = reasons.xs("hedging", level="reason")[THROUGH_MAKERS, "variance_1min"].sum()
    assert attribution.hedging_variance_share_through_makers(recording, "BTC") == pytest.approx(hedging)
    forced = reasons.xs("forced", level="reason")[LAST_TOUCH, "variance_1min"].sum()
    assert attribution.forced_variance_share(recording, "BTC") == pytest.approx(forced)


def test_two_halves_of_a_random_walk_have_half_its_variance_within_the_interval() -> None:
    """Independent parts of equal size have shares of a half; 95% intervals hold it nearly always."""
    covered = 0
    for seed in range(40):
        steps = np.random.default_rng(seed).integers(-50, 51, (2, 3000))
        found = Charges((Part("a"), Part("b")), steps, 260_000.0, HALF_TICK)
        shares = attribution.shares_of_variance(found, 10)
        assert shares.value.sum() == pytest.approx(1)
        covered += shares.low[0] <= 0.5 <= shares.high[0]
    assert covered >= 34


def test_an_interval_takes_blocks() -> None:
    """A ratio of sums over too few blocks, or of one alone, has none; a constant ratio has no width."""
    assert ratio_interval(np.full((1, 20), 3.0), np.full(20, 2.0)).tolist() == [[1.5, 1.5]]
    with pytest.raises(Undefined, match="too few"):
        ratio_interval(np.ones((1, FEWEST - 1)), np.ones(FEWEST - 1))
    with pytest.raises(Undefined, match="one block"):
        ratio_interval(np.ones((1, FEWEST)), np.eye(FEWEST)[0])
    assert in_blocks(np.arange(7), 3).tolist() == [3, 12, 6]


def test_the_stack_is_the_price_at_every_time() -> None:
    """Layers above zero less those below it are the line, in both panels."""
    recording = a_long_crash()
    sheet = attribution_plots.attribution(recording)
    left, right = sheet.axes
    for ax in (left, right):
        (line,) = [each for each in ax.get_lines() if each.get_label() == "price"]
        time, price = np.asarray(line.get_xydata()).T
        total = np.zeros(time.size)
        for layer in ax.collections:
            points = layer.get_paths()[0].vertices
            for at in (0, time.size // 2, time.size - 1):
                total[at] += _height(points, time[at])
        for at in (0, time.size // 2, time.size - 1):
            assert total[at] == pytest.approx(price[at], abs=1e-6)


def _height(points: np.ndarray, time: float) -> float:
    """What a layer adds at a time: its far edge less the one at its base, signed by side of zero."""
    levels = points[np.isclose(points[:, 0], time), 1]
    low, high = levels.min(), levels.max()
    return float(high - low if high > 1e-12 and low > -1e-12 else low - high)


def test_bars_are_the_shares_of_the_table() -> None:
    """There is a bar for each version of each part that counts, as long as its share in percent."""
    recording = a_long_crash()
    figure = Figure(figsize=(7.4, 4.2))
    ax = attribution_plots.variance_shares(recording, figure.subplots())
    drawn = sorted(patch.get_width() for patch in ax.patches)
    table = 100 * attribution.table(recording, "BTC").xs("variance_1min", axis=1, level="quantity")
    reach = table.abs().max(axis=1)
    kept = table[reach >= 0.005 * reach.max()].to_numpy().ravel()
    assert drawn == pytest.approx(sorted(kept))


def test_each_version_is_explained_in_one_sentence() -> None:
    """Captions and reports may quote what a version means."""
    assert set(charges.MEANINGS) == {LAST_TOUCH, THROUGH_MAKERS}
    for meaning in charges.MEANINGS.values():
        assert meaning.count(".") == 1
        assert meaning.endswith(".")
