"""A probe finds what a market is made of, where that is known."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from places import SUPPORT

from analysis.facts.bands import OF_RUNS
from scenarios.__main__ import main
from scenarios.arms.arms import Arms
from scenarios.build.loading import load
from scenarios.file.errors import ScenarioError
from scenarios.folders.begun import Begun
from scenarios.probes.probe import probe
from scenarios.probes.prober import Prober, plain, received
from scenarios.process.interruption import Interruption

MARKET = SUPPORT / "probed_market.toml"
IMPACT, GAMMA, SPOT = 0.01, -50.0, 100.0
SCHEDULE = {"at": 30.0, "over": 10.0, "horizons": (1.0, 10.0, 40.0)}
SHARES = (1e-4, 3e-4, 1e-3)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("probe") / "out"
    return probe(Prober(load(MARKET), shares=SHARES, **SCHEDULE), folder, seeds=8)


def test_linear_impact_has_exponent_one_and_never_decays(found):
    """The truth to what logarithms of a price that falls by half a per cent differ from differences."""
    impact = found.impact
    assert impact.exponent().value == pytest.approx(1.0, abs=2e-3)
    assert impact.left_at_twice().value == pytest.approx(1.0, abs=1e-3)
    assert impact.left(40.0).value == pytest.approx(1.0, abs=1e-3)
    units = np.abs(impact.of_probes("qty"))
    assert impact.at_end == pytest.approx(IMPACT * units / SPOT, rel=0.02)


def test_the_gain_is_what_the_market_says_at_every_horizon(found):
    """lambda = 0.01, gamma = -50 and full response: 0.5, and 1 / (1 - g) = 2."""
    for each in found.impact.entry()["gain"]:
        assert each["impact"]["value"] == pytest.approx(IMPACT, rel=5e-3)
        assert each["gain"]["value"] == pytest.approx(-GAMMA * IMPACT, rel=5e-3)
        assert each["amplification"] == pytest.approx(2.0, rel=0.01)


def test_closed_forms_are_of_the_units_that_hedgers_would_trade(found):
    """a = G F0 / Q with F0 = lambda Q / S and G = gamma S: the gain itself, of every size."""
    for size in found.impact.entry()["sizes"]:
        a = -GAMMA * IMPACT
        assert size["amplification"]["sale"] == pytest.approx((a + (a * a + 4) ** 0.5) / 2, rel=0.01)


def test_the_prefactor_is_of_the_volume_and_volatility_without_the_sale(found):
    impact = found.impact
    sigma, volume = np.sqrt(impact.of_worlds("variance").mean()), impact.of_worlds("volume")
    moves = impact.at_end.mean(axis=1)
    expected = np.exp(np.mean(np.log(moves / (sigma * np.sqrt(SHARES)))))
    assert impact.prefactor().value == pytest.approx(expected)
    assert impact.of_probes("qty") == pytest.approx(-np.outer(SHARES, volume))
    traded: list[float] = []
    arms = Arms(found.prober.scenario, ["muted"])
    arms.run(
        found.seeds[0], lambda _, run: traded.append(run.fills.query("reason == 'trade'")["qty"].abs().sum())
    )
    assert volume[0] == pytest.approx(traded[0] * 1e-6 * 86400 / 100)


def test_a_half_that_is_never_regained_counts_the_time_there_was(found):
    size = found.impact.entry()["sizes"][0]
    assert (size["half_back"]["runs"], size["half_back"]["value"]) == (0, 60.0)
    assert (size["book_back"]["runs"], size["book_back"]["value"]) == (8, 0.0)
    assert size["executed_in_part"] == size["failed"] == 0


def test_the_folder_holds_a_row_a_run(found):
    rows = pq.read_table(found.folder / "runs.parquet").to_pandas()
    assert len(rows) == 8 * (1 + len(SHARES))
    assert sorted(set(rows["share"])) == pytest.approx([0.0, *SHARES])
    entry = json.loads((found.folder / "probe.json").read_text())
    assert entry["exponent"]["interval"][0] <= entry["exponent"]["value"] <= entry["exponent"]["interval"][1]
    assert (found.folder / "figures" / "probe.png").is_file()
    assert not list(found.folder.parent.glob(".out.begun*"))


def test_figures_are_drawn_again(found, tmp_path, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(found.folder, folder)
    picture = folder / "figures" / "probe.png"
    before = picture.read_bytes()
    picture.unlink()
    assert main(["plot", str(folder)]) == 0
    assert picture.read_bytes() == before
    assert main(["report", str(folder)]) == 2
    assert "holds probes" in capsys.readouterr().err


def test_an_interrupted_probe_is_published_and_gone_on_with(found, tmp_path):
    """The same numbers as in one go, whatever was in between."""
    prober, interruption = Prober(load(MARKET), shares=SHARES, **SCHEDULE), Interruption()
    after = {"progress": lambda done: setattr(interruption, "signal", 2 * (done > 10)), "figures": "none"}
    first = probe(prober, tmp_path / "out", seeds=8, interruption=interruption, **after)
    assert (first.status, len(first.found)) == ("interrupted", 3)
    second = probe(prober, tmp_path / "out", seeds=8, figures="none")
    assert (second.status, second.folder) == ("finished", (tmp_path / "out").resolve())
    assert second.impact.entry() == found.impact.entry()


def test_arms_are_sold_the_same_and_compared(found, tmp_path):
    """Muted is as it is alone; base moves 2 (1 - (1 - 2^-10) / 20) as far, for hedges lag by a step."""
    prober = Prober(load(MARKET), shares=SHARES, beside=["base"], **SCHEDULE)
    outcome = probe(prober, tmp_path / "out", seeds=8)
    base, muted = outcome.impacts.values()
    assert list(outcome.impacts) == ["base", "muted"]
    assert (prober.runs, prober.base_is_shared) == (2 * (1 + len(SHARES)), True)
    assert muted.entry() == found.impact.entry()
    assert (base.of_probes("qty") == muted.of_probes("qty")).all()
    entry = json.loads((tmp_path / "out" / "probe.json").read_text())["compared"]
    expected = 2 * (1 - (1 - 2.0**-10) / 20)
    assert [each["value"] for each in entry["ratios"]] == pytest.approx([expected] * 3, rel=2e-3)
    assert [entry["arms"][arm]["increases"] for arm in ("base", "muted")] == ["yes", "yes"]
    assert entry["executed_alike"]
    rows = pq.read_table(tmp_path / "out" / "runs.parquet").to_pandas()
    assert rows["arm"].value_counts().to_dict() == {"muted": 8 * 4, "base": 8 * 3}
    assert received(json.loads(json.dumps(plain(outcome.found[0])))) == outcome.found[0]
    assert (tmp_path / "out" / "figures" / "probe.png").is_file()


def test_a_probe_of_arms_says_whether_their_falls_grow(tmp_path, capsys):
    """On one line the arms, in the table every size of each, and below it what they come to."""
    own = ["--sizes", "0.01%,0.03%", "--at", "30", "--over", "5", "--horizons", "1", "--seeds", "8"]
    line = ["probe", str(MARKET), "--arms", "base,muted", *own, "--workers", "1", "--quiet"]
    assert main([*line, "--no-figures", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "arm muted, base: finished" in said
    assert "base: a larger sale moves the price further: yes; concave: no (exponent 1.00" in said
    assert "executed: alike in all arms" in said
    assert main(["plot", str(tmp_path / "out")]) == 0


def test_an_unexecuted_sale_is_counted_and_its_move_a_lower_bound(tmp_path, capsys):
    """A sale that is still being sent when the run is cut: here, one that its venue cannot fill."""
    prober = Prober(load(MARKET), shares=(0.5,), **SCHEDULE)
    outcome = probe(prober, tmp_path / "out", seeds=2, figures="none")
    size = outcome.impact.entry()["sizes"][0]
    assert size["executed_in_part"] == 2
    assert size["executed"] < 1


def test_what_was_done_is_not_done_again(tmp_path, monkeypatch):
    """A second call with more seeds runs the new ones only, and comes to the same as one call."""
    prober = Prober(load(MARKET), shares=SHARES, **SCHEDULE)
    seeds, ran = [], prober.seed

    def noted(seed):
        seeds.append(seed)
        if len(seeds) == 3:
            raise KeyboardInterrupt
        return ran(seed)

    monkeypatch.setattr(prober, "seed", noted)
    with pytest.raises(KeyboardInterrupt):
        probe(prober, tmp_path / "out", seeds=4, figures="none")
    with Begun(tmp_path / "out", prober.identity()) as begun:
        assert len(begun.results) == 2
        assert [plain(received(each)) for each in begun.results.values()] == list(begun.results.values())
    probe(prober, tmp_path / "out", seeds=4, figures="none")
    assert len(seeds) == 3 + 2
    fresh = probe(Prober(load(MARKET), shares=SHARES, **SCHEDULE), tmp_path / "new", seeds=4, figures="none")
    one, other = ((tmp_path / name / "probe.json").read_text() for name in ("out", "new"))
    assert one == other
    assert fresh.status == "finished"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--arm", "mutd"], 'did you mean "muted"'),
        (["--arm", "open_loop"], "replays the hedges"),
        (["--arms", "base,mutd"], 'did you mean "muted"'),
        (["--arms", "muted,placebo"], "placebo replays the hedges"),
        (["--asset", "Y"], 'no asset is named "Y"'),
        (["--at", "0.5"], "before the sale"),
        (["--hours", "1e7"], "--hours"),
    ],
)
def test_what_cannot_be_probed_is_said_and_nothing_written(options, said, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["probe", str(MARKET), "--out", str(out), *options]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [["--sizes", "0.1%,x"], ["--sizes", "200%"], ["--horizons", "0"]])
def test_sizes_and_horizons_are_read_strictly(options, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["probe", str(MARKET), *options])
    assert ended.value.code == 2
    assert "allowed" in capsys.readouterr().err


def test_a_market_without_trades_has_no_volume_to_take_shares_of(tmp_path, capsys):
    out = ["--out", str(tmp_path / "out"), "--seeds", "1", "--workers", "1", "--horizons", "1"]
    code = main(["probe", str(MARKET), "--set", "populations.noise.market_rate=0.0", *out, "--at", "5"])
    assert code == 1
    assert "nothing is traded in X" in capsys.readouterr().out


def test_shocks_of_the_scenario_are_taken_out():
    prober = Prober(load(MARKET), **SCHEDULE)
    assert prober.scenario.shocks == []
    assert prober.scenario.time.steps == 100
    assert Prober(load(MARKET)).scenario.time.steps == 600 + 600 + 3600


def test_an_asset_is_the_first_if_none_is_named():
    assert Prober(load(MARKET)).asset == "X"
    with pytest.raises(ScenarioError, match="no asset"):
        Prober(load(MARKET), asset="x1")


def test_json_is_one_document(tmp_path, capsys):
    arguments = ["--sizes", "0.01%", "--at", "5", "--over", "2", "--horizons", "1", "--seeds", "1"]
    own = [*arguments, "--workers", "1", "--no-figures", "--quiet", "--json", "--out", str(tmp_path / "out")]
    assert main(["probe", str(MARKET), "--set", "time.steps=100", *own]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["kind"] == "probe"
    assert Path(tmp_path / "out" / "manifest.json").is_file()
    assert document["probe"]["sizes"][0]["share"] == pytest.approx(1e-4)


def test_the_base_alone_is_longer_where_facts_take_longer(found):
    """A probe is looked at as long as it was; what the market is made of is that of the longer base."""
    prober = Prober(load(MARKET), shares=SHARES, scored_seconds=700.0, **SCHEDULE)
    assert (prober.base_steps, prober.scenario.time.steps, prober.runs) == (700, 100, 2 + len(SHARES))
    seed = received(plain(prober.seed(found.seeds[0])))
    assert seed.probes == found.found[0].probes
    assert seed.world[:2] == found.found[0].world[:2]
    assert seed == prober.seed(found.seeds[0])
    shorter = Prober(load(MARKET), shares=SHARES, scored_seconds=1.0, **SCHEDULE).seed(found.seeds[0])
    told, said = (
        next(f for f, fact in zip(s.facts, OF_RUNS, strict=True) if fact.moment == "variance_ratio_10s")
        for s in (seed, shorter)
    )
    assert told.value != said.value
    assert (told.error is None, said.error is None) == (False, True), "a hundred steps have no interval"
    in_base = Prober(load(MARKET), "base", shares=SHARES, scored_seconds=700.0, **SCHEDULE)
    assert (in_base.base_is_shared, in_base.runs) == (False, 2 + len(SHARES))


def test_a_probe_scores_the_facts_of_its_market(tmp_path, capsys):
    """In a market of constant impact nothing is forgotten, and impact goes with size: both fail."""
    folder = tmp_path / "out"
    sizes = ["--sizes", "0.01%,0.1%", "--at", "5", "--over", "2", "--horizons", "1", "--hours", "0.2"]
    assert main(["probe", str(MARKET), *sizes, "--seeds", "8", "--workers", "1", "--out", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "of 15 facts pass" in said
    rows = {row["moment"]: row for row in json.loads((folder / "facts.json").read_text())["facts"]}
    for moment in ("probe.exponent", "probe.left_at_twice", "variance_ratio_10s"):
        assert rows[moment]["verdict"] == "fail"
        assert rows[moment]["low"] < rows[moment]["value"] < rows[moment]["high"]
        assert rows[moment]["runs"] == 8
    assert rows["variance_ratio_10s"]["seconds"] == 720.0
    assert rows["probe.half_back"]["verdict"].startswith("not measurable: half was regained within 1 s in 0%")
    assert pd.read_csv(folder / "facts.csv")["moment"].tolist() == list(rows)
    picture = folder / "figures" / "facts.png"
    before = picture.read_bytes()
    picture.unlink()
    assert main(["plot", str(folder)]) == 0
    assert picture.read_bytes() == before
