"""`hedgequake schema`: what a scenario file may hold, for editors."""

from __future__ import annotations

import argparse
import json

from scenarios.terminal.ending import SUCCESS

ABOUT, PLACE = "the JSON Schema of a scenario file", 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes: nothing."""


def run(_: argparse.Namespace) -> int:
    """Print the schema."""
    from scenarios.file.json_schema import json_schema

    print(json.dumps(json_schema(), indent=2))
    return SUCCESS
