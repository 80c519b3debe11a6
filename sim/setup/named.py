"""A table whose `type` names a class, the rest of it being what the `Parameters` of that class say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import (
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import InitErrorDetails

from sim.setup.kinds import Kind
from sim.setup.misfit import Misfit
from sim.setup.table import Parameters


class Named(Parameters):
    """Base of the `Parameters` of what a scenario names by the `type` of a table of its own.

    The base class of each kind of thing has a `Parameters` derived from this one, which says what all
    types have in common, and a field annotated with it takes the table of any type.

    Attributes
    ----------
    kind : Kind
        What `type` may name.
    usual : str
        The type of a table that names none; empty if each must.
    """

    kind: ClassVar[Kind]
    usual: ClassVar[str] = ""

    type: str = ""
    _class: Any = PrivateAttr(default=None)

    def made(self) -> Any:
        """An object of the class that `type` names, with these parameters."""
        return self._class(self)

    @classmethod
    def default(cls) -> Self:
        """What a table says that names nothing."""
        return cls.model_validate({})

    @classmethod
    def class_of(cls, table: Mapping[str, Any]) -> Any:
        """The class that the `type` of a table names.

        Raises
        ------
        ValueError
            If there is none.
        """
        if not isinstance(table, Mapping):
            raise Misfit(f"found {table}", allowed=["a table"])
        name = table.get("type", cls.usual)
        if name == "":
            raise Misfit("missing", allowed=[short for short, _ in cls.kind.classes()])
        if not isinstance(name, str):
            raise Misfit(f"found {name}", allowed=["text"])
        return cls.kind.find(name)

    @model_validator(mode="wrap")
    @classmethod
    def _of_its_type(cls, table: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        if not isinstance(table, dict):
            return handler(table)
        try:
            found = cls.class_of(table)
        except ValueError as error:
            raise _at_type(error, table) from error
        named = {**table, "type": table.get("type", cls.usual)}
        if found.Parameters is not cls:
            own: Self = found.Parameters.model_validate(named, context=info.context)
            return own
        own = handler(named)
        own._class = found
        return own


def _at_type(error: ValueError, table: Mapping[str, Any]) -> ValidationError:
    """What is wrong with the type of a table, at its place."""
    where = InitErrorDetails(type="value_error", ctx={"error": error}, loc=("type",), input=table.get("type"))
    return ValidationError.from_exception_data("type", [where])
