"""A file of version 1 is read as one of version 2; what only version 1 took is named, and left out."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from version_one import CLOCK, NEW, OLD

from scenarios import load
from scenarios.build.loading import BuildableScenario, parse
from scenarios.file.document import Document
from scenarios.file.errors import ScenarioError
from scenarios.file.toml import loads
from scenarios.file.versions import NEWEST, edited


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("old.toml").write_text(OLD)
    Path("new.toml").write_text(NEW)
    return tmp_path


def quietly(name: str, **overrides: object) -> BuildableScenario:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load(name, overrides)


def test_an_old_file_is_the_scenario_that_it_was() -> None:
    old, new = quietly("old.toml"), quietly("new.toml")
    assert old.resolved() == new.resolved()
    assert old.resolved()["schema_version"] == NEWEST
    assert old.digest() == new.digest()
    assert loads(old.to_toml())["schema_version"] == NEWEST


def test_one_warning_names_the_file_what_it_says_in_vain_and_the_remedy() -> None:
    with pytest.warns(UserWarning, match="old.toml") as caught:
        load("old.toml")
    (only,) = [str(each.message) for each in caught]
    assert only == (
        "old.toml:2: schema_version: found 1, which is read as 2: `hedgequake migrate old.toml` rewrites the "
        "file; no longer said: populations.clocks.hedging.width (line 22), "
        "populations.clocks.hedging.cost (line 22), populations.dotted.hedging.width (line 28), "
        "populations.tables.hedging.risk_aversion (line 35), "
        "arms.wide.set.populations.clocks.hedging.width (line 46)"
    )


def test_a_new_file_is_read_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load("new.toml")


def test_what_no_version_took_is_refused_in_an_old_file_too() -> None:
    Path("old.toml").write_text(OLD.replace("seconds = 1.0, width", "secnds = 1.0, width"))
    with pytest.raises(ScenarioError) as caught:
        load("old.toml")
    assert str(caught.value).splitlines() == [
        "old.toml:22: populations.clocks.hedging.seconds: missing",
        'old.toml:22: populations.clocks.hedging.secnds: unknown key; did you mean "seconds"? '
        "allowed: type, seconds",
    ]


def test_what_is_set_over_an_old_file_is_of_the_newest_version() -> None:
    with pytest.raises(ScenarioError) as caught:
        quietly("old.toml", **{"populations.clocks.hedging.width": 0.5})
    assert str(caught.value) == (
        "override, over old.toml: populations.clocks.hedging.width: unknown key; allowed: type, seconds"
    )


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("0", "found 0; allowed: at least 1"),
        ("-1", "found -1; allowed: at least 1"),
        ("true", "found true; allowed: a whole number"),
        ("1.0", "found 1.0; allowed: a whole number"),
        ('"1"', 'found "1"; allowed: a whole number'),
        ("3", "found 3; a newer hedgequake is needed, this one reads versions up to 2"),
        ("1" * 300, "found a whole number of about 300 digits; a newer hedgequake is needed"),
    ],
)
def test_no_other_version_is_read(version: str, said: str) -> None:
    Path("new.toml").write_text(NEW.replace("schema_version = 2", f"schema_version = {version}"))
    with pytest.raises(ScenarioError) as caught:
        load("new.toml")
    assert str(caught.value).startswith(f"new.toml:2: schema_version: {said}")


def test_the_version_of_a_file_is_not_set_over_it() -> None:
    with pytest.raises(ScenarioError, match="how a file is written cannot be set over it"):
        load("new.toml", {"schema_version": 1})


def test_rows_of_a_sweep_lose_what_their_types_do_not_know() -> None:
    rows = f"""[sweep]\ndesign = "list"\n[[sweep.rows]]\n"{CLOCK}.width" = 1.0\n"{CLOCK}.seconds" = 2.0
[[sweep.rows]]\n"{CLOCK}" = {{type = "clock", seconds = 3.0, cost = 0.1}}
[[sweep.rows]]\n"{CLOCK}" = {{type = "band", width = 3.0}}\n"""
    Path("old.toml").write_text(OLD + rows)
    sweep = quietly("old.toml").sweep
    assert sweep is not None
    assert sweep.rows == [
        {f"{CLOCK}.seconds": 2.0},
        {CLOCK: {"type": "clock", "seconds": 3.0}},
        {CLOCK: {"type": "band", "width": 3.0}},
    ]


def test_values_without_a_file_have_a_version_too() -> None:
    scenario = parse(Document("values", loads(OLD)))
    assert scenario.resolved() == quietly("new.toml").resolved()
    assert len(scenario.notes) == 1


def test_modules_of_one_s_own_say_what_their_types_know(folder: Path) -> None:
    """They are imported as the scenario names them, once, and only where they are trusted."""
    own = (Path(__file__).parents[2] / "support" / "own_population.py").read_text()
    Path("mine.py").write_text(f"{own}\nopen('log', 'a').write('imported ')\n")
    text = OLD.replace("own_population.", "mine.").replace("[time]", 'modules = ["mine.py"]\n[time]')
    Path("old.toml").write_text(text)
    assert "width" not in quietly("old.toml").resolved()["populations"][0]["hedging"]
    assert Path("log").read_text() == "imported "


def test_edits_are_none_for_what_is_newest() -> None:
    assert edited(Document.read(Path("new.toml")), BuildableScenario) == []
