"""From pydantic's errors to problems in the words of the scenario file.

pydantic says where an error is by the path it took through the models: labels of union
branches, the nested table of an entry's parameters. A walk along the same path through
the models' annotations leaves out what is not in the file, and finds the keys that are
allowed where one is unknown.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from scenarios.file.document import Document
from scenarios.file.errors import Problem, ScenarioError, shown
from scenarios.file.toml import Path
from sim.setup.distributions import Distribution
from sim.setup.misfit import Misfit
from sim.setup.named import Named

WRONG_TYPE = {
    "bool_type": "true or false",
    "dict_type": "a table",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_attributes_type": "a table",
    "model_type": "a table",
    "string_type": "text",
    "tuple_type": "a list",
}
OUT_OF_RANGE = {
    "finite_number": "a finite number",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "int_parsing_size": "a smaller whole number",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "string_pattern_mismatch": "letters, digits, _ and -",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "at least {min_length} characters",
    "too_long": "at most {max_length} {entries}",
    "too_short": "at least {min_length} {entries}",
}

EXAMINED = 100
"""So many errors are explained; who has more reads no more."""


@dataclass(frozen=True)
class Place:
    """Where a walk along an error's location has come to.

    Parameters
    ----------
    annotation : type
        What may stand here.
    value : object
        What stands here.
    path : tuple of str and int
        The way here in the file.
    unions : tuple of paths
        Places on the way at which several types are allowed.
    keys : tuple of str
        Keys that the table around this place may have.
    shared_keys : tuple of str
        Keys of an entry, while the walk is in the nested table of its parameters.
    """

    annotation: Any
    value: Any
    path: Path = ()
    unions: tuple[Path, ...] = ()
    keys: tuple[str, ...] = ()
    shared_keys: tuple[str, ...] = ()

    def entered(self, part: str | int) -> Place:
        """The place one part of the location further."""
        annotation = _plain(self.annotation)
        members = _members(annotation)
        if len(members) > 1:
            unions = (*self.unions, self.path)
            return replace(self, annotation=_member(members, str(part)), unions=unions)
        if part == "[key]":
            return self
        if _is_model(annotation) and part == "parameters" and hasattr(annotation, "parameters_of"):
            shared = tuple(key for key in _keys(annotation) if key != "parameters")
            return replace(self, annotation=annotation.parameters_of(self.value), shared_keys=shared)
        return self._inside(annotation, part)

    def at(self, part: str | int) -> Place:
        """The place of a key or an entry of the file: the next on a walk along a path, not a location.

        Raises
        ------
        ValueError, LookupError, TypeError
            If the `type` of a table on the way is missing, or names nothing.
        """
        place = self._chosen()
        annotation = _plain(place.annotation)
        is_entry = _is_model(annotation) and hasattr(annotation, "parameters_of")
        if is_entry and part not in _keys(annotation):
            place = place.entered("parameters")
        return place.entered(part)

    def table_keys(self) -> tuple[str, ...] | None:
        """Keys that the table here may have, by its type; None if any or if that is not known."""
        place = self._chosen()
        if hasattr(place.annotation, "parameters_of"):
            place = place.entered("parameters")
        model = _plain(place.annotation)
        if not _is_model(model) or model.model_config.get("extra") == "allow":
            return None
        return place.shared_keys + _keys(model)

    def _chosen(self) -> Place:
        """The place with the type that the value names, where several are allowed."""
        annotation, tag = _plain(self.annotation), _item(self.value, "type")
        if hasattr(annotation, "class_of"):
            return replace(self, annotation=annotation.class_of(self.value).Parameters)
        members = _members(annotation)
        if len(members) > 1 and any(tag in _tags(each) for each in members):
            return self.entered(tag)
        return replace(self, annotation=annotation if len(members) == 1 else Any)

    def _inside(self, annotation: Any, part: str | int) -> Place:
        is_model = _is_model(annotation)
        if is_model and issubclass(annotation, Named) and part != "type":
            annotation = annotation.class_of(self.value).Parameters
        return Place(
            annotation=_field(annotation, str(part)) if is_model else (get_args(annotation) or (Any,))[-1],
            value=_item(self.value, part),
            path=(*self.path, part),
            unions=self.unions,
            keys=self.shared_keys + _keys(annotation) if is_model else (),
        )


def explain(error: ValidationError, model: type[BaseModel], document: Document) -> ScenarioError:
    """Translate every error that pydantic found, each with its line.

    Parameters
    ----------
    error : ValidationError
    model : type
        The model that the document was validated by.
    document : Document
    """
    found = []
    for details in map(_typed, error.errors(include_url=False)[:EXAMINED]):
        place = Place(model, document.values)
        for part in details["loc"]:
            place = place.entered(part)
        found.append((details, place))
    problems = [_problem(details, place, document) for details, place in _merged(found)]
    return ScenarioError(sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0))


def keys_at(model: type[BaseModel], values: Any, path: Path) -> tuple[str, ...] | None:
    """Keys that the table at a path of a file may have, by its `type`; None if that is not known.

    Parameters
    ----------
    model : type
        Of the whole file.
    values : dict
        Not validated.
    path : tuple of str and int
    """
    place = Place(model, values)
    try:
        for part in path:
            place = place.at(part)
        return place.table_keys()
    except (ValueError, LookupError, TypeError):
        return None


def _typed(details: ErrorDetails) -> ErrorDetails:
    """The error; a value that is no table lacks no tag but is of the wrong type."""
    lacks_tag = details["type"] == "union_tag_not_found"
    if lacks_tag and not isinstance(details["input"], dict | BaseModel):
        return {**details, "type": "model_attributes_type", "ctx": {}}
    return details


def _merged(found: list[tuple[ErrorDetails, Place]]) -> Iterable[tuple[ErrorDetails, Place]]:
    """Of the errors in the branches of one union keep those of the branch that was meant."""
    is_type = [details["type"] in WRONG_TYPE and place.path in place.unions for details, place in found]
    meant = {
        union for (_, place), wrong in zip(found, is_type, strict=True) if not wrong for union in place.unions
    }
    shown_already: set[Path] = set()
    for (details, place), wrong in zip(found, is_type, strict=True):
        if not wrong:
            yield details, place
        elif place.path not in meant | shown_already:
            shown_already.add(place.path)
            same = [other for other in found if other[1].path == place.path]
            words = " or ".join(dict.fromkeys(_expected(*other) for other in same))
            yield {**details, "ctx": {"expected": words}}, place


def _problem(details: ErrorDetails, place: Place, document: Document) -> Problem:
    kind, path = details["type"], place.path
    if kind.startswith("union_tag"):
        path = (*path, details["ctx"]["discriminator"].strip("'"))
    what, found, allowed = _words(details, place)
    return document.problem(path, what, found, allowed, is_missing=what == "missing")


def _words(details: ErrorDetails, place: Place) -> tuple[str, str, tuple[str, ...]]:
    """What is wrong, what was found, what is allowed."""
    kind, context = details["type"], details.get("ctx", {})
    found = shown(details["input"])
    if kind == "missing":
        return "missing", "", ()
    if kind == "extra_forbidden":
        return "unknown key", shown(place.path[-1]), place.keys
    if kind == "union_tag_not_found":
        return "missing", "", _tags(place.annotation)
    if kind == "union_tag_invalid":
        return f"found {shown(context['tag'])}", shown(context["tag"]), _tags(place.annotation)
    if kind == "literal_error":
        return f"found {found}", found, tuple(map(str, get_args(_plain(place.annotation))))
    if kind in WRONG_TYPE:
        return f"found {found}", "", (context.get("expected") or _expected(details, place),)
    if kind in OUT_OF_RANGE:
        one = 1 in (context.get("min_length"), context.get("max_length"))
        words = {"entries": "entry" if one else "entries", **_short(context)}
        return f"found {found}", "", (OUT_OF_RANGE[kind].format(**words),)
    return _said(details, found, context.get("error"))


def _said(details: ErrorDetails, found: str, error: Any) -> tuple[str, str, tuple[str, ...]]:
    """The words of a validator of ours."""
    if isinstance(error, Misfit):
        return str(error), error.found, error.allowed
    message = str(error) if error is not None else details["msg"].replace("Input should be", "must be")
    is_plain = isinstance(details["input"], int | float | str) and found.strip('"') not in message
    return f"found {found}; {message}" if is_plain else message, "", ()


def _expected(details: ErrorDetails, place: Place) -> str:
    members = [_plain(member) for member in _members(_plain(place.annotation))]
    if details["type"].startswith("model") and any(
        _is_model(m) and issubclass(m, Distribution) for m in members
    ):
        return "a distribution"
    return WRONG_TYPE[details["type"]]


def _short(context: dict[str, Any]) -> dict[str, Any]:
    return {key: f"{value:g}" if isinstance(value, float) else value for key, value in context.items()}


def _keys(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(info.alias or name for name, info in model.model_fields.items())


def _field(model: type[BaseModel], part: str) -> Any:
    """Annotation of the field that a file calls `part`."""
    fields = model.model_fields.items()
    return next((info.annotation for name, info in fields if part in (name, info.alias)), Any)


def _item(value: Any, part: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    return value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None


def _plain(annotation: Any) -> Any:
    """The annotation without what is attached to it and without an optional None."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    members = _members(annotation)
    return _plain(members[0]) if len(members) == 1 and members[0] is not annotation else annotation


def _members(annotation: Any) -> list[Any]:
    """Members of a union, None left out; the annotation itself if it is none."""
    if get_origin(annotation) in (Union, types.UnionType):
        return [member for member in get_args(annotation) if member is not type(None)]
    return [annotation]


def _member(members: list[Any], label: str) -> Any:
    """The member of a union that pydantic labels so: by tag, by name, else a union in the union."""
    for member in map(_plain, members):
        if label == getattr(member, "__name__", "") or label in _tags(member):
            return member
    unions = [member for member in members if len(_members(_plain(member))) > 1]
    return (unions or [member for member in members if _is_model(_plain(member))] or [Any])[0]


def _tags(annotation: Any) -> tuple[str, ...]:
    """Values that tell the members of a union apart."""
    models = [model for model in map(_plain, _members(_plain(annotation))) if _is_model(model)]
    literals = [info.annotation for model in models for info in model.model_fields.values()]
    return tuple(tag for literal in literals if get_origin(literal) is Literal for tag in get_args(literal))


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
