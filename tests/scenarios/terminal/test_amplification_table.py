"""The table of a comparison of arms."""

from __future__ import annotations

import json
import re

import pytest

from scenarios.__main__ import main


def test_a_table_without_intervals_says_how_many_seeds_they_take(tmp_path, capsys):
    line = ["amplify", "calm", "--seeds", "2", "--steps", "60", "--workers", "1", "--no-figures", "--quiet"]
    assert main([*line, "--out", str(tmp_path / "few"), "--arms", "base,muted"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"BTC\.realised_volatility .* none ", said)
    assert "Intervals take 8 seeds in which a metric is defined in every arm" in said
    manifest = json.loads((tmp_path / "few" / "manifest.json").read_text())
    assert manifest["overrides"] == {"time.steps": 60}
    with pytest.raises(SystemExit):
        main(["amplify", "--help"])
    assert "with fewer than 8 there is no interval" in " ".join(capsys.readouterr().out.split())
