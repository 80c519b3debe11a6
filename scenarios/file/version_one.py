"""Version 1 of scenario files: a hedging policy of any type took the parameters of all, and heeded its own.

A value that the type of a policy does not know goes. One that another type knows, which an arm or a row of a
sweep sets, goes to where that type is set. What then runs is compared with what version 1 ran, in every arm
and at every point of a sweep, and a file for which it would differ is refused.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic import BaseModel

from scenarios.file import override
from scenarios.file.document import Layer
from scenarios.file.edits import Edit, Unsayable
from scenarios.file.errors import shown
from scenarios.file.explain import keys_at
from scenarios.file.retyping import TYPE, lacking, sets_type
from scenarios.file.toml import Path, inside

Values = dict[str, Any]
HEEDED_BY_SOME = ("width", "cost", "risk_aversion")
"""What a hedging policy of every type could say."""

MOST_COMBINED = 100
"""So many combinations of types that a sweep sets are compared."""


class Said(NamedTuple):
    """What is set over a scenario under one key, and where in the file."""

    path: Path
    value: Any


Overlay = dict[str, Said]
"""What is set at once, by dotted key."""


def policies_say_what_they_heed(values: Values, model: type[BaseModel]) -> Iterator[Edit]:
    """What makes every policy say what its type knows, in the file and in what is set over it.

    Raises
    ------
    Unsayable
        If a run of the file would be another one.
    """
    gone = list(_unheeded(values, model))
    edits = [Edit(path) for path in gone]
    for overlay in _overlays(values):
        edits += _heeding(overlay, values, gone, model)
    changed = copy.deepcopy(values)
    for edit in edits:
        edit.apply(changed)
    for before, after in zip(_cells(values), _cells(changed), strict=True):
        if any(map(_is_of_policies, before)):
            _check(before, _run_then(values, before, model), _run_now(changed, after, model))
    yield from edits


def _unheeded(values: Values, model: type[BaseModel]) -> Iterator[Path]:
    """Places where a hedging policy says what its type does not know, and version 1 let it say."""
    for place in _policies(values):
        policy = inside(values, place)
        known = keys_at(model, values, place) if isinstance(policy, dict) else None
        if known is not None:
            yield from ((*place, key) for key in HEEDED_BY_SOME if key in policy and key not in known)


def _policies(values: Values) -> list[Path]:
    """Where populations have their hedging policies."""
    populations = values.get("populations")
    count = len(populations) if isinstance(populations, list) else 0
    return [("populations", n, "hedging") for n in range(count)]


def _overlays(values: Values) -> Iterator[Overlay]:
    """All that is set at once over policies: by arms, rows of a sweep, and tables that it sweeps whole."""
    found = [*_arms(values).values(), *_rows(values)]
    for key, swept in _swept(values).items():
        found += [{key: said} for said in swept if isinstance(said.value, dict) and TYPE in said.value]
    yield from filter(_is_of_policies, found)


def _is_of_policies(overlay: Overlay) -> bool:
    return any("hedging" in key for key in overlay)


def _arms(values: Values) -> dict[str, Overlay]:
    arms = values.get("arms")
    return {name: _overlay(values, ("arms", name, "set")) for name in arms} if isinstance(arms, dict) else {}


def _rows(values: Values) -> list[Overlay]:
    rows = inside(values, ("sweep", "rows"))
    count = len(rows) if isinstance(rows, list) else 0
    return [_overlay(values, ("sweep", "rows", n)) for n in range(count)]


def _overlay(values: Values, place: Path) -> Overlay:
    table = inside(values, place)
    said = table.items() if isinstance(table, dict) else ()
    return {key: Said((*place, key), value) for key, value in said}


def _swept(values: Values) -> dict[str, list[Said]]:
    """Values that a sweep sets policies to, by key."""
    over = inside(values, ("sweep", "over"))
    lists = {key: each for key, each in over.items() if "hedging" in key} if isinstance(over, dict) else {}
    return {
        key: [Said(("sweep", "over", key, n), value) for n, value in enumerate(each)]
        if isinstance(each, list)
        else [Said(("sweep", "over", key), each)]
        for key, each in lists.items()
    }


def _cells(values: Values) -> Iterator[list[Overlay]]:
    """What is set over the file for each run: by an arm, by a point of a sweep, by both."""
    arms, used = _arms(values), inside(values, ("sweep", "arms"))
    yield from ([arm] for arm in arms.values())
    beside = [arm for name, arm in arms.items() if isinstance(used, list) and name in used]
    for point in [*_rows(values), *_combined(values)]:
        yield [point]
        yield from ([point, arm] for arm in beside)


def _combined(values: Values) -> Iterator[Overlay]:
    """Points of a grid or a sample: all types together with one value of everything else."""
    lists = {
        key: swept if sets_type(key, [said.value for said in swept]) else swept[:1]
        for key, swept in _swept(values).items()
    }
    for chosen in itertools.islice(itertools.product(*lists.values()), MOST_COMBINED):
        yield dict(zip(lists, chosen, strict=True))


def _heeding(overlay: Overlay, values: Values, gone: list[Path], model: type[BaseModel]) -> Iterator[Edit]:
    """What an overlay says in vain goes; what its types know and the file no longer says comes."""
    over = {"populations": copy.deepcopy(values.get("populations"))}
    paths = _set(over, overlay)
    for path in _unheeded(over, model):
        for key, own in paths.items():
            at = path[len(own) :]
            if path[: len(own)] == own and (not at or inside(overlay[key].value, at) is not None):
                yield Edit((*overlay[key].path, *at))
    for key, own in paths.items():
        known = keys_at(model, over, own[:-1]) if own[-1] == TYPE else ()
        for path in gone:
            is_lost = path[:-1] == own[:-1] and (known is None or path[-1] in known)
            if is_lost and path not in paths.values():
                beside = overlay[key].path
                named = ".".join((*override.split(key)[:-1], str(path[-1])))
                yield Edit((*beside[:-1], named), inside(values, path), beside)


def _run_then(values: Values, cell: Sequence[Overlay], model: type[BaseModel]) -> Values:
    """Policies of a run in version 1: what is heeded of all that is said."""
    found = _run(values, cell, model, kept=HEEDED_BY_SOME)
    for path in list(_unheeded(found, model)):
        Edit(path).apply(found)
    return found


def _run_now(values: Values, cell: Sequence[Overlay], model: type[BaseModel]) -> Values:
    """Policies of a run today: a type that is set drops what it lacks (`scenarios.file.retyping`)."""
    return _run(values, cell, model, kept=())


def _run(values: Values, cell: Sequence[Overlay], model: type[BaseModel], kept: Sequence[str]) -> Values:
    found = {"populations": copy.deepcopy(values.get("populations"))}
    for overlay in cell:
        under = copy.deepcopy(found)
        layer = Layer(tuple(_set(found, overlay).values()), under)
        for path in layer.paths:
            if path[-1] == TYPE:
                for key in list(lacking(found, path[:-1], layer, model)):
                    if key not in kept:
                        inside(found, path[:-1]).pop(key, None)
    return found


def _set(values: Values, overlay: Overlay) -> dict[str, Path]:
    """Set what can be set, in place; the way to it, by key."""
    paths = {}
    for key, said in overlay.items():
        with suppress(override.KeyProblem):
            paths[key] = override.apply(values, key, copy.deepcopy(said.value))
    return paths


def _check(cell: Sequence[Overlay], then: Values, now: Values) -> None:
    """Raise if a policy would be another one, at the place in the file that makes it so."""
    for place in _policies(then):
        before, after = (
            found if isinstance(found := inside(run, place), dict) else {} for run in (then, now)
        )
        keys = [key for key in HEEDED_BY_SOME if before.get(key) != after.get(key)]
        if keys:
            vain = [key for key in keys if key not in before]
            said = [said for overlay in reversed(cell) for said in overlay.items() if "hedging" in said[0]]
            said.sort(key=lambda each: each[0].rpartition(".")[2] not in (vain or (TYPE,)))
            path = said[0][1].path
            what = f"version 1 takes {' and '.join(keys)} from elsewhere in the file"
            if vain:
                what = f"version 1 lets {shown(before.get(TYPE))} say {' and '.join(vain)} in vain"
            table = f"populations.{inside(then, place[:-1]).get('name')}.hedging"
            instead = f'set whole tables instead, as in "{table}" = {override.written(before)}'
            instead = f"take it out, or {instead}" if vain else instead
            raise Unsayable(path if isinstance(path[-1], str) else path[:-1], f"{what}; {instead}")
