"""What every policy says: the edges of a row's net delta, and what is traded beyond them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from sim.setup.draws import Draws
from sim.setup.kinds import Kind
from sim.setup.named import Named
from sim.setup.parameters import Fraction, Positive, Seconds, up_to
from sim.setup.wholeness import called_otherwise

POLICY = Kind("policy", "agents.hedging.policies", "agents.hedging.policies.base.Policy", is_bare=True)


class Policy(ABC):
    """When and how much to hedge, for the rows of one population.

    A subclass has `Parameters` and `decide`; each number among its parameters becomes a column of its
    own name, a value per row. In a module of one's own, `mine.py`, with `modules = ["mine.py"]` in the
    scenario and `hedging = {type = "mine.Asymmetric", up = 0.03}` in a population::

        from agents.hedging import Policy
        from sim.setup.parameters import Positive


        class Asymmetric(Policy):
            \"\"\"Lets delta rise further than it lets it fall; trades back to neutral.\"\"\"

            class Parameters(Policy.Parameters):
                up: Positive = 0.02
                down: Positive = 0.005

            def decide(self, columns, out):
                out["low"] = -self.down[columns["row"]] * columns["size"]
                out["high"] = self.up[columns["row"]] * columns["size"]
                out["trade"] = -(columns["held"] + columns["delta"])

            reach = decide

    Parameters
    ----------
    parameters : Policy.Parameters

    Attributes
    ----------
    needs : tuple of str
        Columns beyond `delta` that it reads, of those that exposures give: `gamma`, `vega`, `theta` and
        `adjusted_delta`, which `prepare` says the conditions of.
    state : mapping of str to (dtype, value)
        Columns that it keeps from look to look, and what they begin with; each becomes an attribute.
    reach : callable or None
        As `decide`: writes edges between which it will do nothing (`low`, `high`), and if these do not hold
        for good, `until` when and within what `span` of the price. Who is between them is not looked at.
        Without it every row is looked at; it may not depend on what `state` keeps.
    """

    needs: ClassVar[tuple[Literal["gamma", "vega", "theta", "adjusted_delta"], ...]] = ()
    state: ClassVar[Mapping[str, tuple[str, float]]] = {}
    reach: Callable[[np.ndarray, np.ndarray], None] | None = None

    class Parameters(Named):
        """What all policies have in common.

        Parameters
        ----------
        type : str
            A file of `agents.hedging.policies`, or the import path of a class of one's own.
        interval_seconds : float or distribution
            Time between looks. Rows look at different moments (their phases are drawn).
        response : float or distribution
            Share of what the policy would trade that is traded.
        max_units : float or distribution
            Largest order, units of the asset.
        max_slippage : float or distribution
            Worst price accepted, as a fraction of the mid; what is left waits for the next look.
        synchrony : float or distribution
            0 spreads the looks of rows evenly over their interval, 1 makes all look at once.
        """

        kind = POLICY
        usual = "band"

        interval_seconds: Seconds = 1.0
        response: Fraction = 1.0
        max_units: Positive = 1e12
        max_slippage: Annotated[Positive, up_to(1e3)] = 0.01
        synchrony: Fraction = 0.0

    interval_seconds: np.ndarray
    response: np.ndarray
    max_units: np.ndarray
    max_slippage: np.ndarray
    synchrony: np.ndarray

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        owners = [next(each for each in cls.__mro__ if name in vars(each)) for name in ("decide", "reach")]
        if cls.__mro__.index(owners[0]) < cls.__mro__.index(owners[1]):
            cls.reach = None  # that of a base is good for the edges of that base

    @classmethod
    def faults(cls) -> Iterator[str]:
        """What keeps it from being used: a `reach` of no use, columns that hide something or are none."""
        if cls.reach is not None:
            yield from called_otherwise(cls, "reach", Policy.decide)
        parameters = set(cls.Parameters.model_fields)
        for name in sorted(parameters & {*dir(Policy), "parameters"}):
            yield f"has a parameter named {name}, which a policy has of its own; give it another name"
        for name, column in sorted(cls.state.items()):
            if name in parameters or name in (*dir(cls), "parameters"):
                yield f"keeps a column named {name}, which it has of its own; give it another name"
            try:
                np.full(0, column[1], column[0])
            except (TypeError, ValueError) as error:
                yield f"keeps a column {name} of {column}: {error}"

    def __init__(self, parameters: Any) -> None:
        self.parameters = parameters

    def draw(self, draws: Draws, rows: int) -> None:
        """Make a column of each number among the parameters, and those that it keeps."""
        for name, column in draws.columns(self.parameters, "hedging", rows).items():
            setattr(self, name, column)
        for name, (dtype, value) in self.state.items():
            setattr(self, name, np.full(rows, value, dtype))

    def prepare(self, columns: np.ndarray) -> None:
        """Write into `k`, `load` and `later` what `adjusted_delta` is to be worked out for."""

    @abstractmethod
    def decide(self, columns: np.ndarray, out: np.ndarray) -> None:
        """Write edges and what is traded beyond them.

        Parameters
        ----------
        columns : ndarray of COLUMNS, shape (n,)
            The rows looked at (`agents.hedging.columns`).
        out : ndarray of DECISION, shape (n,)
            `low` and `high`, edges of the net delta `held` + `delta`; `trade`, units to buy where it is
            beyond them; `urgency`, 1 if not written.
        """
