"""Where things are, for tests in whatever folder they lie."""

from __future__ import annotations

from pathlib import Path

SUPPORT = Path(__file__).resolve().parent
"""What tests share: modules to import, also for scenarios that name types of theirs, and files."""

ROOT = SUPPORT.parents[1]
"""The checkout."""

README = ROOT / "README.md"
WATCHED = SUPPORT / "watched.toml"
TWO_ASSETS = SUPPORT / "two_assets.toml"
SHARED = ROOT.parent / "shared"
"""Reference vectors and data, beside the checkout."""
