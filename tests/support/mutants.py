"""Mutants: scenario files with something wrong in them, each the same for the same number."""

from __future__ import annotations

import copy
import datetime
import random
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import tomli_w
from places import SUPPORT

from scenarios.file import library
from scenarios.file.components import DRIVER, POPULATION, VENUE

PARENTS = (*sorted(library.FOLDER.glob("*.toml")), library.STARTER, SUPPORT / "two_assets.toml")
SMALL = {"count": 3, "strikes": 1, "steps": 2, "contracts": 2, "capacity": 5}
"""What makes markets of the library small enough to be built by the hundred."""

NUMBERS = (
    *(0, 1, -1, 3, 10**6, 10**9, 2**31, 2**63 - 1, 2**63, 10**30, 10**400),
    *(0.0, -0.0, 0.5, -0.5, 1.5, 1e6, 1e9, 1e18, 1e30, 1e308, -1e308, 1e-9, 1e-18, 1e-300, 5e-324),
    *(float("inf"), float("nan"), True, False),
)
TEXTS = (
    *("", "x", "-", "base", "book", "../..", "/etc/passwd", "order_book.OrderBook", "os.path", "a.b.c"),
    *("\x00", "\x1b[31mred", "\u202egnp", "\u05d0\u05d1", "e\u0301" * 30, "\ud7ff", "a" * 300, "b" * 10**5),
)
OTHERS: tuple[Any, ...] = (
    *([], {}, [[]], [{}], [0], ["x"], {"x": 1}, {"name": "x"}, {"type": "x"}, {"dist": "normal"}),
    {"dist": "lognormal", "median": 1.0, "sigma": 50.0},
    {"dist": "lognormal", "median": 1e300, "sigma": 1.0},
    {"dist": "uniform", "low": -1e308, "high": 1e308},
    {"dist": "pareto", "minimum": 1.0, "tail": 0.001},
    {"dist": "choice", "values": [1.0] * 50},
    {"dist": "choice", "values": [0.0, -0.0, 1e308]},
    datetime.date(2025, 9, 25),
    datetime.time(0, 0),
)

TYPES = (
    *(name for kind in (VENUE, POPULATION, DRIVER) for name, _ in kind.classes()),
    *("synthetic", "chain", "constant_gamma", "band", "time", "leland", "whalley_wilmott", "decay"),
    *("cheapest", "market_order", "value"),
)
TYPED = (
    *("venues.book", "venues.perp", "venues.desk", "populations.makers", "populations.dealers", "shocks.0"),
    *("populations.lps.hedging", "populations.dealers.hedging", "populations.dealers.exposure"),
    *("populations.dealers.route", "assets.BTC.driver"),
)
"""Keys of tables of the library that have a type."""

Table = dict[str, Any]
Place = tuple[Any, Any]
"""A table or list, and the key or position of a value in it."""


def mutant(number: int) -> str:
    """Text of a scenario file with one to four things wrong in it."""
    dice = random.Random(number)
    values = _small(tomllib.loads(dice.choice(PARENTS).read_text()))
    for _ in range(dice.choice((0, 1, 1, 1, 2, 4))):
        dice.choice(CHANGES)(values, dice)
    text = tomli_w.dumps(values)
    return dice.choice(BREAKS)(text, dice) if dice.random() < 0.25 else text


def overrides(number: int) -> list[str]:
    """What a command line sets over a mutant, sometimes nothing."""
    dice = random.Random(-number)
    if dice.random() < 0.65:
        return []
    if dice.random() < 0.4:
        return _of_types(dice)
    key = dice.choice(
        ("time.steps", "time", "populations.makers.count", "venues.0.lot", "a" + ".b" * 20_000, "x y", "")
    )
    value = dice.choice((*map(str, NUMBERS), "[" * 900, '"', "{a = 1", "9" * 5000, "z" * 10**6))
    return ["--set", f"{key}={value}"]


def _of_types(dice: random.Random) -> list[str]:
    """One to three types, and what stands beside them, sometimes what they do not have."""
    words = []
    for table in dice.sample(TYPED, dice.choice((1, 1, 2, 3))):
        words += ["--set", f"{table}.type={dice.choice((*TYPES, *TYPES, *map(str, NUMBERS)))}"]
        if dice.random() < 0.4:
            beside = dice.choice(("width", "cost", "gamma", "sign", "lot", "return", "nothing", "type.type"))
            words += ["--set", f"{table}.{beside}={dice.choice(('-0.01', '1', '{}', 'x'))}"]
    return words


def _small(values: Any) -> Any:
    """A copy in which nothing is large."""
    if isinstance(values, dict):
        return {key: _shrunk(key, value) for key, value in values.items()}
    return [_small(item) for item in values] if isinstance(values, list) else values


def _shrunk(key: str, value: Any) -> Any:
    most = SMALL.get(key)
    return min(value, most) if most and isinstance(value, int) else _small(value)


def _places(values: Any) -> Iterator[Place]:
    """Where values stand, tables and lists included."""
    items = values.items() if isinstance(values, dict) else enumerate(values)
    for key, item in items:
        yield values, key
        if isinstance(item, dict | list):
            yield from _places(item)


def _place(values: Table, dice: random.Random, kind: type | tuple[type, ...] = object) -> Place | None:
    found = [(holder, key) for holder, key in _places(values) if isinstance(holder[key], kind)]
    return dice.choice(found) if found else None


def _replace(values: Table, dice: random.Random) -> None:
    if place := _place(values, dice):
        place[0][place[1]] = copy.deepcopy(dice.choice(dice.choice((NUMBERS, TEXTS, OTHERS))))


def _resize(values: Table, dice: random.Random) -> None:
    if place := _place(values, dice, (int, float)):
        holder, key = place
        resized = holder[key] * 10.0 ** dice.choice((-300, -30, -12, -6, -2, -1, 1, 2, 6, 9, 15, 30, 300))
        is_whole = type(holder[key]) is int and abs(resized) < 1e300
        holder[key] = int(resized) if is_whole else resized


def _negate(values: Table, dice: random.Random) -> None:
    if place := _place(values, dice, (int, float)):
        place[0][place[1]] = -place[0][place[1]]


def _drop(values: Table, dice: random.Random) -> None:
    if place := _place(values, dice):
        del place[0][place[1]]


def _rename(values: Table, dice: random.Random) -> None:
    place = _place(values, dice)
    if place and isinstance(place[0], dict):
        name = dice.choice((*TEXTS, str(place[1]) + "s", str(place[1])[:-1], str(place[1]).upper()))
        place[0][name] = place[0].pop(place[1])


def _add(values: Table, dice: random.Random) -> None:
    if place := _place(values, dice, dict):
        place[0][place[1]][dice.choice(TEXTS)] = dice.choice((1, "x", [], {}))


def _repeat(values: Table, dice: random.Random) -> None:
    if place := _place(values, dice, list):
        entries = place[0][place[1]]
        entries.extend(copy.deepcopy(entries[:1] * dice.choice((1, 2, 30))))


def _exchange(values: Table, dice: random.Random) -> None:
    first, second = _place(values, dice), _place(values, dice)
    if first and second:
        value = copy.deepcopy(second[0][second[1]])
        first[0][first[1]] = value


def _date(values: Table, dice: random.Random) -> None:
    """Another version, and what only an older one may say."""
    values["schema_version"] = dice.choice((1, 1, 1, 1, *NUMBERS, "1", [1], {}))
    policies = [table for table, key in _places(values) if key == "hedging" and isinstance(table[key], dict)]
    for table in policies:
        table["hedging"][dice.choice(("width", "cost", "risk_aversion", "type"))] = dice.choice(
            (0.1, -1, {}, "x", "clock", {"dist": "normal", "mean": 0.1, "sd": 0.0})
        )


def _nest(values: Table, dice: random.Random) -> None:
    if place := _place(values, dice):
        value = place[0][place[1]]
        for _ in range(dice.choice((1, 3, 40))):
            value = dice.choice(([value], {"a": value}))
        place[0][place[1]] = value


CHANGES: tuple[Callable[[Table, random.Random], None], ...] = (
    *(_replace, _replace, _resize, _resize, _resize, _resize, _negate, _drop, _rename, _add, _repeat),
    *(_exchange, _nest, _date, _date),
)


def _cut(text: str, dice: random.Random) -> str:
    return text[: dice.randrange(len(text) + 1)]


def _flip(text: str, dice: random.Random) -> str:
    at = dice.randrange(len(text))
    return text[:at] + chr(ord(text[at]) ^ (1 << dice.randrange(8))) + text[at + 1 :]


def _swap_lines(text: str, dice: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    dice.shuffle(lines)
    return "".join(lines)


def _twice(text: str, dice: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    line = dice.choice(lines)
    lines.insert(dice.randrange(len(lines) + 1), line)
    return "".join(lines)


def _huge(text: str, dice: random.Random) -> str:
    extra = dice.choice(
        (
            "x = " + "[" * 900 + "]" * 900,
            "x = " + "{a = " * 200 + "1" + "}" * 200,
            "x" + ".x" * 20_000 + " = 1",
            "[" + "x." * 20_000 + "x]",
            "x = " + "9" * 5000,
            "x = 0x" + "f" * 5000,
            "k" * 200_000 + " = 1",
            f'"{"k" * 200_000}" = 1',
            f'name = "{"n" * 200_000}"',
            "x = [" + "0, " * 10**5 + "]",
            "\ufeff",
            "\x00",
            "x = 1979-05-27T25:00:00",
        )
    )
    return f"{extra}\n{text}" if dice.random() < 0.5 else f"{text}\n{extra}\n"


BREAKS: tuple[Callable[[str, random.Random], str], ...] = (_cut, _flip, _swap_lines, _twice, _huge, _huge)
