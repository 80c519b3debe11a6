"""The scenario: what a file may say, read into a model that can be edited and built."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
import tomli_w
from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from analysis.base.arms import BASE
from scenarios.file import modules, overlays, override
from scenarios.file.arm import Arm
from scenarios.file.components import MARGIN_RULE
from scenarios.file.document import Document, changes
from scenarios.file.entries import Asset, Name, PopulationEntry, Shock, Values, VenueEntry
from scenarios.file.errors import Problem, ScenarioError, warn
from scenarios.file.explain import explain
from scenarios.file.files import as_text
from scenarios.file.retyping import retyped
from scenarios.file.sweep_schema import Sweep, errors
from scenarios.file.versions import NEWEST, newest
from sim.prices.correlation import square_root
from sim.setup.distributions import AnyDistribution
from sim.setup.files import File
from sim.setup.kinds import NotImported
from sim.setup.limits import LONGEST, MOST_ROWS, SHORTEST, WHOLE
from sim.setup.misfit import Misfit
from sim.setup.table import Parameters

Correlation = Annotated[float, Field(ge=-1, le=1)]

BY_HAND = "set in Python"
"""What messages call the place of a value that was changed after loading."""

LONGEST_STEP = 365 * 86400.0
"""Seconds."""


class Time(Parameters):
    """The clock of a run.

    Parameters
    ----------
    step_seconds : float
        A microsecond to a year.
    steps : int
    round_seconds : float
        What a round of liquidations takes.
    """

    step_seconds: float = Field(default=1.0, ge=SHORTEST, le=LONGEST_STEP)
    steps: int = Field(ge=1, le=MOST_ROWS)
    round_seconds: float = Field(default=1.0, ge=SHORTEST, le=LONGEST)


def _distinct(entries: list[Any]) -> list[Any]:
    """Validator: no two entries of a list share a name."""
    first: dict[str, int] = {}
    repeated: dict[tuple[str | int, ...], str] = {}
    for position, entry in enumerate(entries):
        if first.setdefault(entry.name, position) != position:
            repeated[position, "name"] = f'a second entry is named "{entry.name}"; names must differ'
    if repeated:
        raise errors(repeated)
    return entries


def _brought(files: list[File]) -> list[File]:
    """Validator: import the modules of the user's own that a scenario names."""
    wrong: dict[tuple[str | int, ...], str] = {(n,): what for n, what in modules.bring(files)}
    if wrong:
        raise errors(wrong)
    return files


class Scenario(Parameters):
    """One market and what happens to it.

    Fields may be changed after loading; `scenario["populations.dealers.count"] = 10`
    changes one by dotted key and checks it at once, other changes are checked when the
    market is built.
    """

    schema_version: int = Field(ge=1, le=NEWEST, description=f"{NEWEST}; `migrate` rewrites older files")
    name: Name
    description: str = ""
    seed: int = Field(default=1, ge=0, le=WHOLE)
    modules: Annotated[list[File], AfterValidator(_brought)] | None = None
    time: Time
    assets: Annotated[list[Asset], Field(min_length=1), AfterValidator(_distinct)]
    venues: Annotated[list[VenueEntry], Field(min_length=1), AfterValidator(_distinct)]
    populations: Annotated[list[PopulationEntry], AfterValidator(_distinct)] = Field(default_factory=list)
    shocks: list[Shock] = Field(default_factory=list)
    correlation: list[list[Correlation]] | None = None
    arms: dict[Name, Arm] = Field(default_factory=dict)
    sweep: Sweep | None = None
    uncertain: dict[str, AnyDistribution] | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="What is not known: distributions by dotted key, for `amplify --uncertain`",
    )
    _source: Document | None = PrivateAttr(default=None)

    @field_validator("correlation")
    @classmethod
    def _is_correlation(
        cls, rows: list[list[float]] | None, info: ValidationInfo
    ) -> list[list[float]] | None:
        count = len(info.data.get("assets", rows or []))
        if rows is None:
            return None
        if [len(row) for row in rows] != [count] * count:
            raise ValueError(f"needs {count} x {count} numbers: a row and a column for each asset")
        square_root(np.array(rows), count)
        return rows

    def __eq__(self, other: object) -> bool:
        """Whether every value is equal; where they came from does not count."""
        return isinstance(other, Scenario) and self.resolved() == other.resolved()

    def __getitem__(self, key: str) -> Any:
        """The value under a dotted key."""
        try:
            return override.locate(self.resolved(), key)
        except override.KeyProblem as problem:
            raise KeyError(f"{key}: {problem}") from problem

    def __setitem__(self, key: str, value: Any) -> None:
        """Set the value under a dotted key.

        Raises
        ------
        ScenarioError
            If the key is unknown or the value not allowed.
        """
        changed = parse(self._document().set({key: value}, BY_HAND), type(self))
        warn(changed.notes[len(self.notes) :])
        for name in type(self).model_fields:
            setattr(self, name, getattr(changed, name))
        self._source = changed._source

    def __reduce__(self) -> Any:
        """Travel to other processes as what the file says, with the code of the modules it names."""
        source = self._document()
        own = modules.sources(self.modules or ())
        return _received, (
            type(self),
            source.label,
            source.values,
            source.text,
            source.folder,
            source.set_paths,
            own,
        )

    @property
    def notes(self) -> list[Problem]:
        """What became of values that its file says, or that were set over it, and that it does not hold."""
        return self._source.notes if self._source else []

    @property
    def text(self) -> str:
        """The file that it was read from, as it is written; empty if there is none."""
        return self._source.text if self._source else ""

    def not_imported(self) -> list[str]:
        """Types whose module was not imported, because its code is not trusted (`scenarios.file.trust`).

        Those that an arm sets are among them.
        """
        entries = (*(asset.driver for asset in self.assets), *self.venues, *self.populations)
        missing = [entry.type for entry in entries if entry.factory is NotImported]
        for entry in entries:
            tables = vars(entry.parameters).values()
            unknown = [table for table in tables if isinstance(table, NotImported.Parameters)]
            missing += [str((table.model_extra or {})["type"]) for table in unknown]
        rules = [entry.margin for entry in self.populations if entry.margin is not None]
        missing += [rule for rule in rules if MARGIN_RULE.find(rule) is NotImported]
        plain = self.model_copy(update={"arms": {}})
        for name, arm in self.arms.items():
            if arm.overlay:
                missing += plain.set_over(arm.overlay, f"arms.{name}.set").not_imported()
        return list(dict.fromkeys(missing))

    def resolved(self) -> Values:
        """Every value, defaults written out, in the form of the file it can be loaded from."""
        values: Values = _without_none(self.model_dump(by_alias=True))
        return values

    def to_toml(self) -> str:
        """The resolved scenario as the text of a file."""
        return tomli_w.dumps(as_text(self.resolved(), str), multiline_strings=True)

    def digest(self, arm: str = BASE) -> str:
        """Hash of everything that decides a run: resolved scenario, seed, arm, bytes of files read.

        A file counts by what it holds, not by where it lies; the studies around a run do not count.
        """
        resolved = {key: value for key, value in self.resolved().items() if key not in overlays.STUDIES}
        values = as_text(resolved, lambda file: hashlib.sha256(Path(file).read_bytes()).hexdigest())
        text = json.dumps({"arm": arm, "scenario": values}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def checked(self) -> Scenario:
        """A copy in which every change since loading has been checked.

        Raises
        ------
        ScenarioError
            If a change is not allowed.
        """
        try:
            return parse(self._document(), type(self))
        except ScenarioError:
            return parse(self.located(), type(self))  # says of each value where it came from

    def broken(self, error: BaseException) -> ScenarioError | None:
        """What broke in the user's own code while the market was built; None if it broke elsewhere."""
        what = f"cannot be built: {modules.said(error)}"
        return ScenarioError(Problem(self._document().label, "", what)) if modules.blamed(error) else None

    def misfitting(self, error: ValueError) -> ScenarioError:
        """What kept the market from being built, at its place in the file."""
        misfit = error if isinstance(error, Misfit) else Misfit(str(error))
        problem = self.located().problem(misfit.key, str(misfit), misfit.found, misfit.allowed)
        return ScenarioError(problem)

    def overrides(self) -> Values:
        """What was set over the file, by dotted key; nothing where it says the same, or there is no file."""
        if self._source is None or not self._source.text:
            return {}
        document, original = self._document(), self._source.original()
        try:
            written = parse(original, type(self)).resolved()
        except ScenarioError:
            written = original.values
        return {document.key(path): _at(document.values, path) for path in changes(written, document.values)}

    def located(self) -> Document:
        """The resolved values, and where each came from; slow, for messages."""
        document = self._document()
        if self._source is not None:
            loaded = parse(self._source, type(self)).resolved()
            changed = dict.fromkeys(changes(loaded, document.values), BY_HAND)
            document.set_paths = {**changed, **document.set_paths}
        return document

    def overlaid(self, arm: str) -> Scenario:
        """The scenario with the values set that this arm of its own sets.

        Raises
        ------
        ScenarioError
            If a key is unknown or a value not allowed.
        """
        overlay = self.arms[arm].overlay if arm in self.arms else {}
        return self.set_over(overlay, f"arms.{arm}.set")

    def set_over(self, values: Values, origin: str) -> Scenario:
        """The scenario of a run with values set by dotted key, without its studies; itself if there are none.

        Parameters
        ----------
        values : dict of str to object
        origin : str
            What messages call the place they came from.

        Raises
        ------
        ScenarioError
            If a key is unknown or a value not allowed.
        """
        if not values:
            return self
        plain = self.model_copy(update=dict.fromkeys(overlays.STUDIES))
        return parse(plain._document().set(values, origin), type(self))

    def _document(self) -> Document:
        source = self._source or Document(self.name, {})
        return source.with_values(self.resolved())


Form = TypeVar("Form", bound=Scenario)
"""`Scenario`, or what does more than it."""


def parse(document: Document, form: type[Form]) -> Form:
    """Validate a document.

    Parameters
    ----------
    document : Document
    form : type of Scenario
        What to make of it.

    Raises
    ------
    ScenarioError
        With every problem found.
    """
    document = retyped(newest(document, form), form)
    names: dict[str, list[str]] = {"assets": [], "venues": [], "populations": []}
    names |= document.names()
    with modules.of_one_scenario():
        try:
            context = {"folder": document.folder, "names": names}
            scenario = form.model_validate(document.values, context=context)
            scenario._source = document
        except ValidationError as error:
            raise explain(error, form, document) from error
    own = (scenario.arms, scenario.sweep, scenario.uncertain or {})
    overlays.check(scenario.resolved, *own, document, lambda one: parse(one, form))
    return scenario


def _at(values: Any, path: tuple[str | int, ...]) -> Any:
    """The value at a path."""
    for part in path:
        values = values[part]
    return values


def _received(
    form: type[Form],
    label: str,
    values: Values,
    text: str,
    folder: Path,
    set_paths: dict[tuple[str | int, ...], str],
    code: dict[Path, bytes],
) -> Form:
    """The scenario that another process sent."""
    modules.receive(code)
    document = Document(label, values, text, folder)
    document.set_paths = set_paths
    return parse(document, form)


def _without_none(value: Any) -> Any:
    """The value without the keys that hold nothing, which TOML cannot write."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value
