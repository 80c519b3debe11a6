"""What only shows when the market is built is named by file, line, key and remedy, as all else is."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from scenarios import load
from scenarios.__main__ import main
from scenarios.arms.arms import Arms
from scenarios.file.errors import ScenarioError
from scenarios.file.schema import Scenario
from sim.setup.misfit import Misfit, within

GOOD = """\
schema_version = 2
name = "fits"
time = {steps = 3}

[[assets]]
name = "BTC"
spot = 1000.0
driver = {type = "drivers.Constant"}
index = {venues = {pool = 1.0}}

[[venues]]
name = "perp"
type = "order_book.OrderBook"
asset = "BTC"
instrument = "perpetual"
tick = 0.5
lot = 0.01

[[venues]]
name = "pool"
type = "amm.ConstantProduct"
asset = "BTC"
lot = 0.01

[[venues]]
name = "desk"
type = "rfq.Desk"

[[populations]]
name = "lps"
type = "liquidity_providers.LiquidityProviders"
pool = "pool"
route = {venues = ["perp"]}

[[populations]]
name = "dealers"
type = "dealers.OptionDealers"
exposure = {type = "synthetic", open_interest = 10.0}
hedging = {type = "band"}
route = {venues = [
    "perp",
    "pool",
]}

[[populations]]
name = "arbitrageurs"
type = "arbitrageurs.Arbitrageurs"
book = "perp"
pool = "pool"

[[populations]]
name = "levered"
type = "levered.LeveredTraders"
leverage = 20.0

[arms.fine]
set = {"venues.perp.tick" = 0.25}
"""
CHAIN = (
    "timestamp,currency,option_type,strike,expiry_datetime,implied_volatility,open_interest,futures_price\n"
    "2026-02-05,ETH,call,1000,2026-02-06,0.6,10,1000\n"
)
EXPOSURE = '{type = "synthetic", open_interest = 10.0}'
DESK = '[[venues]]\nname = "desk"\ntype = "rfq.Desk"\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fits.toml").write_text(GOOD)
    (tmp_path / "eth.csv").write_text(CHAIN)
    (tmp_path / "bytes.csv").write_bytes(CHAIN.encode() + b"\x80\n")
    (tmp_path / "path.csv").write_text("value\n1\n2\nthree\n")
    return tmp_path


WRONG = {
    "index of a venue that is not there": (
        "venues = {pool = 1.0}",
        "venues = {poll = 1.0}",
        '9: assets.BTC.index.venues.poll: no venue is named "poll"; did you mean "pool"? allowed: perp, pool',
    ),
    "index of a venue without a price": (
        "venues = {pool = 1.0}",
        "venues = {desk = 1.0}",
        '9: assets.BTC.index.venues.desk: "desk" gives BTC no price; allowed: perp, pool',
    ),
    "index of nothing": (
        "venues = {pool = 1.0}",
        "external = 0",
        "9: assets.BTC.index: the weights of the index sum to 0",
    ),
    "tick that no price fits": (
        "tick = 0.5",
        "tick = 100000",
        "16: venues.perp.tick: an opening price of 1000 is 0.01 ticks of 100000; choose `tick` so that",
    ),
    "lots of two sizes": (
        DESK,
        DESK + '[[venues]]\nname = "other"\ntype = "amm.ConstantProduct"\nasset = "BTC"\nlot = 0.1\n',
        "32: venues.other.lot: found 0.1; another venue trades BTC-spot too, in other lots; allowed: 0.01",
    ),
    "lots that an arbitrageur cannot match": (
        "lot = 0.01",
        "lot = 0.1",
        '49: populations.arbitrageurs.pool: "pool" trades lots of 0.01, "perp" of 0.1; an arbitrageur needs',
    ),
    "two liquidation venues": (
        DESK,
        DESK + "".join(f'[[venues]]\nname = "{n}"\ntype = "liquidation.Exchange"\n' for n in "ab"),
        '31: venues.b: a market has one liquidation venue, and "a" is one already',
    ),
    "no desk": (DESK, "", "32: populations.dealers: needs a desk for BTC, or for every"),
    "deposits in a book": (
        'pool = "pool"\nroute',
        'pool = "perp"\nroute',
        '32: populations.lps.pool: "perp" takes no orders of kind add_liquidity; allowed: pool',
    ),
    "arbitrage against a book": (
        'book = "perp"\npool = "pool"',
        'book = "perp"\npool = "perp"',
        '49: populations.arbitrageurs.pool: "perp" takes no orders of kind add_liquidity; allowed: pool',
    ),
    "makers in a pool": (
        "[arms.fine]",
        '[[populations]]\nname = "makers"\ntype = "makers.MarketMakers"\nvenue = "pool"\n\n[arms.fine]',
        '59: populations.makers.venue: "pool" takes no orders of kind quote; allowed: perp',
    ),
    "noise in a pool": (
        "[arms.fine]",
        '[[populations]]\nname = "noise"\ntype = "noise.NoiseTraders"\nvenue = "pool"\n\n[arms.fine]',
        '59: populations.noise.venue: "pool" has no ticks; allowed: perp',
    ),
    "followers of trends at a desk": (
        "[arms.fine]",
        '[[populations]]\nname = "trend"\ntype = "momentum.MomentumTraders"\nvenue = "desk"\n\n[arms.fine]',
        '59: populations.trend.venue: "desk" takes no orders of kind market; allowed: perp, pool',
    ),
    "a shock of less than half a lot": (
        "[arms.fine]",
        '[[shocks]]\nat = 1.0\ntype = "market_order"\nasset = "BTC"\nqty = -0.004\n\n[arms.fine]',
        "60: shocks.0.qty: comes to 0.4 lots of 0.01; choose a smaller `lot`; allowed: at least 0.005, half",
    ),
    "patience with a side that ends nothing": (
        "tick = 0.5",
        "tick = 0.5\nempty_seconds = 2.0",
        "17: venues.perp.empty_seconds: found 2.0; an empty side ends nothing here; set stops_when_empty",
    ),
    "liquidators at a book": (
        "[arms.fine]",
        '[[populations]]\nname = "b"\ntype = "liquidators.ExchangeLiquidators"\nvenue = "perp"\n[arms.fine]',
        '59: populations.b.venue: "perp" takes no orders of kind seize',
    ),
    "a desk on a route": (
        '    "pool",',
        '    "desk",',
        '40: populations.dealers.route.venues.1: "desk" trades no spot or perpetual; allowed: perp, pool',
    ),
    "a policy that needs what there is not": (
        EXPOSURE + '\nhedging = {type = "band"}',
        '{type = "constant_gamma", gamma = -1.0}\nhedging = {type = "leland"}',
        '39: populations.dealers.hedging.type: hedging of type "leland" needs adjusted_delta, which an '
        "exposure of constant gamma does not give; allowed: band, time, whalley_wilmott",
    ),
    "leverage beyond margin": ("= 20.0", "= 90.0", "54: populations.levered.leverage: a row has 90, but an"),
    "a chain of another currency": (
        EXPOSURE,
        '{type = "chain", file = "eth.csv"}',
        "38: populations.dealers.exposure.file: {folder}/eth.csv has no rows of currency",
    ),
    "a chain of a currency that was asked for": (
        EXPOSURE,
        '{type = "chain", file = "eth.csv", currency = "ETB"}',
        "38: populations.dealers.exposure.currency: {folder}/eth.csv has no rows of currency "
        '"ETB"; did you mean "ETH"? allowed: ETH',
    ),
    "a chain that is no text": (
        EXPOSURE,
        '{type = "chain", file = "bytes.csv"}',
        "38: populations.dealers.exposure.file: {folder}/bytes.csv is not a text file of comma-separated "
        "values: see line 3",
    ),
    "a path without its column": (
        '{type = "drivers.Constant"}',
        '{type = "drivers.Replayed", file = "path.csv", column = "valeu"}',
        '8: assets.BTC.driver.column: {folder}/path.csv has no column "valeu"; did you mean "value"? allowed',
    ),
    "a path that is no numbers": (
        '{type = "drivers.Constant"}',
        '{type = "drivers.Replayed", file = "path.csv"}',
        '8: assets.BTC.driver.column: {folder}/path.csv: column "value" is not all finite '
        'numbers; row 3 holds "three"',
    ),
    "an arm that cannot be built": (
        '"venues.perp.tick" = 0.25',
        '"venues.perp.tick" = 1e6',
        "57: arms.fine.set.venues.perp.tick: an opening price of 1000 is 0.001 ticks of",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_validate_names_line_key_and_remedy(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, message = WRONG[name]
    assert old in GOOD
    (folder / "fits.toml").write_text(GOOD.replace(old, new, 1))
    before = sorted(folder.rglob("*"))
    assert main(["validate", "fits.toml"]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"fits.toml:{message.replace('{folder}', str(folder))}"), said.err
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert sorted(folder.rglob("*")) == before


def test_run_says_the_same_and_what_was_set_is_named_instead_of_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "fits.toml", "--out", "out", "--set", "populations.lps.pool=perp"]) == 2
    assert capsys.readouterr().err == (
        '--set, over fits.toml: populations.lps.pool: "perp" takes no orders of kind add_liquidity; '
        "allowed: pool\n"
    )
    chain = 'populations.dealers.exposure={type = "chain", file = "eth.csv"}'
    assert main(["run", "fits.toml", "--out", "out", "--set", chain]) == 2
    assert capsys.readouterr().err.startswith("--set, over fits.toml: populations.dealers.exposure.file: ")
    assert main(["amplify", "fits.toml", "--out", "out", "--set", "venues.perp.tick=1e6"]) == 2
    assert "--set, over fits.toml: venues.perp.tick: an opening price" in capsys.readouterr().err
    assert not Path("out").exists()


def test_an_empty_list_is_called_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "fits.toml", "--set", "populations.lps.route.venues=[]"]) == 2
    said = "populations.lps.route.venues: found an empty list; allowed: at least 1 entry\n"
    assert capsys.readouterr().err == f"--set, over fits.toml: {said}"


def built(scenario: Scenario) -> str:
    """What is said of the scenario when its market is built."""
    with pytest.raises(ScenarioError) as caught:
        scenario.market()
    return str(caught.value)


def test_what_was_changed_in_python_has_no_line_and_all_else_keeps_its_own() -> None:
    scenario = load("fits.toml")
    scenario.populations[0].parameters.pool = "perp"
    assert built(scenario).startswith("set in Python, over fits.toml: populations.lps.pool: ")
    scenario = load("fits.toml")
    scenario["populations.lps.pool"] = "perp"
    assert built(scenario).startswith("set in Python, over fits.toml: populations.lps.pool: ")
    with pytest.raises(ScenarioError, match=r"^set in Python, over fits\.toml: time\.stps: unknown key"):
        scenario["time.stps"] = 3


def test_lines_are_found_from_another_folder_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = GOOD.replace(EXPOSURE, '{type = "chain", file = "eth.csv"}')
    (folder / "fits.toml").write_text(text)
    scenario = load("fits.toml")
    (folder / "deep").mkdir()
    monkeypatch.chdir(folder / "deep")
    assert built(scenario).startswith("fits.toml:38: populations.dealers.exposure.file: ")


def test_a_line_is_found_by_name_when_entries_were_taken_out(folder: Path) -> None:
    (folder / "fits.toml").write_text(GOOD.replace("leverage = 20.0", "leverage = 90.0"))
    scenario = load("fits.toml")
    del scenario.populations[0]
    assert built(scenario).startswith("fits.toml:54: populations.levered.leverage: ")


def test_what_a_population_of_ones_own_raises_is_shown_at_its_entry(folder: Path) -> None:
    (folder / "own_trouble.py").write_text(
        "from sim.population import Population\n\nclass Choosy(Population):\n    '''Mine.'''\n"
        "    def prepare(self, listing):\n        raise ValueError('there is nothing I like')\n"
    )
    entry = '[[populations]]\nname = "choosy"\ntype = "own_trouble.Choosy"\n'
    (folder / "fits.toml").write_text(GOOD.replace("[arms.fine]", f"{entry}\n[arms.fine]"))
    assert built(load("fits.toml")) == "fits.toml:56: populations.choosy: there is nothing I like"


def test_where_a_scenario_came_from_is_kept_by_copies_and_makes_no_difference(folder: Path) -> None:
    (folder / "fits.toml").write_text(GOOD.replace("leverage = 20.0", "leverage = 90.0"))
    (folder / "same.toml").write_text("# moved\n" + (folder / "fits.toml").read_text())
    one, other = load("fits.toml"), load("same.toml")
    assert one == other
    assert one.digest() == other.digest()
    assert built(pickle.loads(pickle.dumps(one))) == built(one)
    assert built(other).startswith("same.toml:55: ")
    with pytest.raises(ScenarioError, match=r"^fits\.toml:54: populations\.levered\.leverage: "):
        Arms(one, ["fine"]).market("fine", 1)


def test_the_way_to_a_value_grows_from_inside() -> None:
    with pytest.raises(Misfit) as caught, within("populations", 3), within("exposure"):
        raise Misfit("no", ("file",))
    assert caught.value.key == ("populations", 3, "exposure", "file")
    with pytest.raises(Misfit, match=r"^plain$") as caught, within("venues", 0):
        raise ValueError("plain")
    assert caught.value.key == ("venues", 0)
