"""Where the time of a step goes: microseconds by part of the market, each without the parts that it calls."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from sim.model import Model

REST = "the rest"


class StepProfile:
    """The time that the parts of a market take while it steps, from the second step on.

    Parameters
    ----------
    model : Model
        Before its first step, in which kernels may be compiled.
    clock : callable
        Gives the time, s.

    Attributes
    ----------
    seconds : dict of str to float
        By part; of a part that calls another one, its own alone.
    calls : dict of str to int
    """

    def __init__(self, model: Model, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._within: list[float] = []
        self._clock = clock
        for name, part, methods in _parts(model):
            for method in methods:
                setattr(part, method, self._timed(name, getattr(part, method)))
        self._model = model

    def step(self) -> None:
        """Run a step of the market."""
        self._timed(REST, self._model.step)()
        if self._model.steps_taken == 1:
            self.seconds.clear()
            self.calls.clear()

    def entry(self) -> dict[str, float]:
        """Microseconds a step by part, the largest first."""
        steps = max(self._model.steps_taken - 1, 1)
        rows = sorted(self.seconds.items(), key=lambda row: -row[1])
        return {name: 1e6 * seconds / steps for name, seconds in rows}

    def table(self) -> str:
        """Microseconds a step and share of each part, the largest first."""
        steps, entry = max(self._model.steps_taken - 1, 1), self.entry()
        total = sum(entry.values()) or 1.0
        rows = [f"{'part of a step':32}  {'us a step':>9}  {'share':>5}  {'calls a step':>12}"]
        for name, spent in entry.items():
            rows.append(f"{name:32}  {spent:9.1f}  {spent / total:5.0%}  {self.calls[name] / steps:12.2f}")
        return "\n".join([*rows, f"{'a step':32}  {total:9.1f}  {1:5.0%}"])

    def _timed(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """The same method, its time noted; what others take within it is theirs."""

        def timed(*arguments: Any, **named: Any) -> Any:
            began = self._clock()
            self._within.append(0.0)
            try:
                return method(*arguments, **named)
            finally:
                spent = self._clock() - began
                self.seconds[name] += spent - self._within.pop()
                self.calls[name] += 1
                if self._within:
                    self._within[-1] += spent

        return timed


def _parts(model: Model) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """Parts of a market by what they do, with the methods that do it."""
    for population in model.populations:
        yield f"decisions of {population.name}", population, ("decide",)
    for venue in model.venues:
        if venue.is_priced:
            yield f"quotes of {venue.name}", venue, ("observe", "start_step")
    for oracle in model.oracles:
        yield "index and mark", oracle, ("update",)
    yield "exogenous values", model.drivers, ("advance",)
    yield "orders sent", model.delivery, ("send",)
    yield "orders carried out", model.delivery, ("execute", "deliver", "wind")
    yield "margin", model.margin, ("reprice", "watch")
    yield "settlement and funding", model.settlement, ("publish", "expire", "fund")
    yield "conservation", model.ledger, ("check",)
    yield "recording", model.recorder, ("record",)
    yield "recording", model.depths, ("look",)
