"""The plan of the house, counted: sizes, names, what is forbidden, who imports whom."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = ("jobschema", "jobstore", "jobspiders", "sandbox")
LONGEST_FILE, LONGEST_FUNCTION, MOST_PARAMETERS = 400, 50, 4
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(root: Path) -> Iterator[Path]:
    for package in PACKAGES:
        yield from (root / package).rglob("*.py")


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, Function):
            yield node


def test_no_file_is_longer_than_a_room(root: Path) -> None:
    lengths = {str(path.relative_to(root)): len(path.read_text("utf-8").splitlines()) for path in sources(root)}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_too_long(root: Path) -> None:
    long = {f"{path.name}:{node.name}": (node.end_lineno or 0) - node.lineno + 1 for path in sources(root) for node in functions(path)}
    assert {name: length for name, length in long.items() if length > LONGEST_FUNCTION} == {}


def test_no_function_takes_many_positional_parameters(root: Path) -> None:
    wide = []
    for path in (path for path in sources(root) if "sandbox" not in path.parts):
        for node in functions(path):
            names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args) if argument.arg not in ("self", "cls")]
            names = [name for name in names if not name.startswith("_")]  # there because a caller of another house gives it
            if len(names) > MOST_PARAMETERS and node.name != "__exit__":
                wide.append(f"{path.relative_to(root)}:{node.name}({', '.join(names)})")
    assert wide == []


def test_no_module_has_a_name_that_says_nothing(root: Path) -> None:
    assert [str(path) for path in sources(root) if path.stem in FORBIDDEN_NAMES or path.parent.name in FORBIDDEN_NAMES] == []


def test_no_star_import_and_no_bare_except(root: Path) -> None:
    found = []
    for path in sources(root):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                found.append(f"{path}:{node.lineno} star import")
            if isinstance(node, ast.ExceptHandler) and node.type is None:
                found.append(f"{path}:{node.lineno} bare except")
    assert found == []


def test_every_module_says_what_it_is(root: Path) -> None:
    assert [str(path.relative_to(root)) for path in sources(root) if not ast.get_docstring(ast.parse(path.read_text("utf-8")))] == []


def test_only_settings_reads_the_environment(root: Path) -> None:
    readers = {str(path.relative_to(root)) for path in (root / "jobspiders").rglob("*.py") if "os.environ" in path.read_text("utf-8")}
    starters = {name for name in readers if name.startswith("jobspiders/demo/")}  # the demo starts programs in an environment
    assert readers - starters == {"jobspiders/settings.py", "jobspiders/secret.py"}, "secret.py wraps what settings.py asks for"


def test_import_contracts_hold(root: Path) -> None:
    pytest.importorskip("importlinter", reason="import-linter is not installed; tox -e lint runs it")
    script = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run([str(script), "--no-cache"], cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:]
