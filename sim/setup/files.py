"""Files that a parameter names."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from pathlib import Path
from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler, ValidationInfo, ValidatorFunctionWrapHandler
from pydantic_core import CoreSchema, core_schema

from sim.setup.misfit import Misfit


class PathFrom(str):
    """Text of a path and the folder that a relative one starts from."""

    folder: Path

    def __new__(cls, text: str, folder: Path = Path()) -> PathFrom:
        """Attach the folder to the text."""
        path = super().__new__(cls, text)
        path.folder = folder
        return path


GZIPPED = b"\x1f\x8b"


class File(str):
    """Absolute path of a file that a parameter names; its bytes enter the scenario hash.

    A relative path starts from the folder of the scenario file, or from the folder a
    `PathFrom` brings along, or from the current folder. A name that no file there has may be one of
    the `library`.

    Attributes
    ----------
    library : Path or None
        Folder of files that come with the parameter and are found by their name.
    """

    library: ClassVar[Path | None] = None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Text that must name a file."""
        return core_schema.with_info_wrap_validator_function(cls._find, core_schema.str_schema())

    @classmethod
    def _find(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> File:
        text = handler(value)
        return cls.located(text, getattr(value, "folder", None) or (info.context or {}).get("folder", Path()))

    @classmethod
    def located(cls, text: str, folder: Path = Path()) -> File:
        """The file of a path, relative to a folder, or of a name in the library.

        Raises
        ------
        ValueError
            If there is neither; names what the library has.
        """
        path = (folder / text).resolve()
        if os.path.isfile(path):
            return cls(path)
        if cls.library is None:
            raise ValueError(f'no file "{text}" in {folder.resolve()}')
        if text in (names := sorted(each.name for each in cls.library.glob("*.csv"))):
            return cls(cls.library / text)
        raise ValueError(f'no file "{text}" in {folder.resolve()}, nor in the library: {", ".join(names)}')

    def text(self) -> str:
        """What a text file holds, unpacked if it is gzipped.

        Raises
        ------
        Misfit
            If it cannot be read, or is no text.
        """
        try:
            content = Path(self).read_bytes()
            unpacked = gzip.decompress(content) if content.startswith(GZIPPED) else content
            return unpacked.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise Misfit(f"{self} is not a text file of comma-separated values: see line {line}") from error
        except (OSError, EOFError, zlib.error) as error:
            raise Misfit(f"{self} cannot be read: {getattr(error, 'strerror', None) or error}") from error

    def records(self) -> list[tuple[int, list[str]]]:
        """Cells of every line of a file of comma-separated values that holds any, with its number.

        Raises
        ------
        Misfit
            If it is no such file.
        """
        reader = csv.reader(io.StringIO(self.text(), newline=""))
        try:
            return [(reader.line_num, cells) for cells in reader if cells]
        except csv.Error as error:
            raise Misfit(f"{self} is not a file of comma-separated values: {error}") from error

    def table(self) -> tuple[list[str], list[dict[str, str | None]]]:
        """Columns and rows of a file of comma-separated values; None where a line is too short.

        Raises
        ------
        Misfit
            If it is no such file.
        """
        records = [cells for _, cells in self.records()]
        columns = records[0] if records else []
        missing = [None] * len(columns)
        return columns, [dict(zip(columns, [*cells, *missing], strict=False)) for cells in records[1:]]
