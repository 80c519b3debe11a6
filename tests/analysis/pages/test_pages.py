"""report, compare and plot, as typed: what they print and write for a run and for an amplification."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.__main__ import main


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A short run of the crash, and an amplification of two arms over four seeds."""
    top = tmp_path_factory.mktemp("pages")
    run, compared = top / "run", top / "compared"
    short = ["linear_crash", "--steps", "640", "--quiet", "--no-figures", "--out"]
    assert main(["run", *short, str(run)]) == 0
    assert (
        main(["amplify", *short, str(compared), "--seeds", "4", "--workers", "1", "--arms", "base,muted"])
        == 0
    )
    return {"run": run, "compared": compared}


def test_a_report_of_a_run_says_that_amplification_is_not_measured(folders, capsys):
    """One page; the answer, the assumptions from docstrings, the tables, the manifest."""
    assert main(["report", str(folders["run"])]) == 0
    assert capsys.readouterr().out.strip() == str(folders["run"] / "report.html")
    page = (folders["run"] / "report.html").read_text()
    assert "hedgequake amplify linear_crash" in page
    for text in (
        "dealers (dealers.OptionDealers)",
        "Leaves out",
        "Stylised facts",
        "Who moved the price of BTC",
    ):
        assert text in page
    assert "data:image/png;base64," in page
    assert "http:" not in page
    assert "https:" not in page


def test_a_report_of_an_amplification_gives_ratio_and_interval_first(folders):
    """Before the figures."""
    assert main(["report", str(folders["compared"])]) == 0
    page = (folders["compared"] / "report.html").read_text()
    assert page.index("95% interval") < page.index("data:image/png")
    assert "4 seeds" in page


def test_compare_sets_a_run_beside_an_amplification(folders, tmp_path, capsys):
    """As text, and as a page where one is asked for."""
    out = tmp_path / "both.html"
    assert main(["compare", *map(str, folders.values()), "--out", str(out)]) == 0
    assert "max drawdown" in capsys.readouterr().out
    assert out.stat().st_size > 10_000
    assert main(["compare", str(folders["run"]), "--out", str(tmp_path / "both.txt")]) == 2
    assert "must end in .html or .png" in capsys.readouterr().err


def test_plot_draws_a_comparison_and_its_base_run(folders, capsys):
    """Figures of both, in their folders."""
    assert main(["plot", str(folders["compared"])]) == 0
    written = {Path(line) for line in capsys.readouterr().out.split()}
    assert folders["compared"] / "figures" / "amplification.png" in written
    assert folders["compared"] / "base" / "figures" / "attribution.png" in written
    assert all(path.is_file() for path in written)


@pytest.mark.parametrize("command", ["report", "compare", "plot"])
def test_a_folder_without_a_result_exits_2(command, tmp_path, capsys):
    """And says what makes one."""
    assert main([command, str(tmp_path)]) == 2
    assert (
        "not a results folder; `run`, `amplify`, `sweep`, `frontier`, `probe` and `calibrate` make one"
        in capsys.readouterr().err
    )
