"""Amplification as users measure it: theory where there is one, the control, the crash and its twin."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from scenarios.__main__ import main
from scenarios.arms.amplify import amplify
from scenarios.build.loading import load
from sim.model import Model
from sim.recording.recording import Recording

GAINS = {"gain_minus_050": -0.5, "gain_minus_025": -0.25, "gain_025": 0.25, "base": 0.5, "gain_075": 0.75}


def compared(folder, name, seeds, arms=(), **overrides):
    """Entries of a comparison."""
    scenario = load(name, {key.replace("__", "."): value for key, value in overrides.items()})
    return amplify(scenario, folder, seeds=seeds, workers=1, arms=arms, figures="none").entries


@pytest.mark.long
def test_volatility_is_that_of_theory_at_every_gain(tmp_path):
    """sigma / (1 - gain) in 200 seeds, within 2%; the Monte-Carlo error is far below that."""
    arms = ["muted", *GAINS]
    entries = compared(tmp_path / "linear", "linear_feedback", 200, arms, time__steps=400)
    volatility, gain = entries["X.long_run_volatility"], entries["X.median_loop_gain"]
    for arm, expected in GAINS.items():
        found = volatility["against_muted"][arm]
        low, high = found["interval"]
        assert high - low < 0.02 * found["ratio"]
        assert found["ratio"] == pytest.approx(1 / (1 - expected), rel=0.02), arm
        assert gain[arm]["mean"] == pytest.approx(expected, rel=0.02)
    assert volatility["seeds_compared"] == 200
    news = entries["X.excess_volatility"]["muted"]
    assert news["mean"] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.long
def test_the_crash_is_amplified_and_a_placebo_does_not_do_it(tmp_path):
    """Real hedging deepens the fall in every resampling; the same trades with random signs do less."""
    arms = ["base", "muted", "placebo", "aa"]
    entries = compared(tmp_path / "crash", "linear_crash", 12, arms, time__steps=900)
    fall = entries["BTC.max_drawdown"]
    assert fall["interval"][0] > 1.5
    assert fall["against_base"]["aa"]["interval"] == [1.0, 1.0]
    again = [entry["against_base"]["aa"] for entry in entries.values() if entry["base"]["mean"] is not None]
    assert 1.0 in {each["ratio"] for each in again} <= {1.0, None}
    assert {each["difference"] for each in again} == {0.0}
    placebo = entries["BTC.shock_largest_move"]["against_base"]["placebo"]
    assert placebo["interval"][1] < 0.8
    assert entries["bad_debt"]["muted"]["mean"] == 0.0
    assert entries["bad_debt"]["reason"] == "it is 0 in the muted arm"


@pytest.mark.long
def test_long_gamma_damps(tmp_path):
    """The twin: dealers who are long the same options buy falls, and the fall is smaller with them."""
    own = {"time__steps": 900, "populations__dealers__exposure__sign": 1}
    entries = compared(tmp_path / "twin", "linear_crash", 8, ["base", "muted"], **own)
    assert entries["BTC.max_drawdown"]["interval"][1] < 1.0
    assert entries["BTC.realised_volatility_1min"]["interval"][1] < 1.0


@pytest.mark.long
def test_nothing_happens_in_calm(tmp_path):
    """The control. With 64 seeds drawdown is 1.00 to 1.03, the fall 0.99 to 1.02, volatility 1.02 to 1.04."""
    entries = compared(tmp_path / "calm", "calm", 12, ["base", "muted"], time__steps=900)
    for name, most in (
        ("max_drawdown", 0.03),
        ("shock_largest_move", 0.08),
        ("realised_volatility_1min", 0.05),
    ):
        low, high = entries[f"BTC.{name}"]["interval"]
        assert 1 - most < low <= high < 1 + most


def test_the_command_writes_what_a_reader_needs(tmp_path, capsys):
    """Table, comparison, a row a run, base's recording, figures, and a manifest that says what this is."""
    out = tmp_path / "compared"
    line = [
        "amplify",
        "linear_crash",
        "--seeds",
        "8",
        "--steps",
        "660",
        "--workers",
        "1",
        "--out",
        str(out),
    ]
    assert main([*line, "--arms", "base,muted,open_loop", "--quiet"]) == 0
    shown = capsys.readouterr()
    assert "BTC.max_drawdown" in shown.out
    assert "base/muted" in shown.out
    assert not shown.err
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["kind"], manifest["status"], manifest["seeds_done"]) == ("amplification", "finished", 8)
    assert manifest["muted"] == ["hedged_lps", "dealers", "vaults"]
    entry = json.loads((out / "amplification.json").read_text())["BTC.max_drawdown"]
    assert {"base", "muted", "open_loop", "ratio", "interval", "mc_error", "seeds_to_halve"} <= entry.keys()
    runs = pq.read_table(out / "runs.parquet").to_pandas()
    assert runs.groupby("arm")["BTC.max_drawdown"].mean()["base"] == pytest.approx(entry["base"]["mean"])
    assert Recording.read(out / "base").market["arm"] == "base"
    assert (out / "figures" / "amplification.png").stat().st_size > 10_000
    assert main([*line, "--quiet"]) == 2
    assert "holds a finished result" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--arms", "base,mutd"], 'no arm is named "mutd"; did you mean "muted"?'),
        (["--set", "arms.muted.mute=['dealer']"], 'did you mean "dealers"?'),
        (["--set", "arms.wide.set={'populations.dealers.hedging.widht'=1.0}"], 'did you mean "width"?'),
        (["--set", "arms.ratio.set={'populations.dealers.hedging.width'=1.0}"], "cannot have this name"),
        (["--set", "arms.base.set={'populations.dealers.hedging.width'=1.0}"], "base is built in"),
        (["--set", "arms.placebo.mute=['dealers']"], "is said in arms.muted"),
        (["--set", "arms.wide.block_seconds=5.0"], "only placebo has blocks"),
        (["--set", "arms.wide.set={'time.steps'=30}"], "cannot differ between arms"),
    ],
)
def test_bad_arms_exit_2_and_write_nothing(arguments, message, tmp_path, capsys):
    """The nearest match is named."""
    out = tmp_path / "out"
    assert main(["amplify", "linear_crash", "--out", str(out), "--quiet", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_single_arm_can_be_run(tmp_path, capsys):
    """`run --arm open_loop` runs muted first, and says so in the manifest."""
    line = ["run", "linear_feedback", "--steps", "50", "--no-figures", "--quiet", "--out"]
    assert main([*line, str(tmp_path / "open"), "--arm", "open_loop"]) == 0
    assert json.loads((tmp_path / "open" / "manifest.json").read_text())["arm"] == "open_loop"
    assert Recording.read(tmp_path / "open").fills.query("reason == 'hedge'").shape[0] == 490
    assert main([*line, str(tmp_path / "x"), "--arm", "opn_loop"]) == 2
    assert 'did you mean "open_loop"?' in capsys.readouterr().err


def test_results_do_not_depend_on_the_workers(tmp_path):
    """One or two processes write the same bytes."""
    scenario, arms = load("linear_crash", {"time.steps": 630}), ["base", "muted", "open_loop"]
    for workers in (1, 2):
        amplify(scenario, tmp_path / str(workers), seeds=4, workers=workers, arms=arms, figures="none")
    for file in ("amplification.json", "runs.parquet"):
        one, two = ((tmp_path / workers / file).read_bytes() for workers in ("1", "2"))
        assert one == two, file


def test_an_arm_that_breaks_leaves_the_others(tmp_path, capsys, monkeypatch):
    """Base and muted are compared; the failure is named, also where the kept run of base breaks."""
    steps = Model.step

    def breaking(model: Model) -> None:
        if model.description["arm"] == "wide" and model.steps_taken == 3:
            raise ArithmeticError("too wide")
        steps(model)

    monkeypatch.setattr(Model, "step", breaking)
    wide = "arms.wide.set={'populations.dealers.hedging.interval_seconds'=2.0}"
    line = [
        "amplify",
        "linear_feedback",
        "--seeds",
        "8",
        "--steps",
        "300",
        "--workers",
        "1",
        "--quiet",
        "--set",
        wide,
    ]
    assert main([*line, "--arms", "base,muted,wide", "--no-figures", "--out", str(tmp_path / "out")]) == 1
    shown = capsys.readouterr().out
    assert "replicate 7, wide failed: ArithmeticError: too wide" in shown
    assert "X.long_run_volatility" in shown
    assert "too wide" in (tmp_path / "out" / "traceback.txt").read_text()

    def failing(model: Model) -> None:
        raise ArithmeticError("from the first step on")

    monkeypatch.setattr(Model, "step", failing)
    assert main([*line, "--arms", "base,muted", "--out", str(tmp_path / "none")]) == 1
    manifest = json.loads((tmp_path / "none" / "manifest.json").read_text())
    assert manifest["status"] == "failed"
    assert "the base run that is kept" in manifest["failures"]


def test_shapley_credits_what_the_coalitions_ran(tmp_path, capsys):
    """With one mechanism all is credited to it: the factor is the ratio of the runs with and without."""
    line = ["amplify", "linear_feedback", "--seeds", "8", "--steps", "300", "--workers", "1", "--quiet"]
    assert main([*line, "--arms", "base,muted", "--shapley", "--out", str(tmp_path / "out")]) == 0
    assert "dealer hedging" in capsys.readouterr().out
    credited = json.loads((tmp_path / "out" / "shapley.json").read_text())["X.realised_volatility_1min"]
    entry = json.loads((tmp_path / "out" / "amplification.json").read_text())["X.realised_volatility_1min"]
    assert credited["mechanisms"]["dealer hedging"]["factor"] == pytest.approx(entry["ratio"], rel=1e-12)
    assert credited["total"]["factor"] == pytest.approx(entry["ratio"], rel=1e-12)
    assert (tmp_path / "out" / "figures" / "shapley.png").is_file()
