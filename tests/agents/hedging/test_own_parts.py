"""A policy, a route and an exposure of one's own: a file each, from a folder of one's own."""

from __future__ import annotations

import tomllib
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from on_a_pool import DEALERS
from places import ROOT
from small_market import MAKERS, population, small_market

from agents.hedging import Policy
from agents.hedging.policies.band import Band
from analysis.feedback import theory
from scenarios import load
from scenarios.__main__ import main
from scenarios.file.errors import ScenarioError
from sim.recording.recording import Recording

TEXT = """\
schema_version = 2
name = "own"
modules = ["mine.py"]
time = {steps = 40}

[[assets]]
name = "BTC"
spot = 50000.0
driver = {type = "drivers.GeometricBrownian", volatility = 1.0}

[[venues]]
name = "cheap"
type = "linear_impact.LinearImpact"
asset = "BTC"
instrument = "perpetual"
lot = 0.001
impact = 0.5

[[venues]]
name = "deep"
type = "linear_impact.LinearImpact"
asset = "BTC"
instrument = "perpetual"
lot = 0.001
impact = 0.1
taker_fee_bps = 2.0

[[venues]]
name = "desk"
type = "rfq.Desk"

[[populations]]
name = "dealers"
type = "dealers.OptionDealers"
count = 20
exposure = {type = "synthetic", open_interest = 2000.0, expiries_days = [1.0]}
hedging = {type = "time", synchrony = 1.0}
route = {type = "cheapest", venues = ["cheap", "deep"]}
"""
EXPOSURE = '{type = "synthetic", open_interest = 2000.0, expiries_days = [1.0]}'
TIME = '{type = "time", synchrony = 1.0}'
CHEAPEST = 'type = "cheapest"'

SPLIT = '''\
"""Mine."""
import numpy as np

from agents.hedging import Route
from sim.records import HEDGE


class Halves(Route):
    """Half of each order to each venue; the dearer, by the cost of a unit along its curve, a second later."""

    def send(self, wanted, view, outbox):
        curve = view.curve
        for each in wanted:
            side, sign = (0, 1.0) if each["units"] > 0 else (1, -1.0)
            size = abs(each["units"])

            def cost(venue):
                return np.interp(size, curve[venue, side]["units"], curve[venue, side]["cost"])

            for late, venue in enumerate(sorted(self.venues, key=cost)):
                lots = int(sign * size / 2 / view.quotes[venue]["lot"])
                latency = float(each["latency"]) + late
                account = int(self.account[view.quotes[venue]["chain"], each["row"]])
                outbox.market(account, int(venue), lots, latency=latency, reason=HEDGE)
'''
FORWARD = '''\
"""Mine."""
import numpy as np

from agents.hedging import Exposure
from sim.setup.parameters import Units


class Producers(Exposure):
    """They will sell what they produce, more of it the higher the price."""

    gives = ("delta", "gamma")

    class Parameters(Exposure.Parameters):
        output: Units

    def take(self, population, listing):
        self.size = population.draws.columns(self.parameters, "exposure", population.rows)["output"]
        self.spot = listing.spots[self.asset]

    def fill(self, columns, view):
        output = self.size[columns["row"]]
        columns["size"], columns["gamma"] = output, output / self.spot
        columns["delta"] = output * columns["price"] / self.spot
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(code: str, old: str, new: str) -> Recording:
    """A run of the scenario with a module of one's own, and this part of it changed."""
    assert old in TEXT
    Path("mine.py").write_text(code)
    Path("own.toml").write_text(TEXT.replace(old, new))
    return load("own.toml").market().run()


def hedges(recording: Recording) -> np.ndarray:
    """What was hedged: time, lots, account and venue of each fill."""
    fills = recording.fills
    own = fills[fills["reason"] == "hedge"]
    assert len(own) > 50
    return own[["time", "qty", "taker", "price", "venue"]].to_numpy()


def documented() -> str:
    """The policy that the documentation of the base class shows, as a module."""
    lines = (
        (Policy.__doc__ or "").partition("::\n")[2].partition("Parameters\n    ----------\n    parameters")[0]
    )
    return dedent(lines)


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


def test_a_route_of_ones_own_splits_in_place_and_time() -> None:
    code = SPLIT
    recording = ran(code, CHEAPEST, 'type = "mine.Halves"')
    fills = recording.fills.query("reason == 'hedge'")
    by_venue = fills.groupby("venue")["qty"].sum()
    assert by_venue["cheap"] == pytest.approx(by_venue["deep"], rel=0.01)
    first = fills[fills["taker"] == fills["taker"].iloc[0]].iloc[:2]
    assert first["time"].diff().iloc[1] == pytest.approx(1.0)
    assert first["venue"].nunique() == 2
    assert first["qty"].nunique() == 1
    assert all(residual < 1e-9 for residual in recording.market.get("residuals", {"": 0.0}).values())


def test_an_exposure_of_ones_own_is_hedged_by_what_it_gives() -> None:
    """All that is produced at every look, or up to the edge of the band that its gamma asks for."""
    produced = '{type = "mine.Producers", output = {dist = "uniform", low = 50.0, high = 100.0}}'
    cost, aversion = 0.001, 1e-6
    utility = f'{{type = "whalley_wilmott", synchrony = 1.0, cost = {cost}, risk_aversion = {aversion}}}'
    sold = []
    for policy in (TIME, utility):
        recording = ran(FORWARD, f"{EXPOSURE}\nhedging = {TIME}", f"{produced}\nhedging = {policy}")
        fills = recording.fills.query("reason == 'hedge'")
        sold.append(-0.001 * fills.groupby("taker")["qty"].sum().to_numpy())
    price = recording.series["BTC.mid"].iloc[-1]
    assert ((sold[0] > 49.0) & (sold[0] < 101.0)).all()
    assert len(set(sold[0])) == 20
    half = theory.whalley_wilmott_half_band(cost, price, sold[0] / price, aversion)
    assert sold[0] - sold[1] == pytest.approx(half, rel=0.05)


def test_what_an_exposure_of_ones_own_does_not_give_is_refused() -> None:
    message = (
        r"own\.toml:37: populations\.dealers\.hedging\.type: .*leland.* allowed: band, time, whalley_wilmott"
    )
    with pytest.raises(ScenarioError, match=message):
        ran(
            FORWARD,
            f"{EXPOSURE}\nhedging = {TIME}",
            '{type = "mine.Producers", output = 5.0}\nhedging = {type = "leland"}',
        )


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
