"""Deribit book summaries: the answer of public/get_book_summary_by_currency, as JSON.

`mark_iv` is in percent, `underlying_price` that of the future the option is priced on, `open_interest`
in units of the underlying, `creation_timestamp` in milliseconds (docs.deribit.com).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agents.option_chains.formats.base import Cell, ChainFormat, Row, Source, since_epoch
from agents.option_chains.formats.deribit import EXPIRY, named


class DeribitBookSummary(ChainFormat):
    """The list of summaries, bare or as the `result` of an answer; what is no option is passed over."""

    name = "Deribit book summary (JSON)"
    expiry_time = EXPIRY

    def reads(self, source: Source) -> bool:
        """True of a list whose entries name instruments."""
        entries = _entries(source.json)
        return bool(entries) and all("instrument_name" in entry for entry in entries)

    def rows(self, source: Source) -> Iterator[Row]:
        """Every option."""
        for number, entry in enumerate(_entries(source.json)):
            option = named(str(entry["instrument_name"]))
            if option is None:
                continue
            cells = {
                "timestamp": Cell(
                    since_epoch(_text(entry, "creation_timestamp"), 1000), "creation_timestamp"
                ),
                "currency": Cell(option.currency, "instrument_name"),
                "option_type": Cell(option.option_type, "instrument_name"),
                "strike": Cell(option.strike, "instrument_name"),
                "expiry_datetime": Cell(option.expiry, "instrument_name"),
                "implied_volatility": Cell(_text(entry, "mark_iv"), "mark_iv", 0.01),
                "open_interest": Cell(_text(entry, "open_interest"), "open_interest"),
                "futures_price": Cell(_text(entry, "underlying_price"), "underlying_price"),
            }
            yield Row(f"entry {number}", cells)


def _entries(content: Any) -> list[dict[str, Any]]:
    listed = content.get("result") if isinstance(content, dict) else content
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    return "" if value is None else str(value)
