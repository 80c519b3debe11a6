"""Fixtures every test may use."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import SHARED

from sim.base.typed_call import CHECK

REQUIRE_SHARED = "HEDGEQUAKE_REQUIRE_SHARED"

os.environ.setdefault(CHECK, "1")  # also for the processes that tests start


@pytest.fixture(autouse=True)
def _own_code_is_forgotten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a test imports from temporary folders no other test finds."""
    folder = str(tmp_path_factory.getbasetemp())
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(folder):
            del sys.modules[name]
    sys.path[:] = [each for each in sys.path if not each.startswith(folder)]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference vectors and data beside the checkout.

    Where `HEDGEQUAKE_REQUIRE_SHARED` is set its absence is a failure, elsewhere a skip.
    """
    if not (SHARED / "vectors").is_dir():
        reason = "the reference vectors (../shared) are not beside this checkout"
        if os.environ.get(REQUIRE_SHARED):
            pytest.fail(f"{reason}, and {REQUIRE_SHARED} is set")
        pytest.skip(reason)
    return SHARED
