"""Rows of option quotes over time, as Tardis keeps them: `options_chain`, or one option of OKX a file.

Times are microseconds since 1970 (docs.tardis.dev, downloadable CSV files). Volatilities are the exchange's:
percent at Deribit, parts of one at OKX. Open interest is in contracts; one is a unit at Deribit, and at
OKX 0.01 BTC or 0.1 ETH (ctVal x ctMult of its instruments). OKX's options expire at 08:00 UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from agents.option_chains.formats.base import Cell, ChainFormat, Row, Source, since_epoch
from agents.option_chains.formats.deribit import named
from sim.setup.misfit import Misfit

MICROSECONDS = 1_000_000
OKX_UNITS = {"BTC": 0.01, "ETH": 0.1}
OKX_OPTION = re.compile(r"([A-Z]+)-[A-Z]+(?:_UM)?-(\d{2})(\d{2})(\d{2})-(\d+(?:\.\d+)?)-([CP])")
TIMES = ("timestamp", "minute_utc_us")
OKX, DERIBIT = "okex-options", "deribit"


class Tardis(ChainFormat):
    """A row per change of an option; the contract is in columns, in `symbol`, or in the name of the file.

    Leaves out: exchanges other than Deribit and OKX, whose units are not known here.
    """

    name = "Tardis or OKX rows"
    columns = ("mark_iv", "open_interest", "underlying_price")
    expiry_time = "08:00 UTC"

    def reads(self, source: Source) -> bool:
        """True if marks, open interest and times are columns, and a contract is named."""
        is_named = "symbol" in source.columns or OKX_OPTION.search(source.name) is not None
        return set(self.columns) <= set(source.columns) and bool(source.present(TIMES)) and is_named

    def rows(self, source: Source) -> Iterator[Row]:
        """Every line."""
        (time, *_) = source.present(TIMES)
        of_file = OKX_OPTION.search(source.name)
        known = {"timestamp": time, "implied_volatility": "mark_iv", "futures_price": "underlying_price"}
        for line, record in source.records():
            symbol = record.get("symbol") or (of_file[0] if of_file else "")
            exchange = record.get("exchange") or (OKX if OKX_OPTION.fullmatch(symbol) else DERIBIT)
            place = f"line {line}"
            if exchange not in (OKX, DERIBIT):
                what = f'{source.file}: {place}, column "exchange" holds "{exchange}"'
                raise Misfit(f"{what}, whose units are not known", ("file",), exchange, (DERIBIT, OKX))
            terms = _of_okx(symbol) if exchange == OKX else _of_deribit(symbol)
            cells = {field: Cell(record[column], column) for field, column in known.items()}
            cells["timestamp"] = Cell(since_epoch(record[time], MICROSECONDS), time)
            if exchange == DERIBIT:
                cells["implied_volatility"] = Cell(record["mark_iv"], "mark_iv", 0.01)
            units = OKX_UNITS.get(terms["currency"].text, 0.0) if exchange == OKX else 1.0
            if not units:
                what = f'{source.file}: {place} holds "{symbol}", a contract of unknown size'
                raise Misfit(what, ("file",), "", tuple(OKX_UNITS))
            cells["open_interest"] = Cell(record["open_interest"], "open_interest", units)
            yield Row(place, terms | cells)


def _of_okx(symbol: str) -> dict[str, Cell]:
    found = OKX_OPTION.fullmatch(symbol)
    if found is None:
        return _terms(symbol, "", "", "", "")
    currency, year, month, day, strike, kind = found.groups()
    return _terms(symbol, currency, f"20{year}-{month}-{day}", strike, "call" if kind == "C" else "put")


def _of_deribit(symbol: str) -> dict[str, Cell]:
    return _terms(symbol, *(named(symbol) or ("", "", "", "")))


def _terms(symbol: str, currency: str, expiry: str, strike: str, option_type: str) -> dict[str, Cell]:
    """Cells of a contract; of a symbol that is none's they hold the symbol, which is no strike or date."""
    return {
        "currency": Cell(currency or symbol.partition("-")[0], "symbol"),
        "expiry_datetime": Cell(expiry or symbol, "symbol"),
        "strike": Cell(strike or symbol, "symbol"),
        "option_type": Cell(option_type or symbol, "symbol"),
    }
