"""Margin rules: one class in one file, of ours or of the user's; what it says is what is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench import FIRST, Bench
from small_market import MAKERS, population, small_market, value_shock

from scenarios.file.components import MARGIN_RULE
from scenarios.file.errors import ScenarioError
from sim.accounts.margin.margin import Margin, numbered
from sim.accounts.margin.none import Unchecked
from sim.accounts.margin.rule import Rule
from sim.accounts.margin.standard import Standard
from sim.model import Model
from sim.setup.listing import OUTSIDE

STRICT = '''
from sim.accounts.margin.standard import Standard


class Strict(Standard):
    """Twice the maintenance."""

    def assess(self, accounts, holdings, prices, equity, maintenance):
        super().assess(accounts, holdings, prices, equity, maintenance)
        maintenance[accounts] *= 2.0
'''
LONGS = {"type": "levered.LeveredTraders", "asset": "BTC", "count": 30, "leverage": 25.0}
PERP = 1


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a rule of the user's, and the user in it."""
    (tmp_path / "mine.py").write_text(STRICT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


def two_kinds(**strict: Any) -> Model:
    """Equal longs under the standard rule and under another, in a market that falls by 2.4%."""
    return small_market(
        MAKERS | {"count": 20},
        LONGS | {"name": "careful"},
        LONGS | {"name": "strict"} | strict,
        {"name": "liquidators", "type": "liquidators.ExchangeLiquidators"},
        venues=("perp", "desk", "liquidation"),
        shocks=[value_shock(5.0, -0.024)],
        steps=40,
    )


def liquidated(model: Model) -> set[str]:
    names = [p.name for p in model.populations]
    system = len(model.listing.system)
    return {names[model.ledger.population_of[each.account] - system] for each in model.liquidations}


@pytest.mark.usefixtures("mine")
def test_a_rule_of_the_users_liquidates_those_under_it_and_conserves_everything() -> None:
    model = two_kinds(margin="mine.Strict")
    strict = population(model, "strict")
    maintenance = model.view.maintenance
    assert maintenance[strict.accounts].sum() == pytest.approx(
        2.0 * maintenance[population(model, "careful").accounts].sum(), rel=1e-3
    )
    model.run()
    assert liquidated(model) == {"strict"}
    residuals = model.residuals()
    assert residuals.pop("cash") < 1e-12
    assert set(residuals.values()) == {0}
    first = model.liquidations[0]
    assert first.equity < first.maintenance, "by its own rule"


def test_without_it_nobody_is_liquidated_and_the_exempt_never_are() -> None:
    assert liquidated(two_kinds()) == set()
    model = two_kinds(margin="none", leverage=1.0)
    assert not model.margin.is_checked[population(model, "strict").accounts].any()


@pytest.mark.usefixtures("mine")
def test_screened_and_unscreened_are_the_same_under_several_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    screened = two_kinds(margin="mine.Strict").run()
    monkeypatch.setattr(Margin, "watch", Margin.run)
    unscreened = two_kinds(margin="mine.Strict").run()
    assert len(screened.liquidations) > 10
    for name in ("fills", "liquidations"):
        assert getattr(screened, name).equals(getattr(unscreened, name))


def test_an_unknown_rule_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ScenarioError, match=r'margin.*"standart".*did you mean "standard"'):
        two_kinds(margin="standart")
    with pytest.raises(ScenarioError, match="is not a margin rule"):
        two_kinds(margin="json.JSONDecoder")


def test_every_rule_is_found_by_its_file_and_is_one_a_file() -> None:
    assert dict(MARGIN_RULE.classes()) == {"none": Unchecked, "standard": Standard}
    for name, rule in MARGIN_RULE.classes():
        assert MARGIN_RULE.find(name) is rule


class Lenient(Standard):
    """Half the maintenance, and no word on how far the line is."""

    def assess(self, accounts: Any, holdings: Any, prices: Any, equity: Any, maintenance: Any) -> None:
        super().assess(accounts, holdings, prices, equity, maintenance)
        maintenance[accounts] *= 0.5


def test_a_rule_that_assesses_otherwise_is_looked_at_always() -> None:
    assert Lenient.screen is Rule.screen
    assert Unchecked.screen is Standard.screen
    looked: list[int] = []

    class Watched(Lenient):
        def screen(self, accounts: Any, *arguments: Any) -> None:
            looked.append(accounts.size)
            Rule.screen(self, accounts, *arguments)

    for rule, expected in ((Watched, [4, 4]), (Standard, [])):
        looked.clear()
        bench = Bench(4, cash=100.0, rule=rule)
        bench.trade(FIRST, OUTSIDE, PERP, 100, 100.0)
        for _ in range(2):
            bench.margin.watch(bench.view)
        assert looked == expected


def test_every_account_is_under_one_rule() -> None:
    for first, second in ((np.arange(3), np.arange(2, 5)), (np.arange(2), np.arange(3, 5))):
        with pytest.raises(ValueError, match="under one margin rule"):
            numbered([Standard(first), Unchecked(second)], 5)


def test_a_rule_that_assesses_by_a_mixin_is_looked_at_always() -> None:
    class Twice:
        def assess(self, *given: Any) -> None:
            raise AssertionError("is not called")

    class Mixed(Twice, Standard):
        pass

    assert Mixed.screen is Rule.screen
