"""Python's share of a step: what is left when the work inside compiled kernels is taken out.

While a model steps, every kernel that Python can reach through a module of `sim` or
`agents`, or has prepared, is replaced by a stopwatch that calls it. From the time of the steps
we take

- the time inside the stopwatches' calls, and
- what a stopwatch costs outside its own call, measured on one that does nothing,

and give back, for every call, the time of an empty kernel called with the very same
arguments: handing arguments over is Python's cost and not the kernel's. What remains is
Mesa, the model, populations and venues between kernels, numpy calls made from Python, and
the calls themselves.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import numba
from numba.core.dispatcher import Dispatcher

from scenarios.benchmarks.measurement import measurement
from scenarios.benchmarks.rows import Goal, Row, Spread
from sim.base.jit import OPTIONS
from sim.base.packages import may_hold_kernels
from sim.base.typed_call import TypedCall

SCENARIO = "short_gamma_crash"
SHOCK_SECONDS = 600.0
CALM_AFTER = 60
STEPS = 50
REPEATS = 7
EMPTY_CALLS = 2_000


class Stopwatch:
    """Stands in for a function and adds up the time inside its calls.

    Parameters
    ----------
    function : callable

    Attributes
    ----------
    seconds : float
    calls : int
    arguments : tuple
        Those of the last call.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.arguments: tuple[Any, ...] = ()
        self.reset()

    def reset(self) -> None:
        """Start from zero."""
        self.seconds, self.calls = 0.0, 0

    def __call__(self, *arguments: Any) -> Any:
        """Call the function and time it."""
        started = time.perf_counter()
        result = self.function(*arguments)
        self.seconds += time.perf_counter() - started
        self.calls += 1
        self.arguments = arguments
        return result


@dataclass(frozen=True)
class Share:
    """Python's time in one step.

    Parameters
    ----------
    seconds : float
        Outside kernels, calls included.
    calls_seconds : float
        Of it, handing arguments to kernels.
    calls : float
        Kernel calls.
    step_seconds : float
        The whole step, without stopwatches.
    """

    seconds: float
    calls_seconds: float
    calls: float
    step_seconds: float


def reachable() -> Iterator[tuple[Any, str, Callable[..., Any]]]:
    """Yield every kernel that Python calls, with the object and the attribute it is called by."""
    for module in [m for name, m in sorted(sys.modules.items()) if may_hold_kernels(name)]:
        for name, value in list(vars(module).items()):
            if isinstance(value, Dispatcher):
                yield module, name, value
    for found in [each for each in gc.get_objects() if type(each) is TypedCall]:
        if found.is_settled:
            yield found, "call", found.call


@contextmanager
def watched() -> Iterator[list[Stopwatch]]:
    """Put a stopwatch on every kernel that Python reaches."""
    watches: dict[int, Stopwatch] = {}
    replaced = list(reachable())
    for owner, name, value in replaced:
        setattr(owner, name, watches.setdefault(id(value), Stopwatch(value)))
    try:
        yield list(watches.values())
    finally:
        for owner, name, value in replaced:
            setattr(owner, name, value)


def empty_call_seconds(watch: Stopwatch, repeats: int = 5) -> float:
    """What a stopwatch reads, per call, on a kernel that takes its arguments and does nothing."""
    names = ", ".join(f"a{i}" for i in range(len(watch.arguments)))
    empty = numba.njit(**OPTIONS)(eval(f"lambda {names}: 0"))
    empty(*watch.arguments)
    if not isinstance(watch.function, Dispatcher):
        empty = next(iter(empty.overloads.values())).entry_point
    other = Stopwatch(empty)
    return median(_each(other, watch.arguments) for _ in range(repeats))


def stopwatch_seconds(repeats: int = 5) -> float:
    """What a stopwatch costs outside what it reads, per call."""

    def lost() -> float:
        watch, started = Stopwatch(lambda *_: 0), time.perf_counter()
        for _ in range(EMPTY_CALLS):
            watch(1, 2, 3)
        return (time.perf_counter() - started - watch.seconds) / EMPTY_CALLS

    return median(lost() for _ in range(repeats))


def _each(watch: Stopwatch, arguments: tuple[Any, ...]) -> float:
    watch.reset()
    for _ in range(EMPTY_CALLS // 4):
        watch(*arguments)
    return watch.seconds / watch.calls


def shares(model: Any, steps: int, repeats: int) -> list[Share]:
    """Python's share in each of some stretches of steps.

    Parameters
    ----------
    model : Model
        Warm: every kernel it needs is loaded.
    steps, repeats : int
        Steps a stretch, stretches.
    """
    with watched() as watches:
        spent = [_stretch(model, steps, watches) for _ in range(repeats)]
    lost = stopwatch_seconds()
    empty = {id(watch): empty_call_seconds(watch) for watch in watches if watch.arguments}
    return [_share(total, inside, lost, empty, steps) for total, inside in spent]


Inside = dict[int, tuple[float, int]]
"""Seconds and calls by stopwatch."""


def _stretch(model: Any, steps: int, watches: list[Stopwatch]) -> tuple[float, Inside]:
    for watch in watches:
        watch.reset()
    started = time.perf_counter()
    for _ in range(steps):
        model.step()
    elapsed = time.perf_counter() - started
    return elapsed, {id(watch): (watch.seconds, watch.calls) for watch in watches if watch.calls}


def _share(total: float, inside: Inside, lost: float, empty: dict[int, float], steps: int) -> Share:
    """Python's share of a stretch; see the module for the reckoning."""
    calls = sum(n for _, n in inside.values())
    in_calls = sum(empty[watch] * n for watch, (_, n) in inside.items())
    unwatched = total - calls * lost
    outside = unwatched - sum(seconds for seconds, _ in inside.values())
    return Share((outside + in_calls) / steps, in_calls / steps, calls / steps, unwatched / steps)


@measurement("python", 40)
def outside_kernels(repeats: int = REPEATS) -> Iterator[Row]:
    """Yield Python's share of a step of the crash scenario, before the shock and after it."""
    from scenarios.build.loading import load

    scenario = load(SCENARIO)
    warm = scenario.market()
    while warm.time < SHOCK_SECONDS + STEPS * repeats:
        warm.step()
    model = scenario.market()
    populations, venues = len(model.populations), len(model.venues)
    goal = Goal(100, 40, more_is_better=False)
    for name, start in (("calm", CALM_AFTER), ("crash", SHOCK_SECONDS)):
        while model.time < start:
            model.step()
        found = shares(model, STEPS, repeats)
        spread = Spread.of([1e6 * share.seconds for share in found])
        calls = median(share.calls_seconds for share in found)
        yield Row(
            f"Python a step, {populations} populations, {venues} venues, {name}",
            spread,
            "us",
            goal,
            f"{1e6 * calls:.0f} us in {median(s.calls for s in found):.0f} calls",
            f"of {1e6 * median(s.step_seconds for s in found):.0f} us",
        )
