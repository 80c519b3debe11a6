"""Measures: every metric there is, by name and as the lists in which some are shown and not all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from analysis.base.discovery import modules
from analysis.base.metric import OTHERS, Metric, measure, metrics_of
from sim.recording.recording import Recording

ALL = "all"

HEADINGS = (
    "Price",
    "Shock",
    "Liquidity",
    "Attribution",
    "Feedback",
    "Stylised facts",
    "Volume",
    "Cascades",
    "Contagion and defaults",
    "Liquidations and losses",
    "Orders refused",
)
"""Headings of metrics in their order on a page; others come after them, `OTHERS` last."""


@cache
def known() -> dict[str, Metric]:
    """Every metric by its name, in the order in which they are measured.

    Raises
    ------
    ValueError
        If two have one name.
    """
    found: dict[str, Metric] = {}
    for each in (each for module in modules() for each in metrics_of(module)):
        if found.setdefault(each.name, each) is not each:
            places = [one.function.__module__ for one in (found[each.name], each)]
            raise ValueError(f'two metrics are named "{each.name}", in {places[0]} and in {places[1]}')
    return found


def metrics(recording: Recording) -> dict[str, dict[str, Any]]:
    """Every metric of a recording.

    Returns
    -------
    dict
        name -> {value, unit, source}, where an undefined value is None and has a `reason`.
    """
    return measure(recording, known().values())


def listed(kind: str) -> tuple[Metric, ...]:
    """The metrics of a list, in order.

    Parameters
    ----------
    kind : str
        "headline", "light", "swept", "credited" or "told", as of `Metric`.
    """
    place = attrgetter(kind)
    return tuple(sorted((each for each in known().values() if place(each)), key=place))


def rank(name: str) -> tuple[bool, int]:
    """What sorts metrics by name, those that are shown first before all others; False, 1 is the first."""
    place = known()[name].headline if name in known() else 0
    return not place, place


def is_headline(name: str) -> bool:
    """Whether a metric is one of those that are shown first."""
    return not rank(name)[0]


def headings() -> list[str]:
    """Every heading of metrics, in the order of a page."""
    own = (each.heading for each in known().values() if each.heading != OTHERS)
    return [*dict.fromkeys((*HEADINGS, *own)), OTHERS]


def heading(name: str) -> str:
    """What a metric stands under in a page; `OTHERS` for one that is not known."""
    return known()[name].heading if name in known() else OTHERS


def find(name: str) -> Metric | None:
    """The metric of a name, with or without what it is repeated for or divided by; None if unknown.

    `BTC.max_drawdown` and `volume_share.dealers` are found as `max_drawdown` and `volume_share`.
    """
    if name == ALL:
        return next(iter(known().values()))
    return next((known()[part] for part in [name, *name.split(".")] if part in known()), None)


def is_percent(name: str) -> bool:
    """Whether a metric is shown in per cent; one that is not known is not."""
    found = find(name)
    return found is not None and found.as_percent


def names_of(function: str, assets: Sequence[str]) -> list[str]:
    """A metric's names in a market, without what it is divided by."""
    return [f"{asset}.{function}" for asset in assets] if known()[function].per else [function]


def is_name(name: str, assets: Sequence[str]) -> bool:
    """Whether a metric has this full name in a market of these assets, such as `BTC.volume_share.dealers`."""
    about = find(name)
    return about is not None and any(
        name == own or (about.over and name.startswith(f"{own}.")) for own in names_of(about.name, assets)
    )


def every_name(assets: Sequence[str]) -> list[str]:
    """Every full name of a metric in a market of these assets, without what it is divided by."""
    return [name for function in known() for name in names_of(function, assets)]


def chosen(wanted: Sequence[str] | None, also: str | None = None) -> tuple[Metric, ...]:
    """The metrics of these names, the light ones if none are given, and one more.

    All metrics of a recording take most of a second, more than many a run.

    Parameters
    ----------
    wanted : sequence of str or None
        As `find` takes them; "all" stands for all.
    also : str, optional
    """
    if wanted is not None and ALL in wanted:
        return tuple(known().values())
    found: list[Metric | None] = list(listed("light")) if wanted is None else [find(name) for name in wanted]
    if also is not None:
        found.append(find(also))
    return tuple(dict.fromkeys(each for each in found if each is not None))
