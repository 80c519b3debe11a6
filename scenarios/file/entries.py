"""Entries: the tables a scenario lists, of assets, venues, populations and shocks.

Every entry that has a `type` (a venue, a population, a driver) is one flat table in the
file. Its model keeps the keys that all such entries share, and the rest as `parameters`,
an instance of the `Parameters` of the class that the type names.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    Field,
    PrivateAttr,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from scenarios.file import modules
from scenarios.file.components import DRIVER, MARGIN_RULE, POPULATION, VENUE
from scenarios.file.sweep_schema import errors
from sim.accounts.delivery_price import Delivery
from sim.accounts.margin.requirement import Requirement
from sim.accounts.settlement import Funding
from sim.prices.oracle import Index, Mark
from sim.setup.kinds import Kind
from sim.setup.limits import FINEST, HIGHEST_PRICE, LONGEST, MOST_PIECES, MOST_ROWS, MOST_UNITS
from sim.setup.listing import SHOCKS, SYSTEM, Smile
from sim.setup.parameters import AssetName
from sim.setup.table import Parameters

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=64)]
Class = type[Any]
Values = dict[str, Any]

RESERVED = (*SYSTEM, SHOCKS)


class Entry(Parameters):
    """A table whose `type` names the class it is about."""

    kind: ClassVar[Kind]

    type: str
    parameters: SerializeAsAny[Parameters]
    _class: tuple[str, Class] | None = PrivateAttr(default=None)

    @property
    def factory(self) -> Class:
        """The class that `type` names: the one that its parameters were read for."""
        if self._class is None or self._class[0] != self.type:
            self._class = self.type, self.kind.find(self.type)
        return self._class[1]

    @classmethod
    def parameters_of(cls, table: Values) -> Class:
        """Model of the keys that only this type of entry has."""
        model: Class = cls.kind.find(table["type"]).Parameters
        return model

    @model_validator(mode="before")
    @classmethod
    def _split(cls, table: Any) -> Any:
        if not isinstance(table, dict):
            return table
        shared = {
            key: value for key, value in table.items() if key in cls.model_fields and key != "parameters"
        }
        return shared | {"parameters": {key: table[key] for key in table if key not in shared}}

    @field_validator("type")
    @classmethod
    def _is_known(cls, path: str) -> str:
        cls.kind.find(path)
        return path

    @field_validator("parameters", mode="wrap")
    @classmethod
    def _of_type(cls, table: Any, _: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Parameters:
        if "type" not in info.data:
            return Parameters()
        model = cls.parameters_of(info.data)
        try:
            parameters: Parameters = model.model_validate(table, context=info.context)
        except (ValueError, AssertionError):
            raise
        except (Exception, SystemExit) as error:  # a validator of the user's broke
            if not modules.blamed(error):
                raise
            raise ValueError(f"cannot be checked: {modules.said(error)}") from error
        return parameters

    @model_validator(mode="after")
    def _keeps_its_class(self) -> Self:
        """Two scenarios in one process may name different files of one name."""
        self._class = self.type, self.kind.find(self.type)
        return self

    @model_serializer(mode="wrap")
    def _flat(self, inner: SerializerFunctionWrapHandler) -> Values:
        table: Values = inner(self)
        parameters = table.pop("parameters")
        name = {"name": table.pop("name")} if "name" in table else {}
        return {**name, **table, **parameters}


class Driver(Entry):
    """What moves an asset's exogenous value."""

    kind = DRIVER


class Asset(Parameters):
    """Something traded, its exogenous value, and the rules its instruments go by."""

    name: Name
    spot: float = Field(ge=FINEST, le=HIGHEST_PRICE)
    driver: Driver
    index: Index = Field(default_factory=Index)
    mark: Mark = Field(default_factory=Mark)
    funding: Funding = Field(default_factory=Funding)
    margin: Requirement = Field(default_factory=Requirement)
    smile: Smile = Field(default_factory=Smile)
    delivery: Delivery = Field(default_factory=Delivery)


class VenueEntry(Entry):
    """A venue; one whose class sets `needs_asset = False` may leave the asset out."""

    kind = VENUE

    name: Name
    asset: AssetName | None = None
    instrument: Literal["spot", "perpetual"] | None = None

    @model_validator(mode="after")
    def _has_asset(self) -> Self:
        if self.asset is None and getattr(self.factory, "needs_asset", True):
            raise errors({("asset",): "missing"})
        return self

    @property
    def traded(self) -> str:
        """What is traded: "spot", "perpetual" or "" for neither."""
        return self.instrument or str(getattr(self.factory, "trades", ""))

    @property
    def lot(self) -> float:
        """Units in a lot of what is traded; 0 where the venue trades nothing by lots."""
        return float(getattr(self.parameters, "lot", 0.0))


class PopulationEntry(Entry):
    """`count` participants of one type, under the margin rule `margin` if it is not the type's own."""

    kind = POPULATION

    name: Name
    count: int = Field(default=1, ge=1, le=MOST_ROWS)
    margin: str | None = None

    @field_validator("margin")
    @classmethod
    def _is_a_rule(cls, path: str | None) -> str | None:
        if path is not None:
            MARGIN_RULE.find(path)
        return path

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str, info: ValidationInfo) -> str:
        venues = (info.context or {}).get("names", {}).get("venues", [])
        if name in (*RESERVED, *venues):
            raise ValueError(f"is taken by a venue or by what every market has: {', '.join(RESERVED)}")
        return name


class MarketOrder(Parameters):
    """An outsider's market order; `qty` in units of the asset, below zero sells.

    With `over_seconds` it is spread evenly, an order a second. In a book each trades as far as
    `protection_bps` beyond the best price; what is left stays there, and follows that until it is filled.
    """

    at: float = Field(ge=0, le=LONGEST)
    type: Literal["market_order"]
    asset: AssetName
    qty: float = Field(ge=-MOST_UNITS, le=MOST_UNITS)
    over_seconds: float = Field(default=0.0, ge=0, le=MOST_PIECES)
    protection_bps: float = Field(default=20.0, gt=0, lt=1e4)

    @field_validator("qty")
    @classmethod
    def _is_an_order(cls, qty: float) -> float:
        if qty == 0:
            raise ValueError("an order of nothing; above 0 buys, below 0 sells")
        return qty


class ValueShock(Parameters):
    """A jump of the exogenous value by a simple return, -0.05 for a fall of 5%."""

    at: float = Field(ge=0, le=LONGEST)
    type: Literal["value"]
    asset: AssetName
    change: float = Field(alias="return", gt=-1, le=1e6)


Shock = Annotated[MarketOrder | ValueShock, Field(discriminator="type")]
