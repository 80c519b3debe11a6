"""A `type` that is set over a file drops what the file said of another, and takes nothing it lacks."""

from __future__ import annotations

import copy
import tomllib
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from scenarios import load
from scenarios.__main__ import main
from scenarios.arms.arms import Arms
from scenarios.build.loading import BuildableScenario, parse
from scenarios.file import library
from scenarios.file.document import Document
from scenarios.file.errors import ScenarioError
from scenarios.file.explain import keys_at
from scenarios.sweeps.designs import points_of
from scenarios.sweeps.experiment import Experiment
from sim.setup.table import Parameters

WATCHERS = """
[[populations]]
name = "watchers"
type = "own_population.Watchers"
hedging = {type = "band", width = 0.1}
"""
HEDGING = "populations.watchers.hedging"
RETYPED = {
    "venue": (
        {"venues.perp.type": "amm.ConstantProduct"},
        "venues.perp",
        ["tick", "taker_fee_bps"],
    ),
    "population": (
        {"populations.makers.type": "noise.NoiseTraders"},
        "populations.makers",
        ["learning_bps"],
    ),
    "driver": (
        {"assets.BTC.driver.type": "drivers.GeometricBrownian"},
        "assets.BTC.driver",
        ["mean_reversion", "vol_of_vol", "correlation"],
    ),
    "exposure": (
        {
            "populations.dealers.exposure.type": "constant_gamma",
            "populations.dealers.exposure.gamma": -0.1,
        },
        "populations.dealers.exposure",
        ["sign", "open_interest"],
    ),
    "policy": ({f"{HEDGING}.type": "clock", f"{HEDGING}.seconds": 2.0}, HEDGING, ["width"]),
    "shock": ({"shocks.0.type": "value", "shocks.0.return": -0.1}, "shocks.0", ["qty", "over_seconds"]),
}


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("mine.toml")
    path.write_text(library.STARTER.read_text() + WATCHERS)
    return path


def type_key(kind: str) -> str:
    return next(key for key in RETYPED[kind][0] if key.endswith(".type"))


@pytest.mark.parametrize("kind", RETYPED)
def test_what_the_new_type_lacks_is_dropped_with_a_note(kind: str) -> None:
    overrides, table, lacking = RETYPED[kind]
    with pytest.warns(UserWarning, match="is dropped") as caught:
        scenario = load("mine.toml", overrides)
    (only,) = [str(each.message) for each in caught]
    key = type_key(kind)
    assert only == (
        f'override, over mine.toml: {key}: "{overrides[key]}" has no {", ".join(lacking)}; '
        "what was said of it is dropped"
    )
    assert not set(lacking) & set(scenario[table])
    assert scenario[key] == overrides[key]


@pytest.mark.parametrize("kind", RETYPED)
@pytest.mark.parametrize("turn", [1, -1])
def test_what_is_set_beside_it_and_it_lacks_is_refused(kind: str, turn: int) -> None:
    """In whatever order the two are set."""
    overrides, table, lacking = RETYPED[kind]
    beside = {**overrides, f"{table}.{lacking[0]}": 1.0}
    with pytest.raises(ScenarioError) as caught:
        load("mine.toml", dict([*beside.items()][::turn]))
    first = str(caught.value).splitlines()[0]
    assert first.startswith(f"override, over mine.toml: {table}.{lacking[0]}: unknown key; ")


def test_the_command_line_warns_and_refuses_likewise(capsys: pytest.CaptureFixture[str]) -> None:
    clock = ["--set", f"{HEDGING}.type=clock", "--set", f"{HEDGING}.seconds=2.0"]
    assert main(["validate", "mine.toml", "--trust", *clock]) == 0
    dropped = f'{HEDGING}.type: "clock" has no width; what was said of it is dropped'
    assert f"warning: --set, over mine.toml: {dropped}\n" in capsys.readouterr().err
    assert main(["validate", "mine.toml", "--trust", *clock, "--set", f"{HEDGING}.secnds=1.0"]) == 2
    assert f'{HEDGING}.secnds: unknown key; did you mean "seconds"?' in capsys.readouterr().err
    whole = f'{HEDGING}={{type = "clock", seconds = 2.0, width = 0.1}}'
    assert main(["validate", "mine.toml", "--trust", "--set", whole]) == 2
    assert f"{HEDGING}.width: unknown key; allowed: type, seconds" in capsys.readouterr().err


def test_of_one_key_that_is_set_twice_the_last_counts() -> None:
    table = f'{HEDGING}={{type = "band", width = 1.0}}'
    line = ["mine.toml", "--trust", "--set", f"{HEDGING}.width=0.0", "--set", table]
    assert main(["validate", *line]) == 0
    assert main(["validate", *line, "--set", f"{HEDGING}.width=0.0"]) == 2


def test_what_a_file_says_wrongly_is_refused_under_another_type_too(file: Path) -> None:
    file.write_text(file.read_text().replace("width = 0.1}", "wdth = 0.1}"))
    with pytest.raises(ScenarioError, match=r"wdth: unknown key"):
        load("mine.toml", {f"{HEDGING}.type": "clock", f"{HEDGING}.seconds": 2.0})


def test_the_type_that_is_there_already_drops_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load("mine.toml", {f"{HEDGING}.type": "band"})[f"{HEDGING}.width"] == 0.1


def test_a_type_is_set_where_there_is_no_table(file: Path) -> None:
    key = "populations.dealers.hedging"
    file.write_text(
        "".join(line for line in file.read_text().splitlines(True) if "median = 0.01" not in line)
    )
    assert load("mine.toml", {f"{key}.type": "time"})[f"{key}.type"] == "time"


def test_a_table_that_is_made_anew_inherits_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load("mine.toml", {HEDGING: {"type": "clock", "seconds": 2.0}})


def test_in_python_every_assignment_is_an_override_of_its_own() -> None:
    scenario = load("mine.toml")
    scenario["assets.BTC.driver.vol_of_vol"] = 0.9
    with pytest.warns(UserWarning, match=r"has no mean_reversion, vol_of_vol, correlation; what was said"):
        scenario["assets.BTC.driver.type"] = "drivers.GeometricBrownian"
    assert "vol_of_vol" not in scenario["assets.BTC.driver"]
    with pytest.raises(ScenarioError, match="unknown key"):
        scenario["assets.BTC.driver.vol_of_vol"] = 0.9


def test_what_was_noted_once_is_not_noted_again(file: Path) -> None:
    arm = f'[arms.timed]\nset = {{"{HEDGING}.type" = "clock", "{HEDGING}.seconds" = 2.0}}\n'
    file.write_text(file.read_text() + arm)
    with pytest.warns(UserWarning, match="is dropped"):
        scenario = load("mine.toml")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scenario["time.steps"] = 3
    assert len(scenario.checked().notes) == len(scenario.notes) == 1


def test_an_arm_drops_and_refuses_at_its_own_place(file: Path) -> None:
    line = file.read_text().count("\n") + 2
    plain = file.read_text()
    file.write_text(f'{plain}[arms.timed]\nset = {{"{HEDGING}.type" = "clock", "{HEDGING}.seconds" = 2.0}}\n')
    place = f"mine.toml:{line}: arms.timed.set.{HEDGING}"
    with pytest.warns(UserWarning, match="is dropped") as caught:
        scenario = load("mine.toml")
    said = [str(each.message) for each in caught]
    assert said == [f'{place}.type: "clock" has no width; what was said of it is dropped']
    assert scenario[HEDGING] == {"type": "band", "width": 0.1}
    Arms(scenario, ["timed"]).market("timed", 1).release()
    assert scenario.overlaid("timed")[HEDGING] == {"type": "clock", "seconds": 2.0}
    file.write_text(file.read_text().replace("hedging.seconds", "hedging.secnds"))
    with pytest.raises(ScenarioError) as refused:
        load("mine.toml")
    assert (
        f'{place}.secnds: unknown key; did you mean "seconds"? allowed: type, seconds'
        in str(refused.value).splitlines()
    )


def test_an_arm_drops_what_the_command_line_set() -> None:
    text = library.STARTER.read_text() + WATCHERS
    arm = f'[arms.timed]\nset = {{"{HEDGING}.type" = "clock", "{HEDGING}.seconds" = 2.0}}\n'
    Path("mine.toml").write_text(text + arm)
    with pytest.warns(UserWarning, match='"clock" has no width'):
        scenario = load("mine.toml", {f"{HEDGING}.width": 0.7})
    assert scenario.overlaid("timed")[HEDGING] == {"type": "clock", "seconds": 2.0}


def test_points_of_a_sweep_have_the_types_they_set(file: Path) -> None:
    """A row that sets a type has nothing under the keys of others that it lacks."""
    rows = f"""[sweep]\ndesign = "list"
rows = [{{"{HEDGING}.type" = "clock", "{HEDGING}.seconds" = 2.0}}, {{"{HEDGING}.width" = 0.5}}]
"""
    file.write_text(f"{file.read_text()}{rows}")
    with pytest.warns(UserWarning, match=r'sweep.rows.0.populations.watchers.hedging.type: "clock" has no w'):
        scenario = load("mine.toml")
    points = points_of(scenario)
    assert points == [
        {f"{HEDGING}.type": "clock", f"{HEDGING}.seconds": 2.0},
        {f"{HEDGING}.type": "band", f"{HEDGING}.width": 0.5},
    ]
    found = [Experiment(scenario).arms(point).scenario[HEDGING] for point in points]
    assert found == [{"type": "clock", "seconds": 2.0}, {"type": "band", "width": 0.5}]


class Wide:
    class Parameters(Parameters):
        type: str
        width: float


class Ours(Parameters):
    @classmethod
    def class_of(cls, table: dict[str, Any]) -> type[Wide]:
        return {"wide": Wide}[table["type"]]


class Whole(Parameters):
    policies: list[Ours]


def test_the_keys_of_a_table_are_those_of_the_class_that_its_type_names() -> None:
    """Whatever stands between a field and that class."""
    values = {"policies": [{"type": "wide", "width": 1.0}, {"type": "other"}, {}, 3]}
    found = [keys_at(Whole, values, ("policies", n)) for n in range(5)]
    assert found == [("type", "width"), None, None, None, None]


def tables(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of the tables that have a `type`."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, dict) and "type" in value:
        yield path
    for part, item in items:
        yield from tables(item, (*path, part))


@pytest.mark.parametrize("other", ["x", "", "os.path", "a.b.c", 1, True, [], {}, "order_book.OrderBook"])
def test_whatever_a_type_is_set_to_is_taken_or_explained(other: object) -> None:
    values = tomllib.loads(Path("mine.toml").read_text())
    for path in tables(values):
        document = Document("mine.toml", copy.deepcopy(values))
        key = ".".join([document.key(path), "type"])
        with suppress(ScenarioError):
            assert isinstance(parse(document.set({key: other}, "--set")), BuildableScenario)
