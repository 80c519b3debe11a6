"""Profiles over price: what hedgers would trade and what would be liquidated, drawn from the recording."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import StepPatch
from panels import bars, legend, line, panel, prices, verticals
from synthetic import DEALERS, NOISE, a_crash, a_market, a_recording, rows

from analysis import plots
from analysis.base.metric import Undefined
from analysis.feedback.profiles import profiles
from analysis.figures import style
from sim.recording.recording import Recording


@pytest.fixture(scope="module")
def crash() -> Recording:
    """An hour with a crash in it."""
    return a_crash()


def test_the_gamma_profile_is_the_delta_traded_per_percent(crash: Recording) -> None:
    """Gamma x price / 100 for each population, and their sum."""
    ax = plots.gamma_profile(crash, panel())
    frame = crash.profiles.query("population == 'dealers'")
    drawn = line(ax, "dealers")
    assert np.allclose(drawn[:, 0], frame["price"])
    assert np.allclose(drawn[:, 1], frame["gamma"] * frame["price"] / 100)
    parts = sum(line(ax, label)[:, 1] for label in ("dealers", "vaults", "liquidity providers"))
    assert np.allclose(line(ax, "all together")[:, 1], parts)
    assert 65000.0 in verticals(ax)
    assert any(abs(at - crash.series["BTC.mid"].min()) < 1 for at in verticals(ax))
    assert [text.get_text() for text in ax.texts if "gamma" in text.get_text()] == [
        "short gamma: hedging feeds moves"
    ]


@pytest.mark.parametrize("draw", [plots.gamma_profile, plots.at_risk])
def test_what_is_written_over_price_hides_no_data(draw: Callable[..., Axes], crash: Recording) -> None:
    """Texts stand in strips of their own; which lines are the start and the extremes is in the legend."""
    ax = draw(crash, panel())
    ax.figure.draw_without_rendering()
    curves = [each.get_xydata() for each in ax.get_lines() if len(each.get_xdata()) > 2]
    for each in ax.patches:
        if isinstance(each, StepPatch):
            tops, edges, _ = each.get_data()
            curves.append(np.column_stack([edges[1:], tops]))
    points = ax.transData.transform(np.concatenate(curves))
    for text in ax.texts:
        box = text.get_window_extent()
        inside = (points[:, 1] > box.y0) & (points[:, 1] < box.y1) & (points[:, 0] > box.x0)
        assert not inside.any(), text.get_text()
    lowest = crash.series["BTC.mid"].min()
    assert {"start (65,000)", f"lowest ({lowest:,.0f})"} <= {t.get_text() for t in legend(ax).get_texts()}


def test_prices_are_written_in_four_figures_at_least() -> None:
    """A share at 43.7 is not one at 44."""
    assert [style.level(price) for price in (66_461.9, 1234.5, 100.0, 43.7, 0.052134)] == [
        *("66,462", "1,234", "100.0", "43.70", "0.05213")
    ]
    table = rows(
        "profiles",
        {"population": DEALERS, "asset": 0, "price": 40.0, "gamma": -1.0},
        {"population": DEALERS, "asset": 0, "price": 43.7, "gamma": -3.0},
        {"population": DEALERS, "asset": 0, "price": 48.0, "gamma": -1.0},
    )
    market = a_market(9, assets=[{"name": "BTC", "spot": 40.0}])
    ax = plots.gamma_profile(a_recording(prices(np.full(9, 40.0)), market, profiles=table), panel())
    assert ax.get_title("left").endswith("at the start, 1.31 at 43.70")


def of_populations(gammas: dict[str, float], *populations: dict[str, Any]) -> Recording:
    """A recording at 100 of populations with this net gamma in the series, and no options."""
    assets = [{"name": "BTC", "spot": 100.0}]
    entries = [{"count": 1, "hedges": True} | each for each in populations]
    columns = prices(np.full(9, 100.0)) | {f"{name}.net_gamma": np.full(9, g) for name, g in gammas.items()}
    return a_recording(columns, a_market(9, assets=assets, populations=entries))


def test_gamma_outside_options_is_drawn_by_its_law() -> None:
    """Constant gamma trades 1% more at a price 1% higher; that of a pool's shares goes as S^-1.5."""
    dealers = {"name": "dealers", "type": "dealers.OptionDealers", "gamma_power": 0.0}
    lps = {
        "name": "lps",
        "type": "liquidity_providers.LiquidityProviders",
        "hedged_share": 0.5,
        "gamma_power": -1.5,
    }
    passive = {"name": "passive", "type": "liquidity_providers.LiquidityProviders", "hedges": False}
    recording = of_populations({"dealers": -5.0, "lps": -2.0, "passive": -9.0}, dealers, lps, passive)
    ax = plots.gamma_profile(recording, panel())
    price, constant = line(ax, "dealers").T
    assert np.allclose(constant, -5.0 * price / 100)
    assert np.allclose(line(ax, "lps")[:, 1], -1.0 * (price / 100) ** -1.5 * price / 100)
    assert np.allclose(line(ax, "all together")[:, 1], constant + line(ax, "lps")[:, 1])
    assert ax.get_title("left") == "Hedgers are short 6 BTC per 1% move at the start"


def test_hedgers_whose_gamma_is_known_at_one_price_are_named() -> None:
    """Nobody can tell what a population of one's own has at another price."""
    dealers, own = (
        {"name": "dealers", "type": "dealers.OptionDealers", "gamma_power": 0.0},
        {"name": "my_own", "type": "dealers.OptionDealers"},
    )
    ax = plots.gamma_profile(of_populations({"dealers": -5.0, "my_own": 3.0}, dealers, own), panel())
    assert [text.get_text() for text in ax.texts if "my own" in text.get_text()] == [
        "Not drawn, as it is known at the start only: my own (3 BTC per 1%)"
    ]
    with pytest.raises(Undefined, match="known by price"):
        plots.gamma_profile(of_populations({"my_own": 3.0}, own), panel())


def test_gamma_in_one_asset_is_not_drawn_for_another() -> None:
    """The series of a population does not say which asset; what is known of the market does."""
    assets = [{"name": name, "spot": 100.0} for name in ("BTC", "ETH")]
    dealers = {"name": "dealers", "type": "dealers.OptionDealers", "count": 1, "hedges": True, "asset": "ETH"}
    dealers |= {"gamma_power": 0.0}
    columns = {f"{name}.mid": np.full(9, 100.0) for name in ("BTC", "ETH")}
    market = a_market(9, assets=assets, populations=[dealers])
    recording = a_recording(columns | {"dealers.net_gamma": np.full(9, -5.0)}, market)
    with pytest.raises(Undefined, match="gamma in BTC"):
        plots.gamma_profile(recording, panel(), asset="BTC")
    assert "short 5 ETH" in plots.gamma_profile(recording, panel(), asset="ETH").get_title("left")


def test_only_those_who_hedge_are_in_the_gamma_profile() -> None:
    """The end users on the other side of the options would make everybody's sum zero."""
    table = rows(
        "profiles",
        {"population": DEALERS, "asset": 0, "price": 100.0, "gamma": -1.0},
        {"population": NOISE, "asset": 0, "price": 100.0, "gamma": +1.0},
    )
    ax = plots.gamma_profile(a_recording(prices(np.full(9, 100.0)), profiles=table), panel())
    assert line(ax, "all together").tolist() == [[100.0, -1.0]]
    assert "the most at any price" in ax.get_title("left")


def test_another_step_has_another_profile() -> None:
    """Profiles are kept by step and asset; the first is drawn unless one asks for another."""
    table = rows(
        "profiles",
        {"step": 5, "asset": 0, "population": DEALERS, "price": 200.0, "gamma": -2.0},
        {"step": 0, "asset": 0, "population": DEALERS, "price": 110.0, "gamma": -1.0},
        {"step": 0, "asset": 0, "population": DEALERS, "price": 100.0, "gamma": +1.0},
    )
    recording = a_recording(prices(np.full(9, 100.0)), profiles=table)
    assert line(plots.gamma_profile(recording, panel()), "dealers").tolist() == [[100, 1.0], [110, -1.1]]
    assert line(plots.gamma_profile(recording, panel(), step=5), "dealers").tolist() == [[200, -4.0]]
    assert profiles(recording, "BTC", step=3) == {}


def test_positions_at_risk_are_sales_below_and_purchases_above(crash: Recording) -> None:
    """Bars around every price of the grid; longs hang below zero, shorts stand above."""
    ax = plots.at_risk(crash, panel())
    frame = crash.profiles.query("population == 'levered'")
    height, edges = bars(ax, "levered")
    assert np.allclose(height, -frame["at_risk"])
    assert np.allclose((edges[1:] + edges[:-1]) / 2, frame["price"])
    below = frame.query("58500 <= price <= 65000")["at_risk"].sum()
    assert f"force {style.short(below)} BTC of sales" in ax.get_title("left")
    assert ax.get_ylabel() == "forced trades (BTC per 325 of price)"
