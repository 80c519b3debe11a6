"""The report answers first, leaves nothing undefined unsaid, and needs nothing but itself."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import islice
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from markupsafe import Markup
from matplotlib.figure import Figure
from places import README
from synthetic import LEVERED, a_crash, a_market, a_recording, rows

from analysis import gallery, plots
from analysis.base import trades
from analysis.base.metric import Undefined, measure, metrics_of
from analysis.base.result import Result
from analysis.cascades import cascades
from analysis.feedback import amplification as feedback
from analysis.feedback import plots as feedback_plots
from analysis.feedback import profiles
from analysis.figures import timeline
from analysis.figures.figure import OTHERS
from analysis.metrics import liquidity, loop_gain, losses, price, shocks, volume
from analysis.pages import assumptions, glossary, page, report
from analysis.pages.page import Section
from sim.recording.recording import Recording

matplotlib.use("Agg")

SCENARIO = """
schema_version = 2
name = "by_hand"
description = "Made by a test.\\nIn two lines."
seed = 1
shocks = [{at = 600.0, type = "market_order", asset = "BTC", qty = -400.0, over_seconds = 60.0}]
[time]
steps = 1200
step_seconds = 1.0
[[assets]]
name = "BTC"
[[venues]]
name = "perp"
[[populations]]
name = "dealers"
count = 1000
[[populations]]
name = "levered"
count = 5000
"""

MANIFEST = {
    "status": "finished",
    "steps_done": 1200,
    "seed": 1,
    "arm": "base",
    "scenario_hash": "abc123",
    "versions": {"python": "3.11", "numpy": "2.4"},
    "commit": None,
    "wall_seconds": 2.655,
    "residuals": {"cash": 1.6e-15, "BTC-perpetual": 0.0, "BTC-spot": 0.0},
}

DEALERS = """Market makers who *hedge* with `policies` & <b>routes</b>.

Each row holds a book.

Parameters
----------
secret : int
    For programmers only.

Notes
-----
The rule is Whalley & Wilmott (1997).

Leaves out: vega, and
funding.
"""

MEASURED = (price, liquidity, loop_gain, volume, shocks, losses, cascades)

VOID = {"meta", "img", "br", "input"}
INLINE = {"a", "b", "code", "em", "span", "strong"}


class Page(HTMLParser):
    """A page read strictly: what is opened is closed, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, Any]]] = []
        self.tags: list[tuple[str, dict[str, Any], list[str]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        around = [f"{name}.{each.get('class', '')}" for name, each in self.open]
        self.words.append("" if tag in INLINE else " ")
        self.tags.append((tag, dict(attrs), around))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if not any(tag == "style" for tag, _ in self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attributes for name, attributes, _ in self.tags if name == tag]


def a_run(
    folder: Path, recording: Recording | None = None, scenario: str = SCENARIO, **manifest: Any
) -> Path:
    """A results folder of one run."""
    folder.mkdir(parents=True, exist_ok=True)
    if recording is not None:
        recording.write(folder)
        metrics = measure(recording, [each for module in MEASURED for each in metrics_of(module)])
        (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "scenario.toml").write_text(scenario)
    (folder / "manifest.json").write_text(json.dumps(MANIFEST | manifest))
    return folder


def an_amplification(folder: Path, base: Path, entries: dict[str, Any], **manifest: Any) -> Path:
    """A folder of arms over seeds, around the tables of a run."""
    shutil.copytree(base, folder / "base")
    shutil.move(folder / "base" / "scenario.toml", folder / "scenario.toml")
    (folder / "base" / "manifest.json").unlink()
    (folder / "amplification.json").write_text(json.dumps(entries))
    about = {"kind": "amplification", "status": "finished", "seed": 1, "seeds": list(range(8))}
    about |= {"arms": ["base", "muted", "open_loop"], "muted": ["dealers"], "exempt": ["dealers"]}
    (folder / "manifest.json").write_text(json.dumps(about | manifest))
    return folder


def compared(base: float, muted: float, open_loop: float, unit: str = "1", spread: float = 0.01) -> Any:
    """What eight seeds of three arms come to, as `amplify` writes it."""
    noise = 1 + spread * np.linspace(-1, 1, 8)
    arms = {"base": base * noise, "muted": muted * noise[::-1], "open_loop": open_loop * noise}
    return feedback.compare(arms, unit, "a definition")


@pytest.fixture(scope="module")
def crash() -> Recording:
    """Twenty minutes with a crash in it."""
    return a_crash(1200)


@pytest.fixture(scope="module")
def folder(crash: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results folder of the crash."""
    return a_run(tmp_path_factory.mktemp("runs") / "crash", crash)


@pytest.fixture(scope="module")
def html(folder: Path, _gallery: None) -> str:
    """The page about it."""
    table = Section("Scorecard", "In `prose`.", ("fact", "measured"), [("kurtosis", 12.345)], note="a note")
    return report.report(folder, {"dealers (dealers.OptionDealers)": DEALERS}, [table])


@pytest.fixture(scope="module")
def _gallery() -> Iterator[None]:
    """A gallery of the figures that every run has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gallery, "modules", lambda: (plots, profiles))
        yield


@pytest.fixture
def _unpictured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing, which is most of the time a page takes."""
    monkeypatch.setattr(report, "figures", lambda result, which: [])


def text_of(folder: Path, **more: Any) -> str:
    return Page(report.report(folder, **more)).text


def card(text: str, title: str) -> str:
    """What follows the title of a card."""
    return text.partition(title)[2][:700]


def test_the_page_needs_nothing_but_itself(html: str) -> None:
    """No script, no address but data and anchors, and its own policy forbids the rest."""
    page = Page(html)
    assert html.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert not page.all("script")
    assert not page.all("link")
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    assert all(link["href"].startswith("#") for link in page.all("a"))
    assert not re.search(r"https?://|@import|url\(", html)
    (policy,) = [each for each in page.all("meta") if "http-equiv" in each]
    assert policy["content"].startswith("default-src 'none'")
    assert len(html) < 3_000_000


def test_the_page_can_be_read_on_a_phone_in_the_dark_and_on_paper(html: str) -> None:
    """The screen's width is the page's; tables and figures scroll in boxes of their own."""
    page = Page(html)
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    tables = [around for tag, _, around in page.tags if tag == "table"]
    assert tables
    assert all("div.box" in around for around in tables)
    assert all("div.paper" in around for tag, _, around in page.tags if tag == "img")
    assert re.search(r"\.box \{[^}]*overflow-x: auto", html)
    assert re.search(r"\.paper \{[^}]*background: #ffffff[^}]*overflow-x: auto", html)
    assert "@media (prefers-color-scheme: dark)" in html
    assert "@media print" in html


def test_every_link_lands_and_every_heading_cell_has_a_scope(html: str) -> None:
    """Anchors are there once."""
    page = Page(html)
    anchors = [attributes["id"] for _, attributes, _ in page.tags if "id" in attributes]
    assert len(anchors) == len(set(anchors))
    assert {link["href"][1:] for link in page.all("a")} == set(anchors)
    assert all(cell["scope"] in ("row", "col") for cell in page.all("th"))


def test_every_figure_is_there_with_words_for_those_who_cannot_see_it(html: str, crash: Recording) -> None:
    """All but the overview, whose panels are there; each a PNG of the size it says."""
    images = Page(html).all("img")
    names = [each.name for each in gallery.pictures(crash) if gallery.drawn(each) is not None]
    assert "overview" in names
    assert len(images) == len(names) - 1
    assert len({image["alt"] for image in images}) == len(images)
    for image in images:
        assert len(image["alt"]) > 20
        png = base64.b64decode(image["src"].partition(",")[2])
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        assert (int(image["width"]), int(image["height"])) == (
            int.from_bytes(png[16:20], "big"),
            int.from_bytes(png[20:24], "big"),
        )


def test_figures_scale_with_the_screen_and_grow_at_a_touch(html: str) -> None:
    """None is wider than the screen, until a box without any script is ticked."""
    page = Page(html)
    rule = re.search(r"\.paper img \{([^}]*)\}", html)
    assert rule is not None
    assert "width: 100%" in rule[1]
    assert "min-width" not in rule[1]
    assert re.search(r"\.zoom:checked \+ img \{ width: max\(100%, 60rem\)", html)
    boxes = [each for each in page.all("input") if each["type"] == "checkbox"]
    assert len(boxes) == len(page.all("img"))
    assert all(box["aria-label"].startswith("In full size: ") for box in boxes)


def test_five_figures_come_first_and_the_others_are_folded_under_their_headings(html: str) -> None:
    """With a table of contents whose links reveal them."""
    page = Page(html)
    folded = ["details." in around for tag, _, around in page.tags if tag == "img"]
    assert folded == [False] * report.SHOWN + [True] * (len(folded) - report.SHOWN)
    links = [each["href"] for each in page.all("a") if each["href"].startswith("#figures-")]
    assert links == [f"#figures-{n + 1}" for n in range(len(links))]
    assert page.text.count("Liquidations and equity (1)") == page.text.count("Feedback (2)") == 2


def test_every_figure_of_the_gallery_declares_its_heading(crash: Recording) -> None:
    pictures = list(gallery.pictures(crash))
    whole = {each.name for each in pictures if each.name.endswith(report.PANELLED)}
    assert {each.name for each in pictures if each.heading == OTHERS} == whole
    assert {each.name for each in pictures if each.is_main} >= {"price", "flow", "loop_gain"}


def test_the_words_of_the_page_and_the_readme_are_the_same(html: str) -> None:
    text = Page(html).text
    assert glossary.markdown() in README.read_text()
    for word in ("loop gain", "overshoot", "muted", "variance share", "meta-order", "quote currency"):
        (term,) = [each for each in glossary.TERMS if each.name == word]
        assert f"{term.name} {term.meaning}" in text
        assert term.equation in text


@pytest.mark.usefixtures("_unpictured")
def test_a_description_belongs_to_the_file_as_it_is_written(folder: Path, tmp_path: Path) -> None:
    """With something set over it, or as another arm, the page lists that first and folds the text."""
    plain = Page(report.report(folder))
    assert "Not the scenario as its file has it" not in plain.text
    over = {
        "time.steps": 300,
        "populations.dealers.exposure.share": 0.1,
        "assets.BTC.quote": "X",
    }
    changed = Page(report.report(a_run(tmp_path / "run", overrides=over)))
    listed = 'time.steps = 300, populations.dealers.exposure.share = 0.1, assets.BTC.quote = "X".'
    assert f"Not the scenario as its file has it: {listed}" in changed.text
    place = changed.text.index
    assert place(listed) < place("not of this result") < place("Made by a test.") < place("The answer")
    arm = Page(report.report(a_run(tmp_path / "arm", arm="muted")))
    assert "Not the scenario as its file has it: arm muted." in arm.text


@pytest.mark.usefixtures("_unpictured")
def test_a_shock_that_never_came_is_said_to_be_none(tmp_path: Path) -> None:
    """Because the run was shortened, or was interrupted before."""
    short = SCENARIO.replace("steps = 1200", "steps = 300")
    text = text_of(a_run(tmp_path / "short", scenario=short, steps_done=300))
    assert "sale of 400 BTC at 10 min over 60 s: never came, the run ended at 5 min" in text
    cut = text_of(a_run(tmp_path / "cut", steps_done=630, status="interrupted"))
    assert "sale of 400 BTC at 10 min over 60 s, cut short at 10.5 min" in cut
    early = '{at = 299.5, type = "jump", change = -0.1}'
    jump = SCENARIO.replace("shocks = [", f"shocks = [{early}, ")
    text = text_of(a_run(tmp_path / "jump", scenario=jump, steps_done=300))
    assert "shock jump at 4.99 min: never came" in text
    came = text_of(a_run(tmp_path / "came", scenario=jump, steps_done=301))
    assert "shock jump at 4.99 min: never came" not in came
    up = SCENARIO.replace("qty = -400.0", "qty = 400.0")
    assert "Amplification of the largest rise" in text_of(a_run(tmp_path / "up", scenario=up))
    assert "Amplification of the largest fall" in text_of(a_run(tmp_path / "no", scenario=up, steps_done=300))


def test_figures_and_metrics_know_no_shock_that_never_came() -> None:
    market = a_market(300, name="cut")
    market["shocks"] = [{"at": 600.0, "type": "market_order", "asset": "BTC", "qty": -400.0}]
    run = a_recording({"BTC.mid": np.full(300, 65000.0)}, market)
    assert trades.first_shock(run, "BTC") is None
    assert len(trades.shocks(run, "BTC")) == 1
    with pytest.raises(Undefined, match="the run ended before the shock"):
        shocks.shock_largest_move(run, "BTC")
    market["shocks"][0] |= {"at": 290.0, "over_seconds": 60.0}
    figure = Figure()
    ax = figure.subplots()
    timeline.dress_over_time(run, ax, "BTC", "caption", "price")
    timeline.name_shock(run, ax, "BTC")
    assert [each.get_text() for each in ax.texts] == ["sale of\n400 BTC\nover 60 s,\ncut short"]


@pytest.mark.usefixtures("_unpictured")
def test_with_few_seeds_page_table_and_figure_agree_on_what_is_known(folder: Path, tmp_path: Path) -> None:
    """A ratio without an interval is drawn without bars, and each says that it takes eight seeds."""
    few = {arm: np.array([x, 1.1 * x]) for arm, x in (("base", 0.06), ("muted", 0.03), ("open_loop", 0.045))}
    entries = {"BTC.max_drawdown": feedback.compare(few, "1", "x")}
    text = text_of(an_amplification(tmp_path / "amp", folder, entries))
    assert "2× No interval: it takes 8 seeds, there are 2" in card(text, "fall, BTC")
    assert "2× no interval: it takes 8 seeds" in text
    figure = Figure()
    ax = feedback_plots.amplification(entries, figure.subplots())
    assert ax.get_title("left") == "What hedging multiplies, 2 seeds"
    assert ax.get_xlabel().endswith("(1 is no effect; no interval: it takes 8 seeds)")
    assert [float(line.get_xdata()[0]) for line in ax.containers[0].lines[:1]] == pytest.approx([2.0])


def test_the_answer_comes_before_everything_else(html: str) -> None:
    """What was run, then the answer, figures, tables, what others add, assumptions, manifest."""
    text = Page(html).text
    titles = ("The answer", "Bad debt", "Price (", "Scorecard", "Market makers who", "Conservation.")
    places = [text.rindex(title) for title in titles]
    assert places == sorted(places)
    for fact in ("seed 1", "arm base", "1,200 steps of 1 s: 20 min", "6,000 participants in 2 populations"):
        assert places[0] > text.index(fact)
    assert "sale of 400 BTC at 10 min over 60 s" in text
    assert "no lot lost or made in 2 instruments. status finished" in text
    assert "versions python 3.11, numpy 2.4 commit unknown wall seconds 2.655" in text


def test_a_single_run_says_that_it_measures_no_amplification(html: str) -> None:
    """And what does; its own fall is given."""
    said = card(Page(html).text, "Amplification of the largest fall, BTC")
    assert said.split()[:2] == ["not", "measured"]
    assert "hedgequake amplify by_hand" in said
    assert "In this run the largest fall is 9.6%" in said


def test_the_same_folder_gives_the_same_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the moment of writing is in the page; `save` puts it into the folder."""
    monkeypatch.setattr(report, "pictures", lambda recording, which: islice(gallery.pictures(recording), 3))
    page = report.save(folder, {"dealers (dealers.OptionDealers)": DEALERS})
    assert page == folder / "report.html"
    again = report.report(folder, {"dealers (dealers.OptionDealers)": DEALERS})
    assert page.read_text(encoding="utf-8") == again
    assert len(Page(again).all("img")) == 2


def test_metrics_stand_under_their_headings_with_definitions(html: str, crash: Recording) -> None:
    """Every metric that is not divided among the populations is in one group, with its source."""
    text = Page(html).text
    assert "max drawdown, BTC largest 1 - mid / highest mid so far, from the first step on" in text
    assert "Others (" not in text
    undefined = measure(crash, [shocks.shock_half_recovery])["BTC.shock_half_recovery"]
    assert undefined["value"] is None
    assert f"undefined {undefined['reason']}" in text


def test_populations_that_did_nothing_have_no_row(html: str) -> None:
    """Shares, losses and profits, a row a population with the colour of the figures."""
    page = Page(html)
    chips = [each["style"] for each in page.all("span") if each.get("class") == "chip"]
    assert "background:#0072b2" in chips
    assert "By population population BTC volume share (%) " in re.sub(r"\s+", " ", page.text)
    assert re.search(r"levered \d+(\.\d+)?% ", page.text)


@pytest.mark.usefixtures("_unpictured")
def test_an_amplification_is_the_first_number_with_its_interval(folder: Path, tmp_path: Path) -> None:
    """0.06 over 0.03 is 2, by a flow of 1.5 and a feedback of 1.333."""
    entries = {
        "BTC.max_drawdown": compared(0.06, 0.03, 0.045),
        "bad_debt": compared(8e5, 0.0, 2e5, "quote"),
        "BTC.excess_volatility": compared(4.0, 2.0, 3.0),
    }
    low, high = entries["BTC.max_drawdown"]["interval"]
    assert 1.95 < low < 2 < high < 2.05
    text = text_of(an_amplification(tmp_path / "amp", folder, entries))
    said = card(text, "Amplification of the largest fall, BTC")
    assert said.startswith(" 2× 95% interval")
    assert f"{low:.3g}× to {high:.3g}×, 8 seeds" in said
    assert "6% on average, and 3% with the hedgers' impact taken out" in said
    parts = [entries["BTC.max_drawdown"][part]["interval"] for part in ("flow_ratio", "feedback_ratio")]
    flow, feedback = (f"({lowest:.3g} to {highest:.3g})" for lowest, highest in parts)
    assert f"1.5× {flow} by the hedgers' flow alone, times 1.33× {feedback}" in said
    assert "32 seeds would halve it" in said
    assert "8 seeds" in text
    assert "muted: dealers" in text
    assert "Over 8 seeds hedging's impact adds +800k quote" in text
    assert "a difference it is 0 in the muted arm" in text
    assert "All other metrics (1)" in text


@pytest.mark.usefixtures("_unpictured")
def test_what_is_undefined_over_the_seeds_is_not_zero(folder: Path, tmp_path: Path) -> None:
    """A metric that no seed defines has its reason; one that is not there says that."""
    nothing = feedback.compare({arm: np.full(8, np.nan) for arm in ("base", "muted", "open_loop")}, "1", "x")
    said = text_of(an_amplification(tmp_path / "one", folder, {"BTC.max_drawdown": nothing}))
    assert "in no seed is it defined in every arm" in said
    absent = text_of(an_amplification(tmp_path / "two", folder, {"bad_debt": compared(1, 1, 1, "quote")}))
    assert "undefined the seeds were not measured for it" in card(absent, "Amplification of the largest fall")
    few = feedback.compare({"base": np.array([0.2, 0.3]), "muted": np.array([0.1, 0.2])}, "1", "x")
    said = card(text_of(an_amplification(tmp_path / "three", folder, {"BTC.max_drawdown": few})), "fall, BTC")
    assert "No interval: it takes 8 seeds, there are 2" in said


@pytest.mark.usefixtures("_unpictured")
def test_an_interval_that_holds_one_shows_nothing(folder: Path, tmp_path: Path) -> None:
    """The page says so in words."""
    entries = {"BTC.max_drawdown": compared(0.0301, 0.03, 0.03, spread=0.3)}
    text = text_of(an_amplification(tmp_path / "amp", folder, entries))
    assert "The interval holds 1" in card(text, "fall, BTC")


@pytest.mark.usefixtures("_unpictured")
def test_a_purchase_is_answered_by_the_rise(folder: Path, tmp_path: Path) -> None:
    """The direction is that of the first shock."""
    entries = {"BTC.max_drawdown": compared(0.06, 0.03, 0.045), "BTC.max_run_up": compared(0.09, 0.03, 0.06)}
    amplified = an_amplification(tmp_path / "amp", folder, entries)
    (amplified / "scenario.toml").write_text(SCENARIO.replace("-400.0", "400.0"))
    text = text_of(amplified)
    assert card(text, "Amplification of the largest rise, BTC").startswith(" 3× ")
    assert "purchase of 400 BTC" in text


def test_the_figures_of_the_arms_come_first(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever PNG the folder holds is in the page."""
    amplified = an_amplification(tmp_path / "amp", folder, {"BTC.max_drawdown": compared(0.06, 0.03, 0.04)})
    (amplified / "figures").mkdir()
    Figure(figsize=(2, 1), dpi=50).savefig(amplified / "figures" / "amplification.png")
    monkeypatch.setattr(report, "pictures", lambda recording, which: ())
    (first,) = report.figures(report.read(amplified))
    assert (first.width, first.height) == (100, 50)
    assert first.about == "Amplification, all seeds."


def test_many_figures_have_fewer_pixels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that would be too heavy for a mail is drawn coarser, down to what can still be read."""
    monkeypatch.setattr(
        report, "pictures", lambda recording, which: islice(gallery.pictures(recording), 1, 3)
    )
    fine = report.figures(report.read(folder))
    size = sum(len(image.source) for image in fine)
    monkeypatch.setattr(report, "MOST_BYTES", int(0.8 * size))
    coarse = report.figures(report.read(folder))
    assert [image.width for image in coarse] == pytest.approx([0.8 * image.width for image in fine], rel=0.01)
    monkeypatch.setattr(report, "MOST_BYTES", 1)
    least = report.figures(report.read(folder))
    assert least[0].width == pytest.approx(fine[0].width * 72 / 130, rel=0.01)


@pytest.mark.usefixtures("_unpictured")
def test_mechanisms_are_credited_where_that_was_asked_for(folder: Path, tmp_path: Path) -> None:
    """Factors with intervals, and the reason where there are none."""
    amplified = an_amplification(tmp_path / "amp", folder, {"BTC.max_drawdown": compared(0.06, 0.03, 0.04)})
    part = {"factor": 1.5, "factor_interval": [1.4, 1.6]}
    shapley = {
        "BTC.max_drawdown": {"mechanisms": {"hedging": part, "forced": part}, "total": part},
        "bad_debt": {"mechanisms": None, "total": None, "reason": "a mean is not above 0"},
    }
    (amplified / "shapley.json").write_text(json.dumps(shapley))
    text = text_of(amplified)
    assert "BTC max drawdown 1.5× (1.4 to 1.6) 1.5× (1.4 to 1.6) 1.5× (1.4 to 1.6)" in text
    assert "bad debt – – undefined a mean is not above 0" in text


def a_cascade(*parents: int) -> dict[str, Any]:
    """Liquidations of 100 each, a second apart; each with its parent, -1 for none."""
    roots, generations = [], []
    for number, parent in enumerate(parents):
        roots.append(number if parent < 0 else roots[parent])
        generations.append(0 if parent < 0 else generations[parent] + 1)
    entries = [
        {"id": n, "step": n, "account": n, "population": LEVERED, "instrument": 0, "notional": 100.0}
        | {"parent": parent, "root": roots[n], "generation": generations[n], "share_exogenous": 0.5}
        for n, parent in enumerate(parents)
    ]
    return rows("liquidations", *entries)


def with_liquidations(tmp_path: Path, closed: dict[str, Any]) -> str:
    columns = {"BTC.mid": np.full(8, 100.0), "BTC.loop_gain": [0.75] * 6 + [1.5] * 2}
    return text_of(a_run(tmp_path / "run", a_recording(columns, a_market(8), liquidations=closed)))


@pytest.mark.usefixtures("_unpictured")
def test_the_largest_cascade_is_told_by_its_root(tmp_path: Path) -> None:
    """0 sets off 1 and 2, and 2 sets off 4; 3 stands alone."""
    said = card(with_liquidations(tmp_path, a_cascade(-1, 0, 0, -1, 2)), "Largest liquidation cascade")
    assert said.startswith(" 4 liquidations 400 quote, of 500 liquidated in all")
    assert "All descend from one at 1 s, over 2 generations and 4 s" in said
    assert "the largest of 2 cascades of 5 liquidations" in said


@pytest.mark.usefixtures("_unpictured")
def test_a_cascade_that_was_not_traced_is_undefined(tmp_path: Path) -> None:
    """Without genealogy the count is all there is; without liquidations there is none."""
    untraced = a_cascade(-1, -1)
    untraced["share_exogenous"] = np.full(2, np.nan)
    said = card(with_liquidations(tmp_path, untraced), "Largest liquidation cascade")
    assert said.startswith(" undefined The recording does not trace what brought liquidations about.")
    assert "2 liquidations of 200 quote in all" in said
    none = card(with_liquidations(tmp_path / "calm", rows("liquidations")), "Largest liquidation cascade")
    assert none.startswith(" none Nobody was liquidated.")


@pytest.mark.usefixtures("_unpictured")
def test_the_loop_gain_is_told_as_a_distance(tmp_path: Path) -> None:
    """At 0.75 a move ends four times as large; two of eight steps are beyond 1."""
    said = card(with_liquidations(tmp_path, a_cascade(-1)), "Loop gain, BTC")
    assert said.startswith(" 0.75 median 0.25 from instability, which begins at 1; 1.5 at worst")
    assert "it ends 4 times as large" in said
    assert "In 25% of the steps it is 1 or more" in said


@pytest.mark.usefixtures("_unpictured")
def test_bad_debt_says_who_paid(tmp_path: Path) -> None:
    """Ten of bad debt: seven from the fund, three from the winners."""
    closed = a_cascade(-1)
    closed |= {"bad_debt": [10.0], "insurance_paid": [7.0], "socialised": [3.0], "creditors_loss": [0.0]}
    said = card(with_liquidations(tmp_path, closed), "Bad debt")
    assert said.startswith(" 10 quote")
    assert (
        "the insurance fund: 7 the winners, socialised: 3 creditors of option writers who defaulted: 0"
        in said
    )


@pytest.mark.usefixtures("_unpictured")
def test_an_unfinished_run_says_so_at_the_top(folder: Path, tmp_path: Path) -> None:
    """Before anything it is said how far it came and what broke."""
    broken = a_run(tmp_path / "broken", a_crash(1200), status="failed", steps_done=7)
    (broken / "traceback.txt").write_text("ValueError: <b>bold</b>")
    page = Page(report.report(broken))
    banner = page.text.index("This run failed after 7 of 1,200 steps.")
    assert banner < page.text.index("Made by a test.")
    assert "ValueError: <b>bold</b>" in page.text
    assert not page.all("b")
    stopped = text_of(a_run(tmp_path / "stopped", status="interrupted", steps_done=9))
    assert "This run was interrupted after 9 of 1,200 steps." in stopped


def test_a_run_that_left_no_tables_has_a_page(tmp_path: Path) -> None:
    """Everything is undefined, nothing is zero."""
    text = text_of(a_run(tmp_path / "empty", status="failed", steps_done=0, residuals={}))
    assert "undefined The run left no tables." in card(text, "Largest liquidation cascade")
    assert "undefined it was not measured" in card(text, "Loop gain, BTC")
    assert "The largest fall itself is undefined: it was not measured." in text
    assert "No metric was computed." in text
    assert "Not checked here" in text


def test_a_folder_that_is_no_result_is_refused(tmp_path: Path) -> None:
    """With the file that is missing."""
    with pytest.raises(FileNotFoundError, match=r"no manifest\.json"):
        report.report(tmp_path)


def test_what_a_scenario_says_is_text_and_never_markup(tmp_path: Path) -> None:
    """Names, descriptions and keys may hold anything."""
    attack = "<script>alert(1)</script>"
    scenario = SCENARIO.replace("Made by a test.", attack).replace('"by_hand"', f'"{attack}"')
    sections = [Section(attack, attack, (attack, "x"), [(attack, Undefined(attack))], note=attack)]
    page = Page(
        report.report(a_run(tmp_path / "run", None, scenario, arm=attack), {attack: attack}, sections)
    )
    assert not page.all("script")
    assert page.text.count(attack) > 8


def test_docstrings_are_told_without_what_is_for_programmers(html: str) -> None:
    """Summary, what is left out (wherever it stands), body, notes; `code` and *emphasis*."""
    told = assumptions.assumption("dealers (dealers.OptionDealers)", DEALERS, {"dealers": "#0072b2"})
    assert told.colour == "#0072b2"
    assert told.body == ["Each row holds a book."]
    assert told.left_out == ["Leaves out: vega, and\nfunding."]
    assert told.notes == ["The rule is Whalley & Wilmott (1997)."]
    assert "<p>Market makers who <em>hedge</em> with <code>policies</code> &amp; &lt;b&gt;routes" in html
    assert '<p class="left-out">Leaves out: vega, and funding.</p>' in html
    assert "For programmers only" not in html
    assert page.inline("a * b * c") == "a * b * c"


def test_a_docstring_may_name_what_it_leaves_out_in_emphasis() -> None:
    """As a list of notes does."""
    told = assumptions.assumption("perp", "A book.\n\nNotes\n-----\n*Left out.* Hidden orders.", {})
    assert told.left_out == ["*Left out.* Hidden orders."]
    assert assumptions.assumption("empty", "", {}).summary == ""


def test_conservation_is_a_sentence_and_a_loss_is_an_alarm() -> None:
    """Rounding is no loss; a single lot is."""

    def said(**residuals: float) -> str:
        return report.conservation(Result(Path(), {"residuals": residuals}, {}, {}, None, None))

    assert (
        said(cash=1.6e-15, spot=0.0)
        == "Held: cash residual 1.6e-15 of balances, no lot lost or made in 1 instruments."
    )
    assert said(cash=1.6e-15, spot=2.0).startswith(
        "VIOLATED: cash residual 1.6e-15 of balances; 2 lots of spot"
    )
    assert said(cash=1e-3, spot=0.0).startswith("VIOLATED")


def test_cells_are_set_by_what_they_hold() -> None:
    """Numbers to the right, nothing as a dash, undefined with its reason, markup as it is."""
    assert page.cell(1234567) == '<td class="number">1,234,567</td>'
    assert page.cell(-0.00123) == '<td class="number">−0.00123</td>'
    assert page.cell(None) == '<td class="number">–</td>'
    assert page.cell(float("nan")) == "<td>undefined</td>"
    assert page.cell(np.bool_(True)) == "<td>yes</td>"
    assert page.cell("2.31× (2.25 to 2.36)") == '<td class="number">2.31× (2.25 to 2.36)</td>'
    assert page.cell("34bb3c39") == "<td>34bb3c39</td>"
    assert page.cell("a < b") == "<td>a &lt; b</td>"
    assert page.cell(Markup("<b>x</b>")) == "<td><b>x</b></td>"
    assert page.cell(Undefined("too < short")) == (
        '<td class="undefined">undefined <small>too &lt; short</small></td>'
    )


@pytest.mark.parametrize(
    ("number", "name", "is_difference", "text"),
    [
        (0.0639933, "BTC.max_drawdown", False, "6.4%"),
        (0.0362576, "BTC.max_drawdown", True, "+3.63 points"),
        (-0.1, "BTC.volume_share.dealers", True, "−10 points"),
        (0.71903, "BTC.median_loop_gain", False, "0.719"),
        (198463693.3, "bad_debt", False, "198.5M"),
        (12.0, "BTC.shock_half_recovery", True, "+12"),
        (float("nan"), "bad_debt", False, "undefined"),
    ],
)
def test_amounts_are_written_in_the_unit_of_the_metric(
    number: float, name: str, is_difference: bool, text: str
) -> None:
    """Shares in per cent and their differences in points; all else in four figures."""
    assert page.amount(number, name, is_difference=is_difference) == text


def test_a_section_may_bring_a_picture_and_fold_its_table(tmp_path: Path) -> None:
    """A Figure, the bytes of a PNG or its path."""
    figure = Figure(figsize=(2, 1), dpi=50)
    figure.subplots().set_title("Seen", loc="left")
    path = tmp_path / "own.png"
    figure.savefig(path)
    sections = [
        Section("One", picture=figure, about="What one sees."),
        Section("Two", picture=path.read_bytes()),
        Section("Three", picture=path, columns=("a", "b"), rows=[(1, 2)], is_folded=True),
    ]
    page = Page(report.report(a_run(tmp_path / "run"), sections=sections))
    assert page.all("img")[0]["alt"] == "Seen. What one sees."
    assert len(page.all("img")) == 3
    assert "Table, 1 rows" in page.text
