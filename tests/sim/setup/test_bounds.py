"""Every number of a scenario has bounds, and what has no meaning is refused where it stands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import numpy as np
import pytest
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from small_market import LPS, MAKERS, small_market

from agents.hedging.exposures.base import EXPOSURE
from agents.hedging.policies.base import POLICY
from agents.hedging.routes.base import ROUTE
from scenarios.__main__ import main
from scenarios.file.components import DRIVER, POPULATION, VENUE
from scenarios.file.errors import ScenarioError
from scenarios.file.schema import Scenario
from sim.setup.distributions import Distribution
from sim.setup.limits import MOST
from sim.setup.parameters import Bounds, check_draws, up_to
from sim.setup.table import Parameters


def models() -> list[type[BaseModel]]:
    """Every table that a scenario may hold."""
    kinds = (VENUE, POPULATION, DRIVER, POLICY, ROUTE, EXPOSURE)
    classes = [found for kind in kinds for _, found in kind.classes()]
    found: dict[type[BaseModel], None] = {}
    waiting: list[Any] = [Scenario, *(each.Parameters for each in classes)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, type) and issubclass(part, BaseModel) and part not in found:
            found[part] = None
            waiting += [info.annotation for info in part.model_fields.values()]
        else:
            waiting += [argument for argument in get_args(part) if not isinstance(argument, str)]
    return [*found]


def numbers(annotation: Any, around: tuple[Any, ...] = ()) -> Iterator[tuple[type, tuple[Any, ...]]]:
    """Plain numbers that an annotation allows, each with what is attached to it."""
    if get_origin(annotation) is Annotated:
        inner, *attached = get_args(annotation)
        yield from numbers(inner, (*around, *attached))
    elif annotation in (int, float):
        yield annotation, around
    else:
        for argument in get_args(annotation):
            yield from numbers(argument, around if get_origin(annotation) is not list else ())


def is_bounded(attached: tuple[Any, ...]) -> tuple[bool, bool]:
    """Whether there is a lower and an upper bound."""
    flat = [inner for each in attached for inner in (each, *getattr(each, "metadata", ()))]
    own = any(isinstance(each, Bounds) for each in flat)
    return own or any(isinstance(e, Ge | Gt) for e in flat), own or any(isinstance(e, Le | Lt) for e in flat)


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__qualname__)
def test_every_number_has_a_lower_and_an_upper_bound(model: type[BaseModel]) -> None:
    for name, info in model.model_fields.items():
        for kind, attached in numbers(info.annotation, tuple(info.metadata)):
            assert is_bounded(attached) == (True, True), f"{name}: {kind.__name__} has {attached}"


def test_the_tables_that_are_looked_at_are_those_of_the_library() -> None:
    found = {model.__qualname__ for model in models()}
    assert {"OrderBook.Parameters", "MarketMakers.Parameters", "Heston.Parameters"} <= found
    assert {"Band.Parameters", "Route.Parameters", "Synthetic.Parameters"} <= found
    assert {"Time", "Sweep", "Stop", "Range", "Lognormal", "Level", "Smile"} <= found


class Mine(Parameters):
    """A table of somebody's own, who has thought of no bounds."""

    x: float = 0.0
    n: int = 0
    row: list[float] = []  # noqa: RUF012
    table: dict[str, Any] = {}  # noqa: RUF012


@pytest.mark.parametrize("value", [1e308, -1e16, 1e-300, 5e-324, -0.0, math.inf, math.nan])
def test_a_number_without_meaning_is_refused_in_any_table(value: float) -> None:
    for own in ({"x": value}, {"row": [0.0, value]}, {"table": {"a": [{"b": value}]}}):
        with pytest.raises(ValueError, match=r"0 has no sign|in size|finite"):
            Mine.model_validate(own)


def test_whole_numbers_and_lists_have_an_end_in_any_table() -> None:
    with pytest.raises(ValueError, match="whole numbers are between"):
        Mine.model_validate({"n": 2**63})
    with pytest.raises(ValueError, match="100,001 entries"):
        Mine.model_validate({"row": [0.0] * 100_001})
    assert Mine.model_validate({"n": 2**63 - 1, "x": 1e15, "row": [-1e-15]}).x == 1e15


@pytest.mark.parametrize(
    ("scenario", "setting", "said"),
    [
        ("calm", "time.steps=1000000000", "time.steps: found 1,000,000,000; takes about 1,680.0 GB"),
        ("calm", "time.steps=1000000001", "time.steps: found 1000000001; allowed: at most 1000000000"),
        (
            "calm",
            "populations.makers.count=1000000000",
            "populations.makers.count: found 1,000,000,000; takes",
        ),
        (
            "calm",
            "populations.dealers.count=1000000000",
            "populations.dealers.count: found 1,000,000,000; ta",
        ),
        ("calm", "venues.perp.tick=1e-6", "venues.perp.tick: found 1e-06; takes about 4,160.0 GB"),
        ("linear_cascade", "venues.market.lot=1e6", "populations.levered.notional: comes to 1e-06 lots"),
        ("calm", "time.step_seconds=1e30", "time.step_seconds: found 1e+30; allowed: at most 3.1536e+07"),
        ("calm", "time.step_seconds=1e-300", "time.step_seconds: found 1e-300; allowed: at least 1e-06"),
        ("calm", "time.step_seconds=1e7", "time.round_seconds: found 0.5; a step of 1e+07 s has 20,000,000"),
        ("linear_cascade", f"populations.levered.notional={2**63 - 1}", "found 9223372036854775807; must be"),
        ("linear_cascade", "venues.market.impact=-0.0", "impact: found -0.0; 0 has no sign; write 0.0"),
        ("calm", "venues.perp.depth_bps=-0.0", "venues.perp.depth_bps: found -0.0; allowed: above 0"),
        ("calm", "venues.perp.band_bps=-0.0", "venues.perp.band_bps: found -0.0; 0 has no sign"),
        ("calm", "populations.noise.limit_rate=1e308", "limit_rate: found 1e+308; must be at least 0 and at"),
        ("calm", "populations.noise.limit_rate=1e6", "orders in a step of 1 s; allowed: fewer or slower"),
        ("calm", "assets.BTC.smile.atm=1e308", "assets.BTC.smile.atm: found 1e+308; allowed: at most 1000"),
        (
            "calm",
            "populations.makers.cash=1e308",
            "populations.makers.cash: found 1e+308; must be at least 0",
        ),
        ("calm", "assets.BTC.driver.drift=1e308", "driver.drift: found 1e+308; allowed: at most 10000"),
        ("calm", "seed=9223372036854775808", "seed: found 9223372036854775808; allowed: at most 92233720368"),
    ],
    ids=lambda value: value[:45],
)
def test_what_cannot_be_meant_is_refused_by_key(
    scenario: str, setting: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", scenario, "--set", setting]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert error.startswith((f"--set, over {scenario}.toml: ", f"{scenario}.toml:"))


def test_a_variance_that_needs_too_many_substeps_is_refused() -> None:
    driver = {"type": "drivers.Heston", "volatility": 0.001, "vol_of_vol": 1000.0}
    with pytest.raises(ScenarioError, match=r"assets\.BTC\.driver: .* substeps .*at most 10,000"):
        small_market(asset={"driver": driver})


def test_a_step_in_which_a_value_moves_beyond_measure_is_refused() -> None:
    driver = {"type": "drivers.GeometricBrownian", "volatility": 1000.0}
    with pytest.raises(ScenarioError, match=r"assets\.BTC\.driver: a value moves by a factor of exp"):
        small_market(asset={"driver": driver}, step_seconds=86400.0, venues=("perp",))
    assert small_market(asset={"driver": driver}, venues=("perp",)).steps_total == 60


def test_quantities_that_vanish_in_a_lot_are_refused() -> None:
    """Rounded to a lot at least they would be a million times what was asked for."""
    for entry, key in (
        (LPS, "deposit"),
        ({"name": "n", "type": "noise.NoiseTraders", "venue": "perp"}, "size"),
        ({"name": "z", "type": "zero_intelligence.ZeroIntelligenceTraders", "venue": "perp"}, "size"),
    ):
        coarse = {name: {"lot": 1e6} for name in ("perp", "pool")}
        with pytest.raises(ScenarioError, match=rf"{key}: comes to .* lots of 1e\+06; "):
            small_market(entry, settings=coarse)
        assert small_market(entry, venues=("perp", "pool", "desk")).venues


@pytest.mark.parametrize("value", [1e12, {"dist": "lognormal", "median": 1e9, "sigma": 5.0}])
def test_more_lots_than_can_be_counted_are_refused(value: object) -> None:
    with pytest.raises(ScenarioError, match=r"populations\.makers\.inventory_limit: comes to .* lots"):
        small_market({**MAKERS, "inventory_limit": value}, settings={"perp": {"lot": 1e-9}})


def test_what_a_distribution_draws_is_as_bounded_as_a_number() -> None:
    """Its tail may reach beyond; a draw from there is refused, by the name of its parameter."""
    wide = {"dist": "lognormal", "median": 1.0, "sigma": 10.0}
    with pytest.raises(ScenarioError, match=r"growth: the distribution draws .*at most 100 makes sense"):
        small_market({**MAKERS, "growth": wide, "count": 1000})
    assert small_market({**MAKERS, "growth": wide | {"max": 2.0}, "count": 10}).populations[0].rows == 10
    with pytest.raises(ValueError, match="draws"):
        check_draws(Mine, "x", np.array([0.0, 1e16]))


def test_sanity_is_asked_of_numbers_and_limits_of_distributions_too() -> None:
    within, sane = Bounds(0.0, 50.0), up_to(50.0)
    assert isinstance(sane.sane, float)
    for bounds in (within, sane):
        with pytest.raises(ValueError, match="must be"):
            bounds._checked(51.0)
    tail = type("Tail", (Distribution,), {"_support": lambda self: (1.0, math.inf)})()
    assert sane._checked(tail) is tail
    with pytest.raises(ValueError, match="can draw values that are not"):
        within._checked(tail)
    assert MOST == 1e15
