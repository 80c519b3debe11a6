"""Use from Python: a notebook's five lines, Mesa's own tools, and a population of one's own."""

from __future__ import annotations

import copy
import gc
import pickle
import textwrap
import warnings
import weakref
from collections import Counter
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import pandas as pd
import pytest
from mesa.batchrunner import _model_run_func
from places import README

from scenarios import load, market
from scenarios.build import repeats
from scenarios.file import library
from sim.model import Model

SMALL = {
    "time.steps": 20,
    "populations.dealers.count": 20,
    "populations.levered.count": 50,
    "populations.noise.count": 5,
}
CONTRARIANS = '''
from sim import Population


class Contrarians(Population):
    """They buy a little after a fall and sell after a rise, one row at a time.

    Leaves out: everything else.
    """

    phases = ("trade",)

    class Parameters(Population.Parameters):
        units: float = 0.1

    def prepare(self, listing):
        self.venue = listing.venue("perp")
        self.last = listing.spots[0]
        self.lots = round(self.parameters.units / self.venue.lot)

    def decide(self, phase, view, outbox):
        mid = view.assets[0]["mid"]
        for row in self:
            if mid != self.last:
                qty = self.lots if mid < self.last else -self.lots
                outbox.market(row.account, self.venue.index, qty, latency=float(row.latency))
        self.last = mid
'''
OWN = """
[[populations]]
name = "contrarians"
type = "contrarian.Contrarians"
count = 3
units = 0.05
"""


def test_five_lines_load_change_run_look_and_plot() -> None:
    scenario = load("linear_crash")
    for key, value in SMALL.items():
        scenario[key] = value
    model = scenario.market()
    recording = model.run()
    assert isinstance(model, mesa.Model)
    assert isinstance(recording.series, pd.DataFrame)
    assert len(recording.series) == 20
    assert {"BTC.mid", "dealers.net_gamma"} <= set(recording.series)
    assert not recording.fills.empty

    import matplotlib as mpl

    mpl.use("Agg")
    from analysis import plots

    axes = plots.price(recording)
    assert axes.lines or axes.collections
    axes.figure.clear()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, pickle.dumps])
def test_a_market_is_not_copied_because_its_parts_share_memory(duplicate: Any) -> None:
    with pytest.raises(TypeError, match="build it again"):
        duplicate(market("linear_crash", **SMALL))


def test_a_model_steps_like_any_other_of_mesa() -> None:
    model = market("linear_crash", rng=7, **SMALL)
    assert len(model.agents) == len(model.populations)
    for _ in range(3):
        model.step()
    assert (model.steps, model.time, model.running) == (3, 3.0, True)
    model.run_model()
    assert (model.steps, model.running) == (20, False)
    assert model.datacollector.get_model_vars_dataframe().shape[0] == 20


def test_the_readme_s_batch_run_works_as_it_stands() -> None:
    text = README.read_text()
    (block,) = (part for part in text.split("```python\n")[1:] if "batch_run(" in part.partition("```")[0])
    code = block.partition("```")[0].replace('"time.steps": 200', '"time.steps": 2')
    names: dict[str, Any] = {}
    exec(code.replace("mesa.batch_run(", "found = mesa.batch_run("), names)
    assert sorted({row["rng"] for row in names["found"]}) == [1, 2, 3]


def test_mesas_batch_run_varies_parameters_and_seeds() -> None:
    results = mesa.batch_run(
        market,
        {
            "name_or_path": "linear_crash",
            "rng": [1, 2],
            **SMALL,
            "populations.dealers.exposure.share": [0.1, 0.3],
        },
        number_processes=1,
        data_collection_period=-1,
        display_progress=False,
    )
    frame = pd.DataFrame(results)
    assert len(frame) == 4
    assert frame.groupby("rng")["BTC.mid"].first().nunique() == 2
    assert (frame["Step"] == 19).all()
    gamma = frame.groupby("populations.dealers.exposure.share")["dealers.net_gamma"].mean()
    assert gamma[0.3] < 2.5 * gamma[0.1] < 0


@pytest.fixture
def unbuilt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "_built", Counter())


TINY = {"name_or_path": "linear_crash", **SMALL, "time.steps": 2}


@pytest.mark.usefixtures("unbuilt")
def test_iterations_of_a_batch_are_equal_and_a_warning_shows_the_way_that_works() -> None:
    """Mesa passes its iteration to no model; a list of seeds makes the runs differ, and is silent."""
    quiet: Any = {"number_processes": 1, "display_progress": False}
    with pytest.warns(UserWarning, match=r'parameters=\{"rng": \[1, 2, 3\]') as said:
        rows = mesa.batch_run(market, TINY, iterations=3, **quiet)
    assert len(said) == 1
    assert len({row["BTC.value"] for row in rows}) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = mesa.batch_run(market, TINY | {"rng": [11, 12, 13]}, **quiet)
    assert len({row["BTC.value"] for row in rows}) == 3


@pytest.mark.usefixtures("unbuilt")
def test_a_later_iteration_is_warned_of_in_a_process_that_builds_it_first() -> None:
    """As in a worker of a batch with as many processes as iterations."""
    asked: Any = {"max_steps": 1, "data_collection_period": -1}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _model_run_func(market, (0, 0, TINY | {"rng": 21}), **asked)
        with pytest.raises(UserWarning, match="tells a model nothing of its iteration"):
            _model_run_func(market, (1, 1, TINY | {"rng": 22}), **asked)


def test_a_model_that_nobody_holds_goes() -> None:
    """Mesa keeps every model whose agents it numbers; ours are numbered all the same."""
    model = market(rng=31, **SMALL)
    model.step()
    assert [agent.unique_id for agent in model.agents] == list(range(1, len(model.populations) + 1))
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_a_population_in_plain_python_trades_in_the_same_market(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (library.FOLDER / "linear_crash.toml").read_text()
    at = text.index("[[shocks]]")
    (tmp_path / "mine.toml").write_text(text[:at] + OWN + text[at:])
    (tmp_path / "contrarian.py").write_text(CONTRARIANS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    model: Model = market("mine.toml", **SMALL)
    recording = model.run()
    fills = recording.fills[recording.fills["taker_population"] == "contrarians"]
    assert fills["taker"].nunique() == 3
    assert set(np.abs(fills.groupby(["step", "taker"])["qty"].sum())) == {50}
    mid = recording.series["BTC.mid"].to_numpy()
    side = np.sign(fills.groupby("step")["qty"].sum())
    seen = {step: np.sign(mid[step - 2] - mid[step - 1]) for step in side.index if step > 1}
    agree = [seen[step] == side[step] for step in seen if seen[step] != 0]
    assert np.mean(agree) > 0.6
    assert model.residuals()["cash"] < 1e-9
    assert recording.series["contrarians.volume"].sum() == pytest.approx(fills["qty"].abs().sum() * 0.001)


POSTED = """
schema_version = 2
name = "posted"
seed = 1
time = {steps = 300}

[[assets]]
name = "BTC"
spot = 65000.0
driver = {type = "drivers.GeometricBrownian", volatility = 2.0}

[[venues]]
name = "posted"
type = "posted.PostedPrice"
asset = "BTC"

[[venues]]
name = "desk"
type = "rfq.Desk"

[[populations]]
name = "dealers"
type = "dealers.OptionDealers"
count = 20
exposure = {type = "synthetic", sign = -1, open_interest = 2000.0}
hedging = {type = "band", width = 0.001}
route = {venues = ["posted"]}
"""


def readme_code(word: str) -> str:
    """The Python block of the README in which a word occurs."""
    text = README.read_text()
    blocks = [block.split("```")[0] for block in text.split("```python\n")[1:]]
    return textwrap.dedent(next(block for block in blocks if word in block))


def test_the_venue_of_the_readme_trades_in_a_market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "posted.py").write_text(readme_code("class PostedPrice"))
    (tmp_path / "posted.toml").write_text(POSTED)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    model = load("posted.toml").market()
    recording = model.run()
    hedges = recording.fills.query("venue == 'posted' and reason == 'hedge'")
    assert len(hedges) > 20
    away = hedges["price"] - recording.series["BTC.value"].to_numpy()[hedges["step"]]
    assert away.abs().to_numpy() == pytest.approx(5.0)
    assert (away > 0).tolist() == (hedges["qty"] > 0).tolist()
    assert not any(lots for name, lots in model.residuals().items() if name != "cash")


def test_agents_of_one_s_own_and_populations_have_different_numbers() -> None:
    model = market("calm", **{"time.steps": 1})
    own = mesa.Agent(model)
    numbers = [agent.unique_id for agent in model.agents]
    assert own.unique_id in numbers
    assert len(set(numbers)) == len(numbers)
