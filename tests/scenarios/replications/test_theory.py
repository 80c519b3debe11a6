"""What theory says of feedback, in the market where it is exact."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios import market

STEPS, HORIZON = 16000, 200
SIGMA = 100.0 * 0.5 / np.sqrt(365 * 86400)  # of the news, a step


def paths(gamma):
    """Mid just before the hedge, mid at the end of the step, and exogenous value, of one long run."""
    overrides = {"time.steps": STEPS, "populations.dealers.exposure.gamma": gamma}
    series = market("linear_feedback", rng=11, **overrides).run().series
    return (series[f"X.{name}"].to_numpy() for name in ("mid_at_hedge", "mid", "value"))


def deviation(changes):
    """Standard deviation around zero and its relative Monte-Carlo error, from twenty blocks."""
    blocks = np.mean(np.square(changes[: len(changes) // 20 * 20]).reshape(20, -1), axis=1)
    return np.sqrt(blocks.mean()), 0.5 * blocks.std(ddof=1) / np.sqrt(20) / blocks.mean()


@pytest.mark.parametrize(
    ("gamma", "one_step", "after_hedges", "long_run"),
    [(-5.0, 1.1547, np.sqrt(2.25 + 0.0625 / 0.75), 2.0), (5.0, 1.1547, np.sqrt(0.25 + 0.0625 / 0.75), 2 / 3)],
)
def test_feedback_amplifies_volatility_as_theory_says(gamma, one_step, after_hedges, long_run):
    """Gain 0.5 and its long-gamma twin, lagged (Frey & Stremme 1997): within 2% and Monte-Carlo error."""
    before, after, value = paths(gamma)
    for path, expected in ((before, one_step), (after, after_hedges)):
        found, error = deviation(np.diff(path))
        assert error < 0.01
        assert found / SIGMA == pytest.approx(expected, rel=0.02 + 2 * error)

    changes = np.diff(before)
    autocorrelation = np.corrcoef(changes[1:], changes[:-1])[0, 1]
    assert autocorrelation == pytest.approx(-gamma / 10, abs=0.02 + 2 * np.sqrt(0.75 / STEPS))

    # The same news moves both, so their ratio is known better than either.
    moves = [path[HORIZON::HORIZON] - path[:-HORIZON:HORIZON] for path in (before, value)]
    ratio = np.sqrt(np.mean(moves[0] ** 2) / np.mean(moves[1] ** 2))
    squares = np.array([[np.mean(part**2) for part in np.array_split(move, 8)] for move in moves])
    error = np.std(np.sqrt(squares[0] / squares[1]), ddof=1) / np.sqrt(8) / ratio
    assert error < 0.01
    assert ratio == pytest.approx(long_run, rel=0.02 + 2 * error)


def test_hedgers_without_gamma_change_nothing():
    before, after, value = paths(0.0)
    assert before == pytest.approx(value, rel=1e-12)
    assert after == pytest.approx(value, rel=1e-12)
