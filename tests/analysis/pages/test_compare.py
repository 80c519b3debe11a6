"""Results side by side: values, differences, intervals where there are seeds, and the same axes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from scipy import stats
from synthetic import a_market, a_recording

from analysis.base.metric import Undefined
from analysis.feedback import amplification as feedback
from analysis.pages import compare
from analysis.pages import metric_rows as lines
from analysis.pages.metric_rows import Number
from sim.recording.recording import Recording

matplotlib.use("Agg")

SCENARIO = """
schema_version = 2
name = "{name}"
description = "x"
seed = 1
[time]
steps = 4
step_seconds = 1.0
[[assets]]
name = "{asset}"
spot = 100.0
[[venues]]
name = "perp"
tick = 0.5
[[populations]]
name = "dealers"
count = {count}
exposure = {{share = 0.2}}
"""


def a_folder(
    folder: Path,
    metrics: dict[str, Any],
    *,
    asset: str = "BTC",
    count: int = 10,
    mids: Any = None,
    **more: Any,
) -> Path:
    """A run's results folder with the given values: a number, or the reason why there is none."""
    folder.mkdir(parents=True)
    entries = {name: an_entry(name, value) for name, value in metrics.items()}
    (folder / "metrics.json").write_text(json.dumps(entries))
    (folder / "scenario.toml").write_text(SCENARIO.format(name=folder.name, asset=asset, count=count))
    about = {"status": "finished", "seed": 1, "arm": "base", "scenario_hash": "0123456789"}
    (folder / "manifest.json").write_text(json.dumps(about | more))
    if mids is not None:
        a_path(asset, mids).write(folder)
    return folder


def an_entry(name: str, value: Any) -> dict[str, Any]:
    unit = "quote" if "debt" in name else "units" if "volume" in name else "1"
    entry = {"value": value, "unit": unit, "source": "a definition"}
    return entry if not isinstance(value, str) else entry | {"value": None, "reason": value}


def a_path(asset: str, mids: Any) -> Recording:
    """A recording of nothing but a mid; spot is 100."""
    market = a_market(len(mids), assets=[{"name": asset, "spot": 100.0, "half_tick": 0.25}])
    return a_recording({f"{asset}.mid": mids}, market)


def an_amplification(folder: Path, entries: dict[str, Any], *, asset: str = "BTC", mids: Any = None) -> Path:
    """A folder of arms over eight seeds."""
    a_folder(folder, {}, asset=asset, seeds=list(range(8)), kind="amplification")
    (folder / "metrics.json").unlink()
    (folder / "amplification.json").write_text(json.dumps(entries))
    (folder / "base").mkdir()
    if mids is not None:
        a_path(asset, mids).write(folder / "base")
    return folder


def seeds(base: float, muted: float, unit: str = "1") -> dict[str, Any]:
    noise = 1 + 0.01 * np.linspace(-1, 1, 8)
    return feedback.compare({"base": base * noise, "muted": muted * noise[::-1]}, unit, "x")


def line(text: str, start: str) -> list[str]:
    """The cells of the first line of the text that starts so."""
    found = next(each for each in text.splitlines() if each.startswith(start))
    return re.split(r" {2,}", found.strip())


def test_two_runs_stand_side_by_side_with_the_difference(tmp_path: Path) -> None:
    """0.06 and 0.045 differ by 1.5 points; what is the same in both is only counted."""
    shared = {"BTC.mean_spread": 2.0, "BTC.quoted_share": 1.0}
    one = a_folder(tmp_path / "one", {"BTC.max_drawdown": 0.06, "bad_debt": 5000.0, **shared})
    two = a_folder(tmp_path / "two", {"BTC.max_drawdown": 0.045, "bad_debt": 7500.0, **shared})
    text = str(compare.compare([one, two]))
    assert line(text, "metric") == ["metric", "one", "two", "two − one"]
    assert line(text, "BTC max drawdown") == ["BTC max drawdown", "6%", "4.5%", "−1.5 points"]
    assert line(text, "bad debt") == ["bad debt (quote)", "5,000", "7,500", "+2,500"]
    assert "mean spread" not in text
    assert "2 other metrics are the same in all." in text
    assert "carry no interval" in text
    assert line(text, "one")[:3] == ["one", "one", "BTC"]


def test_what_is_undefined_has_a_footnote_and_what_is_absent_says_so(tmp_path: Path) -> None:
    """A reason is printed once, however many cells it explains."""
    why = "nobody was liquidated"
    one = a_folder(tmp_path / "one", {"BTC.max_drawdown": why, "bad_debt": 0.0, "BTC.worst_spread": 3.0})
    two = a_folder(tmp_path / "two", {"BTC.max_drawdown": 0.0, "bad_debt": why})
    text = str(compare.compare([one, two]))
    assert line(text, "BTC max drawdown")[1:] == ["- (1)", "0%", "–"]
    assert line(text, "bad debt")[1:] == ["0", "- (1)", "–"]
    assert line(text, "BTC worst spread")[1:] == ["3", "absent", "–"]
    assert text.endswith(f"(1) {why}")
    assert text.count(why) == 1


def test_the_main_metrics_come_first_then_those_that_differ(tmp_path: Path) -> None:
    """Those by population are counted; the page has them."""
    one = a_folder(tmp_path / "one", {"BTC.volume": 1.0, "profit.dealers": 1.0, "BTC.max_drawdown": 0.1})
    two = a_folder(tmp_path / "two", {"BTC.volume": 2.0, "profit.dealers": 2.0, "BTC.max_drawdown": 0.1})
    text = str(compare.compare([one, two]))
    assert text.index("BTC max drawdown") < text.index("BTC volume (BTC)")
    assert "METRICS BY POPULATION, PHASE AND REASON THAT DIFFER: 1, in the page" in text
    assert "profit dealers" not in text


def test_runs_of_different_assets_meet_in_their_metrics(tmp_path: Path) -> None:
    """Falls can be compared; units of one asset cannot be taken from those of another."""
    one = a_folder(tmp_path / "one", {"BTC.max_drawdown": 0.06, "BTC.volume": 10.0})
    two = a_folder(tmp_path / "two", {"GME.max_drawdown": 0.09, "GME.volume": 99.0}, asset="GME")
    text = str(compare.compare([one, two]))
    assert line(text, "max drawdown")[1:] == ["6%", "9%", "+3 points"]
    assert line(text, "volume") == ["volume (BTC | GME)", "10", "99", "–"]


def test_an_asset_that_one_result_lacks_is_absent_there(tmp_path: Path) -> None:
    """Its unit is that of the result that has it."""
    one = a_folder(tmp_path / "one", {"BTC.volume": 10.0})
    two = a_folder(tmp_path / "two", {"BTC.volume": 11.0, "ETH.volume": 5.0})
    (two / "scenario.toml").write_text(
        (two / "scenario.toml").read_text().replace("[[venues]]", '[[assets]]\nname = "ETH"\n[[venues]]')
    )
    text = str(compare.compare([one, two]))
    assert line(text, "BTC volume") == ["BTC volume (BTC)", "10", "11", "+1"]
    assert line(text, "ETH volume") == ["ETH volume (ETH)", "absent", "5", "–"]


def test_a_result_beside_itself_differs_in_nothing(tmp_path: Path) -> None:
    """Every difference is zero; no key of the scenario differs; the two have different labels."""
    one = a_folder(tmp_path / "one", {"BTC.max_drawdown": 0.06, "BTC.volume": 1.0})
    comparison = compare.compare([one, one])
    assert comparison.labels == ("one 1", "one 2")
    assert line(str(comparison), "BTC max drawdown")[-1] == "0 points"
    assert "SCENARIO KEYS" not in str(comparison)


def test_labels_take_as_many_parents_as_tell_them_apart(tmp_path: Path) -> None:
    """Folders of one name are told by what they stand in."""
    folders = [a_folder(tmp_path / parent / "run", {"bad_debt": 1.0}) for parent in "ab"]
    assert compare.compare(folders).labels == ("a/run", "b/run")


def test_keys_that_were_written_differently_are_listed(tmp_path: Path) -> None:
    """By the names of entries, as `--set` takes them."""
    one = a_folder(tmp_path / "one", {"bad_debt": 1.0}, count=10)
    two = a_folder(tmp_path / "two", {"bad_debt": 1.0}, count=20)
    text = str(compare.compare([one, two]))
    assert line(text, "populations.dealers.count")[1:] == ["10", "20"]
    assert "exposure.share" not in text


def test_the_difference_of_means_has_the_interval_of_welch() -> None:
    """The same as scipy's from the samples themselves."""
    rng = np.random.default_rng(3)
    one, two = rng.normal(0.0, 1.0, 9), rng.normal(1.0, 3.0, 14)
    first, other = (Number(x.mean(), x.std(ddof=1) / x.size**0.5, x.size) for x in (one, two))
    gap, interval = lines.difference(first, other)
    known = stats.ttest_ind(two, one, equal_var=False).confidence_interval(0.95)
    assert gap == pytest.approx(two.mean() - one.mean())
    assert interval == pytest.approx((known.low, known.high))
    assert first.interval == pytest.approx(stats.ttest_1samp(one, 0).confidence_interval(0.95))


def test_single_runs_have_no_interval_and_nothing_is_taken_from_what_is_undefined() -> None:
    """None, never zero."""
    assert lines.difference(Number(1.0), Number(3.0)) == (2.0, None)
    assert lines.difference(Number(None), Number(3.0)) == (None, None)
    assert Number(1.0).interval is None
    assert Number(1.0, None, 1).interval is None


def test_amplifications_stand_side_by_side_with_their_intervals(tmp_path: Path) -> None:
    """2 and 3 are apart; 2 and 2.005 overlap; a difference and a reason stand where there is no ratio."""
    one = {"BTC.max_drawdown": seeds(0.06, 0.03), "BTC.max_run_up": seeds(0.06, 0.03)}
    two = {"BTC.max_drawdown": seeds(0.09, 0.03), "BTC.max_run_up": seeds(0.06015, 0.03)}
    one["bad_debt"], two["bad_debt"] = seeds(100.0, 0.0, "quote"), seeds(np.nan, 0.0, "quote")
    text = str(
        compare.compare([an_amplification(tmp_path / "one", one), an_amplification(tmp_path / "two", two)])
    )
    amplification = text.partition("AMPLIFICATION")[2]
    low, high = one["BTC.max_drawdown"]["interval"]
    cells = line(amplification, "BTC max drawdown")
    assert cells[1] == f"2× ({low:.3g} to {high:.3g})"
    assert cells[2].startswith("3× (")
    assert cells[3] == "apart"
    assert line(amplification, "BTC max run up")[3] == "overlaps"
    assert line(amplification, "bad debt")[1].startswith("+100 (")
    assert line(amplification, "bad debt")[2:] == ["- (1)", "–"]
    values = amplification.partition("MAIN METRICS")[2]
    assert re.fullmatch(r"\+3 points \(\+2\.\d+ to \+3\.\d+ points\)", line(values, "BTC max drawdown")[3])
    assert "Welch" in text
    assert "A single run is one draw" not in text


def test_a_run_beside_an_amplification_is_not_subtracted(tmp_path: Path) -> None:
    """One is a draw and the other a mean; the run's amplification is not measured."""
    one = an_amplification(tmp_path / "one", {"BTC.max_drawdown": seeds(0.06, 0.03)})
    two = a_folder(tmp_path / "two", {"BTC.max_drawdown": 0.08})
    text = str(compare.compare([one, two]))
    assert line(text.partition("AMPLIFICATION")[2], "BTC max drawdown")[2:] == ["not measured", "–"]
    assert line(text.partition("MAIN METRICS")[2], "BTC max drawdown")[2:] == ["8%", "–"]


def panels(*folders: Path) -> list[Axes]:
    return compare.compare(folders).figure().axes


def test_prices_are_drawn_on_one_axis_from_their_start(tmp_path: Path) -> None:
    """Per cent since before the first step, a colour a result, whatever the asset."""
    one = a_folder(tmp_path / "one", {}, mids=[100.0, 90.0, 95.0, 99.0])
    two = a_folder(tmp_path / "two", {}, asset="GME", mids=[100.0, 103.0, 110.0, 108.0])
    (ax,) = panels(one, two)
    drawn = {each.get_label(): np.asarray(each.get_ydata()) for each in ax.get_lines()}
    assert drawn["one"] == pytest.approx([0, -10, -5, -1])
    assert drawn["two"] == pytest.approx([0, 3, 10, 8])
    assert len({each.get_color() for each in ax.get_lines()}) == 3
    assert ax.get_title("left") == "Furthest from the start: one −10%, two +10%"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "price since the start (%)")


def test_amplifications_are_drawn_with_their_intervals(tmp_path: Path) -> None:
    """A point a result, a bar as long as its interval, a line at 1; results without one are left out."""
    entry = seeds(0.06, 0.03)
    one = an_amplification(tmp_path / "one", {"BTC.max_drawdown": entry}, mids=[100.0, 99.0])
    two = a_folder(tmp_path / "two", {"BTC.max_drawdown": 0.01}, mids=[100.0, 98.0])
    prices, ratios = panels(one, two)
    assert [each.get_label() for each in prices.get_lines()][:2] == ["one, one seed", "two"]
    (bars,) = ratios.containers
    (segment,) = bars.lines[2][0].get_segments()
    assert segment[:, 0] == pytest.approx(entry["interval"])
    assert segment[:, 1] == pytest.approx([0, 0])
    assert np.asarray(bars.lines[0].get_xdata()) == pytest.approx([entry["ratio"]])
    assert [each.get_text() for each in ratios.get_yticklabels()] == ["BTC max drawdown"]
    assert ratios.get_xlabel() == "base over muted (ratio of means)"


def test_nothing_is_drawn_of_nothing(tmp_path: Path) -> None:
    """Without prices or ratios there is no figure, and the page has only its tables."""
    comparison = compare.compare([a_folder(tmp_path / name, {"bad_debt": 1.0}) for name in ("one", "two")])
    with pytest.raises(Undefined, match="no result has prices"):
        comparison.figure()
    assert "<img" not in compare.save(comparison, tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_comparison_is_saved_as_a_page_or_a_picture(tmp_path: Path) -> None:
    """Self-contained, every table in it, names escaped, the same bytes each time."""
    one = a_folder(tmp_path / "<b>one", {"profit.dealers": 1.0}, mids=[100.0, 99.0])
    two = a_folder(tmp_path / "two", {"profit.dealers": 2.0}, mids=[100.0, 98.0])
    comparison = compare.compare([one, two])
    html = compare.save(comparison, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<b>" not in html
    assert "profit dealers" in html
    assert html.count('src="data:image/png;base64,') == 1
    assert not re.search(r"https?://|<script|<link", html)
    assert compare.save(comparison, tmp_path / "again.html").read_text(encoding="utf-8") == html
    assert compare.save(comparison, tmp_path / "own.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(ValueError, match=r"own\.pdf must end in"):
        compare.save(comparison, tmp_path / "own.pdf")


def test_a_folder_that_is_no_result_is_refused(tmp_path: Path) -> None:
    """Before anything is read of the others."""
    with pytest.raises(FileNotFoundError, match=r"no manifest\.json"):
        compare.compare([a_folder(tmp_path / "one", {}), tmp_path])
