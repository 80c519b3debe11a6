"""A type in a scenario names one class, in whatever folder of its room that lies."""

from __future__ import annotations

import pytest

from agents.hedging.exposures.base import EXPOSURE
from agents.hedging.policies.base import POLICY
from agents.hedging.routes.base import ROUTE
from scenarios.file.components import DRIVER, POPULATION, VENUE
from sim.setup.kinds import Kind
from sim.setup.misfit import NotOneOf

KINDS = [VENUE, POPULATION, DRIVER, POLICY, ROUTE, EXPOSURE]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.noun)
def test_no_two_classes_share_a_short_name(kind: Kind) -> None:
    names = [name for name, _ in kind.classes()]
    assert names
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    ("kind", "path", "home"),
    [
        (VENUE, "order_book.OrderBook", "sim.venues.books.order_book"),
        (VENUE, "books.order_book.OrderBook", "sim.venues.books.order_book"),
        (VENUE, "sink.Sink", "sim.venues.sink"),
        (DRIVER, "drivers.Heston", "sim.prices.drivers.heston"),
        (POPULATION, "dealers.OptionDealers", "agents.dealers"),
        (POLICY, "whalley_wilmott", "agents.hedging.policies.whalley_wilmott"),
        (ROUTE, "cheapest", "agents.hedging.routes.cheapest"),
        (EXPOSURE, "chain", "agents.hedging.exposures.chain"),
    ],
)
def test_a_class_is_found_in_any_folder_of_its_room(kind: Kind, path: str, home: str) -> None:
    assert kind.find(path).__module__ == home


def test_the_name_of_a_module_stands_for_the_one_class_it_has() -> None:
    """What is no scenario's to name is not offered."""
    assert [name for name, _ in POLICY.classes()] == ["band", "decay", "leland", "time", "whalley_wilmott"]
    assert [name for name, _ in EXPOSURE.classes()] == [
        "chain",
        "constant_gamma",
        "listed",
        "put_strip",
        "synthetic",
    ]
    for path in ("band.Band", "base", "columns", "Band"):
        with pytest.raises(NotOneOf, match="no policy type is named"):
            POLICY.find(path)
    with pytest.raises(NotOneOf, match="no exposure type is named"):
        EXPOSURE.find("option_book")
