"""Whatever the folder of compiled kernels holds or refuses, the right code runs, and a line says so."""

from __future__ import annotations

import ast
import hashlib
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import pytest
from numba.core.caching import NullCache
from places import ROOT

from sim.base import kernel_cache
from sim.base.jit import OPTIONS, kernel
from sim.base.kernel_cache import SUFFIX, TOLD, Entries, KernelCache, named_root, sources, spare_root

PACKAGES = ("sim", "agents", "analysis", "scenarios")
CALLER = """
from sim.base.jit import kernel
from sim.kernels.callee import price


@kernel
def bill(units):
    return units * price()
"""
CALLEE = """
from sim.base.jit import inlined


@inlined
def price():
    return {price}
"""
PROGRAM = """
from sim.kernels.caller import bill
print(bill(10), sum(bill.stats.cache_hits.values()), sum(bill.stats.cache_misses.values()))
"""
FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))"


@pytest.fixture(autouse=True)
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOLD, "")
    monkeypatch.setattr(kernel_cache, "_told", set())


class Clone:
    """A checkout that has one kernel, and another that it calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "sim/kernels").mkdir(parents=True)
        (folder / "sim/base").mkdir()
        for name in (
            "__init__",
            "records",
            "base/__init__",
            "base/inlining",
            "base/jit",
            "base/kernel_cache",
            "base/packages",
        ):
            shutil.copy(ROOT / f"sim/{name}.py", folder / f"sim/{name}.py")
        (folder / "sim/kernels/__init__.py").write_text("")
        (folder / "sim/kernels/caller.py").write_text(CALLER)
        self.edit(10.01)

    def edit(self, price: float) -> None:
        (self.folder / "sim/kernels/callee.py").write_text(CALLEE.format(price=price))

    def bill(self, cache: Path, temporary: Path, before: str = "") -> tuple[float, int, list[str]]:
        """What the kernel returns, how often it came from the cache, and what was said."""
        environment = {"HEDGEQUAKE_CACHE": str(cache), "TMPDIR": str(temporary), TOLD: ""}
        done = subprocess.run(
            [sys.executable, "-B", "-c", before + PROGRAM],
            cwd=self.folder,
            env=os.environ | environment | {"PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=True,
        )
        price, hits, misses = done.stdout.split()
        assert int(hits) + int(misses) == 1
        return float(price), int(hits), done.stderr.splitlines()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "clone")


@pytest.fixture
def blocked(tmp_path: Path) -> Path:
    """A path at which no folder can be made."""
    (tmp_path / "file").touch()
    return tmp_path / "file" / "cache"


def test_clones_of_one_commit_share_their_kernels(clone: Clone, tmp_path: Path) -> None:
    other = Clone(tmp_path / "elsewhere" / "other")
    assert clone.bill(tmp_path / "cache", tmp_path) == (pytest.approx(100.10), 0, [])
    assert other.bill(tmp_path / "cache", tmp_path) == (pytest.approx(100.10), 1, [])


@pytest.mark.parametrize("place", ["cache", "file/cache"])
def test_an_edited_callee_never_runs_stale(clone: Clone, tmp_path: Path, blocked: Path, place: str) -> None:
    """Nor is anything kept beside the sources, whose stamps know nothing of callees."""
    for price, hits in ((10.01, 0), (10.01, 1), (20.02, 0)):
        clone.edit(price)
        assert clone.bill(tmp_path / place, tmp_path)[:2] == (pytest.approx(10 * price), hits)
    kept = [path for path in clone.folder.rglob("*") if path.suffix in (SUFFIX, ".nbi", ".nbc")]
    assert kept == []


def test_where_nothing_can_be_kept_kernels_are_compiled_and_a_line_says_so(
    clone: Clone, blocked: Path
) -> None:
    without = f"import tempfile; tempfile.tempdir = {str(blocked)!r}"
    found, hits, (line,) = clone.bill(blocked, blocked, without)
    assert (found, hits) == (pytest.approx(100.10), 0)
    assert line.startswith(f"{blocked}: Not a directory; each process compiles its kernels anew")


def test_a_full_disk_ends_nothing_and_leaves_nothing_half_written(clone: Clone, tmp_path: Path) -> None:
    found, hits, said = clone.bill(tmp_path / "cache", tmp_path, FULL)
    assert (found, hits) == (pytest.approx(100.10), 0)
    (line,) = said
    assert line.startswith(f"{tmp_path / 'cache'}: File too large; each process compiles")
    assert not [path for path in tmp_path.rglob("*") if SUFFIX in path.name]


def test_an_unwritable_folder_gives_way_to_a_temporary_one_of_ones_own(
    clone: Clone, tmp_path: Path, blocked: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    found, hits, (line,) = clone.bill(blocked, temporary)
    assert (found, hits) == (pytest.approx(100.10), 0)
    (own,) = temporary.iterdir()
    assert line == f"{blocked}: Not a directory; compiled kernels are kept in {own} instead"
    assert own.stat().st_mode & 0o777 == 0o700
    assert clone.bill(blocked, temporary) == (pytest.approx(100.10), 1, [])


def test_a_temporary_folder_that_others_can_write_to_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    own = spare_root(make=True)
    assert own is not None
    assert own.parent == tmp_path
    assert spare_root() == own
    own.chmod(0o777)
    assert spare_root() is spare_root(make=True) is None
    own.rmdir()
    own.symlink_to(tmp_path)
    assert spare_root(make=True) is None


def test_the_folder_is_the_one_named_or_the_user_s_own_if_there_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HEDGEQUAKE_CACHE", "here")
    assert named_root() == Path("here")
    monkeypatch.delenv("HEDGEQUAKE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert named_root() == tmp_path / "hedgequake"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert named_root() == tmp_path / ".cache/hedgequake"
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # a user without a home
    assert named_root() is None


def doubled(number: float) -> float:
    return 2.0 * number


class Kept:
    """The kernel `doubled`, made anew again and again over one folder."""

    def __init__(self, folder: Path) -> None:
        self.entries = Entries([lambda make: folder], "f" * 16)
        self.folder = folder / ("f" * 16)

    def run(self) -> tuple[float, int]:
        compiled: Any = numba.njit(**OPTIONS)(doubled)
        compiled._cache = KernelCache(doubled, self.entries)
        return compiled(21.0), sum(compiled.stats.cache_hits.values())

    @property
    def file(self) -> Path:
        (path,) = self.folder.iterdir()
        return path


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    made = Kept(tmp_path / "cache")
    assert made.run() == (42.0, 0)
    assert made.run() == (42.0, 1)
    return made


def flipped(content: bytes) -> bytes:
    return content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]


def resealed(content: bytes) -> bytes:
    """An entry that is as it was written and yet cannot be used."""
    key, _ = pickle.loads(content[kernel_cache.CHECKSUM_BYTES :])
    body = pickle.dumps((key, ("nothing",)))
    return hashlib.sha256(body).digest() + body


@pytest.mark.parametrize(
    "damaged",
    [lambda content: b"", lambda content: content[:40], lambda content: content[:-1], flipped, resealed],
    ids=["empty", "cut early", "cut late", "flipped", "resealed"],
)
def test_a_broken_entry_is_said_compiled_again_and_overwritten(
    kept: Kept, caplog: pytest.LogCaptureFixture, damaged: Callable[[bytes], bytes]
) -> None:
    path, whole = kept.file, kept.file.read_bytes()
    path.write_bytes(damaged(whole))
    assert kept.run() == (42.0, 0)
    (line,) = caplog.messages
    assert line.startswith(f"{path} is broken (")
    assert "\n" not in line
    assert kept.file == path
    assert kept.run() == (42.0, 1)
    assert len(caplog.messages) == 1


def test_many_broken_entries_are_said_once(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        kept.file.write_bytes(b"broken")
        assert kept.run() == (42.0, 0)
    assert len(caplog.messages) == 1


def test_an_entry_of_another_key_is_not_used(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    """Its name is a hash; what is inside decides."""
    key, payload = pickle.loads(kept.file.read_bytes()[kernel_cache.CHECKSUM_BYTES :])
    kept.entries.write(kept.file.name, ((*key, "of another machine"), payload))
    assert kept.run() == (42.0, 0)
    assert caplog.messages == []
    assert kept.run() == (42.0, 1)


def test_nothing_is_kept_of_sources_that_were_edited_after_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hash in the folder's name would be that of other code."""
    monkeypatch.setattr(kernel_cache, "source_hash", lambda: "0" * 16)
    made = Kept(tmp_path / "cache")
    assert made.run() == made.run() == (42.0, 0)
    assert not made.folder.exists()


def test_processes_that_are_started_do_not_repeat_the_line(
    blocked: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entries = Entries([lambda make: blocked], "f" * 16)
    for _ in range(2):
        entries.probe()
    assert len(caplog.messages) == 1
    again = f"Entries([lambda make: Path({str(blocked)!r})]).probe()"
    program = f"from pathlib import Path; from sim.base.kernel_cache import Entries; {again}"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert said.returncode == 0
    assert said.stderr == ""


def test_old_generations_go_and_nothing_else_does(tmp_path: Path) -> None:
    old, young, mixed = (tmp_path / (letter * 16) for letter in "abc")
    foreign = tmp_path / "photographs"
    for folder in (old, young, foreign, mixed):
        folder.mkdir()
        (folder / f"kernel{SUFFIX}").touch()
    (mixed / "thesis.txt").touch()
    long_ago = time.time() - 2 * kernel_cache.KEPT_SECONDS
    for folder in (old, foreign, mixed):
        os.utime(folder, (long_ago, long_ago))
    Entries([lambda make: tmp_path], "f" * 16).probe()
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["b", "c", "f", "p"]
    assert (foreign / f"kernel{SUFFIX}").exists()
    assert len(list(mixed.iterdir())) == 2


def test_kernels_of_files_whose_edits_go_unnoticed_are_not_kept() -> None:
    assert isinstance(kernel(doubled)._cache, NullCache)  # type: ignore[attr-defined]


def imported(path: Path) -> Iterator[str]:
    """Modules of ours that a file may import, as paths; packages and names in modules as well."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_hash_covers_every_file_whose_code_is_compiled_and_what_those_import() -> None:
    covered = set(sources())
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in paths}
    decorators = {"sim.base.jit.kernel", "sim.base.jit.inlined", "sim.base.jit.summing"}
    compiled = {path for path in modules.values() if decorators & set(imported(path))}
    assert len(compiled) > 30
    assert compiled <= covered
    reached = {modules[name] for path in covered for name in imported(path) if name in modules}
    assert reached <= covered
