"""A metric and a figure are found because their file is there, and stand where they say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib
import pytest
from places import WATCHED

import analysis.metrics
from analysis import measures
from analysis.base import discovery
from analysis.base.metric import OTHERS, metrics_of
from analysis.figures.figure import figures_of
from analysis.pages import report
from scenarios import load
from scenarios.runs.run import run

matplotlib.use("Agg")

OWN = '''
"""How often the price stands still."""

from analysis.base.metric import metric
from analysis.base.series import prices
from analysis.figures.figure import figure

HEADING = "Stillness"


@metric(unit="1", per="assets", source="share of steps without a change of the mid", headline=99)
def still_share(recording, asset):
    """How often the mid stays."""
    mid = prices(recording, f"{asset}.mid")
    return float((mid[1:] == mid[:-1]).mean())


@figure(heading=HEADING)
def stillness(recording, ax=None):
    """The steps, one after the other."""
    ax.plot(recording.column("series", "step"))
    return ax
'''


@pytest.fixture
def _own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A file of the user's own in the room of metrics."""
    (tmp_path / "stillness.py").write_text(OWN)
    monkeypatch.setattr(analysis.metrics, "__path__", [*analysis.metrics.__path__, str(tmp_path)])
    forget()
    yield
    forget()


def forget() -> None:
    discovery.modules.cache_clear()
    measures.known.cache_clear()


@pytest.mark.usefixtures("_own_file")
def test_a_file_dropped_in_is_measured_and_drawn(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert run(load(WATCHED), folder, figures="all").failure == ""
    measured = json.loads((folder / "metrics.json").read_text())
    assert list(measured)[-1] == "BTC.still_share", "no place: behind all that have one"
    assert 0 <= measured["BTC.still_share"]["value"] <= 1
    assert (folder / "figures" / "stillness.png").is_file()
    page = report.report(folder)
    for words in ("still share", "Stillness", "The steps, one after the other."):
        assert words in page
    assert [each.name for each in measures.listed("headline")][-1] == "still_share"
    assert measures.headings()[-2:] == ["Stillness", OTHERS]


@pytest.mark.usefixtures("_own_file")
def test_two_metrics_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "twice.py").write_text(OWN)
    with pytest.raises(ValueError, match=r'"still_share", in analysis\.metrics\.stillness and in .*twice'):
        measures.known()


@pytest.mark.parametrize("kind", ["headline", "light", "swept", "credited"])
def test_no_two_metrics_share_a_place_in_a_list(kind: str) -> None:
    places = [getattr(each, kind) for each in measures.listed(kind)]
    assert places == list(range(1, len(places) + 1))


@pytest.mark.parametrize("held", [metrics_of, figures_of])
def test_no_two_files_share_a_place(held: Callable[[ModuleType], list[Any]]) -> None:
    places = [module.PLACE for module in discovery.modules() if held(module)]
    assert len(places) == len(set(places)) > 5


def test_what_says_nothing_of_its_place_is_known_by_its_name_alone() -> None:
    assert measures.heading("no_such_metric") == OTHERS
    assert not measures.is_headline("no_such_metric")
    assert measures.rank("max_drawdown") < measures.rank("bad_debt") < measures.rank("volume")
