"""The documents say what the code does: settings, stats, verdicts, errors, commands. Both ways: nothing is forgotten, nothing made up."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import jobspiders
from jobschema import Platform, Verdict
from jobspiders import statkeys
from jobspiders.errors import JobspidersError
from jobspiders.middlewares.verdict import RETRIED
from jobspiders.platforms.base import PlatformOptions
from jobspiders.platforms.boss import BossOptions
from jobspiders.platforms.options import setting_name
from jobspiders.platforms.qcwy import QcwyOptions
from jobspiders.platforms.zhilian import ZhilianOptions
from jobspiders.signers.errors import SigningError
from jobstore.errors import StoreError

OPTIONS: dict[str, type[PlatformOptions]] = {"boss": BossOptions, "qcwy": QcwyOptions, "zhilian": ZhilianOptions}
TREES = {JobspidersError: "troubleshooting", SigningError: "signing", StoreError: "stores"}
MADE_HERE = "see file"


def names_in(text: str) -> set[str]:
    return set(re.findall(r"`([A-Z][A-Z0-9_]+)`", text))


def rows(text: str) -> dict[str, list[str]]:
    """Name in the first cell of a table -> the row's cells."""
    cells = [[cell.strip() for cell in line.strip("| \n").split(" | ")] for line in text.splitlines() if line.startswith("| `")]
    return {name: row for row in cells for name in re.findall(r"`([^`]+)`", row[0])}


def test_settings_page_names_every_setting_and_no_other(settings: dict[str, Any], page: Any) -> None:
    documented = set(rows(page("settings")))
    options = {setting_name(Platform(name).upper(), option.name) for name, kind in OPTIONS.items() for option in fields(kind)}
    assert set(settings) - documented == set(), "settings that docs/settings.md does not explain"
    assert documented - set(settings) - options == set(), "settings that docs/settings.md made up"
    assert options - documented == set(), "options of a platform that docs/settings.md does not explain"


def test_settings_page_tells_the_default_and_the_reason(settings: dict[str, Any], page: Any) -> None:
    wrong = {}
    for name, row in rows(page("settings")).items():
        value, shown = settings.get(name), row[1]
        if len(row) < 4 or shown == MADE_HERE or name == "DATA_DIR":
            continue
        number = isinstance(value, int | float) and not isinstance(value, bool)
        expected = "empty" if value == "" else f"`{value:.15g}`" if number else f"`{value}`"
        if shown != expected and not (number and abs(float(shown.strip("`")) - value) < 1e-5):
            wrong[name] = (shown, expected)
    assert wrong == {}
    assert [name for name, row in rows(page("settings")).items() if not row[-1]] == []


def test_settings_page_marks_what_the_environment_sets(environment_names: dict[str, str], page: Any) -> None:
    marked = {name for name, row in rows(page("settings")).items() if "**E**" in row[0]}
    assert marked == set(environment_names)
    assert {name for name, variable in environment_names.items() if name != variable} == {"DATA_DIR"}


def test_env_example_lists_every_variable_and_its_default(root: Path, settings: dict[str, Any], environment_names: dict[str, str]) -> None:
    listed = dict(re.findall(r"^#([A-Z][A-Z0-9_]+)=(.*)$", (root / ".env.example").read_text("utf-8"), re.MULTILINE))
    assert set(listed) == set(environment_names.values())
    defaults = {variable: settings[name] for name, variable in environment_names.items() if name != "DATA_DIR"}
    shown = {
        variable: str(int(value)) if isinstance(value, bool | float) and value == int(value) else str(value)
        for variable, value in defaults.items()
    }
    assert {variable: listed[variable].strip("'") for variable in shown} == shown


def test_stats_page_names_every_key_and_no_other(page: Any) -> None:
    keys = {value for name, value in vars(statkeys).items() if name.isupper()}
    documented = {name.partition("<")[0].rstrip("/") for name in rows(page("stats")) if "/" in name.strip("/") and not name.startswith("/")}
    assert keys - documented - {key for key in keys if any(name.startswith(f"{key}/") for name in documented)} == set()
    assert {name for name in documented if not any(name == key or name.startswith(f"{key}/") for key in keys)} == set()


def test_verdicts_page_tells_the_reaction_that_is_configured(settings: dict[str, Any], page: Any) -> None:
    table = {name: row for name, row in rows(page("verdicts")).items() if name in set(Verdict)}
    assert set(table) == set(Verdict)
    told = {
        name: {noun: int(seconds) for noun, seconds in re.findall(r"(token|tunnel) rests (\d+) s", row[2])} for name, row in table.items()
    }
    assert {name: rests for name, rests in told.items() if rests} == settings["VERDICT_RESTS"]
    assert {name for name, row in table.items() if "tried again" in row[2]} == {verdict.value for verdict in RETRIED}
    assert [name for name, row in table.items() if "burnt" in row[2]] == ["token_invalid"]


def errors() -> Iterator[tuple[type[Exception], str]]:
    """Every error class of the crawler and the storehouse, and the page of its tree."""
    for module in pkgutil.walk_packages(jobspiders.__path__, "jobspiders."):
        if not module.name.startswith("jobspiders.demo"):  # it draws
            importlib.import_module(module.name)
    for tree, name in TREES.items():
        found = [tree]
        for kind in found:
            found += kind.__subclasses__()
            if kind.__module__.startswith("job"):
                yield kind, name


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as a web page of it has them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_errors_page_names_every_error_with_its_slug_and_no_other(page: Any) -> None:
    slugs = {kind.__name__: getattr(kind, "slug", "") for kind, _ in errors()}
    documented = {name: row[1].strip("`") for name, row in rows(page("errors")).items() if name[0].isupper()}
    assert documented == slugs


def test_every_slug_is_a_heading_of_the_page_that_the_message_names(page: Any) -> None:
    raised = [(kind, name) for kind, name in errors() if not kind.__subclasses__()]
    assert [(kind.__name__, name) for kind, name in raised if getattr(kind, "slug", "") not in anchors(page(name))] == []


def test_every_page_that_the_code_points_to_has_the_heading(root: Path, page: Any) -> None:
    lost = []
    for path in (path for package in ("jobschema", "jobstore", "jobspiders") for path in (root / package).rglob("*.py")):
        for name, anchor in re.findall(r"docs/([a-z-]+)\.md#([a-z][a-z-]*)", path.read_text("utf-8")):
            if anchor not in anchors(page(name)):
                lost.append(f"{path.name}: docs/{name}.md#{anchor}")
    assert lost == []


def documents(root: Path) -> list[Path]:
    return [*root.glob("*.md"), *(root / "docs").rglob("*.md")]


def test_every_link_between_documents_leads_somewhere(root: Path) -> None:
    lost = []
    for path in documents(root):
        for target in re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            lost += [] if (path.parent / target).exists() else [f"{path.name}: {target}"]
    assert lost == []


def test_every_command_in_the_documents_exists(root: Path) -> None:
    commands = {path.stem for path in (root / "jobspiders" / "commands").glob("*.py")}
    commands |= {"list", "check", "settings", "genspider", "version", "runspider", "bench", "view", "parse", "edit", "startproject"}
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text("utf-8"), re.MULTILINE))
    lost = []
    for path in documents(root):
        code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", path.read_text("utf-8"), re.DOTALL))
        lost += [f"{path.name}: scrapy {word}" for word in re.findall(r"(?<![\w.])scrapy ([a-z]+)\b", code) if word not in commands]
        lost += [f"{path.name}: make {word}" for word in re.findall(r"(?<![\w.])make ([a-z-]+)\b", code) if word not in targets]
        for module in re.findall(r"python -m ((?:benchmarks|sandbox|control_api|jobspiders)[\w.]*)", code):
            parts = root.joinpath(*module.split("."))
            if not parts.is_dir() and not parts.with_suffix(".py").is_file():
                lost.append(f"{path.name}: python -m {module}")
    assert lost == []


@pytest.mark.parametrize("name", ["settings", "stats", "verdicts", "errors", "replay", "troubleshooting", "signing", "normalising"])
def test_page_is_there_and_begins_with_its_name(page: Any, name: str) -> None:
    assert page(name).startswith("# ")
