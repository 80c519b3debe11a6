"""Files among the values of a scenario: found when it is read, written as paths or by content."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim.setup.files import File


def with_files(value: Any, folder: Path) -> Any:
    """The value with every text in it that names a file as the path of that file."""
    if isinstance(value, dict):
        return {key: with_files(item, folder) for key, item in value.items()}
    if isinstance(value, list):
        return [with_files(item, folder) for item in value]
    is_file = isinstance(value, str) and value and os.path.isfile(folder / value)
    return File((folder / value).resolve()) if is_file else value


def as_text(value: Any, of_file: Callable[[File], str]) -> Any:
    """The value with each file in it written as `of_file` says."""
    if isinstance(value, File):
        return of_file(value)
    if isinstance(value, dict):
        return {key: as_text(item, of_file) for key, item in value.items()}
    return [as_text(item, of_file) for item in value] if isinstance(value, list) else value
