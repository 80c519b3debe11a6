"""Dealers' capital: what it is, when it binds, and who fails in a crash."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dealers_crash import DEALERS, crash, crashing
from small_market import SPOT, population

from scenarios.arms.arms import Arms
from sim.recording.recording import Recording


def arms(capital: Any) -> dict[str, Recording]:
    found: dict[str, Recording] = {}
    Arms(crashing(capital=capital), ["base", "margined"]).run(1, found.__setitem__)
    return found


def test_capital_is_what_a_dealer_is_worth_as_a_share_of_its_gross_notional() -> None:
    """The premium it took is owed in options of the same value."""
    model = crash(capital={"dist": "uniform", "low": 0.1, "high": 0.5})
    own = population(model, "dealers")
    share = model.view.equity[own.accounts] / (own.gross * SPOT)
    assert share == pytest.approx(own.column("capital"), rel=1e-9)
    assert share.min() < 0.15 < 0.45 < share.max()


def test_margin_that_never_binds_leaves_every_byte_as_it_is_and_thin_capital_does_not() -> None:
    """Arms that are compared exempt hedgers from margin, `margined` apart."""
    ample, thin = arms(0.4), arms(DEALERS["capital"])
    assert ample["base"].fills.equals(ample["margined"].fills)
    assert not thin["base"].fills.equals(thin["margined"].fills)
    assert thin["base"].liquidations.empty
    assert set(thin["margined"].liquidations["population"]) == {"dealers"}


def test_in_a_crash_the_thinnest_fail_and_their_creditors_bear_it() -> None:
    model = crash()
    recording = model.run()
    own = population(model, "dealers")
    capital = own.column("capital")
    hit = recording.populations.query("population == 'dealers'")["liquidated"].to_numpy() > 0
    failed = np.isin(own.accounts, [debt.account for debt in model.waterfall.debts])
    assert 10 <= hit.sum() <= 40
    assert 1 <= failed.sum() < hit.sum()
    assert capital[failed].max() < np.median(capital)
    assert capital[hit].mean() < capital[~hit].mean()
    owed = sum(debt.amount for debt in model.waterfall.debts)
    assert sum(debt.creditors for debt in model.waterfall.debts) == pytest.approx(owed)
    assert recording.liquidations["bad_debt"].sum() == pytest.approx(owed)
    assert all(residual < 1e-12 for residual in model.residuals().values())
