"""Results folders that were damaged, by accident or on purpose, are told of in a line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from places import SUPPORT

from scenarios.__main__ import BAD_INPUT, RUN_FAILED, SUCCESS, main
from sim.recording.recording import MARKET_KEY

SWEEP = '\n[sweep]\ndesign = "{}"\n{}\n[sweep.over]\n'
SIZE, RATE = '"populations.noise.size"', '"populations.noise.market_rate"'
GRID = SWEEP.format("grid", "replicates = 2") + f"{SIZE} = [0.1, 0.2]\n"
SALTELLI = SWEEP.format("saltelli", "points = 2") + "".join(
    f"{key} = {{low = 0.1, high = 0.9}}\n" for key in (SIZE, RATE)
)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, an amplification, sweeps and shards, of five steps each."""
    place = tmp_path_factory.mktemp("results")
    market = (SUPPORT / "watched.toml").read_text()
    for name, more in (("plain", ""), ("grid", GRID), ("saltelli", SALTELLI)):
        (place / f"{name}.toml").write_text(market + more)
    bare = ["--quiet", "--no-figures"]
    serial = ["--quiet", "--engine", "serial"]
    for line in (
        ["run", "plain.toml", "--out", "run", *bare],
        ["run", "plain.toml", "--out", "other", "--seed", "2", *bare],
        ["amplify", "plain.toml", "--out", "arms", "--seeds", "2", "--workers", "1", *bare],
        ["sweep", "grid.toml", "--out", "grid", *serial],
        ["sweep", "saltelli.toml", "--out", "saltelli", *serial],
        ["sweep", "grid.toml", "--out", "sharded", "--shard", "1/2", *serial],
        ["sweep", "grid.toml", "--out", "sharded", "--shard", "2/2", *serial],
    ):
        command, file, _, out, *rest = line
        assert main([command, str(place / file), "--out", str(place / out), *rest]) == SUCCESS
    return place


def cut(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def flipped(path: Path) -> None:
    bits = np.frombuffer(path.read_bytes(), np.uint8).copy()
    bits[5::37] ^= 0x40
    path.write_bytes(bits.tobytes())


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def text(what: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(what)

    write.__name__ = f"text {what[:20]}"
    return write


def binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 8)


def of_strings(path: Path) -> None:
    table = pq.read_table(path)
    strings = {name: pa.array(["x"] * table.num_rows) for name in table.column_names}
    pq.write_table(pa.table(strings).replace_schema_metadata(table.schema.metadata), path)


def of_other_columns(path: Path) -> None:
    metadata = pq.read_schema(path).metadata
    pq.write_table(pa.table({"a": [1, 2]}).replace_schema_metadata(metadata), path)


def of_no_market(path: Path) -> None:
    market = {MARKET_KEY: json.dumps({"assets": 3, "venues": "x"}).encode()}
    pq.write_table(pq.read_table(path).replace_schema_metadata(market), path)


def turned(path: Path) -> None:
    """Tables become texts and numbers tables, all the way down."""
    path.write_text(json.dumps({key: _turned(value) for key, value in json.loads(path.read_text()).items()}))


def _turned(value: object) -> object:
    if isinstance(value, dict):
        return {key: _turned(item) for key, item in value.items()}
    return {"x": value} if isinstance(value, str | int | float) else "x"


BROKEN = (text(""), cut, binary, a_folder, flipped)
TORN = (text(""), cut, binary, flipped)
NO_TABLE = (text("[]"), text("3"), text("null"), text("[" * 5000 + "]" * 5000))
NO_SCENARIO = (text("name = 3\nassets = 5\nsweep = 3\n"), text("x = " + "[" * 900 + "]" * 900))
OTHER_TABLES = (of_strings, of_other_columns)
CASES: dict[tuple[str, str], tuple[tuple[str, ...], tuple[Callable[[Path], None], ...]]] = {
    ("run", "manifest.json"): (("report", "plot", "compare"), (*BROKEN, *NO_TABLE)),
    ("run", "scenario.toml"): (("report", "compare"), (binary, a_folder, *NO_SCENARIO)),
    ("run", "metrics.json"): (("report", "compare"), (text(""), cut, binary, flipped, *NO_TABLE, turned)),
    ("run", "series.parquet"): (("plot", "report"), (*TORN, *OTHER_TABLES, of_no_market)),
    ("run", "fills.parquet"): (("report",), (text(""), cut, binary, *OTHER_TABLES)),
    ("arms", "amplification.json"): (
        ("report", "plot", "compare"),
        (text(""), cut, binary, text("[]"), turned),
    ),
    ("arms", "base/series.parquet"): (("report",), BROKEN[:3]),
    ("grid", "manifest.json"): (("plot",), (*BROKEN, *NO_TABLE)),
    ("grid", "scenario.toml"): (("plot",), (cut, binary, a_folder, *NO_SCENARIO)),
    ("grid", "design.parquet"): (("plot",), (text(""), cut, binary, of_other_columns)),
    ("grid", "runs.parquet"): (("plot",), (*BROKEN, *OTHER_TABLES)),
    ("saltelli", "design.parquet"): (("sensitivity",), (text(""), cut, binary, *OTHER_TABLES)),
    ("saltelli", "runs.parquet"): (("sensitivity",), (*BROKEN, *OTHER_TABLES)),
    ("saltelli", "manifest.json"): (("sensitivity",), NO_TABLE),
    ("sharded", "shards/1-of-2/manifest.json"): (("merge",), (*BROKEN, *NO_TABLE)),
    ("sharded", "shards/1-of-2/runs.parquet"): (("merge",), (text(""), cut, binary, of_other_columns)),
    ("sharded", "shards/1-of-2/timing.parquet"): (("merge",), (Path.unlink, *BROKEN[:3], of_other_columns)),
}


def damaged(results: Path, folder: str, file: str, damage: Callable[[Path], None], place: Path) -> Path:
    """A copy of a folder in which one file is damaged."""
    copy = place / "damaged"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(results / folder, copy)
    damage(copy / file)
    return copy


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("folder", "file"), CASES, ids=lambda value: value)
def test_a_damaged_file_is_told_of_in_a_line(
    folder: str, file: str, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands, damages = CASES[folder, file]
    for damage in damages:
        for command in commands:
            copy = damaged(results, folder, file, damage, tmp_path)
            before = contents(copy)
            others = [str(results / "other")] if command == "compare" else []
            code = main([command, str(copy), *others])
            said = capsys.readouterr()
            about = f"{command} after {damage.__name__} of {file}: {said.err}"
            assert code == BAD_INPUT, about
            assert said.err.count("\n") == 1, about
            assert said.err.startswith(str(copy)), about
            assert said.err.strip().isprintable(), about
            assert said.out == "", about
            if command == "merge":
                assert contents(copy) == before, about


def test_a_merge_without_a_table_of_times_loses_no_run(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are the record of how long runs took, not of which there were."""

    def emptied(path: Path) -> None:
        pq.write_table(pq.read_table(path).slice(0, 0), path)

    copy = damaged(results, "sharded", "shards/1-of-2/timing.parquet", emptied, tmp_path)
    assert main(["merge", str(copy), "--trust"]) == SUCCESS
    assert len(pd.read_parquet(copy / "runs.parquet")) == 4
    assert capsys.readouterr().out.startswith("finished: 4 of 4 runs done")


def every(results: Path) -> Iterator[tuple[str, str]]:
    """Every file of every folder."""
    for folder in ("run", "arms", "grid", "saltelli", "sharded"):
        for path in sorted((results / folder).rglob("*")):
            if path.is_file():
                yield folder, str(path.relative_to(results / folder))


@pytest.mark.long
@pytest.mark.parametrize("damage", [Path.unlink, *BROKEN, *NO_TABLE, *NO_SCENARIO], ids=lambda d: d.__name__)
def test_any_damage_is_told_of_or_does_no_harm(
    damage: Callable[[Path], None], results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, file in every(results):
        for command in ("report", "plot", "compare", "sensitivity", "merge"):
            copy = damaged(results, folder, file, damage, tmp_path)
            others = [str(results / "other")] if command == "compare" else []
            code = main([command, str(copy), *others])
            said = capsys.readouterr().err
            assert code in (SUCCESS, RUN_FAILED, BAD_INPUT), f"{command} after damage of {folder}/{file}"
            assert "Traceback" not in said
            assert len(said.splitlines()) <= 21
