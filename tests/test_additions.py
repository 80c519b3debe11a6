"""Each kind of thing is added by one new file in its room, which nothing else has to name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from places import WATCHED
from small_market import small_market, units, value_shock

from scenarios import load
from scenarios.build.loading import parse
from scenarios.file import library
from scenarios.file.document import Document
from sim.setup import kinds

Drop = Callable[[str, str, str], None]

POPULATION = """
from sim import Population


class Buyers(Population):
    phases = ("trade",)

    def decide(self, phase, view, outbox):
        for row in self:
            outbox.market(row.account, 0, qty=5, latency=0.1)
"""
DRIVER = """
from sim.prices.drivers import Driver


class Climbing(Driver):
    def replay(self, times, opening):
        return opening + times
"""
VENUE = """
from sim import Parameters, Venue
from sim.listing import OUTSIDE


class Posted(Venue):
    trades = "perpetual"
    precedence = 1
    follows_value = True

    class Parameters(Parameters):
        lot: float = 0.001

    def attach(self, around):
        self.view = around.view

    def open(self, population_of, tags):
        self.population_of = population_of

    def execute(self, orders, due, until, tape, room):
        for order in orders[due]:
            price = self.view.assets[self.asset]["value"]
            lots = int(order["qty"])
            tape.fill(order, self.index, self.instrument, lots, price, OUTSIDE, self.population_of)

    def observe(self, quotes):
        quote = quotes[self.index]
        quote["bid"] = quote["ask"] = quote["mid"] = self.view.assets[self.asset]["value"]
        quote["lot"] = self.parameters.lot
"""
MARGIN_RULE = """
from sim.accounts.margin.standard import Standard


class Twice(Standard):
    def assess(self, accounts, holdings, prices, equity, maintenance):
        super().assess(accounts, holdings, prices, equity, maintenance)
        maintenance[accounts] *= 2.0

    def screen(self, accounts, holdings, prices, reference, drift, equity, maintenance, slack):
        self.assess(accounts, holdings, prices, equity, maintenance)
"""

POLICY = """
from agents.hedging import Policy


class Doubled(Policy):
    def decide(self, columns, out):
        out["low"] = out["high"] = -columns["delta"]
        out["trade"] = -(columns["held"] + 2.0 * columns["delta"])
"""
ROUTE = """
from agents.hedging import Route
from sim.records import HEDGE


class First(Route):
    def send(self, wanted, view, outbox):
        for row in wanted:
            lots = round(row["units"] / view.quotes[self.venues[0]]["lot"])
            outbox.market(int(self.account[0, row["row"]]), int(self.venues[0]), lots, reason=HEDGE)
"""
EXPOSURE = """
from agents.hedging import Exposure


class Growing(Exposure):
    class Parameters(Exposure.Parameters):
        units: float

    def fill(self, columns, view):
        columns["size"] = self.parameters.units
        columns["delta"] = self.parameters.units * columns["time"]
"""


@pytest.fixture
def drop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drop]:
    """Puts a file into a package, as if it lay in its folder."""

    def put(package: str, name: str, code: str) -> None:
        folder = tmp_path / package
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(code)
        found = importlib.import_module(package)
        monkeypatch.setattr(found, "__path__", [*found.__path__, str(folder)])
        kinds.homes.cache_clear()

    yield put
    monkeypatch.undo()
    kinds.homes.cache_clear()


def watched(**changes: Any) -> Any:
    """The market of the watched book, with other tables in it."""
    document = Document.read(WATCHED, "watched")
    values = document.values | changes
    values["populations"] = [p for p in values["populations"] if p["name"] != "watchers"]
    return parse(document.with_values(values)).market().run()


def test_a_population(drop: Drop) -> None:
    drop("agents", "eager", POPULATION)
    buyers = {"name": "buyers", "type": "eager.Buyers", "count": 2, "cash": 1e6}
    fills = watched(populations=[*Document.read(WATCHED, "").values["populations"][:1], buyers]).fills
    assert set(fills["taker_population"]) >= {"buyers"}


def test_a_driver(drop: Drop) -> None:
    drop("sim.prices.drivers", "climbing", DRIVER)
    recording = watched(assets=[{"name": "BTC", "spot": 100.0, "driver": {"type": "drivers.Climbing"}}])
    assert recording.series["BTC.value"].tolist() == [100.0, 101.0, 102.0, 103.0, 104.0]


@pytest.mark.parametrize("room", ["sim.venues", "sim.venues.books", "sim.venues.pools"])
def test_a_venue_whatever_its_family(drop: Drop, room: str) -> None:
    drop(room, "posted", VENUE)
    drop("agents", "eager", POPULATION)
    recording = watched(
        venues=[{"name": "book", "type": "posted.Posted", "asset": "BTC"}],
        populations=[{"name": "buyers", "type": "eager.Buyers", "count": 2, "cash": 1e6}],
    )
    assert recording.fills["venue"].tolist() == ["book"] * 10
    assert (recording.series["BTC.mid"] == recording.series["BTC.value"]).all()


def test_a_policy_a_route_and_an_exposure(drop: Drop) -> None:
    """A hedger of all three, each a file by whose name it is found: at 4 s it has sold twice 4 x 0.5."""
    for room, name, code in (("policies", "doubled", POLICY), ("routes", "first", ROUTE)):
        drop(f"agents.hedging.{room}", name, code)
    drop("agents.hedging.exposures", "growing", EXPOSURE)
    hedgers = {
        "name": "hedgers",
        "type": "dealers.OptionDealers",
        "cash": 1e9,
        "latency_seconds": 0.0,
        "exposure": {"type": "growing", "units": 0.5},
        "hedging": {"type": "doubled", "synchrony": 1.0},
        "route": {"type": "first", "venues": ["linear"]},
    }
    model = small_market(hedgers, venues=("linear", "desk"), steps=5)
    model.run()
    assert units(model, "hedgers", "BTC-perpetual").tolist() == [-4.0]


@pytest.mark.parametrize(("margin", "liquidated"), [("standard", 0), ("twice", 1)])
def test_a_margin_rule(drop: Drop, margin: str, liquidated: int) -> None:
    """Of 20 times leverage a fall of 3.5% leaves 1.5% of the notional, above 1% and below 2%."""
    drop("sim.accounts.margin", "twice", MARGIN_RULE)
    longs = {"name": "longs", "type": "levered.LeveredTraders", "leverage": 20.0, "long_share": 1.0}
    engine = {"name": "engine", "type": "liquidators.ExchangeLiquidators"}
    venues = ("linear", "desk", "liquidation")
    fall = [value_shock(3.0, -0.035)]
    market = small_market(longs | {"margin": margin}, engine, venues=venues, shocks=fall, steps=10)
    market.run()
    assert market.recording().liquidations["account"].nunique() == liquidated


def test_a_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "quiet.toml").write_text(
        (library.FOLDER / "calm.toml").read_text().replace('"calm"', '"quiet"')
    )
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    assert library.names() == ["quiet"]
    assert load("quiet").name == "quiet"
