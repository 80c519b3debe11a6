"""Garbage: none is looked for while the program starts, when much is made and nothing thrown away.

Importing the libraries makes some hundred thousand objects that stay. Going over them again and
again takes a fifth of the time to the first step; once they are set apart, no later look does either.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def hold() -> None:
    """Look for no garbage until `resume`."""
    gc.disable()


def resume() -> None:
    """Set apart what there is and look for garbage again, if it was held."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


@contextmanager
def held() -> Iterator[None]:
    """Look for no garbage meanwhile; what there is by then is not set apart, and may go later."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
