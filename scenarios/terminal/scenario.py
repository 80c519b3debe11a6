"""The scenario that a command line means."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from scenarios.build.loading import BuildableScenario, parse, read
from scenarios.file.errors import Problem, ScenarioError
from scenarios.file.override import KeyProblem, literal
from scenarios.file.warnings import warnings


def scenario_of(options: argparse.Namespace) -> BuildableScenario:
    """The scenario of a command line, everything set over it; warns of what will have no effect.

    Raises
    ------
    ScenarioError
        With a line for every problem.
    """
    document, values = read(options.file), dict[str, Any]()
    for text in options.set:
        key, equals, value = text.partition("=")
        if not equals:
            raise ScenarioError(Problem("--set", text, "no value; write it like --set time.steps=500"))
        try:
            values = {**{name: values[name] for name in values if name != key}, key: literal(value)}
        except KeyProblem as problem:
            raise ScenarioError(Problem(document.label, key, str(problem), origin="--set")) from problem
    document = document.set(values, "--set")
    for key, option in (("seed", "--seed"), ("time.steps", "--steps")):
        value = getattr(options, option[2:])
        if value is not None:
            document = document.set({key: value}, option)
    scenario = parse(document)
    if not getattr(options, "quiet", False):
        for warning in (*scenario.notes, *warnings(scenario)):
            print(f"warning: {warning}", file=sys.stderr)
    return scenario
