"""CoVaR: on equities whose dependence is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from synthetic import a_market, a_recording

from analysis.base.metric import Undefined, measure
from analysis.contagion.covar import QUANTILE, covar, delta_covar, equity_changes

STEPS = 6000


def equities(changes, **market):
    """A recording in which the named populations' equity makes these changes."""
    columns = {f"{name}.equity": np.concatenate([[0.0], np.cumsum(each)]) for name, each in changes.items()}
    return a_recording(columns, a_market(len(next(iter(changes.values()))) + 1, **market))


def normal(seed, share, steps=STEPS):
    """Two populations of unit variance a step that share so much of it, and one that stands still."""
    rng = np.random.default_rng(seed)
    common, *own = rng.normal(size=(3, steps))
    dealers, levered = (np.sqrt(share) * common + np.sqrt(1 - share) * each for each in own)
    return equities({"dealers": dealers, "levered": 10 * levered, "vaults": np.zeros(steps)})


def test_var_is_the_quantile_of_the_own_loss():
    """1.645 s.d. for normal changes; a population that stands still is left out."""
    found = covar(normal(1, 0.0), draws=0)
    assert list(found.index) == ["dealers", "levered"]
    assert found["var"].to_numpy() == pytest.approx(-norm.ppf(QUANTILE) * np.array([1, 10]), rel=0.06)


def test_independent_populations_have_no_delta_covar():
    """Zero lies inside the interval of both."""
    found = covar(normal(2, 0.0))
    assert (found["low"] < 0).all()
    assert (found["high"] > 0).all()
    assert ((found["low"] <= found["delta_covar"]) & (found["delta_covar"] <= found["high"])).all()


def test_delta_covar_of_correlated_normals_is_what_it_should_be():
    """Correlation .8: drawn from the conditional law itself, and far from zero."""
    found = covar(normal(3, 0.8, steps=40_000))
    rng = np.random.default_rng(9)
    x = rng.normal(size=2_000_000)
    y = 0.8 * x + 0.6 * rng.normal(size=x.size)
    bad = -np.quantile(y[x <= norm.ppf(QUANTILE)], QUANTILE)
    usual = -np.quantile(y[np.abs(x) < norm.ppf(0.5 + QUANTILE / 2)], QUANTILE)
    assert found.loc["dealers", "delta_covar"] == pytest.approx(10 * (bad - usual), rel=0.06)
    assert found.loc["levered", "delta_covar"] == pytest.approx(bad - usual, rel=0.06)
    assert found.loc["dealers", "low"] > 10


def test_intervals_are_the_same_every_time():
    """The seed of the resampling is fixed."""
    one, two = covar(normal(4, 0.5), draws=50), covar(normal(4, 0.5), draws=50)
    assert one.equals(two)


def test_recordings_pool_their_steps_and_no_jump_lies_between_them():
    """Two short runs have what one long one needs; the change from one to the next is nobody's."""
    runs = [normal(seed, 0.5, steps=1500) for seed in (5, 6)]
    with pytest.raises(Undefined, match="1500 steps are too few"):
        covar(runs[0])
    assert covar(runs, draws=0).shape == (2, 4)
    names, changes = equity_changes(runs)
    assert (names, [each.shape for each in changes]) == (["dealers", "levered"], [(2, 1500), (2, 1500)])


def test_recordings_of_other_steps_do_not_pool():
    """A change over two seconds is no change over one."""
    rng = np.random.default_rng(0)
    changes = {"dealers": rng.normal(size=9), "levered": rng.normal(size=9)}
    with pytest.raises(ValueError, match="same populations and step"):
        covar([equities(changes), equities(changes, step_seconds=2.0)])


def test_one_who_hardly_ever_moves_has_no_bad_steps():
    """Two steps of thousands with a loss: no quantile tells them from the rest."""
    rng = np.random.default_rng(7)
    rare = np.zeros(STEPS)
    rare[[100, 200]] = -5.0
    changes = {"dealers": rng.normal(size=STEPS), "levered": rng.normal(size=STEPS), "vaults": rare}
    found = covar(equities(changes), draws=20)
    assert found.loc["vaults", ["covar", "delta_covar", "low", "high"]].isna().all()
    assert found.loc["dealers"].notna().all()


def test_every_population_without_delta_covar_says_why():
    """It stands still, hardly ever moves, or nobody followed its equity: not all are the same."""
    rng = np.random.default_rng(7)
    rare, still = np.zeros(STEPS), np.zeros(STEPS)
    rare[[100, 200]] = -5.0
    changes = {"dealers": rng.normal(size=STEPS), "levered": rng.normal(size=STEPS)}
    found = measure(equities(changes | {"vaults": rare, "noise": still}), [delta_covar])
    assert found["delta_covar.dealers"]["value"] is not None
    assert found["delta_covar.vaults"]["reason"] == (
        "its equity hardly ever changes: it has no worst 5% of steps"
    )
    assert found["delta_covar.noise"]["reason"] == "its equity never changes"
    assert found["delta_covar.makers"]["reason"] == "the recording does not follow its equity"


def test_a_single_population_has_no_others():
    with pytest.raises(Undefined, match="fewer than two"):
        covar(equities({"dealers": np.ones(STEPS)}))
