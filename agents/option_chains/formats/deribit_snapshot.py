"""Deribit snapshots: tables in which researchers keep its book summaries, a row per contract."""

from __future__ import annotations

from collections.abc import Iterator

from agents.option_chains.formats.base import FIELDS, Cell, ChainFormat, Row, Source
from agents.option_chains.formats.deribit import EXPIRY


class DeribitSnapshot(ChainFormat):
    """The fields as columns beside `instrument_name`; volatilities are parts of one."""

    name = "Deribit snapshot (CSV)"
    columns = (*FIELDS, "instrument_name")
    expiry_time = EXPIRY

    def reads(self, source: Source) -> bool:
        """True if every field and the name of the instrument are columns."""
        return set(self.columns) <= set(source.columns)

    def rows(self, source: Source) -> Iterator[Row]:
        """Every line."""
        for line, record in source.records():
            yield Row(f"line {line}", {name: Cell(record[name], name) for name in FIELDS})
