"""What every population keeps to, whoever wrote it."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np
import pytest
from small_market import listen

from scenarios import market
from scenarios.file.components import POPULATION
from sim.model import PHASES, Model
from sim.population import Population
from sim.records import orders

CLASSES = dict(POPULATION.classes())
DECIDED = ("time", "account", "venue", "kind", "qty", "price", "value", "good_till", "latency")
SMALL = {
    "populations.dealers.count": 30,
    "populations.dealers.customer_trades_per_day": 5000.0,
    "populations.vaults.count": 3,
    "populations.vaults.first_epoch_seconds": 12.0,
    "populations.levered.count": 200,
    "populations.levered.leverage": 45.0,
    "shocks.0.at": 5.0,
    "shocks.0.over_seconds": 20.0,
    "time.steps": 40,
}


@pytest.fixture(scope="module")
def heard() -> tuple[Model, dict[str, np.ndarray]]:
    """A short crash in which every population acts, and the orders each sent."""
    model = market("linear_crash", **SMALL)
    boxes = {p.name: listen(p) for p in model.populations}
    model.run()
    return model, {name: np.concatenate([orders(0), *box]) for name, box in boxes.items()}


def test_the_rooms_hold_the_populations_the_project_promises() -> None:
    names = {path.split(".")[0] for path in CLASSES}
    promised = "noise fundamental momentum makers dealers vaults levered liquidators arbitrageurs"
    assert names >= {*promised.split(), "liquidity_providers"}


@pytest.mark.parametrize("path", CLASSES)
def test_it_acts_in_known_phases(path: str) -> None:
    assert CLASSES[path].phases
    assert set(CLASSES[path].phases) <= set(PHASES)


@pytest.mark.parametrize("path", CLASSES)
def test_it_says_what_it_leaves_out(path: str) -> None:
    text = inspect.getdoc(CLASSES[path]) or ""
    assert "Leaves out:" in text
    assert re.match(r"[A-Z][^.]{10,}\.", text), "it opens with a plain sentence"


@pytest.mark.parametrize("path", CLASSES)
def test_every_parameter_is_documented(path: str) -> None:
    factory = CLASSES[path]
    assert factory.__module__.startswith("agents.")
    text = "".join(inspect.getdoc(c.Parameters) or "" for c in factory.__mro__ if issubclass(c, Population))
    documented = {
        name.strip() for line in re.findall(r"^([\w, ]+?)(?: : .*)?$", text, re.M) for name in line.split(",")
    }
    exempt = {"orders"} if path == "shocks.Outsiders" else set()
    assert set(factory.Parameters.model_fields) - documented - exempt == set()


def test_none_of_them_needs_its_model_to_decide(heard: tuple[Model, dict[str, np.ndarray]]) -> None:
    class Closed:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"a population reads model.{name}")

    model = market("linear_crash", **SMALL)
    boxes = {p.name: listen(p) for p in model.populations}
    for population in model.populations:
        population.model = Closed()
    model.run()
    for name, box in boxes.items():
        sent = np.concatenate([orders(0), *box])
        assert all((sent[field] == heard[1][name][field]).all() for field in DECIDED), name


def test_each_sends_orders_of_its_own_accounts_only(heard: tuple[Model, dict[str, np.ndarray]]) -> None:
    model, sent_by = heard
    silent = {"passive_lps", "levered"}
    for population in model.populations:
        accounts = sent_by[population.name]["account"]
        assert accounts.size or population.name in silent, f"{population.name} sent nothing"
        assert np.isin(accounts, population.accounts).all()


def test_orders_ask_for_what_can_be_executed(heard: tuple[Model, dict[str, np.ndarray]]) -> None:
    model, sent_by = heard
    for name, sent in sent_by.items():
        assert (sent["venue"] >= 0).all(), name
        assert (sent["venue"] < len(model.venues)).all(), name
        assert np.isfinite(sent["time"] + sent["latency"]).all(), name
        assert (sent["latency"] >= 0).all(), name


def test_the_view_cannot_be_written(heard: tuple[Model, dict[str, np.ndarray]]) -> None:
    view = heard[0].view
    arrays = {name: getattr(view, name) for name in view.__slots__} | view.owners._asdict()
    writable = [n for n, a in arrays.items() if isinstance(a, np.ndarray) and a.flags.writeable]
    assert writable == []


def test_a_row_shows_the_columns_of_its_participant(heard: tuple[Model, dict[str, np.ndarray]]) -> None:
    levered = next(p for p in heard[0].populations if p.name == "levered")
    assert len(levered) == 200
    assert levered[17].lots == levered.lots[17]
    assert [row.leverage for row in levered] == levered.leverage.tolist()
    with pytest.raises(IndexError, match="200 rows"):
        levered[200]
