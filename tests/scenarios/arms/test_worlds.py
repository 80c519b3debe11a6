"""Uncertain worlds as users draw them: theory in each, the same folder always, mistakes at their place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from analysis.metrics.price import max_drawdown
from scenarios.__main__ import main
from scenarios.arms.amplify import amplify
from scenarios.arms.arms import Arms
from scenarios.arms.worlds import drawn
from scenarios.build.loading import load
from scenarios.calibration.fitted import fitted
from scenarios.file.errors import ScenarioError
from scenarios.process.interruption import Interruption

IMPACT, GAMMA, VOLATILITY = (
    "venues.market.impact",
    "populations.dealers.exposure.gamma",
    "assets.X.driver.volatility",
)
UNCERTAIN = f"""
[uncertain]
"{IMPACT}" = {{dist = "lognormal", median = 0.01, sigma = 0.3, max = 0.016}}  # what a unit moves
"{GAMMA}" = {{dist = "uniform", low = -5.5, high = -4.5}}
"{VOLATILITY}" = {{dist = "normal", mean = 0.5, sd = 0.05}}
"""
LINE = {"seeds": 8, "worlds": 12, "arms": ["base", "muted"], "figures": "none"}
FILES = ("amplification.json", "runs.parquet", "worlds.json", "worlds.parquet", "world_runs.parquet")


def written(folder: Path, text: str = UNCERTAIN, *, steps: int = 300) -> Path:
    """The textbook loop with something uncertain in it, in a file."""
    own = load("linear_feedback").text.replace("steps = 2000", f"steps = {steps}")
    (folder / "loop.toml").write_text(own + text)
    return folder / "loop.toml"


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("worlds")
    return amplify(load(written(folder)), folder / "out", **LINE)


def test_every_world_amplifies_as_theory_says(found):
    """1 / (1 - impact x the dealers' gamma), within what eight short runs can tell."""
    gains = np.array([-10 * world[IMPACT] * world[GAMMA] for world in found.worlds])
    entry = found.uncertain["X.realised_volatility_1min"]
    ratios = np.array([world["ratio"] for world in entry["as_drawn"]])
    assert np.ptp(gains) > 0.25
    assert ratios == pytest.approx(1 / (1 - gains), rel=0.04)
    assert entry["interval"] == pytest.approx(np.quantile(1 / (1 - gains), (0.025, 0.975)), rel=0.06)
    assert entry["median"] == pytest.approx(np.median(1 / (1 - gains)), rel=0.04)
    written_as = entry["as_written"]
    assert written_as["ratio"] == found.entries["X.realised_volatility_1min"]["ratio"]
    assert written_as["interval"][1] - written_as["interval"][0] < 0.2 * np.subtract(*entry["interval"][::-1])


def test_the_key_that_it_hangs_on_is_named(found):
    """Impact, and not volatility, which cancels in the ratio."""
    entry = found.uncertain["X.realised_volatility_1min"]
    assert entry["hangs_on"] == IMPACT
    assert entry["keys"][IMPACT]["interval"][0] > entry["noise_floor"]
    assert abs(entry["keys"][VOLATILITY]["rank_correlation"]) < entry["noise_floor"]


def test_a_world_is_the_scenario_with_its_values_set(found):
    """The same seeds in every world and arm: a run of a world is one of the scenario with these values."""
    world, replicate, falls = found.worlds[3], 2, {}
    arms = Arms(load("linear_feedback", {"time.steps": 300, **world}), ["base", "muted"])
    arms.run(found.seeds[replicate], lambda arm, run: falls.update({arm: max_drawdown(run, "X")}))
    runs = pq.read_table(found.folder / "world_runs.parquet").to_pandas()
    own = runs[(runs["world"] == 3) & (runs["replicate"] == replicate)]
    assert len(runs) == 12 * 8 * 2
    assert (own["seed"] == found.seeds[replicate]).all()
    assert own[IMPACT].tolist() == [world[IMPACT]] * 2
    assert own.set_index("arm")["X.max_drawdown"].to_dict() == falls


def test_the_first_worlds_are_the_same_however_many_are_drawn(tmp_path):
    scenario = load(written(tmp_path))
    assert drawn(scenario, 5) == drawn(scenario, 16)[:5]
    assert drawn(load(tmp_path / "loop.toml", {"seed": 2}), 5) != drawn(scenario, 5)


def test_a_place_on_the_edge_of_the_cube_is_no_infinite_value(tmp_path, monkeypatch):
    monkeypatch.setattr("scenarios.arms.worlds.unit_points", lambda *asked: np.zeros((8, 1)))
    text = f'[uncertain]\n"{VOLATILITY}" = {{dist = "normal", mean = 0.5, sd = 0.01}}\n'
    assert 0.4 < drawn(load(written(tmp_path, text)), 8)[0][VOLATILITY] < 0.45


def test_whole_numbers_are_drawn_whole(tmp_path):
    text = '[uncertain]\n"populations.dealers.count" = {dist = "uniform", low = 4.6, high = 9.4}\n'
    counts = [world["populations.dealers.count"] for world in drawn(load(written(tmp_path, text)), 16)]
    assert {type(count) for count in counts} == {int}
    assert set(counts) == {5, 6, 7, 8, 9}


def test_workers_and_interruptions_leave_the_same_folder(found, tmp_path):
    """Two processes, stopped in the middle and gone on with: byte for byte what one go in one process is."""
    scenario, interruption = load(written(tmp_path)), Interruption()
    stop = {"progress": lambda done: setattr(interruption, "signal", 2 * (done > 100))}
    first = amplify(scenario, tmp_path / "out", workers=2, interruption=interruption, **stop, **LINE)
    assert first.status == "interrupted"
    [kept] = tmp_path.glob(".out.begun.*/runs.jsonl")
    assert 40 < kept.read_text().count("\n") < 13 * 8
    ran, seen = [], lambda done: ran.append(done)
    second = amplify(scenario, tmp_path / "out", workers=2, progress=seen, **LINE)
    assert second.status == "finished"
    for file in FILES:
        assert (tmp_path / "out" / file).read_bytes() == (found.folder / file).read_bytes(), file
    assert not list(tmp_path.glob(".out.*"))


def test_what_is_kept_is_not_run_again(tmp_path, monkeypatch):
    """A second call after an interruption runs the other seeds only; these were not called undefined."""
    scenario, interruption, ran = load(written(tmp_path, steps=20)), Interruption(), []
    run = Arms.run
    monkeypatch.setattr(Arms, "run", lambda self, seed, *rest: (ran.append(seed), run(self, seed, *rest)))
    stop = {"progress": lambda done: setattr(interruption, "signal", 2 * (done >= 6))}
    first = amplify(scenario, tmp_path / "out", interruption=interruption, **stop, **LINE)
    assert len(ran) == 3
    fall = first.entries["X.max_drawdown"]["base"]
    assert (fall["seeds"], fall["undefined"], first.uncertain) == (3, 0, {})
    amplify(scenario, tmp_path / "out", **LINE)
    assert len(ran) == 13 * 8


def test_the_command_tells_it_and_its_folder_is_drawn_and_reported(tmp_path, capsys):
    file, out = written(tmp_path, steps=60), tmp_path / "out"
    line = [
        "amplify",
        str(file),
        "--seeds",
        "8",
        "--uncertain",
        "8",
        "--arms",
        "base,muted",
        "--workers",
        "1",
    ]
    assert main([*line, "--out", str(out), "--quiet", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["worlds"] == json.loads((out / "worlds.json").read_text())
    assert document["manifest"]["worlds"] == len(document["worlds"]["worlds"]) == 8
    picture = out / "figures" / "worlds.png"
    before = picture.read_bytes()
    picture.unlink()
    assert main(["plot", str(out)]) == 0
    assert picture.read_bytes() == before
    assert main(["report", str(out)]) == 0
    page = (out / "report.html").read_text()
    assert "What is not known" in page
    answer = page[page.index('<h2 id="answer">') : page.index('<h2 id="amplification">')]
    assert "95% of 8 worlds drawn from what is not known: " in answer
    assert "Worlds, all seeds" in page
    capsys.readouterr()
    assert main([*line, "--out", str(tmp_path / "text"), "--quiet", "--no-figures"]) == 0
    said = capsys.readouterr().out
    assert "95% over worlds" in said
    assert f"{IMPACT} +" in said
    assert "8 of 8 worlds, 8 seeds in each" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--seeds", "7"], "--seeds: found 7; allowed: 8 or more where worlds are drawn"),
        (["--uncertain", "4"], "--uncertain: found 4; allowed: 8 or more where worlds are drawn"),
        (["--arms", "base,open_loop"], "muted is not among them"),
        (["--set", "populations.dealers.count=0"], "allowed: at least 1"),
    ],
)
def test_what_cannot_be_told_is_said_and_nothing_written(options, said, tmp_path, capsys):
    file = written(tmp_path)
    line = ["amplify", str(file), "--uncertain", "16", "--seeds", "8", "--out", str(tmp_path / "out")]
    assert main([*line, "--quiet", *options]) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["loop.toml"]


def test_a_scenario_without_the_table_says_what_to_add(tmp_path, capsys):
    line = ["amplify", "linear_feedback", "--uncertain", "8", "--seeds", "8", "--out", str(tmp_path / "out")]
    assert main([*line, "--quiet"]) == 2
    assert "no [uncertain] in it; add one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('"venues.market.impct" = {dist = "uniform", low = 0.0, high = 1.0}', 'did you mean "impact"?'),
        ('"venues.markt.impact" = {dist = "uniform", low = 0.0, high = 1.0}', 'did you mean "market"?'),
        (f'"{IMPACT}" = {{dist = "normal", mean = 0.01, sd = 0.1}}', "draws -0.29"),
        (
            '"populations.dealers.count" = {dist = "uniform", low = 0, high = 5}',
            "draws 0; allowed: at least 1",
        ),
        (f'"{IMPACT}" = {{dist = "lognorml", median = 0.01}}', 'did you mean "lognormal"?'),
        (f'"{IMPACT}" = 0.01', "found 0.01; allowed: a distribution"),
        ('"seed" = {dist = "uniform", low = 0, high = 9}', "cannot be uncertain; every run has the same"),
    ],
)
def test_mistakes_are_told_at_their_place(line, said, tmp_path):
    """File, line and key, as those of a sweep."""
    file = written(tmp_path, f"\n[uncertain]\n{line}\n")
    number = file.read_text().splitlines().index(line) + 1
    with pytest.raises(ScenarioError) as raised:
        load(file)
    assert f"loop.toml:{number}: uncertain." in str(raised.value)
    assert said in str(raised.value)


def test_a_draw_beyond_the_tails_that_are_tried_is_told_with_its_world(tmp_path, monkeypatch):
    """All that is drawn is tried before anything is run: here the tails at the median alone are."""
    monkeypatch.setattr("scenarios.file.overlays.TAILS", (0.5,))
    scenario = load(
        written(tmp_path, f'\n[uncertain]\n"{IMPACT}" = {{dist = "normal", mean = 0.01, sd = 0.1}}\n')
    )
    with pytest.raises(ScenarioError, match=r"uncertain\.venues\.market\.impact: in world \d+: found -0\."):
        drawn(scenario, 16)


def test_a_run_is_the_same_with_and_without_the_table(tmp_path, capsys):
    """Other commands run at the values written, and the hash of a run does not cover the table."""
    with_it, without = load(written(tmp_path)), load("linear_feedback", {"time.steps": 300})
    assert with_it.digest() == without.digest()
    assert with_it.set_over({GAMMA: -4.0}, "--set").uncertain is None
    assert main(["validate", str(tmp_path / "loop.toml")]) == 0
    assert main(["schema"]) == 0
    assert "uncertain" in json.loads(capsys.readouterr().out.partition("\n")[2])["properties"]
    text = fitted(with_it, {IMPACT: 0.02}, "hedgequake calibrate", tmp_path)
    assert UNCERTAIN.strip() in text, "what was fitted keeps what is not known"
