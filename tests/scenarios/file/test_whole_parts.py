"""A part of the user's own that lacks something is refused when its scenario is validated."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from dealers_market import BAND, DEALERS, HEDGING

from agents.hedging.exposures.base import EXPOSURE
from agents.hedging.policies.base import POLICY
from agents.hedging.routes.base import ROUTE
from scenarios.__main__ import main
from scenarios.file.components import DRIVER, MARGIN_RULE, POPULATION, VENUE
from sim.setup.kinds import Kind

KINDS = [VENUE, POPULATION, DRIVER, MARGIN_RULE, POLICY, EXPOSURE, ROUTE]
TEXT = DEALERS.replace("[[assets]]", 'modules = ["mine.py"]\n\n[[assets]]', 1).replace(BAND, 'type = "time"')
USUAL = {
    "DRIVER": "drivers.Constant",
    "VENUE": "rfq.Desk",
    "POPULATION": "dealers.OptionDealers",
    "RULE": "standard",
    "EXPOSURE": "synthetic",
    "POLICY": "time",
    "ROUTE": "cheapest",
}
HEAD = """
from typing import ClassVar
from agents.hedging import Exposure, Policy, Route
from agents.hedging.exposures.synthetic import Synthetic
from sim import Parameters, Population, Venue
from sim.accounts.margin.rule import Rule
from sim.accounts.margin.standard import Standard
from sim.prices.drivers import Driver
"""
OWN = "Policy.Parameters"
DECIDES = "def decide(self, columns, out): pass"
WRONG = {
    "a policy that does not decide": ("POLICY", "class Mine(Policy): pass", "has no decide(columns, out)"),
    "a need that is no tuple": (
        "POLICY",
        f"class Mine(Policy):\n    needs = 'gamma'\n    {DECIDES}",
        "says needs = 'gamma'; needs must be a valid tuple",
    ),
    "a need that nothing gives": (
        "POLICY",
        f"class Mine(Policy):\n    needs = ('gama',)\n    {DECIDES}",
        "says needs = ('gama',); needs[0] must be 'gamma', 'vega', 'theta' or 'adjusted_delta'",
    ),
    "a parameter of the name of a method": (
        "POLICY",
        f"class Mine(Policy):\n    class Parameters({OWN}):\n        reach: float = 1.0\n    {DECIDES}",
        "has a parameter named reach, which a policy has of its own; give it another name",
    ),
    "a parameter of the name of an attribute": (
        "POLICY",
        f"class Mine(Policy):\n    class Parameters({OWN}):\n        parameters: int = 1\n    {DECIDES}",
        "has a parameter named parameters",
    ),
    "a column of the name of a parameter": (
        "POLICY",
        f"class Mine(Policy):\n    state = {{'response': ('f8', 0.0)}}\n    {DECIDES}",
        "keeps a column named response",
    ),
    "a column of no type": (
        "POLICY",
        f"class Mine(Policy):\n    state = {{'last': ('f9', 0.0)}}\n    {DECIDES}",
        "keeps a column last of ('f9', 0.0): data type 'f9' not understood",
    ),
    "a state that is no mapping": (
        "POLICY",
        f"class Mine(Policy):\n    state = ['last']\n    {DECIDES}",
        "says state = ['last']; state must be a valid dictionary",
    ),
    "parameters of something else": (
        "POLICY",
        f"class Mine(Policy):\n    class Parameters(Route.Parameters): pass\n    {DECIDES}",
        "has Parameters that do not derive from agents.hedging.policies.base.Policy.Parameters",
    ),
    "a decision of nothing": (
        "POLICY",
        "class Mine(Policy):\n    def decide(self, columns): pass",
        "has decide(columns), which is called as decide(columns, out)",
    ),
    "a reach of nothing": (
        "POLICY",
        f"class Mine(Policy):\n    {DECIDES}\n    def reach(self, columns): pass",
        "has reach(columns), which is called as reach(columns, out)",
    ),
    "a decision that is a number": (
        "POLICY",
        "class Mine(Policy):\n    decide = 3",
        "says decide = 3; decide must be a method",
    ),
    "a policy that is made of nothing": (
        "POLICY",
        f"class Mine(Policy):\n    def __init__(self): pass\n    {DECIDES}",
        "has __init__(), which is called as __init__(parameters)",
    ),
    "an exposure that is not filled": (
        "EXPOSURE",
        "class Mine(Exposure): pass",
        "has no fill(columns, view)",
    ),
    "Greeks that nobody knows": (
        "EXPOSURE",
        "class Mine(Synthetic):\n    gives = ('delta', 'rho')",
        "gives[1] must be 'delta', 'gamma', 'vega', 'theta' or 'adjusted_delta'",
    ),
    "a route that sends nothing": ("ROUTE", "class Mine(Route): pass", "has no send(wanted, view, outbox)"),
    "a rule that assesses nobody": (
        "RULE",
        "class Mine(Rule): pass",
        "has no assess(accounts, holdings, prices, equity, maintenance); "
        "it has no room(accounts, instrument, holdings, prices, room)",
    ),
    "a rule that checks by halves": (
        "RULE",
        "class Mine(Standard):\n    is_checked = 'maybe'",
        "is_checked must be a valid boolean",
    ),
    "a venue that executes nothing": (
        "VENUE",
        "class Mine(Venue):\n    is_priced = False",
        "has no execute(orders, due, until, tape, room)",
    ),
    "a venue that nobody sees": (
        "VENUE",
        "class Mine(Venue):\n    def execute(self, orders, due, until, tape, room): pass",
        "has no observe(quotes); one that shows no price says is_priced = False",
    ),
    "a population that is asked in vain": (
        "POPULATION",
        "class Mine(Population):\n    def decide(self, view, outbox): pass",
        "has decide(view, outbox), which is called as decide(phase, view, outbox)",
    ),
    "phases that are no tuple": (
        "POPULATION",
        "class Mine(Population):\n    phases = 'trade'",
        "says phases = 'trade'; phases must be a valid tuple",
    ),
    "parameters that are none": (
        "POPULATION",
        "class Mine(Population):\n    class Parameters: pass",
        "has Parameters that do not derive from sim.setup.table.Parameters",
    ),
    "a driver of another world": (
        "DRIVER",
        "class Mine(Driver):\n    def replay(self, times): pass",
        "has replay(times), which is called as replay(times, opening)",
    ),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(code: str, **types: str) -> None:
    Path("mine.py").write_text(HEAD + dedent(code) + "\n")
    text = TEXT
    for kind, named in types.items():
        text = text.replace(f'"{USUAL[kind]}"', f'"{named}"')
    Path("parts.toml").write_text(text)


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_before_anything_runs(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    kind, code, said = WRONG[case]
    write(code, **{kind: "mine.Mine"})
    line = next(n for n, each in enumerate(TEXT.splitlines(), 1) if f'"{USUAL[kind]}"' in each)
    for command in (["validate", "parts.toml", "--trust"], ["run", "parts.toml", "--out", "out"]):
        assert main(command) == 2
        err = capsys.readouterr().err
        assert "Traceback" not in err
        assert f"parts.toml:{line}: " in err
        assert "mine.Mine cannot be used as a " in err
        assert said in err.partition(": Mine in mine.py ")[2]
    assert not Path("out").exists()


def test_what_breaks_while_a_market_is_built_is_placed_in_the_users_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(
        "class Mine(Standard):\n    def __init__(self, accounts): raise ValueError('not I')", RULE="mine.Mine"
    )
    assert main(["run", "parts.toml", "--out", "out"]) == 2
    line = HEAD.count("\n") + 2
    assert f"cannot be built: ValueError: not I (mine.py, line {line})" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["margin rule", "arm"])
def test_what_is_not_trusted_is_not_built(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever it is named; and no file is rewritten for what is not known."""
    write("class Mine(Standard): pass\nclass Timely(Policy):\n    " + DECIDES)
    text = Path("parts.toml").read_text()
    named = 'margin = "mine.Mine"' if place == "margin rule" else 'margin = "standard"'
    arm = f'[arms.a]\nset = {{"{HEDGING}.type" = "mine.Timely"}}\n' if place == "arm" else ""
    Path("parts.toml").write_text(text.replace('margin = "standard"', named) + arm)
    name = "mine.Timely" if arm else "mine.Mine"
    assert main(["validate", "parts.toml"]) == 0
    assert f"not imported, so no market was built: {name}; to trust" in capsys.readouterr().out
    assert main(["validate", "parts.toml", "--trust"]) == 0
    Path("parts.toml").write_text(
        Path("parts.toml").read_text().replace("schema_version = 2", "schema_version = 1")
    )
    assert main(["migrate", "parts.toml"]) == 2
    assert name in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.noun)
def test_ours_are_whole(kind: Kind) -> None:
    for name, found in kind.classes():
        assert kind.find(name) is found


def test_what_is_whole_is_taken() -> None:
    """A list where a tuple is meant, a default more, a name of one's own: nothing that could not run."""
    write(
        """
        class Mine(Policy):
            needs = ["gamma"]
            state = {"last": ("i4", -1)}
            @staticmethod
            def decide(rows, result, more=None): pass
        """,
        POLICY="mine.Mine",
    )
    assert main(["validate", "parts.toml", "--trust"]) == 0
