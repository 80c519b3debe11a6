"""Chain files: every format read to the same contracts, and files that cannot be meant as they stand."""

from __future__ import annotations

import csv
import gzip
import json
import math
import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from places import README
from small_market import small_market

from agents.option_chains.cells import Timeless, moment, number, time_of_day
from agents.option_chains.chains import Snapshot
from agents.option_chains.formats import formats
from agents.option_chains.formats.base import FIELDS
from agents.option_chains.library import example
from agents.option_chains.reading import ChainFile, Reading, clock, read
from agents.option_chains.table import as_csv, gamma, spot
from scenarios.__main__ import main
from scenarios.terminal.summary import left_out
from sim.setup.instruments import Universe
from sim.setup.listing import Listing, Smile
from sim.setup.misfit import Misfit

CBOE = "data/cboe_delayed_quotes_SPY_20250925.csv"
DERIBIT = "data/deribit_options_snapshot_20260205T212937Z.csv"
OKX = "data/okx_BTC-USD-251031-80000-P_1m_20251010.csv"
RIGHT = -988_798.32
"""Net gamma of the Cboe file, calls less puts, shares per dollar: -9887.98 contracts' worth of 100."""

SIDE = "Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest"
HEAD = f"""\

SPDR S&P 500 ETF Trust,Last: 600.00,Change:  -3.05
"Date: October 1, 2025 at 9:45 AM EDT",Bid: 599.9,Ask: 600.1,Size: 1*4,"Volume: 89,468,957"
Expiration Date,Calls,{SIDE},Strike,Puts,{SIDE}
"""
LINE = (
    "{day},{root}251001C00600000,1,0,1,1,1,0.2,.5,0,{calls},"
    "600.00,{root}251001P00600000,1,0,1,1,1,.25,.5,0,{puts}\n"
)


def black_gamma(future: float, strike: float, years: float, volatility: float) -> float:
    total = volatility * math.sqrt(years)
    d1 = math.log(future / strike) / total + total / 2
    return math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi) / (future * total)


def reading(path: Path, currency: str | None = None, **times: str) -> Reading:
    return read(
        ChainFile(path),
        currency,
        clock(**({"expiry_time": None, "snapshot_time": None, "as_of": None} | times)),
    )


def own(path: Path, *rows: dict[str, str]) -> Path:
    base = dict(
        zip(
            FIELDS,
            ("2026-02-05T21:00:00Z", "BTC", "call", "66000", "2026-03-06T08:00Z", ".6", "10", "66000"),
            strict=True,
        )
    )
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows([base | row for row in rows or ({},)])
    return path


@pytest.fixture(scope="module")
def converted(shared: Path) -> list[dict[str, str]]:
    """The Cboe file as our own table."""
    return list(csv.DictReader(as_csv(reading(shared / CBOE)).splitlines()))


def changed(
    path: Path, rows: list[dict[str, str]], change: Callable[[dict[str, str]], dict[str, str]]
) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows([row | change(row) for row in rows])
    return path


# Numbers and times.


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234", 1234.0),
        ("12,345,678.5", 12345678.5),
        ("1'234", 1234.0),
        ("1\u202f234", 1234.0),
        ("1_234", 1234.0),
        (" 0.65 ", 0.65),
        ("1e-3", 0.001),
        ("\u22121.5", -1.5),
        ("inf", math.inf),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, value: float) -> None:
    assert number(text) == value


def test_percent_is_for_shares_and_a_currency_sign_for_prices() -> None:
    assert number("65%", is_share=True) == pytest.approx(0.65)
    for text in ("$65,000.50", "65,000.50 USD", "65000.5 USDT", "US$65000.5", "€65'000.5"):
        assert number(text, is_price=True) == 65000.5
    for text in ("65%", "$65"):
        with pytest.raises(ValueError, match="is no number"):
            number(text)


@pytest.mark.parametrize("text", ["0,65", "1,23", "1.234,5", "1,2345", "0,652", "12k", "1,234,56", "1 23"])
def test_what_could_be_read_in_two_ways_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        number(text)


@pytest.mark.parametrize("text", ["", " ", "-", "NaN", "n/a", "None", "null"])
def test_what_says_that_there_is_no_number_is_none(text: str) -> None:
    assert math.isnan(number(text))


def test_a_date_alone_is_no_moment_without_a_time_of_day() -> None:
    with pytest.raises(Timeless):
        moment("2025-10-01")
    assert moment("2025-10-01", time_of_day("16:00 America/New_York")) == datetime(
        2025, 10, 1, 20, tzinfo=UTC
    )
    assert moment("2025-12-01", time_of_day("9:30 America/New_York")) == datetime(
        2025, 12, 1, 14, 30, tzinfo=UTC
    )
    assert moment("2025-12-01", time_of_day("08:00 +05:30")) == datetime(2025, 12, 1, 2, 30, tzinfo=UTC)
    for text in ("0001-01-01T00:00+05:00", "9999-12-31T23:59-05:00", "soon", ""):
        with pytest.raises(ValueError, match=r"date of this calendar|Invalid isoformat"):
            moment(text)
    for text in ("16:00", "25:00 UTC", "16:00 Mars/Olympus", "noon UTC", "16:00 ../etc"):
        with pytest.raises(ValueError, match="no time of day with its zone"):
            time_of_day(text)


def test_an_hour_that_clocks_are_put_back_counts() -> None:
    at = time_of_day("16:00 America/New_York")
    between = moment("2025-11-03", at) - moment("2025-11-01", at)
    assert between.total_seconds() == 49 * 3600


# Cboe delayed quotes: the right value, and what wrong units and cells gave instead.


def test_the_cboe_file_has_the_gamma_of_an_independent_sum(shared: Path) -> None:
    expected = {"C": 0.0, "P": 0.0}
    taken = datetime(2025, 9, 26, 1, 5, tzinfo=UTC)  # 9:05 PM in New York
    with (shared / CBOE).open() as file:
        for cells in list(csv.reader(file))[4:]:
            day = datetime.strptime(cells[0], "%a %b %d %Y").replace(hour=20, tzinfo=UTC)
            years = (day - taken).total_seconds() / (365 * 86400)
            for kind, volatility, interest in (("C", cells[7], cells[10]), ("P", cells[18], cells[21])):
                if float(volatility) > 0 and float(interest) > 0:
                    each = black_gamma(658.05, float(cells[11]), years, float(volatility))
                    expected[kind] += 100 * float(interest) * each
    found = reading(shared / CBOE)
    assert (found.format, found.currency, found.rows, len(found.quotes)) == (
        "Cboe delayed quotes",
        "SPY",
        3716,
        2221,
    )
    assert gamma(found).calls == pytest.approx(expected["C"], rel=1e-9)
    assert gamma(found).puts == pytest.approx(expected["P"], rel=1e-9)
    assert gamma(found).net == pytest.approx(RIGHT, abs=0.01)
    assert spot(found) == 658.05
    assert found.left_out["an implied volatility of 0"].count == 79
    assert found.left_out["an implied volatility of 0"].first == 'line 135, column "IV (puts)"'
    assert found.share_left_out == pytest.approx(0.00162, abs=1e-5)


def test_our_own_table_reads_back_as_the_same_contracts(tmp_path: Path, shared: Path) -> None:
    first = reading(shared / CBOE)
    (tmp_path / "own.csv").write_text(as_csv(first))
    again = reading(tmp_path / "own.csv")
    assert again.quotes == first.quotes
    assert (again.taken, again.left_out) == (first.taken, {})


def test_separators_and_percent_signs_are_read(tmp_path: Path, converted: list[dict[str, str]]) -> None:
    """Open interest written "1,234" lost the largest rows and the sign of the gamma."""
    path = changed(
        tmp_path / "chain.csv",
        converted,
        lambda row: {
            "open_interest": f"{float(row['open_interest']):,.0f}",
            "implied_volatility": f"{100 * float(row['implied_volatility']):.6f}%",
            "strike": f"${float(row['strike']):,.2f}",
        },
    )
    found = reading(path)
    assert len(found.quotes) == 2221
    assert gamma(found).net == pytest.approx(RIGHT, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda row: {"implied_volatility": f"{100 * float(row['implied_volatility']):g}"},
            r"median volatility of \S+ a year, above 5; write 65% as 0\.65 or 65%",
        ),
        (
            lambda row: {"strike": f"{1000 * float(row['strike']):g}"},
            r"median \|ln\(K / F\)\| to the prices of the future is 6\.87, above 1\.5",
        ),
        (lambda row: {"futures_price": "0"}, r"2221 with no price of the future \(first: line 2, column "),
        (lambda row: {"implied_volatility": "1e-5"}, r"2221 with an implied volatility below 0\.1% a year"),
        (
            lambda row: {"open_interest": "1.234,5"},
            r'line 2, column "open_interest": "1\.234,5" is no number; write open interest like 1234\.5',
        ),
        (
            lambda row: {"expiry_datetime": row["expiry_datetime"][:10]},
            r'line 2, column "expiry_datetime": "2025-10-01" is a date without a time; .* expiry_time',
        ),
        (
            lambda row: {"timestamp": row["timestamp"][:10]},
            r'line 2, column "timestamp": "2025-09-26" is a date without a time; .* snapshot_time',
        ),
    ],
)
def test_a_chain_that_cannot_be_meant_so_is_refused(
    tmp_path: Path,
    converted: list[dict[str, str]],
    change: Callable[[dict[str, str]], dict[str, str]],
    said: str,
) -> None:
    with pytest.raises(Misfit, match=said):
        reading(changed(tmp_path / "chain.csv", converted, change))


def test_dates_without_time_are_read_with_the_time_that_is_said(
    tmp_path: Path, converted: list[dict[str, str]]
) -> None:
    path = changed(
        tmp_path / "chain.csv", converted, lambda row: {"expiry_datetime": row["expiry_datetime"][:10]}
    )
    assert gamma(reading(path, expiry_time="16:00 America/New_York")).net == pytest.approx(RIGHT, abs=0.01)
    assert gamma(reading(path, expiry_time="00:00 UTC")).net != pytest.approx(RIGHT, rel=1e-3)


def test_volatility_of_nothing_at_the_money_is_left_out_and_warned_of(
    tmp_path: Path, converted: list[dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    near = [row for row in converted if abs(float(row["strike"]) / 658.05 - 1) < 0.02]
    path = changed(
        tmp_path / "chain.csv", converted, lambda row: {"implied_volatility": "1e-5"} if row in near else {}
    )
    found = reading(path)
    share = sum(float(row["open_interest"]) for row in near) / sum(
        float(row["open_interest"]) for row in converted
    )
    assert found.left_out["an implied volatility below 0.1% a year"].count == len(near)
    assert found.share_left_out == pytest.approx(share)
    assert main(["chain", str(path)]) == 0
    assert f"warning: {path}: {share:.1%} of the open interest is left out" in capsys.readouterr().err
    with pytest.raises(
        Misfit, match=rf"{share:.0%} of its open interest would be left out, at most 5% may be"
    ):
        read(ChainFile(path), None, most_left_out=0.05)


def of_one_day(path: Path, root: str, day: str, calls: int = 10, puts: int = 20) -> Path:
    path.write_text(HEAD + LINE.format(day=day, root=root, calls=calls, puts=puts))
    return path


def test_options_of_the_day_live_until_the_close_in_new_york(tmp_path: Path) -> None:
    found = reading(of_one_day(tmp_path / "q.csv", "SPY", "Wed Oct 01 2025"))
    assert [(q.expiry - found.taken).total_seconds() for q in found.quotes] == [6.25 * 3600] * 2
    assert [q.open_interest for q in found.quotes] == [1000.0, 2000.0]
    years = 6.25 / (24 * 365)
    assert gamma(found).net == pytest.approx(
        1000 * black_gamma(600, 600, years, 0.2) - 2000 * black_gamma(600, 600, years, 0.25)
    )


def test_index_options_that_settle_at_the_opening_are_past_by_then(tmp_path: Path) -> None:
    with pytest.raises(
        Misfit, match=r'2 with an expiry that is past \(first: line 5, column "Expiration Date"\)'
    ):
        reading(of_one_day(tmp_path / "spx.csv", "SPX", "Wed Oct 01 2025"))
    found = reading(of_one_day(tmp_path / "spxw.csv", "SPXW", "Wed Oct 01 2025"))
    assert (found.currency, len(found.quotes)) == ("SPX", 2)


def test_an_unreadable_expiry_is_not_called_past(tmp_path: Path) -> None:
    path = of_one_day(tmp_path / "q.csv", "SPY", "Wed Oct 01 2025")
    path.write_text(path.read_text() + LINE.format(day="1 Oct 2025", root="SPY", calls=1, puts=1))
    assert set(reading(path).left_out) == {"an unreadable expiry"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Last: 600.00", "600.00", 'no "Last: " above its table'),
        (
            "Date: October 1, 2025 at 9:45 AM EDT",
            "Date: today",
            'line 3 holds "Date: today", not a date like',
        ),
        ('"Date: October 1, 2025 at 9:45 AM EDT"', "", 'no "Date: " above its table'),
    ],
)
def test_a_cboe_file_without_its_head_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = of_one_day(tmp_path / "q.csv", "SPY", "Wed Oct 01 2025")
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(Misfit, match=re.escape(said)):
        reading(path)


# Deribit, Tardis and OKX.


def summary(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "instrument_name": name,
        "base_currency": name.partition("-")[0],
        "mark_iv": 52.1,
        "underlying_price": 73751.77,
        "open_interest": 1180.5,
        "creation_timestamp": 1770240788476,
    } | fields


def test_book_summaries_are_read_in_percent_and_at_eight_utc(tmp_path: Path) -> None:
    entries = [
        summary("BTC-24APR26-65000-P"),
        summary("BTC-24APR26-80000-C", mark_iv=None),
        summary("BTC-PERPETUAL", mark_iv=None),
        summary("ETH-24APR26-2500-C", underlying_price=2500.0),
        summary("XRP_USDC-1AUG26-3d1-C", underlying_price=3.0),
    ]
    path = tmp_path / "summary.json"
    path.write_text(json.dumps({"jsonrpc": "2.0", "result": entries, "usOut": 1}))
    found = read(ChainFile(path), "BTC", most_left_out=1.0)
    (quote,) = found.quotes
    assert (found.format, found.rows) == ("Deribit book summary (JSON)", 2)
    assert quote[:3] == (65000.0, datetime(2026, 4, 24, 8, tzinfo=UTC), False)
    assert quote[3:] == pytest.approx((0.521, 1180.5, 73751.77))
    assert found.left_out["no implied volatility"].first == 'entry 1, column "mark_iv"'
    assert reading(path, "XRP").quotes[0].strike == 3.1
    path.write_text(json.dumps(entries))
    assert reading(path, "ETH").quotes[0].expiry == datetime(2026, 4, 24, 8, tzinfo=UTC)


def test_a_summary_and_a_snapshot_of_the_same_options_are_the_same_chain(
    tmp_path: Path, shared: Path
) -> None:
    snapshot = reading(shared / DERIBIT, "BTC")
    with (shared / DERIBIT).open() as file:
        entries = [
            summary(
                row["instrument_name"],
                mark_iv=100 * float(row["implied_volatility"]),
                underlying_price=float(row["futures_price"]),
                open_interest=float(row["open_interest"]),
                creation_timestamp=1770326977885,
            )
            for row in csv.DictReader(file)
        ]
    (tmp_path / "summary.json").write_text(json.dumps(entries))
    found = reading(tmp_path / "summary.json", "BTC")
    assert len(found.quotes) == len(snapshot.quotes) == 822
    assert gamma(found).net == pytest.approx(gamma(snapshot).net, rel=1e-6)
    assert found.quotes[17][:3] == snapshot.quotes[17][:3]


def test_an_option_of_okx_is_a_hundredth_of_a_coin_and_its_last_row_counts(shared: Path) -> None:
    found = reading(shared / OKX)
    (quote,) = found.quotes
    assert (found.format, found.currency, found.other_times) == ("Tardis or OKX rows", "BTC", 1440)
    assert quote == (80000.0, datetime(2025, 10, 31, 8, tzinfo=UTC), False, 0.7285048092, 93.61, 112992.8)
    then = reading(shared / OKX, as_of="2025-10-10T12:00:00Z")
    assert then.taken == datetime(2025, 10, 10, 12, tzinfo=UTC)
    assert then.quotes[0].open_interest == pytest.approx(92.6)
    with pytest.raises(Misfit, match=r"has nothing by then; it begins at 2025-10-09T23:59"):
        reading(shared / OKX, as_of="2025-10-09T00:00Z")


def test_rows_of_tardis_have_the_units_of_their_exchange(tmp_path: Path) -> None:
    head = "exchange,symbol,timestamp,type,strike_price,expiration,open_interest,mark_iv,underlying_price\n"
    later, earlier = 1770240788000000, 1770240700000000
    rows = [
        f"deribit,BTC-24APR26-65000-P,{earlier},put,65000,1,900,60,73000",
        f"deribit,BTC-24APR26-65000-P,{later},put,65000,1,1000,50,74000",
        f"okex-options,BTC-USD-260424-65000-C,{earlier},call,65000,1,1000,0.5,74000",
        f"okex-options,ETH-USD-260424-2500-C,{later},call,2500,1,1000,0.5,2500",
    ]
    path = tmp_path / "options_chain.csv.gz"
    path.write_bytes(gzip.compress((head + "\n".join(rows)).encode()))
    found = reading(path, "BTC")
    assert [(q.is_call, q.volatility, q.open_interest, q.future) for q in found.quotes] == [
        (False, 0.5, 1000.0, 74000.0),
        (True, 0.5, 10.0, 74000.0),
    ]
    assert (found.other_times, found.taken.timestamp()) == (1, later / 1e6)
    assert reading(path, "ETH").quotes[0].open_interest == pytest.approx(100.0)
    path.write_bytes(gzip.compress((head + rows[0].replace("deribit", "elsewhere")).encode()))
    with pytest.raises(Misfit, match='column "exchange" holds "elsewhere", whose units are not known'):
        reading(path)


# What no format takes, and moments.


def test_every_format_is_found_by_its_file() -> None:
    assert {known.name for known in formats()} == {
        "Cboe delayed quotes",
        "Deribit book summary (JSON)",
        "Deribit snapshot (CSV)",
        "Tardis or OKX rows",
        "hedgequake CSV",
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n", "is no option chain in a format that can be read"),
        (b"", "is no option chain in a format that can be read"),
        (b'{"result": [1, 2', "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b'{"result": []}', "is no option chain in a format that can be read"),
        (b"\x1f\x8b\x08nothing", "cannot be read"),
    ],
)
def test_a_file_that_is_no_chain_is_said_to_be_none(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(Misfit, match=said):
        reading(tmp_path / "file")


def test_of_several_moments_the_last_of_each_contract_counts(tmp_path: Path) -> None:
    """Two snapshots in one file are not twice the open interest."""
    path = own(tmp_path / "chain.csv", {}, {"timestamp": "2026-02-05T22:00:00Z", "open_interest": "12"})
    found = reading(path)
    assert ([q.open_interest for q in found.quotes], found.other_times) == ([12.0], 1)
    assert found.taken == datetime(2026, 2, 5, 22, tzinfo=UTC)
    assert reading(path, as_of="2026-02-05T21:30:00Z").quotes[0].open_interest == 10.0


# A chain of another currency.


def snapshot(path: Path, **fields: Any) -> Snapshot:
    return Snapshot(file=str(path), **fields)


def listing() -> Listing:
    return Listing(1, 1.0, Universe(["BTC"]), [60_000.0], [Smile()])


def test_a_chain_of_another_currency_is_refused_unless_it_is_said(tmp_path: Path) -> None:
    path = own(tmp_path / "chain.csv", {}, {"currency": "ETH", "strike": "3300", "futures_price": "3000"})
    with pytest.raises(
        Misfit, match=r'units of ETH are not units of "BTC"; say convert_by_price = true'
    ) as caught:
        snapshot(path, currency="ETH").chain(listing(), 0)
    assert caught.value.key == ("currency",)
    with pytest.raises(ValueError, match="name it with `currency`"):
        snapshot(path, convert_by_price=True)


def test_a_chain_of_another_currency_keeps_its_value_in_quote_currency(tmp_path: Path) -> None:
    path = own(tmp_path / "chain.csv", {}, {"currency": "ETH", "strike": "3300", "futures_price": "3000"})
    (contract,) = snapshot(path, currency="ETH", convert_by_price=True).chain(listing(), 0).contracts
    assert contract.strike == pytest.approx(66_000.0)
    assert contract.open_interest * 60_000.0 == pytest.approx(10 * 3000.0)
    (same,) = snapshot(path, currency="BTC", convert_by_price=True).chain(listing(), 0).contracts
    assert same.open_interest == 10.0


def test_a_converted_chain_keeps_the_dollars_that_a_move_of_a_percent_trades(shared: Path) -> None:
    """Counted as BTC, the gamma of the ETH chain would be some twenty times too large."""
    found = reading(shared / DERIBIT, "ETH")
    table = snapshot(shared / DERIBIT, currency="ETH", convert_by_price=True)
    dollars = (
        sum(
            contract.open_interest
            * black_gamma(60_000.0, contract.strike, contract.seconds / (365 * 86400), contract.volatility)
            for contract in table.chain(listing(), 0).contracts
        )
        * 60_000.0**2
    )
    expected = sum(
        quote.open_interest
        * quote.future**2
        * black_gamma(
            quote.future,
            quote.strike,
            (quote.expiry - found.taken).total_seconds() / (365 * 86400),
            quote.volatility,
        )
        for quote in found.quotes
    )
    assert dollars == pytest.approx(expected, rel=1e-9)


def test_strikes_of_another_price_are_refused_if_they_are_kept(tmp_path: Path) -> None:
    path = own(tmp_path / "chain.csv", {"strike": "3300", "futures_price": "3000"})
    with pytest.raises(Misfit, match=r"to the spot of the scenario is 2\.9, above 1\.5"):
        snapshot(path, rescale=False).chain(listing(), 0)


# The example, and the command.


def test_the_example_is_what_its_module_makes_and_is_found_by_its_name() -> None:
    file = ChainFile.located(example.NAME)
    assert Path(file).read_text() == as_csv(example.example())
    assert reading(Path(file)).quotes == example.example().quotes
    with pytest.raises(
        ValueError, match=r'no file "other\.csv" in .*, nor in the library: example_chain\.csv'
    ):
        ChainFile.located("other.csv")


def test_the_command_sums_a_chain_up_and_writes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "chain.csv"
    assert main(["chain", "example_chain.csv", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert re.search(r"rows read +200\n", said.out)
    assert re.search(r"spot +65,000\.00\n", said.out)
    assert re.search(r"gamma of all +5\.49\d* units per unit of price\n", said.out)
    assert re.search(r"net gamma +0\.04054, calls less puts", said.out)
    assert (said.err, out.read_text()) == ("", as_csv(example.example()))
    assert main(["chain", "example_chain.csv", "--out", str(out)]) == 2
    assert "is there already; --force replaces it" in capsys.readouterr().err
    assert main(["chain", "example_chain.csv", "--out", str(out), "--force"]) == 0
    assert main(["chain", "example_chain.csv", "--out", str(tmp_path / "no" / "chain.csv")]) == 2


@pytest.mark.parametrize("share", ["2", "-0.1", "nan", "most"])
def test_a_share_is_a_number_from_nothing_to_all(share: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["chain", "example_chain.csv", f"--most-left-out={share}"])
    assert stopped.value.code == 2
    assert f"found {share}; allowed: a number from 0 to 1" in capsys.readouterr().err


def test_the_command_says_in_its_own_options_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = own(tmp_path / "chain.csv", {"expiry_datetime": "2026-03-06"}, {"currency": "ETH"})
    cases = (
        ([], f"{path}: --currency: has more than one currency; say which; allowed: BTC, ETH"),
        (["--currency", "BTX"], 'no rows of currency "BTX"; did you mean "BTC"? allowed: BTC, ETH'),
        (["--currency", "BTC"], f"{path}: --expiry-time: line 2, column"),
        (["--currency", "BTC", "--expiry-time", "16:00"], "no time of day with its zone"),
        (["--currency", "BTC", "--as-of", "then"], "then"),
    )
    for options, said in cases:
        assert main(["chain", str(path), *options, "--out", str(tmp_path / "out.csv")]) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_the_chain_commands_of_the_readme_run_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = README.read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    block = next(block for block in blocks if example.NAME in block)
    convert, run = (shlex.split(line)[1:] for line in block.splitlines())
    monkeypatch.chdir(tmp_path)
    assert main(convert) == 0
    assert main(["validate", *run[1:]]) == 0
    assert main(["validate", *(part.replace("example_chain.csv", "chain.csv") for part in run[1:])]) == 0
    assert capsys.readouterr().err == ""


def test_what_was_left_out_of_a_chain_is_in_the_summary(tmp_path: Path) -> None:
    """With the place of the first, and a warning above a twentieth of the open interest."""
    path = own(
        tmp_path / "chain.csv", {}, {"strike": "70000", "implied_volatility": "0", "open_interest": "2"}
    )
    dealers = {
        "name": "dealers",
        "type": "dealers.OptionDealers",
        "exposure": {"type": "chain", "file": str(path)},
        "route": {"venues": ["linear"]},
    }
    reports = small_market(dealers, venues=("linear", "desk")).reports()
    assert reports["dealers"]["open_interest_left_out"] == pytest.approx(2 / 12)
    assert left_out(reports) == [
        (
            "dealers chain rows left out",
            '1 (1 an implied volatility of 0, first: line 3, column "implied_volatility")',
        ),
        ("dealers WARNING", "16.7% of the chain's open interest is left out"),
    ]
