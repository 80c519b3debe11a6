"""Drawing for files: with settings of our own, and going on where one figure fails.

What is written to a folder or a page looks the same on every machine, whatever a matplotlibrc, a
style or `MPLBACKEND` say there, and no backend of a screen or a notebook is loaded for it. Axes that
a caller brings, and those of pyplot, keep the caller's settings.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any

QUIET = {"MPLBACKEND": "agg", "MATPLOTLIBRC": os.devnull}
"""An environment, in an empty folder, in which matplotlib finds nobody's settings."""

KEPT = ("backend", "backend_fallback", "interactive")
"""Settings that no file depends on; the first would load a backend."""

log = logging.getLogger(__name__)


@contextmanager
def own_settings() -> Iterator[None]:
    """Make and write figures with matplotlib's defaults inside; also a decorator."""
    library = _matplotlib()
    current, default = library.rcParams, library.rcParamsDefault
    other = {key for key in default if key not in KEPT and dict.get(current, key) != dict.get(default, key)}
    with library.rc_context({key: default[key] for key in other}):
        yield


@contextmanager
def going_on(failed: dict[str, str] | None, name: str) -> Iterator[None]:
    """Take note of why a figure cannot be drawn, and say each reason once; what follows goes on.

    Parameters
    ----------
    failed : dict of str to str, or None
        Gets the reason by the figure's name; without it the error is raised.
    name : str
    """
    try:
        yield
    except Exception as error:
        if failed is None:
            raise
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        if reason not in failed.values():
            log.warning("figure %s cannot be drawn: %s", name, reason)
        failed[name] = reason


def _matplotlib() -> Any:
    """The library, away from what it refuses: backends that are not here, settings it cannot read."""
    try:
        return import_module("matplotlib")
    except ValueError:
        for half in [name for name in sys.modules if name.startswith("matplotlib.")]:
            del sys.modules[half]
        before = dict(os.environ)
        try:
            with TemporaryDirectory() as empty, chdir(empty):
                os.environ.update(QUIET)
                return import_module("matplotlib")
        finally:
            os.environ.clear()
            os.environ.update(before)
