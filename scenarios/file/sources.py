"""Sources: a hash of the code that decides what a run gives."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path

from scenarios.file.schema import Scenario
from sim.base.packages import PACKAGES, ROOT


@cache
def packages_hash() -> str:
    """Hash of every module of the four packages, by name and content."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            _add(digest, path, path.relative_to(ROOT).as_posix())
    return digest.hexdigest()[:16]


def sources_hash(scenario: Scenario) -> str:
    """Hash of the packages and of the modules of the user's own that it names or takes types from."""
    entries = (*scenario.venues, *scenario.populations, *(asset.driver for asset in scenario.assets))
    modules = {entry.factory.__module__ for entry in entries}
    files = {name: getattr(sys.modules[name], "__file__", None) for name in sorted(modules)}
    own = {name: Path(file) for name, file in files.items() if file and not _is_ours(Path(file))}
    own |= {path.stem: path for path in map(Path, scenario.modules or ())}
    if not own:
        return packages_hash()
    digest = hashlib.sha256(packages_hash().encode())
    for name, path in sorted(own.items()):
        _add(digest, path, name)
    return digest.hexdigest()[:16]


def _is_ours(path: Path) -> bool:
    return any(path.resolve().is_relative_to(ROOT / package) for package in PACKAGES)


def _add(digest: hashlib._Hash, path: Path, name: str) -> None:
    content = path.read_bytes()
    digest.update(f"{name} {len(content)}\n".encode())
    digest.update(content)
