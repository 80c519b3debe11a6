"""A file of version 1 whose arms or sweep set the type of a policy runs as it is rewritten, cell by cell."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dealers_market import BAND, DEALERS, HEDGING

from scenarios import load
from scenarios.__main__ import main
from scenarios.build.loading import BuildableScenario
from scenarios.file.errors import ScenarioError
from scenarios.sweeps.experiment import Experiment, points_of

ALL = 'width = 0.05, risk_aversion = {dist = "uniform", low = 1, high = 2}, cost = 0.003'
OLD = DEALERS.replace("schema_version = 2", "schema_version = 1")
BANDED = OLD.replace(BAND, f'type = "band", {ALL}')
UTILITY = OLD.replace(BAND, f'type = "whalley_wilmott", {ALL}')
LINE = OLD.count("\n")
SAID = OLD[: OLD.index(BAND)].count("\n") + 1
pytestmark = pytest.mark.filterwarnings("ignore:.*what was said of it is dropped")
TYPE = f'"{HEDGING}.type"'
AVERSION, WIDTH = {"dist": "uniform", "low": 1.0, "high": 2.0}, 0.05


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(name: str) -> BuildableScenario:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load(name)


def cells(scenario: BuildableScenario) -> Iterator[dict[str, Any]]:
    """The policy in every arm, and at every point in every arm."""
    for arm in ["base", *scenario.arms]:
        yield scenario.overlaid(arm)[HEDGING]
    if scenario.sweep is not None:
        experiment = Experiment(scenario)
        for point in points_of(scenario):
            for arm in experiment.chosen:
                yield experiment.arms(point).scenario.overlaid(arm)[HEDGING]


def migrated(text: str) -> tuple[BuildableScenario, BuildableScenario, str]:
    """A scenario as read and as rewritten, and its new text."""
    Path("old.toml").write_bytes(text.encode())
    assert main(["migrate", "old.toml", "--out", "new.toml"]) == 0
    return read("old.toml"), read("new.toml"), Path("new.toml").read_bytes().decode()


SET = {
    "in an inline table": f'[arms.a]\nset = {{{TYPE} = "whalley_wilmott", "{HEDGING}.cost" = 0.1}}\n',
    "in a table with a header": f'[arms.a.set]\n  {TYPE} = "whalley_wilmott" # why\n"{HEDGING}.cost" = 0.1\n',
    "at the end of the text": f'[arms.a.set]\n"{HEDGING}.cost" = 0.1\n{TYPE} = "whalley_wilmott"',
    "with a dotted key": f'arms.a.set."{HEDGING}.cost" = 0.1\narms.a.set.{TYPE} = "whalley_wilmott"\n',
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("place", SET)
def test_what_an_arm_heeds_and_the_base_does_not_goes_with_the_arm(place: str, end: str) -> None:
    arm, base = SET[place], BANDED
    if place == "with a dotted key":
        base, arm = base.replace("[[assets]]", f"{arm}\n[[assets]]", 1), ""
    old, new, text = migrated(f"{base}{arm}".replace("\n", end))
    assert list(cells(old)) == list(cells(new))
    base_policy, own = cells(new)
    assert (base_policy["type"], base_policy["width"]) == ("band", WIDTH)
    assert (own["risk_aversion"], own["cost"]) == (AVERSION, 0.1)
    assert text.count("\n") == text.count(end)
    assert text.count("risk_aversion") == 1


def test_rows_of_a_sweep_get_what_their_types_heed() -> None:
    rows = f"""[sweep]
design = "list"
arms = ["base", "b"]
rows = [{{{TYPE} = "band"}}, {{ {TYPE} = "leland" }}, {{"time.step_seconds" = 2.0}}]
[arms.b.set]
{TYPE} = "band"
"""
    old, new, text = migrated(UTILITY + rows)
    assert list(cells(old)) == list(cells(new))
    assert f'{{{TYPE} = "band", "{HEDGING}.width" = 0.05}}, {{ {TYPE} = "leland" }}' in text
    assert text.endswith(f'{TYPE} = "band"\n"{HEDGING}.width" = 0.05\n')
    found = [cell.get("width") for cell in cells(new) if cell["type"] == "band"]
    assert found == [WIDTH] * 5


def test_what_is_said_beside_a_type_stays() -> None:
    old, new, _ = migrated(
        f'{BANDED}[arms.a.set]\n{TYPE} = "whalley_wilmott"\n"{HEDGING}.risk_aversion" = 7.0\n'
    )
    assert list(cells(old)) == list(cells(new))
    assert new.overlaid("a")[f"{HEDGING}.risk_aversion"] == 7.0


def test_the_warning_says_what_is_said_elsewhere() -> None:
    Path("old.toml").write_text(f'{BANDED}[arms.a.set]\n{TYPE} = "whalley_wilmott"\n')
    with pytest.warns(UserWarning, match="which is read as 2") as caught:
        load("old.toml")
    assert str(caught[0].message).endswith(
        f"no longer said: {HEDGING}.cost (line {SAID}), {HEDGING}.risk_aversion (line {SAID}); "
        f"said with the type: arms.a.set.{HEDGING}.cost (line {LINE + 2}), "
        f"arms.a.set.{HEDGING}.risk_aversion (line {LINE + 2})"
    )


GRID = '[sweep]\ndesign = "grid"\n[sweep.over]\n'
ARM = f'[arms.a.set]\n{TYPE} = "whalley_wilmott"\n'
UNSAID = {
    "a type that is swept": (
        f'{GRID}{TYPE} = ["band", "whalley_wilmott"]\n',
        (4, f"sweep.over.{HEDGING}.type"),
        "version 1 takes cost and risk_aversion from elsewhere in the file",
    ),
    "a key that is swept in vain": (
        f'{GRID}"{HEDGING}.risk_aversion" = [1.0, 2.0]\n',
        (4, f"sweep.over.{HEDGING}.risk_aversion"),
        'version 1 lets "band" say risk_aversion in vain',
    ),
    "a key that is swept in vain beside one of the types": (
        f'{GRID}{TYPE} = ["band", "time"]\n"{HEDGING}.width" = [1.0, 2.0]\n',
        (5, f"sweep.over.{HEDGING}.width"),
        'version 1 lets "time" say width in vain',
    ),
    "a row that an arm heeds and the base does not": (
        f'{ARM}[sweep]\ndesign = "list"\narms = ["a"]\nrows = [{{"{HEDGING}.risk_aversion" = 3.0}}]\n',
        (2, f"arms.a.set.{HEDGING}.type"),
        "version 1 takes risk_aversion from elsewhere in the file",
    ),
}


@pytest.mark.parametrize("case", UNSAID)
def test_what_cannot_be_said_any_more_is_refused(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    text, (line, key), said = UNSAID[case]
    Path("old.toml").write_text(BANDED + text)
    with pytest.raises(ScenarioError) as caught:
        load("old.toml")
    first = str(caught.value)
    assert first.startswith(f"old.toml:{LINE + line}: {key}: {said}")
    assert f'as in "{HEDGING}" = {{"type" = ' in first
    assert main(["migrate", "old.toml"]) == 2
    assert first in capsys.readouterr().err
    assert Path("old.toml").read_text() == BANDED + text


def test_tables_that_are_swept_whole_say_all_of_it() -> None:
    """As messages tell; what one of them says in vain goes."""
    band, utility = (
        '{type = "band", width = 0.1}',
        '{type = "whalley_wilmott", risk_aversion = 3.0, width = 1}',
    )
    old, new, text = migrated(f'{BANDED}{GRID}"{HEDGING}" = [\n  {band},\n  {utility},\n]\n')
    assert list(cells(old)) == list(cells(new))
    assert text.endswith(f"  {band},\n  {utility.replace(', width = 1', '')},\n]\n")
