"""Figures show what the recording holds: lines, bars and discs are compared with its numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from panels import bars, bases, legend, line, panel, prices, verticals
from synthetic import DEALERS, LEVERED, NOISE, a_crash, a_market, a_recording, fills, rows

from analysis import gallery, plots
from analysis.base.metric import Undefined
from analysis.figures import style
from sim.recording.recording import Recording
from sim.records import FORCED, HEDGE, SHOCK, TRADE

matplotlib.use("Agg")

PANELS = [
    plots.price,
    plots.flow,
    plots.depth_and_spread,
    plots.gamma_profile,
    plots.at_risk,
    plots.cumulative_liquidations,
    plots.equity,
    plots.loop_gain,
]


@pytest.fixture(scope="module")
def crash() -> Recording:
    """An hour with a crash in it."""
    return a_crash()


def test_the_price_is_that_of_the_recording(crash: Recording) -> None:
    """Mid, mark and value in minutes, and a line where the shock was."""
    ax = plots.price(crash, panel())
    for label, column in (("mid", "BTC.mid"), ("mark", "BTC.mark"), ("exogenous value", "BTC.value")):
        drawn = line(ax, label)
        assert np.allclose(drawn[:, 0], crash.series["time_s"] / 60)
        assert np.array_equal(drawn[:, 1], crash.series[column])
    assert verticals(ax) == [10.0]
    assert ax.get_xlim() == (0.0, 60.0)
    assert "400 BTC" in " ".join(text.get_text() for text in ax.texts)


def test_liquidations_are_marked_where_and_as_large_as_they_were() -> None:
    """Two populations in one stretch, one of them again later: three discs, areas by notional."""
    closed = rows(
        "liquidations",
        {"instrument": 0, "step": 60, "population": LEVERED, "notional": 1e6},
        {"instrument": 0, "step": 61, "population": LEVERED, "notional": 3e6},
        {"instrument": 2, "step": 61, "population": DEALERS, "notional": 1e6},
        {"instrument": 0, "step": 130, "population": LEVERED, "notional": 2e6},
    )
    mid = 1000.0 - np.arange(720)
    recording = a_recording(prices(mid), a_market(720, step_seconds=1.0), liquidations=closed)
    ax = plots.price(recording, panel())
    levered, dealers = (each for each in ax.collections if isinstance(each, PathCollection))
    assert np.allclose(levered.get_offsets(), [[61.75 / 60, 939.25], [131 / 60, 870.0]])
    assert np.allclose(dealers.get_offsets(), [[62 / 60, 939.0]])
    area = np.asarray(levered.get_sizes()) - 10
    assert area[0] == pytest.approx(2 * area[1])
    assert np.asarray(dealers.get_sizes())[0] - 10 == pytest.approx(area[0] / 4)
    assert "levered liquidated (up to 4M)" in [text.get_text() for text in legend(ax).get_texts()]


def test_flow_is_stacked_by_why_it_was_traded() -> None:
    """In the first stretch 3 hedged and 2 sold by force below zero, 4 bought above; then 1 bought back."""
    tape = fills(
        {"qty": -3000, "reason": HEDGE, "taker_population": DEALERS},
        {"qty": -2000, "reason": FORCED, "taker_population": LEVERED},
        {"qty": 5000, "reason": TRADE, "taker_population": NOISE},
        {"qty": -1000, "reason": SHOCK, "taker_population": -1},
        {"qty": 1000, "reason": HEDGE, "taker_population": DEALERS, "time": 150.0},
    )
    ax = plots.flow(a_recording(prices(np.full(180, 100.0)), fills=tape), panel())
    hedging, edges = bars(ax, "hedging")
    forced, _ = bars(ax, "forced")
    other, _ = bars(ax, "other")
    first, later = 0, int(np.searchsorted(edges, 150.0, "right")) - 1
    assert (hedging[first], forced[first], other[first]) == pytest.approx((-3.0, -2.0, 4.0))
    assert hedging[later] == pytest.approx(1.0)
    assert np.abs(hedging).sum() == pytest.approx(4.0)
    assert bases(ax, "forced")[first] == pytest.approx(-3.0)  # below the hedging, not over it
    assert f"BTC per {edges[1] - edges[0]:g} s" in ax.get_ylabel()


def test_all_flow_of_a_crash_is_in_the_figure(crash: Recording) -> None:
    """The bars add up to the net of every trade, in whole steps, shock included."""
    ax = plots.flow(crash, panel())
    total = sum(bars(ax, label)[0].sum() for label in ("hedging", "forced", "other"))
    assert total == pytest.approx(crash.fills["qty"].sum() * 0.001)
    _, edges = bars(ax, "hedging")
    assert edges[-1] >= 60.0
    assert edges.size - 1 <= plots.BINS + 1


def test_depth_and_spread_share_the_panel_without_touching(crash: Recording) -> None:
    """Means over ten seconds; the widest spread ends below where depth is zero."""
    ax = plots.depth_and_spread(crash, panel())
    (below,) = [each for each in ax.figure.axes if each is not ax]
    bid = line(ax, "bid depth")
    assert bid[3, 1] == pytest.approx(crash.series["BTC.depth_bid"][30:40].mean())
    assert bid[3, 0] * 60 == pytest.approx(crash.series["time_s"][30:40].mean())
    spread = 1e4 * crash.series["BTC.spread"] / crash.series["BTC.mid"]
    assert line(below, "spread (pale: lowest to highest)")[-1, 1] == pytest.approx(spread[-10:].mean())
    highest = below.transData.transform((0, spread.max()))[1]
    assert highest < ax.transData.transform((0, 0))[1]


def test_a_market_whose_liquidity_never_changes_says_so() -> None:
    """The textbook market has the same depth throughout and no spread."""
    flat = {
        "BTC.spread": np.zeros(30),
        "BTC.depth_bid": np.full(30, 50.0),
        "BTC.depth_ask": np.full(30, 50.0),
    }
    ax = plots.depth_and_spread(a_recording(prices(np.full(30, 100.0)) | flat), panel())
    assert ax.get_title("left") == "Depth stays at 50 BTC a side, the spread at 0 bps"


def test_liquidations_add_up(crash: Recording) -> None:
    """The uppermost line ends at all that was liquidated, and the caption counts it."""
    ax = plots.cumulative_liquidations(crash, panel())
    top = max(np.asarray(each.get_ydata(), float).max() for each in ax.get_lines())
    assert top == pytest.approx(crash.liquidations["notional"].sum() / 1e6)
    assert ax.get_title("left").startswith(f"{len(crash.liquidations):,} liquidations")


def test_equity_is_drawn_as_its_change(crash: Recording) -> None:
    """In millions since the first step; populations whose equity never changes are left out."""
    ax = plots.equity(crash, panel())
    change = (crash.series["levered.equity"] - crash.series["levered.equity"][0]) / 1e6
    assert np.allclose(line(ax, "levered")[:, 1], change)
    assert "makers" not in [each.get_label() for each in ax.get_lines()]
    assert "equity (million" in ax.get_ylabel()


def test_equity_names_those_that_are_not_worth_a_line() -> None:
    """Below a hundredth of the largest change; money is in what suits it."""
    columns = prices(np.full(3, 100.0)) | {
        "levered.equity": [1e6, 0.9e6, 0.5e6],
        "makers.equity": [1e6, 1e6 + 4999, 1e6],
        "noise.equity": [7.0, 7.0, 7.0],
    }
    ax = plots.equity(a_recording(columns), panel())
    assert [text.get_text() for text in ax.texts] == [
        "Not drawn, below 1% of the largest change: noise, makers"
    ]
    assert line(ax, "levered")[:, 1].tolist() == [0.0, -100.0, -500.0]
    assert ax.get_ylabel() == "change of equity (thousand quote currency)"


def test_the_loop_gain_is_drawn_against_one(crash: Recording) -> None:
    """The edge of stability is in the panel even when the gain stays far below it."""
    ax = plots.loop_gain(crash, panel())
    assert any(np.array_equal(np.asarray(each.get_ydata()), [1, 1]) for each in ax.get_lines())
    assert ax.get_ylim()[1] > 1
    assert ax.get_yscale() == "linear"
    wild = plots.loop_gain(a_recording({"BTC.loop_gain": [0.5, 80.0]}), panel())
    assert wild.get_yscale() == "symlog"


def test_the_overview_shares_one_time_axis(crash: Recording) -> None:
    """Three panels in one figure, which may be the caller's."""
    own = Figure(layout="constrained")
    assert plots.overview(crash, own) is own
    price, flow, liquidity, _ = own.axes
    assert price.get_xlim() == flow.get_xlim() == liquidity.get_xlim() == (0.0, 60.0)
    assert "per BTC" in price.get_ylabel()
    assert liquidity.get_xlabel() == "time (min)"


@pytest.mark.parametrize("draw", PANELS)
def test_every_axis_has_a_unit_and_no_text_is_cut_off(draw: Callable[..., Axes], crash: Recording) -> None:
    """Legends stand above the data, titles above the legends, all inside the figure."""
    ax = panel()
    assert draw(crash, ax) is ax
    assert all(re.search(r"\(.+\)", label) for label in (ax.get_xlabel(), ax.get_ylabel()))
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    frame, page = ax.get_window_extent(), figure.bbox
    above, caption = legend(ax).get_window_extent(), ax.get_title("left")
    (title,) = [each.get_window_extent() for each in ax.findobj(Text) if each.get_text() == caption]
    assert above.y0 >= frame.y1 - 1
    assert title.y0 >= above.y1 - 2
    for box in (above, title, ax.yaxis.label.get_window_extent(), ax.xaxis.label.get_window_extent()):
        assert page.x0 <= box.x0 <= box.x1 <= page.x1
        assert page.y0 <= box.y0 <= box.y1 <= page.y1


@pytest.mark.parametrize("draw", [plots.price, plots.flow, plots.depth_and_spread])
def test_a_run_in_which_nothing_happened_still_has_its_figures(draw: Callable[..., Axes]) -> None:
    """Of the panels of the overview, unknown series leave an empty one whose caption says so."""
    names = ("mid", "mid_at_hedge", "mark", "value", "spread", "depth_bid", "depth_ask", "loop_gain")
    columns = {f"BTC.{name}": np.full(3, np.nan) for name in names}
    ax = draw(a_recording(columns), panel())
    assert ax.get_title("left")
    assert not ax.get_legend() or draw is plots.flow


def test_no_picture_is_made_of_nothing(tmp_path: Path) -> None:
    """Without a liquidation there is no figure of liquidations; nor of gamma, risk, equity or gain."""
    names = ("mid", "mid_at_hedge", "mark", "value", "spread", "depth_bid", "depth_ask")
    equities = {f"{each['name']}.equity": np.full(3, 7.0) for each in a_market()["populations"]}
    calm = a_recording({f"BTC.{name}": np.full(3, 7.0) for name in names} | equities)
    missing = {
        plots.cumulative_liquidations: "nobody was liquidated",
        plots.gamma_profile: "nobody who hedges has gamma in BTC",
        plots.at_risk: "no open position in BTC is at risk",
        plots.equity: "no population's equity changes",
        plots.loop_gain: "the loop gain of BTC was never known",
    }
    for draw, why in missing.items():
        with pytest.raises(Undefined, match=why):
            draw(calm, panel())
    drawn = {path.stem for path in gallery.save_all(calm, tmp_path)}
    assert not drawn & {draw.name for draw in missing}


def test_without_axes_a_figure_is_made_for_the_notebook(crash: Recording) -> None:
    """It belongs to pyplot, so that a notebook shows it."""
    from matplotlib import pyplot

    before = set(pyplot.get_fignums())
    ax = plots.price(crash)
    (new,) = set(pyplot.get_fignums()) - before
    assert pyplot.figure(new) is ax.figure
    pyplot.close(new)


def test_saving_writes_every_figure_once_and_the_same_each_time(crash: Recording, tmp_path: Path) -> None:
    """Pictures with equal bytes, each under its own name."""
    paths = gallery.save_all(crash, tmp_path / "one")
    names = [path.stem for path in paths]
    assert set(names) >= {draw.name for draw in PANELS} | {"overview"}
    assert len(set(names)) == len(names)
    again = gallery.save_all(crash, tmp_path / "two")
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]


def test_figures_of_several_assets_carry_their_names(tmp_path: Path) -> None:
    """Every asset has its own price; equity is everybody's."""
    market = a_market(9, assets=[{"name": name, "spot": 100.0} for name in ("BTC", "ETH")])
    columns: dict[str, Any] = {}
    for name in ("mid", "mid_at_hedge", "mark", "value", "spread", "depth_bid", "depth_ask", "loop_gain"):
        columns |= {f"BTC.{name}": np.full(9, 100.0), f"ETH.{name}": np.full(9, 7.0)}
    columns |= {f"{each['name']}.equity": np.arange(9.0) for each in market["populations"]}
    recording = a_recording(columns, market)
    names = {path.name for path in gallery.save_all(recording, tmp_path)}
    assert {"BTC_price.png", "ETH_price.png", "equity.png"} <= names
    assert line(plots.price(recording, panel(), asset="ETH"), "mid")[0, 1] == 7.0


def test_a_population_has_one_colour_wherever_it_appears() -> None:
    """By kind, not by place in the list; a second of its kind is lighter; strangers keep theirs."""

    def painted(*types: str) -> dict[str, str]:
        populations = [{"name": f"p{i}", "type": each} for i, each in enumerate(types)]
        return style.colours(a_recording(market=a_market(populations=populations)))

    first = painted("dealers.OptionDealers", "noise.Flow", "own.Things", "dealers.OptionDealers")
    other = painted("own.Things", "dealers.OptionDealers")
    assert first["p0"] == other["p1"] == style.BASE_COLOURS["dealers"]
    assert first["p2"] == other["p0"]
    assert first["p2"] in style.OTHERS
    assert first["p3"] == style.lighter(first["p0"], 1) != first["p0"]
    assert len(set(first.values())) == 4


def test_numbers_are_written_as_a_reader_would() -> None:
    """Three figures, thousands apart, a minus that is not a hyphen."""
    written = [style.short(number) for number in (0.0, 0.8181, 12.345, 1234.0, 12345.0, 999_960.0, -2.5e6)]
    assert written == ["0", "0.818", "12.3", "1,230", "12.3k", "1M", "\N{MINUS SIGN}2.5M"]
    assert [style.round_up(number) for number in (0.2, 1.0, 1.5, 4.0, 30.0, 61.0)] == [1, 1, 2, 5, 30, 100]


def test_time_is_in_the_unit_that_suits_the_run() -> None:
    """Seconds for two minutes, minutes for an hour, hours for a day, days for a month."""
    units = []
    for steps, seconds in ((120, 1.0), (3600, 1.0), (1440, 60.0), (720, 3600.0)):
        recording = a_recording(prices(np.ones(steps)), a_market(steps, seconds))
        units.append(style.clock(recording).unit)
    assert units == ["s", "min", "hours", "days"]


def test_thinning_keeps_every_extreme() -> None:
    """A million points are drawn as some thousands, the one crash among them included."""
    x, y = np.arange(100_001.0), np.sin(np.arange(100_001.0))
    y[54_321], y[77_777], y[5] = -9.0, 9.0, np.nan
    few_x, few_y = style.thinned(x, y, points=1000)
    assert few_x.size <= 1100
    assert (np.nanmin(few_y), np.nanmax(few_y)) == (-9.0, 9.0)
    assert few_x[np.nanargmin(few_y)] == 54_321
    assert np.all(np.diff(few_x) > 0)


def test_a_band_has_the_mean_and_how_far_it_went() -> None:
    """Five values in stretches of two; what is not a number is not counted."""
    centres, (mean, low, high) = style.banded(
        np.arange(5.0), np.array([1.0, 3.0, np.nan, 5.0, np.nan]), bins=3
    )
    assert centres.tolist() == [0.5, 2.5, 4.0]
    assert mean[:2].tolist() == [2.0, 5.0]
    assert (low[0], high[0], low[1], high[1]) == (1.0, 3.0, 5.0, 5.0)
    assert np.isnan([mean[2], low[2], high[2]]).all()
