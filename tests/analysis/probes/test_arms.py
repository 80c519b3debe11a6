"""Arms of a probe: verdicts on falls that are known, and what failures leave of them."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.probes.arms import NO, UNKNOWN, YES, compared
from analysis.probes.impact import Impact, Seed
from analysis.probes.observed import Probe, Schedule, World

SCHEDULE = Schedule(10.0, 10.0, (1.0,), 1.0)
SHARES, SEEDS = (0.01, 0.04, 0.16), 12


def impact(move, *, noise=0.05, failed=(), executed=None, seed=1):
    """Moves of a law with noise; `failed` are pairs of size and seed, `executed` a share by size."""
    rng = np.random.default_rng(seed)
    seeds = []
    for number in range(SEEDS):
        luck = np.exp(noise * rng.normal(size=len(SHARES)))
        probes = []
        for k, share in enumerate(SHARES):
            moves = [move(share) * luck[k]] * SCHEDULE.times.size
            done = executed[k] if executed else 1.0
            own = (-100 * share, done, (k, number) in failed, moves, 0.0, 0.0, True, True)
            probes.append(Probe(*own))
        seeds.append(Seed(World(100.0, 1e-4, 1.0, 100.0), probes))
    return Impact(SHARES, SCHEDULE, seeds)


def root(share):
    return 0.1 * share**0.5


def verdicts(own, *, arm="base"):
    found = compared({arm: own})["arms"][arm]
    return found["increases"], found["is_concave"]


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        (root, (YES, YES)),
        (lambda share: share**1.3, (YES, NO)),
        (lambda share: 0.1 * share, (YES, UNKNOWN)),
        (lambda share: 0.02, (UNKNOWN, YES)),
        (lambda share: 0.02 if share < 0.1 else 0.01, (NO, YES)),
    ],
    ids=["root", "convex", "linear", "capped", "falling"],
)
def test_a_law_is_told(law, expected):
    assert verdicts(impact(law)) == expected


def test_moves_of_failed_markets_show_that_a_fall_grows_and_not_that_it_does_not():
    """A failure at the largest size makes its move a lower bound; at the smallest size nothing follows."""
    assert verdicts(impact(root, failed=[(2, 3)])) == (YES, UNKNOWN)
    assert verdicts(impact(root, failed=[(0, 3)])) == (UNKNOWN, UNKNOWN)
    assert verdicts(impact(lambda share: 0.02 if share < 0.1 else 0.01, failed=[(2, 3)]))[0] == UNKNOWN


def test_base_over_muted_is_told_size_by_size_and_says_when_it_is_a_bound():
    base, muted = impact(lambda share: 2 * root(share), noise=0.01), impact(root, noise=0.01)
    found = compared({"base": base, "muted": muted})
    assert [each["value"] for each in found["ratios"]] == pytest.approx([2.0] * 3)
    assert [each.get("bound") for each in found["ratios"]] == [None] * 3
    assert found["executed_alike"]
    lost = impact(lambda share: 2 * root(share), noise=0.01, failed=[(2, 5)])
    ratios = compared({"base": lost, "muted": muted})["ratios"]
    assert [each.get("bound") for each in ratios] == [None, None, "lower"]
    assert compared({"base": base, "wide": muted})["ratios"] == []


def test_sales_that_one_arm_did_not_execute_are_not_alike():
    part = impact(root, executed=(1.0, 1.0, 0.9))
    found = compared({"base": part, "muted": impact(root)})
    assert not found["executed_alike"]
    assert found["ratios"][2]["bound"] == "lower"
    assert found["arms"]["base"]["sizes"][2]["executed_in_part"] == SEEDS
    assert found["arms"]["base"]["sizes"][2]["executed"] == pytest.approx(0.9)
