"""A type in a scenario names one class, in whatever folder of its room that lies."""

from __future__ import annotations

import pytest

from scenarios.file.components import DRIVER, POPULATION, VENUE, Kind


@pytest.mark.parametrize("kind", [VENUE, POPULATION, DRIVER], ids=lambda kind: kind.noun)
def test_no_two_classes_share_a_short_name(kind: Kind) -> None:
    names = [name for name, _ in kind.classes()]
    assert len(names) > 3
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    ("kind", "path", "home"),
    [
        (VENUE, "order_book.OrderBook", "sim.venues.books.order_book"),
        (VENUE, "books.order_book.OrderBook", "sim.venues.books.order_book"),
        (VENUE, "sink.Sink", "sim.venues.sink"),
        (DRIVER, "drivers.Heston", "sim.prices.drivers"),
        (POPULATION, "dealers.OptionDealers", "agents.dealers"),
    ],
)
def test_a_class_is_found_in_any_folder_of_its_room(kind: Kind, path: str, home: str) -> None:
    assert kind.find(path).__module__ == home
