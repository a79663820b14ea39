"""The repository as text: what the tests of this folder read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
OURS = re.compile(
    r"(BOSS|QCWY|ZHILIAN|PROXY|CLICKHOUSE|REDIS|LEASE|BUDGET|CONTROL|VERDICT|SLEEP|BATCH|SIGNING|LOG|JOBSPIDERS|MYSQL|INGEST|ENRICHMENT)_"
)
SHOW = """
import json, jobspiders.settings as settings
from jobspiders.secret import Secret
values = {name: value for name, value in vars(settings).items() if name.isupper()}
print(json.dumps({name: "" if isinstance(value, Secret) else value for name, value in values.items()}, default=str))
"""


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def settings() -> dict[str, Any]:
    """The settings of a machine whose environment says nothing; secrets are empty texts."""
    environment = {name: value for name, value in os.environ.items() if not OURS.match(name)}
    ran = subprocess.run([sys.executable, "-c", SHOW], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    values: dict[str, Any] = json.loads(ran.stdout)
    return values


@pytest.fixture(scope="session")
def environment_names() -> dict[str, str]:
    """Setting -> the environment variable that settings.py reads for it."""
    source = (ROOT / "jobspiders" / "settings.py").read_text("utf-8")
    return dict(re.findall(r'^([A-Z][A-Z0-9_]+) = [^#\n]*?env(?:_secret|_switch|_int|_float)?\("([A-Z0-9_]+)"', source, re.MULTILINE))


@pytest.fixture(scope="session")
def page() -> Any:
    """`page("settings")`: the text of docs/settings.md."""

    def read(name: str) -> str:
        return (ROOT / "docs" / f"{name}.md").read_text("utf-8")

    return read
