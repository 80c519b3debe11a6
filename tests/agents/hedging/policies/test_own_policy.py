"""A policy of one's own, from a folder of one's own."""

from __future__ import annotations

import tomllib
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from on_a_pool import DEALERS
from own_parts import TEXT, TIME, documented, hedges, ran
from places import ROOT
from small_market import MAKERS, population, small_market

from agents.hedging import Policy
from agents.hedging.policies.band import Band
from scenarios import load
from scenarios.__main__ import main

pytestmark = pytest.mark.usefixtures("folder")


def test_a_policy_in_plain_numpy_hedges_as_it_says() -> None:
    """That of the documentation: up to its edges nothing, beyond them all of it."""
    wide = ran(documented(), TIME, '{type = "mine.Asymmetric", up = 0.002, down = 1000.0, synchrony = 1.0}')
    assert (hedges(wide)[:, 1] < 0).all(), "it only sells, as delta may fall as it will"
    both = '{type = "mine.Asymmetric", up = 0.002, down = 0.002, synchrony = 1.0}'
    band = '{type = "band", width = 0.002, synchrony = 1.0}'
    assert np.array_equal(hedges(ran(documented(), TIME, both)), hedges(ran(documented(), TIME, band)))


def test_the_policy_of_the_readme_is_that_of_the_documentation() -> None:
    readme = (ROOT / "README.md").read_text()
    code = next(block for block in readme.split("```python\n") if "(Policy):" in block).partition("```")[0]
    assert dedent(code).split() == documented().split()
    assert len([line for line in dedent(code).splitlines() if line.strip()]) == 12


def test_a_policy_that_keeps_a_column_and_one_whose_edges_hold_for_a_while() -> None:
    """It hedges when the price has moved by so much since it did last; looked at in time or at every look."""
    code = documented() + dedent('''

        class Moves(Policy):
            """Hedges when the price has moved."""

            needs = ("vega", "theta")
            state = {"last": ("f8", 50000.0)}

            class Parameters(Policy.Parameters):
                move: Positive = 20.0

            def decide(self, columns, out):
                rows = columns["row"]
                assert (columns["vega"] * columns["theta"] <= 0).all() and columns["vega"].any()
                has_moved = abs(columns["price"] - self.last[rows]) > self.move[rows]
                self.last[rows] = np.where(has_moved, columns["price"], self.last[rows])
                out["low"], out["high"] = np.where(has_moved, np.inf, -np.inf), np.inf
                out["trade"] = -(columns["held"] + columns["delta"])


        class Patient(Asymmetric):
            """Says how long its edges hold."""

            def reach(self, columns, out):
                Asymmetric.decide(self, columns, out)
                out["until"], out["span"] = columns["time"] + 5.0, 30.0
        ''')
    code = "import numpy as np\n" + code
    own = ran(code, TIME, '{type = "mine.Moves", move = 20.0, synchrony = 1.0}')
    prices = own.column("series", "BTC.mid_at_hedge")
    last, moved = 50_000.0, []
    for step, price in enumerate(prices):
        if abs(price - last) > 20.0:
            last = price
            moved.append(step)
    assert sorted(set(own.fills.query("reason == 'hedge'")["step"])) == moved
    sizes = "up = 0.003, down = 0.001, synchrony = 1.0}"
    found = [ran(code, TIME, f'{{type = "mine.{name}", {sizes}') for name in ("Patient", "Asymmetric")]
    assert np.array_equal(*map(hedges, found))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            '{type = "time", widht = 0.1}',
            ".widht: unknown key; allowed: type, int",
        ),
        ("{widht = 0.1}", '.widht: unknown key; did you mean "width"?'),
        (
            '{type = "mine.Asymmetric", upp = 1.0}',
            '.upp: unknown key; did you mean "up"? allowed: type',
        ),
        (
            '{type = "mine.Asymetric"}',
            '.type: no policy type is named "mine.Asymetric"',
        ),
        ('{type = "leeland"}', '.type: no policy type is named "leeland"; did you mean "leland"?'),
        (
            '{type = "mine.Positive"}',
            ".type: mine.Positive is not a policy: it does not derive",
        ),
        (
            '{type = "decay", cost = 0.1}',
            ".cost: unknown key; allowed: type, int",
        ),
        ('{type = ["band"]}', ".type: found "),
        ("3", ".hedging: found 3; allowed: a table"),
        (
            '{type = "band", width = -1.0}',
            ".width: found -1.0; must be at least 0",
        ),
    ],
)
def test_a_parameter_the_type_does_not_have_is_refused_by_file_line_and_key(
    table: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine.py").write_text(documented())
    Path("own.toml").write_text(TEXT.replace(TIME, table))
    assert main(["validate", "own.toml", "--trust"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("own.toml:37: populations.dealers.hedging")
    assert said in error


def test_code_of_a_policy_is_not_run_where_it_is_not_trusted(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.py").write_text("raise SystemExit('never trust')\n")
    Path("own.toml").write_text(TEXT.replace(TIME, '{type = "mine.Asymmetric", up = 1.0}'))
    assert main(["validate", "own.toml"]) == 0
    assert "not imported, so no market was built: mine.Asymmetric" in capsys.readouterr().out
    assert main(["validate", "own.toml", "--trust"]) == 2


def test_what_is_resolved_says_what_the_type_has_and_nothing_else() -> None:
    Path("mine.py").write_text(documented())
    Path("own.toml").write_text(TEXT.replace(TIME, '{type = "mine.Asymmetric", up = 0.5}'))
    scenario = load("own.toml")
    (dealers,) = tomllib.loads(scenario.to_toml())["populations"]
    assert set(dealers["hedging"]) == {*Policy.Parameters.model_fields, "up", "down"}
    assert (dealers["hedging"]["type"], dealers["hedging"]["up"]) == ("mine.Asymmetric", 0.5)
    scenario["populations.dealers.hedging"] = {"type": "leland"}
    assert scenario["populations.dealers.hedging.cost"] == 0.0005


def test_a_policy_that_decides_otherwise_than_its_base_is_not_screened_by_it() -> None:
    class Narrow(Band):
        def decide(self, columns: np.ndarray, out: np.ndarray) -> None:
            super().decide(columns, out)

    class Mixed(Narrow, Band):
        pass

    class Same(Band):
        pass

    assert Narrow.reach is None
    assert Mixed.reach is None
    assert Same.reach is Band.reach


def test_what_a_policy_does_not_write_is_not_what_another_row_got_before() -> None:
    seen: list[float] = []

    class Masked(Band):
        reach = None

        def decide(self, columns: np.ndarray, out: np.ndarray) -> None:
            seen.extend(out["urgency"])
            super().decide(columns, out)
            out["urgency"] = 0.5

    model = small_market(MAKERS, DEALERS | {"route": {"venues": ["perp"]}, "count": 3}, steps=6)
    hedger = population(model, "dealers").hedger
    masked = Masked(hedger.policy.parameters)
    masked.width = hedger.policy.width = np.zeros(3)
    hedger.policy.decide = masked.decide
    model.run()
    assert seen
    assert set(seen) == {1.0}
