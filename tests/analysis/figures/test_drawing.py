"""Figures in files look the same in every environment, and one that fails takes nothing with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from places import ROOT, SUPPORT

from analysis import gallery, plots
from analysis.figures import figure
from analysis.figures.drawing import own_settings
from analysis.gallery import Picture
from scenarios import load
from scenarios.__main__ import main
from scenarios.terminal import arguments
from sim.recording.recording import Recording

HOSTILE = """
text.usetex: True
axes.facecolor: black
figure.facecolor: black
savefig.facecolor: black
font.size: 22
font.family: cursive
axes.prop_cycle: cycler(color=['red'])
savefig.bbox: tight
path.simplify: False
"""


@pytest.fixture(autouse=True)
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("watched.toml").write_text((SUPPORT / "watched.toml").read_text())


@pytest.fixture(scope="module")
def recording() -> Recording:
    return load(SUPPORT / "watched.toml").market().run()


def figures(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).glob("*.png")}


def test_a_run_draws_the_same_figures_whatever_the_environment() -> None:
    """A notebook's backend that is not installed here, TeX that is not there, and a dark style."""
    Path("matplotlibrc").write_text(HOSTILE)
    environment = {
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(SUPPORT))),
        "MPLBACKEND": "module://no_such_backend",
    }
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "scenarios",
            *["run", "watched.toml", "--out", "out", "--quiet", "--figures", "all"],
        ],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    drawn = figures("out/figures")
    assert len(drawn) > 5
    assert main(["plot", "out"]) == 0
    assert figures("out/figures") == drawn


@pytest.mark.parametrize(
    ("settings", "backend"), [(b"\xff\xfe", "agg"), (b"", "module://no_such_backend"), (b"\xff", "nonsense")]
)
def test_what_matplotlib_refuses_to_start_with_is_kept_from_it(settings: bytes, backend: str) -> None:
    Path("matplotlibrc").write_bytes(settings)
    program = (
        "import os\nfrom analysis.figures.drawing import own_settings\n"
        "before = os.getcwd(), dict(os.environ)\n"
        "with own_settings():\n    from matplotlib.figure import Figure; Figure().savefig('drawn.png')\n"
        "assert (os.getcwd(), dict(os.environ)) == before"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": backend}
    subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
    assert Path("drawn.png").exists()


def test_what_a_caller_has_set_is_there_again_afterwards() -> None:
    other = {"text.usetex": True, "font.size": 22.0, "backend": "svg", "interactive": True}
    with mpl.rc_context(other):
        with own_settings():
            assert mpl.rcParams["font.size"] == mpl.rcParamsDefault["font.size"]
            assert not mpl.rcParams["text.usetex"]
            assert (mpl.rcParams["backend"], mpl.rcParams["interactive"]) == ("svg", True)
        assert mpl.rcParams["font.size"] == 22.0
        assert mpl.rcParams["text.usetex"]


def test_axes_that_a_caller_brings_keep_the_callers_settings(recording: Recording) -> None:
    with mpl.rc_context({"font.family": "monospace", "axes.facecolor": "black"}):
        ax = plots.price(recording, ax=Figure().subplots())
    assert ax.get_facecolor()[:3] == (0.0, 0.0, 0.0)
    assert ax.xaxis.label.get_fontfamily() == ["monospace"]


def test_a_run_draws_the_main_figures_and_its_page_says_that_there_are_more() -> None:
    """`report` shows the others, `plot` draws them; none are drawn, and no page written, if so asked."""
    line = ["run", "watched.toml", "--force", "--quiet", "--out", "out"]
    assert main(line) == 0
    main_ones = figures("out/figures")
    assert {"price.png", "flow.png"} <= set(main_ones)
    assert set(main_ones) <= {
        f"{name}.png" for name in ("price", "flow", "cumulative_liquidations", "loop_gain", "attribution")
    }
    short = Path("out/report.html").read_text()
    assert "These are the main figures" in short
    assert main(["report", "out"]) == 0
    whole = Path("out/report.html").read_text()
    assert "These are the main figures" not in whole
    assert whole.count("<img") > short.count("<img") == len(main_ones)
    assert main(["plot", "out"]) == 0
    assert main_ones.items() < figures("out/figures").items()
    assert main([*line, "--figures", "none"]) == main([*line, "--no-figures"]) == 0
    assert not Path("out/report.html").exists()
    assert not Path("out/figures").exists()


def test_the_command_line_has_the_words_of_the_figures() -> None:
    assert arguments.FIGURES == figure.FIGURES


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gallery of three figures, of which the second breaks."""
    own = gallery.pictures

    def breaking(ax: Any) -> None:
        raise RuntimeError("no ink\nat all")

    def pictures(recording: Recording, which: str) -> Iterator[Picture]:
        first, second = (each for each in own(recording) if each.name in ("price", "depth_and_spread"))
        yield from (first, Picture("breaking", "Breaks.", breaking, False), second)

    monkeypatch.setattr(gallery, "pictures", pictures)
    monkeypatch.setattr("analysis.pages.report.pictures", pictures)


@pytest.mark.usefixtures("broken")
def test_a_figure_that_fails_leaves_the_run_finished_and_the_others_drawn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert main(["run", "watched.toml", "--out", "out", "--quiet"]) == 0
    said = json.loads(Path("out/manifest.json").read_text())
    assert said["status"] == "finished"
    assert said["figures_failed"] == {"breaking": "RuntimeError: no ink"}
    assert caplog.messages == ["figure breaking cannot be drawn: RuntimeError: no ink"]
    assert not Path("out/traceback.txt").exists()
    assert len(figures("out/figures")) == 2


@pytest.mark.usefixtures("broken")
def test_plot_draws_the_others_and_says_that_one_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "watched.toml", "--out", "out", "--quiet", "--no-figures"]) == 0
    capsys.readouterr()
    assert main(["plot", "out"]) == 1
    assert len(capsys.readouterr().out.splitlines()) == len(figures("out/figures")) == 2
    assert main(["report", "out"]) == 0


@pytest.mark.usefixtures("broken")
def test_an_amplification_is_finished_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(*_: Any) -> Path:
        raise OSError("torn")

    monkeypatch.setattr("analysis.feedback.plots.save_amplification", torn)
    line = ["--seeds", "2", "--workers", "1", "--arms", "base,aa", "--out", "out", "--quiet"]
    assert main(["amplify", "watched.toml", *line]) == 0
    said = json.loads(Path("out/manifest.json").read_text())
    assert said["status"] == "finished"
    assert said["figures_failed"] == {"breaking": "RuntimeError: no ink", "amplification": "OSError: torn"}
    assert len(figures("out/base/figures")) == 2
