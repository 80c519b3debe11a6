"""The JSON Schema of scenario files, for editors that complete and check as one types."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from scenarios.file.components import DRIVER, POPULATION, VENUE
from scenarios.file.entries import Driver, Entry, PopulationEntry, VenueEntry
from scenarios.file.schema import Scenario
from sim.setup.named import Named

ENTRIES: dict[type[Entry], Any] = {VenueEntry: VENUE, PopulationEntry: POPULATION, Driver: DRIVER}


def json_schema() -> dict[str, Any]:
    """JSON Schema of a scenario with the parameters of every type that comes with hedgequake.

    A type of the user's own is let through unchecked.
    """
    typed: dict[type[BaseModel], dict[str, Any]] = {
        entry: dict(kind.classes()) for entry, kind in ENTRIES.items()
    }
    typed |= {base: dict(base.kind.classes()) for base in Named.__subclasses__()}
    models = [found.Parameters for by_path in typed.values() for found in by_path.values()]
    every: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (model, "validation") for model in dict.fromkeys((Scenario, *typed, *models))
    ]
    references, schema = models_json_schema(every)
    definitions = schema["$defs"]
    plain = dict(definitions)
    for base, classes in typed.items():
        name = references[base, "validation"]["$ref"].rpartition("/")[2]
        parameters = {path: references[found.Parameters, "validation"] for path, found in classes.items()}
        definitions[name] = _by_type(plain, plain[name], parameters, getattr(base, "usual", ""))
    root = references[Scenario, "validation"]["$ref"].rpartition("/")[2]
    scenario = definitions.pop(root)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **scenario, "$defs": definitions}


def _by_type(
    definitions: dict[str, Any], shared: dict[str, Any], parameters: dict[str, dict[str, str]], usual: str
) -> dict[str, Any]:
    """Schema of a table with a type, maybe a usual one: the shared keys, and those of its type."""
    keys = {key: value for key, value in shared["properties"].items() if key != "parameters"}
    required = [key for key in shared.get("required", []) if key != "parameters"]
    branches = [
        {
            "if": {
                "properties": {"type": {"const": path}},
                "required": [] if path == usual else ["type"],
            },
            "then": _opened(definitions, reference["$ref"], keys),
        }
        for path, reference in parameters.items()
    ]
    keys["type"] = {"type": "string", "examples": list(parameters)}
    return {
        "type": "object",
        "description": shared.get("description", ""),
        "properties": keys,
        "required": required if usual or "type" in required else [*required, "type"],
        "allOf": branches,
    }


def _opened(definitions: dict[str, Any], reference: str, keys: dict[str, Any]) -> dict[str, Any]:
    """Schema of the parameters of a type, with the shared keys allowed beside them."""
    schema = dict(definitions[reference.rpartition("/")[2]])
    schema["properties"] = {**dict.fromkeys(keys, True), **schema.get("properties", {})}
    return schema
