"""The recording: what a finished or interrupted run leaves behind, as tables with units.

A `Recording` holds ten tables and two plain dictionaries. The tables are the files of a
results folder: `series` (a row a step), `fills`, `moves`, `causes`, `charges` (who moved the
mid, through makers, a step), `liquidations`, `populations` (a row an account, at the end),
`rejects`, `profiles` (gamma and positions at risk by price) and `depths` (what rests near the mid, a
minute). `market` describes what was run, `metadata` how the run went.

Codes (of populations, venues, instruments, phases, ...) become names: dictionary-encoded
columns in the Parquet files, Categoricals in the frames; a code below zero is nobody and
reads as missing. A table is converted when it is first looked at, so a run whose
recording nobody reads pays nothing. Equal contents give equal bytes on disk.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.messages.columns import LATER, OPTIONAL, SERIES, TABLES, UNSTATED, Column
from sim.records import KINDS, MOVERS, PHASES, REASONS, REFUSALS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Source = Any
"""What a table may be given as: structured array, mapping of columns, Arrow table, Parquet path."""

MARKET_KEY = b"hedgequake.market"
UNIT_KEY = b"unit"


class Recording:
    """What a run leaves: ten tables, what was run (`market`) and how it went (`metadata`).

    Parameters
    ----------
    market : dict
        JSON-able: name, description, seed, arm, step_seconds, steps, and the lists assets,
        venues, populations (of tables with a `name`), instruments (of names) and shocks; where
        a book is watched for market failure also failures (tables of venue, time, side), which may be empty.
    tables : mapping of str to array, mapping, Arrow table or path
        Any of the names in `sim.messages.columns.TABLES`; one that is not given is empty. Columns of codes
        may hold codes or names. Columns beyond the declared ones are kept, after them.
    metadata : dict, optional
        The manifest of the run without its market.

    Raises
    ------
    ValueError
        If a table is unknown; on first access, if a column is missing or a code has no name.
    """

    def __init__(
        self,
        market: dict[str, Any],
        tables: Mapping[str, Source],
        metadata: dict[str, Any] | None = None,
    ) -> None:
        unknown = sorted(set(tables) - set(TABLES))
        if unknown:
            raise ValueError(f"unknown table {unknown[0]!r}; a recording holds {', '.join(TABLES)}")
        self.market = market
        self.metadata = metadata or {}
        self._sources = dict(tables)
        self._tables: dict[str, pa.Table] = {}

    def __repr__(self) -> str:
        name, seed, arm = (self.market.get(key) for key in ("name", "seed", "arm"))
        return f"<Recording of {name}, seed {seed}, arm {arm}>"

    @cached_property
    def series(self) -> pd.DataFrame:
        """A row a step: prices, liquidity, and the state of every population."""
        return self.frame("series")

    @cached_property
    def fills(self) -> pd.DataFrame:
        """A row a fill; `qty` in lots of the instrument, above zero where the taker buys."""
        return self.frame("fills")

    @cached_property
    def moves(self) -> pd.DataFrame:
        """A row for every change of an asset's reference mid, in half ticks."""
        return self.frame("moves")

    @cached_property
    def causes(self) -> pd.DataFrame:
        """How much of each cause descends from which liquidation; the rest is exogenous."""
        return self.frame("causes")

    @cached_property
    def charges(self) -> pd.DataFrame:
        """Half ticks by step, population and reason; makers who reprice after flow charge that flow."""
        return self.frame("charges")

    @cached_property
    def liquidations(self) -> pd.DataFrame:
        """A row a forced close, with its loss, who paid it and what brought it about."""
        return self.frame("liquidations")

    @cached_property
    def populations(self) -> pd.DataFrame:
        """A row an account, at the end of the run."""
        return self.frame("populations")

    @cached_property
    def rejects(self) -> pd.DataFrame:
        """A row for every order that was refused, and why."""
        return self.frame("rejects")

    @cached_property
    def profiles(self) -> pd.DataFrame:
        """Net gamma and units at risk of forced closing, by price and population."""
        return self.frame("profiles")

    @cached_property
    def depths(self) -> pd.DataFrame:
        """Units that rest within distances of the mid, once a minute."""
        return self.frame("depths")

    def frame(self, name: str) -> pd.DataFrame:
        """A new pandas frame of a table; codes are Categoricals of names."""
        frame: pd.DataFrame = self.table(name).to_pandas()
        return frame

    def table(self, name: str) -> pa.Table:
        """A table as Arrow columns with the unit in each field's metadata."""
        if name not in self._tables:
            columns = _columns(self._sources.get(name), TABLES[name])
            if name == "moves" and "asset" not in columns and "venue" in columns:
                columns["asset"] = self._assets_of(columns["venue"])
            self._fill_later(name, columns)
            self._tables[name] = _conformed(name, columns, self.names)
            self._sources.pop(name, None)
        return self._tables[name]

    def column(self, table: str, name: str) -> np.ndarray:
        """A column as a numpy array, for computing on: codes stay codes, -1 is nobody."""
        values = self.table(table)[name].combine_chunks()
        if hasattr(values, "indices"):
            values = values.indices.fill_null(-1)
        array: np.ndarray = values.to_numpy(zero_copy_only=False)
        return array

    def names(self, subject: str) -> Sequence[str]:
        """The names that codes of a subject ("populations", "phases", ...) stand for."""
        if subject in _FIXED_NAMES:
            return _FIXED_NAMES[subject]
        entries = self.market.get(subject, [])
        return [entry if isinstance(entry, str) else entry["name"] for entry in entries]

    def write(self, folder: str | Path) -> None:
        """Write every table as `<folder>/<table>.parquet`, compressed; equal contents, equal bytes."""
        import pyarrow.parquet as pq

        Path(folder).mkdir(parents=True, exist_ok=True)
        market = json.dumps(self.market, sort_keys=True)
        for name in TABLES:
            table = self.table(name)
            metadata = {MARKET_KEY: market.encode()} if name == "series" else None
            path = Path(folder) / f"{name}.parquet"
            coded = [field.name for field in table.schema if hasattr(field.type, "value_type")]
            table = table.replace_schema_metadata(metadata)
            pq.write_table(table, path, compression="zstd", use_dictionary=coded)

    @classmethod
    def read(cls, folder: str | Path) -> Recording:
        """The recording in a results folder; each file is opened when its table is looked at.

        Raises
        ------
        FileNotFoundError
            If the folder holds no `series.parquet`.
        """
        folder = Path(folder)
        if not (folder / "series.parquet").is_file():
            raise FileNotFoundError(f"{folder} is not a results folder: it holds no series.parquet")
        manifest = folder / "manifest.json"
        metadata = _table(manifest.name, manifest.read_bytes()) if manifest.is_file() else {}
        market = metadata.pop("market", None) or _stored_market(folder / "series.parquet")
        paths = {name: folder / f"{name}.parquet" for name in TABLES}
        return cls(market, {name: path for name, path in paths.items() if path.is_file()}, metadata)

    @staticmethod
    def _fill_later(table: str, columns: dict[str, Any]) -> None:
        """Add the columns that folders of older versions lack, undefined."""
        rows = len(next(iter(columns.values()), ()))
        for name, value in LATER.get(table, {}).items():
            columns.setdefault(name, np.full(rows, value))

    def _assets_of(self, venues: np.ndarray) -> np.ndarray:
        """Code of the asset that each venue, given by code, trades; -1 if it trades none of its own."""
        assets = {name: code for code, name in enumerate(self.names("assets"))}
        traded = [assets.get(venue["asset"], -1) for venue in self.market["venues"]]
        codes: np.ndarray = np.array([*traded, -1])[venues]
        return codes


_FIXED_NAMES: dict[str, Sequence[str]] = {
    "phases": PHASES,
    "reasons": REASONS,
    "movers": MOVERS,
    "refusals": REFUSALS,
    "kinds": KINDS,
}


def _columns(source: Source, declared: dict[str, Column]) -> dict[str, Any]:
    """The columns of a source by name; a missing source has the declared ones, empty."""
    if source is None:
        return {name: np.zeros(0, column.dtype) for name, column in declared.items()}
    if isinstance(source, Path):
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(source) as file:  # `read_table` would import what reads folders of files
                source = file.read()
        except (OSError, ValueError) as error:
            raise ValueError(f"{source.name} cannot be read: {error}") from error
    if isinstance(source, np.ndarray):
        return {name: source[name] for name in source.dtype.names or ()}
    if isinstance(source, Mapping):
        return dict(source)
    return dict(zip(source.column_names, source.columns, strict=True))


def _conformed(table: str, columns: dict[str, Any], names: Callable[[str], Sequence[str]]) -> pa.Table:
    """An Arrow table with the declared columns first, in order, and units on every field."""
    import pyarrow as pa

    declared = TABLES[table]
    missing = [name for name in declared if name not in columns]
    if missing:
        raise ValueError(f"table {table!r} has no column {missing[0]!r}; it needs {', '.join(declared)}")
    arrays, fields = [], []
    for name in (*declared, *(name for name in columns if name not in declared)):
        column = declared.get(name) or _undeclared(table, name)
        array = _array(f"{table}.{name}", columns[name], column, names)
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata={UNIT_KEY: column.unit.encode()}))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _undeclared(table: str, name: str) -> Column:
    """A column that not every table has: one of a run's own, or one whose unit nobody stated."""
    if table == "series":
        return SERIES.get(name.rpartition(".")[2], UNSTATED)
    return OPTIONAL.get(table, {}).get(name, UNSTATED)


def _array(where: str, values: Any, column: Column, names: Callable[[str], Sequence[str]]) -> Any:
    """One Arrow array: numbers as declared, codes as a dictionary of their names."""
    import pyarrow as pa

    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
    if not column.names:
        if isinstance(values, pa.Array):
            return values.cast(pa.from_numpy_dtype(column.dtype)) if column.dtype else values
        return pa.array(np.ascontiguousarray(values, column.dtype or None))
    known = names(column.names)
    codes = _codes(where, values, known).astype(column.dtype)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(list(known), pa.string()))


def _codes(where: str, values: Any, known: Sequence[str]) -> np.ndarray:
    """Positions in `known` of codes or names; -1 is nobody."""
    import pyarrow as pa

    if isinstance(values, pa.DictionaryArray):
        own = _codes(where, values.dictionary.to_pylist(), known)
        codes: np.ndarray = np.append(own, -1)[values.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
        return codes
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        worst = int(array.max(initial=-1))
        if worst >= len(known):
            raise ValueError(f"{where} holds code {worst}, but the market has {len(known)} such names")
        return np.maximum(array.astype(np.int64), -1)
    position = {name: code for code, name in enumerate(known)} | {None: -1}
    try:
        return np.array([position[name] for name in array.tolist()], np.int64)
    except KeyError as error:
        allowed = ", ".join(known)
        raise ValueError(f"{where} holds {error.args[0]!r}; the market knows {allowed}") from None


def _stored_market(path: Path) -> dict[str, Any]:
    """The market that `write` left in the metadata of the series."""
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error
    if MARKET_KEY not in metadata:
        raise ValueError(f"{path} does not say what market it was recorded in")
    return _table(f"the market in {path.name}", metadata[MARKET_KEY])


def _table(name: str, text: bytes) -> dict[str, Any]:
    """A table of JSON; ValueError if it is none."""
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is no JSON: {error}") from error
    if not isinstance(table, dict):
        raise ValueError(f"{name} holds no table")
    return table
