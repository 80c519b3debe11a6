"""What a run leaves can be read by name, written, and read back to the last byte."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_market import LPS, MAKERS, small_market
from synthetic import DEALERS, LEVERED, a_crash, a_market, a_recording, fills, rows

from sim import records
from sim.messages.columns import TABLES
from sim.recording.recording import Recording


def written(recording: Recording, folder: Path) -> dict[str, bytes]:
    """Bytes of every file that a recording writes."""
    recording.write(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_codes_read_as_the_names_they_stand_for() -> None:
    """A dealer sells two lots on the pool, hedging; the pool belongs to no population."""
    row = {"qty": -2, "phase": 3, "reason": 1, "venue": 1, "instrument": 1, "maker_population": -1}
    frame = a_recording(fills=fills(row | {"taker_population": DEALERS})).fills
    (fill,) = frame.to_dict("records")
    assert (fill["phase"], fill["reason"], fill["venue"]) == ("hedge", "hedge", "pool")
    assert (fill["instrument"], fill["taker_population"]) == ("BTC-spot", "dealers")
    assert fill["maker_population"] != fill["maker_population"]  # missing
    assert list(frame["phase"].cat.categories) == list(records.PHASES)


def test_a_move_belongs_to_the_asset_its_venue_trades() -> None:
    """MOVE rows name a venue; the table names the asset."""
    market = a_market(assets=[{"name": "ETH"}, {"name": "BTC"}])
    moves = np.zeros(1, records.MOVE)
    moves["half_ticks"] = -3
    frame = a_recording(market=market, moves=moves).moves
    assert frame.loc[0, "asset"] == "BTC"
    assert frame.loc[0, "half_ticks"] == -3


def test_nothing_is_converted_before_somebody_looks() -> None:
    """Making a recording of a table that cannot be read costs nothing, reading it says why."""
    recording = a_recording(fills={"step": [1]})
    for _ in range(2):  # looking again must not find an empty table
        with pytest.raises(ValueError, match=r"'fills' has no column 'phase'"):
            recording.frame("fills")


def test_a_table_that_was_not_kept_is_empty_with_all_its_columns() -> None:
    """Scripts that read a column must not break on a run without liquidations."""
    recording = a_recording()
    for name, columns in TABLES.items():
        frame = recording.frame(name)
        assert list(columns) == list(frame.columns)[: len(columns)]
        assert name == "series" or frame.empty


def test_unknown_codes_names_and_tables_are_refused() -> None:
    """A code without a name would be a silent lie in every figure."""
    with pytest.raises(ValueError, match=r"fills\.venue holds code 2, but the market has 2"):
        _ = a_recording(fills=fills({"venue": 2})).fills
    causes = {"cause_id": [1], "liquidation_id": [1], "weight": [1.0]}
    with pytest.raises(ValueError, match="unknown table 'cause'"):
        a_recording(cause=causes)
    rejects = rows("rejects", {"population": "dealer"})
    with pytest.raises(ValueError, match=r"rejects\.population holds 'dealer'; the market knows noise"):
        _ = a_recording(rejects=rejects).rejects


def test_a_crash_survives_the_disk_to_the_last_byte(tmp_path: Path) -> None:
    """Written, read back and written again: the same bytes, the same frames, the same market."""
    recording = a_crash(steps=1200)
    first = written(recording, tmp_path / "first")
    again = Recording.read(tmp_path / "first")
    assert written(again, tmp_path / "again") == first
    assert again.market == recording.market
    assert len(again.liquidations) > 10
    for name in TABLES:
        assert again.frame(name).equals(recording.frame(name)), name
        assert again.table(name).schema.equals(recording.table(name).schema, check_metadata=name != "series")


def test_two_processes_worth_of_the_same_content_write_the_same_bytes(tmp_path: Path) -> None:
    """Nothing but content reaches the files: built twice, from codes or from names."""
    codes = rows("rejects", {"population": LEVERED, "venue": 0, "kind": 2, "refusal": 1})
    names = rows(
        "rejects", {"population": "levered", "venue": "perp", "kind": "market", "refusal": "no_margin"}
    )
    names["phase"] = np.array([None])
    first = written(a_recording(rejects=codes), tmp_path / "codes")
    assert written(a_recording(rejects=names), tmp_path / "names") == first
    different = rows("rejects", {"population": LEVERED, "venue": 0, "kind": 2, "refusal": 2})
    assert written(a_recording(rejects=different), tmp_path / "different") != first


def test_units_stand_in_the_files(tmp_path: Path) -> None:
    """Every column of every file says its unit in its field metadata."""
    a_crash(steps=700).write(tmp_path)
    for name in TABLES:
        for field in pq.read_schema(tmp_path / f"{name}.parquet"):
            assert field.metadata[b"unit"], (name, field.name)
    series = pq.read_schema(tmp_path / "series.parquet")
    assert series.field("BTC.mid").metadata[b"unit"] == b"quote per unit"
    assert series.field("dealers.net_gamma").metadata[b"unit"] == b"units, per quote per unit"


PURE_NUMBERS = {
    "series": ("loop_gain", "loop_gain_up", "loop_gain_down", "loop_gain_instant", "hedging_response"),
    "fills": ("seq", "group", "cause"),
    "moves": ("seq", "cause", "answers"),
    "causes": ("cause_id", "liquidation_id", "weight"),
    "liquidations": (
        *("id", "parent", "generation", "root", "cause", "is_takeover"),
        *("share_hedging", "share_forced", "share_exogenous", "share_liquidations"),
    ),
    "populations": ("row",),
}
"""The columns that are codes, counts, shares or ratios; all others have a unit."""


def test_only_codes_counts_and_shares_of_a_real_run_have_no_unit() -> None:
    """Money, prices and times say what they are in, also in the columns that a run adds."""
    recording = small_market(MAKERS, LPS, steps=20).run()
    for name in TABLES:
        units = {field.name: field.metadata[b"unit"] for field in recording.table(name).schema}
        pure = {column.rpartition(".")[2] for column, unit in units.items() if unit == b"1"}
        assert pure == set(PURE_NUMBERS.get(name, ())), name
        assert b"unstated" not in units.values(), name
    liquidations = recording.table("liquidations").schema
    assert liquidations.field("creditors_loss").metadata[b"unit"] == b"quote"
    assert liquidations.field("mark").metadata[b"unit"] == b"quote per unit"
    assert liquidations.field("time").metadata[b"unit"] == b"s"


def test_nobody_guesses_the_unit_of_a_column_of_ones_own() -> None:
    """It may be money or minutes: the file says that nobody stated it."""
    recording = a_recording({"dealers.mood": [3.0, 4.0]}, causes=rows("causes") | {"note": np.zeros(0)})
    assert recording.table("series").schema.field("dealers.mood").metadata[b"unit"] == b"unstated"
    assert recording.table("causes").schema.field("note").metadata[b"unit"] == b"unstated"


def test_the_manifest_outranks_the_market_in_the_series(tmp_path: Path) -> None:
    """`market` is taken from manifest.json; what else stands there is metadata."""
    a_recording().write(tmp_path)
    assert Recording.read(tmp_path).market["name"] == "by_hand"
    manifest = {"status": "interrupted", "steps_done": 3, "market": a_market(name="from_manifest")}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    recording = Recording.read(tmp_path)
    assert recording.market["name"] == "from_manifest"
    assert recording.metadata == {"status": "interrupted", "steps_done": 3}
    with pytest.raises(FileNotFoundError, match="not a results folder"):
        Recording.read(tmp_path / "elsewhere")


def test_a_column_of_ones_own_is_kept_behind_the_declared_ones(tmp_path: Path) -> None:
    """A user's recorder may add columns; they survive the disk."""
    own = rows("causes", {"cause_id": 1, "weight": 0.5}) | {"note": np.array([7])}
    recording = a_recording({"BTC.mid": [1.0, 2.0], "dealers.mood": [3.0, 4.0]}, causes=own)
    recording.write(tmp_path)
    again = Recording.read(tmp_path)
    assert list(again.causes.columns)[-1] == "note"
    assert again.series["dealers.mood"].tolist() == [3.0, 4.0]


def test_a_folder_of_an_older_version_reads_with_what_it_lacks_undefined(tmp_path: Path) -> None:
    """It has no charges, and its liquidations do not say what they descend from."""
    a_crash(steps=1200).write(tmp_path)
    (tmp_path / "charges.parquet").unlink()
    path = tmp_path / "liquidations.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["share_liquidations", "cause"]), path)
    again = Recording.read(tmp_path)
    assert again.charges.empty
    assert again.liquidations["share_liquidations"].isna().all()
    assert (again.liquidations["cause"] == 0).all()


def test_importing_the_recording_loads_neither_pandas_nor_arrow() -> None:
    """The model imports it at start-up, where every tenth of a second is felt."""
    code = "import sys, sim.recording.recording as r; print(*{'pandas', 'pyarrow'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
