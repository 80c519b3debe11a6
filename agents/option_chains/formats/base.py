"""What every format of chain files shares: the file, its cells, and the fields that they hold."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from sim.setup.files import File
from sim.setup.misfit import Misfit, within

FIELDS = (
    "timestamp",
    "currency",
    "option_type",
    "strike",
    "expiry_datetime",
    "implied_volatility",
    "open_interest",
    "futures_price",
)
"""What has to be known of a contract; also the columns of our own format."""

MONTHS = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1
    )
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Cell(NamedTuple):
    """A text of a file, where it stands in its row, and what its number is to be multiplied by."""

    text: str
    column: str
    scale: float = 1.0


class Row(NamedTuple):
    """A contract of a file: its place there, such as "line 17", and a cell for each of `FIELDS`."""

    place: str
    cells: dict[str, Cell]


class Source:
    """A file that may hold a chain: its text, read once, as a table or as JSON.

    Parameters
    ----------
    file : File
    """

    def __init__(self, file: File) -> None:
        self.file = file
        self.name = Path(file).name

    @cached_property
    def lines(self) -> list[tuple[int, list[str]]]:
        """Cells of every line that has some, with its number; none of a file of JSON.

        Raises
        ------
        Misfit
            If it is no text, or none of comma-separated values.
        """
        if self.is_json:
            return []
        with within("file"):
            return self.file.records()

    @cached_property
    def is_json(self) -> bool:
        """True of a text that begins like an object or a list."""
        with within("file"):
            return self.file.text().lstrip()[:1] in ("{", "[")

    @cached_property
    def json(self) -> Any:
        """What a file of JSON holds, None of another.

        Raises
        ------
        Misfit
            If it is not valid.
        """
        if not self.is_json:
            return None
        try:
            return json.loads(self.file.text())
        except (ValueError, RecursionError) as error:
            raise Misfit(f"{self.file} is not valid JSON: {error}", ("file",)) from error

    @property
    def columns(self) -> list[str]:
        """Cells of the first line."""
        return [name.strip() for name in self.lines[0][1]] if self.lines else []

    def present(self, columns: Sequence[str]) -> list[str]:
        """Those of some columns that the file has."""
        return [name for name in columns if name in self.columns]

    def records(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Every line under the first, by the names of the columns; what a short line lacks is empty."""
        names = self.columns
        for number, cells in self.lines[1:]:
            padded = [*cells, *[""] * (len(names) - len(cells))]
            yield number, dict(zip(names, padded, strict=False))


class ChainFormat(ABC):
    """A format of chain files.

    Attributes
    ----------
    name : str
        What users call it.
    columns : tuple of str
        Columns that a table of this format has at least; empty if it is no plain table.
    expiry_time : str
        Time of day at which dates of expiry that come without one are meant, with its zone; empty if
        the format does not say.
    """

    name: ClassVar[str]
    columns: ClassVar[tuple[str, ...]] = ()
    expiry_time: ClassVar[str] = ""

    @abstractmethod
    def reads(self, source: Source) -> bool:
        """True if the file is in this format."""

    @abstractmethod
    def rows(self, source: Source) -> Iterator[Row]:
        """Every contract of the file.

        Raises
        ------
        Misfit
            If what holds for all rows, such as when they were taken, is not there.
        """


def since_epoch(text: str, per_second: int) -> str:
    """An integer count since 1970 as a date and time, or the text as it is if it is none."""
    try:
        return (EPOCH + timedelta(microseconds=int(text) * 1_000_000 // per_second)).isoformat()
    except (ValueError, OverflowError):
        return text
