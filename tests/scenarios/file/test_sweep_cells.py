"""What arms and points of a sweep set is tried as it will be run: all of it together."""

from __future__ import annotations

from pathlib import Path

import pytest
from dealers_market import BAND, DEALERS, HEDGING

from scenarios import load
from scenarios.__main__ import main
from scenarios.file.errors import ScenarioError
from scenarios.sweeps.designs import points_of

pytestmark = pytest.mark.filterwarnings("ignore:.*what was said of it is dropped")
WIDTHS = f'[sweep]\ndesign = "grid"\n[sweep.over]\n"{HEDGING}.width" = [0.01, 0.02]\n'
TIMED = f'[arms.timed]\nset = {{"{HEDGING}.type" = "time"}}\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def file(*parts: str) -> str:
    Path("cells.toml").write_text("".join((DEALERS, *parts)))
    return "cells.toml"


def grid(**over: str) -> str:
    return '[sweep]\ndesign = "grid"\n[sweep.over]\n' + "".join(
        f'"{HEDGING}.{key}" = {values}\n' for key, values in over.items()
    )


def refused(name: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        load(name)
    return str(caught.value)


def test_an_arm_of_another_type_runs_beside_a_sweep_over_a_key_that_it_lacks() -> None:
    with pytest.warns(UserWarning, match="is dropped"):
        scenario = load(file(TIMED, WIDTHS))
    timed = scenario.overlaid("timed")
    assert timed[f"{HEDGING}.type"] == "time"
    assert timed.sweep is None
    quiet = ["--quiet", "--no-figures", "--out"]
    assert main(["validate", "cells.toml"]) == 0
    assert main(["run", "cells.toml", "--arm", "timed", *quiet, "one"]) == 0
    assert "[sweep.over]" in Path("one/scenario.toml").read_text()
    assert main(["sweep", "cells.toml", "--quiet", "--engine", "serial", "--out", "all"]) == 0


def test_a_key_that_one_of_the_swept_types_lacks_is_refused_before_anything_runs() -> None:
    name = file(grid(type='["band", "time"]', width="[0.01, 0.02]"))
    line = DEALERS.count("\n") + 5
    assert refused(name) == (
        f'cells.toml:{line}: sweep.over.{HEDGING}.width: unknown key where {HEDGING}.type = "time"; '
        "allowed: type, interval_seconds, response, max_units, max_slippage, synchrony"
    )
    assert main(["validate", name]) == main(["run", name, "--out", "x"]) == main(["sweep", name]) == 2


def test_a_key_that_only_the_swept_types_have_is_none_of_the_scenario() -> None:
    scenario = load(file(grid(type='["whalley_wilmott"]', risk_aversion="[1.0, 2.0]")))
    assert len(points_of(scenario)) == 2


def test_every_value_meets_every_type() -> None:
    """The last cost, and it is the second type that lacks it."""
    name = file(grid(type='["leland", "time"]', cost="[0.1, 0.2, 0.3]"))
    assert f'sweep.over.{HEDGING}.cost: unknown key where {HEDGING}.type = "time"' in refused(name)
    name = file(grid(type='["leland", "whalley_wilmott"]', cost="[0.1, 0.2, 0.3, 1.5]"))
    assert f"sweep.over.{HEDGING}.cost: found 1.5; must be at least -1 and at most 1 where" in refused(name)


def test_an_arm_is_tried_at_every_type_if_the_sweep_runs_it() -> None:
    arm = f'[arms.wide]\nset = {{"{HEDGING}.width" = 0.5}}\n'
    types = grid(type='["band", "time"]')
    load(file(arm, types))
    line = DEALERS.count("\n") + 2
    used = types.replace("[sweep.over]", 'arms = ["wide"]\n[sweep.over]')
    assert refused(file(arm, used)).startswith(
        f'cells.toml:{line}: arms.wide.set.{HEDGING}.width: unknown key where {HEDGING}.type = "time"; a'
    )


def test_an_arm_is_tried_at_every_row() -> None:
    arm = f'[arms.wide]\nset = {{"{HEDGING}.width" = 0.5}}\n'
    rows = f'[sweep]\ndesign = "list"\narms = ["wide"]\nrows = [{{"{HEDGING}.type" = "time"}}]\n'
    assert f'arms.wide.set.{HEDGING}.width: unknown key where {HEDGING}.type = "time"; allowed' in refused(
        file(arm, rows)
    )


def test_validation_tries_the_points_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    """Of two lists that go together in step, and not otherwise."""
    uniform = 'type = "band", width = {dist = "uniform", low = 0.0, high = 1.0}'
    over = grid(**{"width.low": "[0.1, 0.2, 3.0]", "width.high": "[1.0, 2.0, 4.0]"})
    Path("cells.toml").write_text(DEALERS.replace(BAND, uniform) + over)
    load("cells.toml")
    assert main(["validate", "cells.toml"]) == 2
    assert "sweep: design point 6: " in capsys.readouterr().err
