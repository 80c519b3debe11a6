"""Clearing vectors and DebtRank: worked cases, and what holds in every network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from analysis.contagion.clearing import clearing_vector, debtrank, systemic_loss

OWED = np.array([[0.0, 6, 4], [3, 0, 5], [2, 4, 0]])


@pytest.mark.parametrize(
    ("external", "payments", "defaults", "rounds"),
    [
        ((1, 2, 1), (6, 8, 6), [True, False, False], 1),
        ((0.5, 0.5, 0.5), (5.403226, 7.741935, 6), [True, True, False], 2),
        ((2, 0, 0), (7, 8, 6), [True, False, False], 1),
        ((20, 20, 20), (10, 8, 6), [False, False, False], 0),
    ],
)
def test_three_banks_clear_as_published(external, payments, defaults, rounds):
    """Who fails, in how many rounds, and what all pay."""
    found = clearing_vector(OWED, external)
    assert found.payments == pytest.approx(payments, abs=5e-7)
    assert found.is_default.tolist() == defaults
    assert found.rounds == rounds


def test_losses_are_borne_by_those_who_are_owed():
    """e = (1, 2, 1): the first pays 6 of 10, so the second lacks 2.4 and the third 1.6."""
    found = clearing_vector(OWED, (1, 2, 1))
    assert found.paid_in_full == pytest.approx([-4, 4, 4])
    assert found.equity == pytest.approx([0, 1.6, 2.4])
    assert found.losses == pytest.approx([0, 2.4, 1.6])


def test_a_default_passes_through_who_had_nothing_to_spare():
    """A chain: the first pays nothing, so the second cannot, and the third bears it all."""
    chain = np.array([[0.0, 5, 0], [0, 0, 5], [0, 0, 0]])
    found = clearing_vector(chain, (0, 0, 0))
    assert found.payments.tolist() == [0, 0, 0]
    assert (found.rounds, found.losses.tolist()) == (2, [0, 0, 5])


def test_two_who_owe_each_other_and_own_nothing_pay_what_they_can():
    """The greatest clearing vector, of the many there are: 5 each way."""
    found = clearing_vector([[0, 10], [5, 0]], (0, 0))
    assert found.payments == pytest.approx([5, 5])
    assert found.is_default.tolist() == [True, False]


def networks(nodes):
    """Debts among so many nodes, and what each has from outside."""
    amounts = st.one_of(st.just(0.0), st.floats(0.01, 100))
    debts = arrays(float, (nodes, nodes), elements=amounts).map(lambda owed: owed - np.diag(np.diag(owed)))
    return st.tuples(debts, arrays(float, nodes, elements=amounts))


@given(network=st.integers(1, 6).flatmap(networks))
@settings(deadline=None)
def test_every_network_clears_by_the_three_rules(network):
    """Nobody pays more than it has or owes, who fails keeps nothing, and losses are conserved."""
    owed, external = network
    found, due = clearing_vector(owed, external), owed.sum(axis=1)
    shares = np.divide(owed, due[:, None], out=np.zeros_like(owed), where=due[:, None] > 0)
    has = external + shares.T @ found.payments
    scale = 1e-9 * (1 + due.max())
    assert found.payments == pytest.approx(np.minimum(due, has), abs=scale)
    assert np.all(found.equity >= 0)
    assert np.all(found.equity[found.is_default] == 0)
    assert found.losses.sum() == pytest.approx(np.maximum(0, -found.paid_in_full).sum(), abs=100 * scale)

    falling = due
    for _ in range(20_000):  # from all that is owed downwards, to the greatest fixed point
        after = np.minimum(due, external + shares.T @ falling)
        if np.abs(after - falling).max(initial=0.0) < 1e-13:
            break
        falling = after
    else:
        # Nearly closed circles of debt converge too slowly to wait for: the limit lies below.
        assert np.all(found.payments <= falling + scale)
        return
    assert found.payments == pytest.approx(falling, abs=1e-6 * (1 + due.max()))


def test_sparse_networks_clear_like_dense_ones():
    """The same three banks, stored by their debts alone."""
    dense, thin = (clearing_vector(kind(OWED), (1, 1, 0)) for kind in (np.array, sparse.coo_array))
    assert thin.payments == pytest.approx(dense.payments)


@pytest.mark.parametrize(
    ("debts", "external", "reason"),
    [
        (OWED, (1, 2), "2 nodes needs a square matrix"),
        (-OWED, (1, 2, 1), "matrix holds -6"),
        (OWED, (1, -2, 1), "column holds -2"),
        (np.where(OWED > 0, np.inf, 0.0), (1, 2, 1), "finite"),
    ],
)
def test_what_is_no_network_is_refused(debts, external, reason):
    with pytest.raises(ValueError, match=reason):
        clearing_vector(debts, external)


def test_debtrank_of_the_worked_cases():
    """Two nodes and three, in the linear limit."""
    assert debtrank([[0, 0.5], [0.5, 0]], (0.2, 0)) == pytest.approx([0.26667, 0.13333], abs=5e-6)
    three = [[0, 0.3, 0.2], [0.4, 0, 0.1], [0.25, 0.35, 0]]
    assert debtrank(three, (0.1, 0, 0)) == pytest.approx([0.12706, 0.05596, 0.05135], abs=5e-6)


def test_distress_told_once_ends_with_its_first_echo():
    """Battiston et al. 2012 on two nodes: .1 comes back as .05, and that is all."""
    assert debtrank([[0, 0.5], [0.5, 0]], (0.2, 0), once=True) == pytest.approx([0.25, 0.1])


@given(network=networks(4), shocks=arrays(float, 4, elements=st.floats(0, 1)), scale=st.floats(0.001, 0.1))
@settings(deadline=None)
def test_distress_only_grows_and_never_beyond_all(network, shocks, scale):
    """Told once it spreads less than told again and again, and its fixed point is one."""
    exposures = scale * network[0]
    told_once, told = debtrank(exposures, shocks, once=True), debtrank(exposures, shocks)
    assert np.all(shocks <= told_once + 1e-15)
    assert np.all(told_once <= told + 1e-9)
    assert np.all(told <= 1)
    assert told == pytest.approx(np.minimum(1, shocks + exposures @ told), abs=1e-9)


def test_the_systemic_loss_counts_what_spreading_added():
    """Of equities 100 and 300: .0667 of the first and .1333 of the second."""
    first, exposures = np.array([0.2, 0.0]), [[0, 0.5], [0.5, 0]]
    added = systemic_loss(debtrank(exposures, first), first, (100, 300))
    assert added == pytest.approx((0.2 / 3 * 100 + 0.4 / 3 * 300) / 400)
    with pytest.raises(ValueError, match="nobody"):
        systemic_loss(first, first, (0, 0))
    with pytest.raises(ValueError, match=r"a loss is 1\.5"):
        debtrank(exposures, (1.5, 0))
