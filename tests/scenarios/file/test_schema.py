"""A scenario file says one thing; what it says wrongly is named by line, key and remedy."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scenarios import load
from scenarios.build.loading import parse
from scenarios.file import library
from scenarios.file.document import Document
from scenarios.file.errors import ScenarioError
from scenarios.file.json_schema import json_schema
from scenarios.file.versions import NEWEST

JARGON = ("pydantic", "Input", "input", "validat", "Traceback", "tagged-union", "NoneType", "<class", "Error")
GOOD = """\
schema_version = 2
name = "short"
description = "Watchers at one book."
seed = 3

[time]
steps = 10

[[assets]]
name = "BTC"
spot = 65000
driver = {type = "drivers.Heston", volatility = 0.55}

[[venues]]
name = "perp"
type = "order_book.OrderBook"
asset = "BTC"
instrument = "perpetual"
tick = 0.5
lot = 0.001

[[populations]]
name = "watchers"
type = "own_population.Watchers"
count = 3
notes = "notes.csv"
venues = [
    "perp",
]
hedging = {type = "band", width = {dist = "lognormal", median = 0.02, sigma = 0.5}}

[[shocks]]
at = 5.0
type = "value"
asset = "BTC"
return = -0.1
"""
WIDTH = '{dist = "lognormal", median = 0.02, sigma = 0.5}'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.csv").write_text("a,b\n")
    (tmp_path / "short.toml").write_text(GOOD)
    return tmp_path


def messages(**overrides: object) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load("short.toml", overrides)
    return str(caught.value).splitlines()


WRONG = {
    "unknown key": ("count = 3", "cuont = 3", "25: populations.watchers.cuont: unknown key; did you mean"),
    "wrong type": ("count = 3", 'count = "many"', '25: populations.watchers.count: found "many"; allowed: a'),
    "a fraction of a row": ("count = 3", "count = 3.5", "25: populations.watchers.count: found 3.5; allowed"),
    "a truth for a number": ("tick = 0.5", "tick = true", "19: venues.perp.tick: found true; allowed: "),
    "out of range": ("steps = 10", "steps = 0", "7: time.steps: found 0; allowed: at least 1"),
    "below a bound of a number or distribution": (
        WIDTH,
        "-0.1",
        "30: populations.watchers.hedging.width: found -0.1; must be above 0",
    ),
    "a distribution that can leave the range": (
        WIDTH,
        '{dist = "normal", mean = 1, sd = 1}',
        "30: populations.watchers.hedging.width: the distribution",
    ),
    "unknown distribution": (
        '"lognormal"',
        '"lognorml"',
        '30: populations.watchers.hedging.width.dist: found "lognorml"; did you mean "lognormal"? allowed',
    ),
    "incomplete distribution": (", sigma = 0.5", "", "30: populations.watchers.hedging.width.sigma: missing"),
    "text for a distribution": (
        WIDTH,
        '"wide"',
        '30: populations.watchers.hedging.width: found "wide"; allowed: a number or a distr',
    ),
    "not a number": (
        WIDTH,
        "nan",
        "30: populations.watchers.hedging.width: found nan; allowed: a finite num",
    ),
    "infinity": ("spot = 65000", "spot = inf", "11: assets.BTC.spot: found inf; allowed: a finite number"),
    "unknown branch": (
        '"band"',
        '"bnad"',
        '30: populations.watchers.hedging.type: found "bnad"; did you mean "band"? allowed: band, clock',
    ),
    "unknown key in a branch": (
        "width = ",
        "wdth = 1, width = ",
        '30: populations.watchers.hedging.wdth: unknown key; did you mean "width"? allowed: t',
    ),
    "unknown type": (
        "order_book.Order",
        "order_bok.Order",
        '16: venues.perp.type: no venue type is named "order_bok.OrderBook"; did you mean "order_b',
    ),
    "type without its module": (
        "order_book.OrderBook",
        "OrderBook",
        "16: venues.perp.type: no venue type is n",
    ),
    "type of another kind": (
        "own_population.Watchers",
        "own_population.Unrelated",
        "24: populations.watchers.type: own_population.Unrelated is not a population: it does not derive",
    ),
    "unknown reference": (
        '    "perp",',
        '    "prep",',
        '27: populations.watchers.venues.0: no venue is named "prep"; did you mean "perp"? allowed: perp',
    ),
    "unknown asset of a shock": (
        'asset = "BTC"\nreturn',
        'asset = "BTX"\nreturn',
        '35: shocks.0.asset: no asset is named "BTX"; did you',
    ),
    "venue without its asset": ('asset = "BTC"\ninst', "inst", "14: venues.perp.asset: missing"),
    "missing file": (
        '"notes.csv"',
        '"ntoes.csv"',
        '26: populations.watchers.notes: no file "ntoes.csv" in /',
    ),
    "missing key of an entry": (
        'type = "own_population.Watchers"\n',
        "",
        "22: populations.watchers.type: missing",
    ),
    "missing table": ("[time]\nsteps = 10\n", "", "1: time: missing"),
    "no version": (
        "schema_version = 2",
        "schema_version = 0",
        "1: schema_version: found 0; allowed: at least 1",
    ),
    "a later version": (
        "schema_version = 2",
        "schema_version = 3",
        "1: schema_version: found 3; a newer hedgequake is needed, this one reads versions up to 2",
    ),
    "sweep without a design": ("[time]", "[sweep]\n[time]", "6: sweep.design: missing"),
    "broken line": ("steps = 10", "steps 10", "7: not valid TOML: expected '=' after a key"),
    "key given twice": ("seed = 3", "seed = 3\nseed = 4", "5: not valid TOML: cannot overwrite a value"),
    "reserved name": (
        '"watchers"',
        '"insurance"',
        "23: populations.insurance.name: is taken by",
    ),
    "name that no folder can have": (
        '"short"',
        '"a/b"',
        '2: name: found "a/b"; allowed: letters, digits, _ and -',
    ),
    "lopsided correlation": (
        "[time]",
        "correlation = [[1.0, 0.5]]\n[time]",
        "6: correlation: needs 1 x 1 numbers",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_named_by_line_key_and_remedy(folder: Path, name: str) -> None:
    old, new, message = WRONG[name]
    assert GOOD.count(old) >= 1
    (folder / "short.toml").write_text(GOOD.replace(old, new))
    (only,) = messages()
    assert only.startswith(f"short.toml:{message}")
    assert not any(word in only for word in JARGON)


def test_every_mistake_gets_a_line_in_the_order_of_the_file(folder: Path) -> None:
    text = GOOD.replace("steps = 10", "steps = -1").replace("count = 3", "count = 0\nsize = 4")
    (folder / "short.toml").write_text(text)
    assert [line.partition(": ")[0] for line in messages()] == [
        "short.toml:7",
        "short.toml:25",
        "short.toml:26",
    ]


def test_two_entries_of_one_name_are_refused_at_the_second(folder: Path) -> None:
    venue = GOOD[GOOD.index("[[venues]]") : GOOD.index("[[populations]]")]
    (folder / "short.toml").write_text(GOOD.replace(venue, venue + venue))
    (only,) = messages()
    assert only == 'short.toml:23: venues.perp.name: a second entry is named "perp"; names must differ'


def test_an_override_is_named_instead_of_a_line(folder: Path) -> None:
    (only,) = messages(**{"populations.watchers.hedging.width": -1.0})
    assert only.startswith("override, over short.toml: populations.watchers.hedging.width: found -1.0")


def test_a_file_that_is_not_there_or_not_text(folder: Path) -> None:
    with pytest.raises(ScenarioError, match=r"^shortt\.toml: no such file"):
        load("shortt.toml")
    Path("bytes.toml").write_bytes(b'name = "a"\nseed = \xff\n')
    with pytest.raises(ScenarioError, match=r"^bytes\.toml:2: not valid TOML: not UTF-8 text"):
        load("bytes.toml")


def test_correlations_must_be_possible(folder: Path) -> None:
    assets = "\n".join(
        f'[[assets]]\nname = "{name}"\nspot = 1.0\ndriver = {{type = "drivers.Heston", volatility = 0.5}}'
        for name in ("A", "B")
    )
    impossible = "correlation = [[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]]"
    text = GOOD.replace("[time]", f"{impossible}\n[time]").replace("[[venues]]", f"{assets}\n[[venues]]")
    (folder / "short.toml").write_text(text)
    (only,) = messages()
    assert only.startswith("short.toml:6: correlation: the correlation is not positive semidefinite")


def test_the_resolved_scenario_says_everything_and_loads_as_itself(folder: Path) -> None:
    scenario = load("short.toml")
    resolved = scenario.resolved()
    assert resolved["time"] == {"step_seconds": 1.0, "steps": 10, "round_seconds": 1.0}
    assert resolved["populations"][0]["cash"] == 1_000_000.0
    (folder / "again.toml").write_text(scenario.to_toml())
    again = load("again.toml")
    assert again == scenario
    assert again.resolved() == resolved
    assert again.digest() == scenario.digest()


def test_the_hash_covers_values_seed_arm_and_the_bytes_of_files(folder: Path) -> None:
    scenario = load("short.toml")
    first = scenario.digest()
    assert load("short.toml").digest() == first
    others = {
        load("short.toml", {"seed": 4}).digest(),
        load("short.toml", {"venues.perp.tick": 0.25}).digest(),
        scenario.digest("muted"),
    }
    (folder / "notes.csv").write_text("a,c\n")
    others.add(load("short.toml").digest())
    assert len(others | {first}) == 5


def test_the_hash_of_a_file_does_not_depend_on_where_it_lies(folder: Path) -> None:
    first = load("short.toml").digest()
    (folder / "elsewhere").mkdir()
    for name in ("short.toml", "notes.csv"):
        (folder / name).rename(folder / "elsewhere" / name)
    assert load("elsewhere/short.toml").digest() == first


def test_paths_start_from_the_file_and_those_set_from_the_current_folder(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "short.toml").write_text(GOOD)
    (folder / "deep" / "notes.csv").write_text("deep\n")
    inside = load("deep/short.toml").populations[0].parameters.notes
    assert Path(inside) == folder / "deep" / "notes.csv"
    outside = (
        load("deep/short.toml", {"populations.watchers.notes": "notes.csv"}).populations[0].parameters.notes
    )
    assert Path(outside) == folder / "notes.csv"


def test_a_changed_field_is_checked_when_the_market_is_built(folder: Path) -> None:
    scenario = load("short.toml")
    scenario.time.steps = 20
    assert scenario.checked().time.steps == 20
    scenario.time.steps = -1
    with pytest.raises(
        ScenarioError, match=r"^set in Python, over short\.toml: time\.steps: found -1; allowed: at least 1$"
    ):
        scenario.market()


def test_a_dotted_key_reads_and_sets_one_value(folder: Path) -> None:
    scenario = load("short.toml")
    assert scenario["populations.watchers.hedging.width.median"] == 0.02
    scenario["populations.watchers.hedging.width"] = 0.1
    assert scenario.populations[0].parameters.hedging.width == 0.1
    with pytest.raises(ScenarioError, match=r'did you mean "steps"'):
        scenario["time.stps"] = 3
    with pytest.raises(KeyError):
        scenario["time.stps"]


def test_a_module_in_the_current_folder_serves_as_a_type(folder: Path) -> None:
    (folder / "my_traders.py").write_text(
        "from sim.population import Population\n\nclass Sleepers(Population):\n    '''Mine.'''\n"
    )
    text = (
        GOOD[: GOOD.index("[[populations]]")] + '[[populations]]\nname = "s"\ntype = "my_traders.Sleepers"\n'
    )
    (folder / "short.toml").write_text(text)
    assert load("short.toml").populations[0].factory.__name__ == "Sleepers"


def test_a_module_that_breaks_on_import_says_so(folder: Path) -> None:
    (folder / "my_broken.py").write_text("import a_module_that_is_not_there\n")
    text = GOOD.replace("own_population.Watchers", "my_broken.Sleepers")
    (folder / "short.toml").write_text(text)
    (only,) = messages()
    assert "my_broken.Sleepers cannot be imported: ModuleNotFoundError: No module named" in only


def test_the_json_schema_knows_every_type_that_comes_with_hedgequake(folder: Path) -> None:
    schema = json_schema()
    version = schema["properties"]["schema_version"]
    assert (version["minimum"], version["maximum"]) == (1, NEWEST)
    branches = schema["$defs"]["VenueEntry"]["allOf"]
    by_type = {branch["if"]["properties"]["type"]["const"]: branch["then"] for branch in branches}
    book = by_type["order_book.OrderBook"]
    assert "tick" in book["properties"]
    assert "name" in book["properties"]
    assert book["additionalProperties"] is False
    used = tomllib.loads(GOOD)["venues"][0]
    assert set(used) <= set(book["properties"])


def by_type(table: dict[str, Any]) -> dict[str, Any]:
    """Branches of the schema of a table that has a type."""
    return {branch["if"]["properties"]["type"]["const"]: branch for branch in table["allOf"]}


def test_the_json_schema_knows_what_each_policy_route_and_exposure_says() -> None:
    """By type, and where there is none that of the usual one."""
    definitions = json_schema()["$defs"]
    branches = {
        each["if"]["properties"]["type"]["const"]: each for each in definitions["PopulationEntry"]["allOf"]
    }
    fields = branches["dealers.OptionDealers"]["then"]["properties"]
    assert not any("exposure" in each for each in definitions["PopulationEntry"]["required"])
    for field, usual, name, key in (
        ("hedging", "band", "whalley_wilmott", "risk_aversion"),
        ("hedging", "band", "band", "width"),
        ("route", "cheapest", "cheapest", "venues"),
        ("exposure", "", "synthetic", "open_interest"),
    ):
        table = definitions[json.dumps(fields[field]).rpartition("/")[2].partition('"')[0]]
        own = by_type(table)
        assert key in own[name]["then"]["properties"]
        assert own[name]["then"]["additionalProperties"] is False
        assert [each for each in own if not own[each]["if"]["required"]] == [usual] * bool(usual)
        assert ("type" in table["required"]) == (not usual)
    assert "width" not in own["constant_gamma"]["then"]["properties"]


def leaves(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths of all values, tables and lists included."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, item in items:
        yield (*path, part)
        yield from leaves(item, (*path, part))


@pytest.mark.parametrize(
    "wrong", ["x", "", -1, 0, 1e300, 2**70, 1.5, True, [], ["x"], {}, {"x": 1}, float("nan")]
)
def test_whatever_stands_in_place_of_a_value_is_taken_or_explained(folder: Path, wrong: object) -> None:
    values = tomllib.loads(library.STARTER.read_text())
    for path in leaves(values):
        changed = copy.deepcopy(values)
        holder = changed
        for part in path[:-1]:
            holder = holder[part]
        holder[path[-1]] = wrong
        try:
            parse(Document("x.toml", changed))
        except ScenarioError as error:
            for line in str(error).splitlines():
                assert line.startswith("x.toml: "), line
                assert not any(word in line for word in JARGON), line
