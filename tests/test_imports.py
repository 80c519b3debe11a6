"""Who may import whom, where import-linter cannot say it, and what the light commands leave out."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import ROOT

import agents
from scenarios import commands
from scenarios.__main__ import main

PACKAGES = ("sim", "agents", "scenarios", "analysis")
KERNELS = sorted(path for package in PACKAGES for path in ROOT.glob(f"{package}/**/kernels/**/*.py"))
POPULATIONS = sorted(ROOT.glob("agents/**/*.py"))
ALLOWED_IN_KERNELS = (
    "__future__",
    "math",
    "numba",
    "numpy",
    "typing",
    "sim.base.choice",
    "sim.base.jit",
    "sim.records",
)
MOST_ARGUMENTS = 11  # of an entry kernel; about ten reads well
HEAVY = ("mesa", "numba", "numpy", "matplotlib", "pandas", "pyarrow", "pydantic", "scipy")


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            base = node.module or ""
            yield from (f"{base}.{alias.name}" for alias in node.names)


def is_allowed(name: str, rooms: tuple[str, ...]) -> bool:
    parts = name.split(".")
    is_kernel = parts[0] in rooms and "kernels" in parts
    return is_kernel or any(f"{name}.".startswith(f"{allowed}.") for allowed in ALLOWED_IN_KERNELS)


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: str(path.relative_to(ROOT)))
def test_kernels_import_numbers_records_and_kernels_only(path: Path) -> None:
    rooms = ("sim", "agents") if path.is_relative_to(ROOT / "agents") else ("sim",)
    strangers = [name for name in imported(path) if not is_allowed(name, rooms)]
    assert strangers == []


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_entry_kernel_takes_few_arguments(path: Path) -> None:
    """Columns that belong together come in tuples."""
    functions = (each for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.FunctionDef))
    entries = [f for f in functions if any(ast.unparse(each) == "kernel" for each in f.decorator_list)]
    assert {f.name: len(f.args.args) for f in entries if len(f.args.args) > MOST_ARGUMENTS} == {}


@pytest.mark.parametrize("path", POPULATIONS, ids=lambda path: path.name)
def test_no_population_looks_at_its_model(path: Path) -> None:
    lines = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "model"
    ]
    assert lines == []


def test_there_are_kernels_and_populations_to_look_at() -> None:
    assert len(KERNELS) > 50
    assert len(POPULATIONS) > 15


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_has_its_folder_of_tests(package: str) -> None:
    """Kernels are tested by what calls them, and data that come along by what reads them."""
    rooms = {path.parent for path in ROOT.glob(f"{package}/*/**/__init__.py")}
    rooms = {room.relative_to(ROOT) for room in rooms if not {"kernels", "library"} & {*room.parts}}
    assert sorted(room for room in rooms if not (ROOT / "tests" / room).is_dir()) == []
    assert len(rooms) > 3


def test_agents_is_the_package_of_this_repository() -> None:
    assert Path(agents.__file__).parent == ROOT / "agents"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


@pytest.mark.parametrize("arguments", [["list"], [], ["new", "mine"]])
def test_light_commands_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    program = (
        "import sys; from scenarios.__main__ import main; "
        f"assert main({arguments!r}) == 0; print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == "[]"


OWN_COMMAND = """
ABOUT, PLACE = "say a word", 45


def arguments(parser):
    parser.add_argument("word")


def run(options):
    print(options.word.upper())
    return 7
"""


def test_a_command_is_found_because_its_file_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shout.py").write_text(OWN_COMMAND)
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    assert main(["shout", "hello"]) == 7
    assert capsys.readouterr().out == "HELLO\n"
    assert main([]) == 0
    told = capsys.readouterr().out
    assert told.index("new ") < told.index("shout") < told.index("run a scenario")
