"""Our own format: a table with one row per contract, in units of the asset and parts of one."""

from __future__ import annotations

from collections.abc import Iterator

from agents.option_chains.formats.base import FIELDS, Cell, ChainFormat, Row, Source


class Own(ChainFormat):
    """Columns named like the fields: what `hedgequake chain` writes.

    `implied_volatility` is per year (0.65, or 65%), `open_interest` in units of the asset, `option_type`
    call or put, `timestamp` and `expiry_datetime` are ISO 8601, in UTC where no zone is given.
    """

    name = "hedgequake CSV"
    columns = FIELDS

    def reads(self, source: Source) -> bool:
        """True if every field is a column."""
        return set(FIELDS) <= set(source.columns) and "instrument_name" not in source.columns

    def rows(self, source: Source) -> Iterator[Row]:
        """Every line."""
        for line, record in source.records():
            yield Row(f"line {line}", {name: Cell(record[name], name) for name in FIELDS})
