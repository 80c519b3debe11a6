"""Markets that fail in a comparison of arms: kept, counted by arm, and their ratios told as bounds."""

from __future__ import annotations

import json

import pytest
from small_market import MAKERS, market_order, small_scenario

from scenarios.arms.amplify import amplify
from scenarios.runs.rendering import write_report
from scenarios.terminal.amplification_table import table

DEALERS = {
    "name": "dealers",
    "type": "dealers.OptionDealers",
    "count": 5,
    "cash": 1e9,
    "exposure": {"type": "constant_gamma", "gamma": -0.2},
    "hedging": {"type": "time"},
    "route": {"venues": ["perp"]},
}
NOISE = {"name": "noise", "type": "noise.NoiseTraders", "venue": "perp", "count": 5, "market_rate": 0.3}


def crash(folder, qty):
    """Makers take so much and no more: a sale and the hedges after it exhaust them, or the sale alone."""
    makers = MAKERS | {"learning_bps": 0.5, "inventory_limit": 30.0}
    market = small_scenario(makers, NOISE, DEALERS, venues=("perp",), shocks=[market_order(20.0, qty)])
    return amplify(market, folder, seeds=8, arms=["base", "muted"], figures="none")


@pytest.fixture(scope="module")
def half_failed(tmp_path_factory):
    """Some runs of base fail, none of muted."""
    return crash(tmp_path_factory.mktemp("failed") / "out", -180.0)


def test_a_ratio_is_a_lower_bound_where_runs_of_base_failed(half_failed):
    """The runs count in the mean, with their last fall; the chance of failure has its interval."""
    chances = half_failed.entries["market_failed"]["chances"]
    assert 0 < chances["base"]["failed"] < 8
    assert chances["base"]["chance"] == half_failed.entries["market_failed"]["base"]["mean"]
    assert chances["base"]["interval"][0] > 0
    assert (chances["muted"]["failed"], chances["muted"]["interval"][0]) == (0, 0.0)
    fall = half_failed.entries["BTC.max_drawdown"]
    assert (fall["bound"], fall["base"]["seeds"], fall["seeds_compared"]) == ("lower", 8, 8)
    assert fall["ratio"] == pytest.approx(fall["base"]["mean"] / fall["muted"]["mean"])
    assert "bound" not in half_failed.entries["BTC.realised_volatility"], (
        "a run that ends early swings as it did"
    )
    said = table(half_failed)
    assert f"≥ {fall['ratio']:.3f}" in said
    assert f"base {chances['base']['chance']:.3g} [" in said
    assert f"({chances['base']['failed']} of 8), muted 0 [0.000, 0.324] (0 of 8)" in said
    assert "caution: base over muted is a lower bound: runs of base failed, in BTC.max_drawdown" in said


def test_the_page_shows_failures_and_what_was_executed_in_its_main_table(half_failed):
    """P(failure) with its interval, the executed part of the shock by arm, and the ratio as a bound."""
    page = write_report(half_failed.folder)[0].read_text()
    main = page[page.index('<h2 id="amplification">') : page.index("All other metrics")]
    ratio = half_failed.entries["BTC.max_drawdown"]["ratio"]
    assert f"<strong>≥ {ratio:.3g}×</strong>" in main
    assert "shock executed, BTC" in main
    executed = half_failed.entries["BTC.shock_executed"]["base"]["mean"]
    row = main[main.index("shock executed, BTC") :]
    assert f"{100 * executed:.3g}%" in row[: row.index("</tr>")]
    assert "market failed" in main
    failed = half_failed.entries["market_failed"]["chances"]["base"]["failed"]
    assert f"{failed} of 8 runs" in main
    assert "the arms were not shocked alike" in page


def test_where_both_arms_failed_there_is_no_ratio_and_that_is_said(tmp_path):
    found = crash(tmp_path / "out", -400.0)
    entry = json.loads((tmp_path / "out" / "amplification.json").read_text())["BTC.max_drawdown"]
    assert (entry["bound"], entry["ratio"], entry["interval"], entry["kind"]) == (
        "neither",
        None,
        None,
        "none",
    )
    assert entry["reason"] == "the market failed in runs of both arms: both means are lower bounds"
    assert entry["base"]["seeds"] == entry["muted"]["seeds"] == 8
    assert "(the market failed in runs of both arms" in table(found)
