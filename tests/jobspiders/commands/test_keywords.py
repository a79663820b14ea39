"""`scrapy keywords`: each verb as an operator types it, against a real Redis."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.redis_server import PrivateRedis, is_installed

ROOT = Path(__file__).parents[3]
Say = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def say() -> Iterator[Say]:
    """`say("status", "boss")` runs `scrapy keywords status boss`."""
    if not is_installed():
        if os.environ.get("CI"):
            pytest.fail("redis-server is not installed: apt-get install redis-server")
        pytest.skip("redis-server is not installed (apt-get install redis-server)")
    with PrivateRedis() as server:
        environment = {**os.environ, "REDIS_URL": server.url, "PYTHONPATH": str(ROOT), "CONTROL_DATABASE_URL": ""}

        def run(*words: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "scrapy", "keywords", *words]
            return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)

        yield run


def test_keywords_pushed_are_counted_found_and_rebuilt_once(say: Say, tmp_path: Path) -> None:
    pushed = say("push", "boss", "Python", "Java", "--city", "北京", "--run", "r1")
    assert (pushed.returncode, pushed.stdout) == (0, "boss, run r1: 2 queued, 0 open already, 0 complete already\n"), pushed.stderr
    again = tmp_path / "keywords.jsonl"
    lines = [{"text": text, "city": "北京", "run": "r1"} for text in ("Python", "Java", "Go")]
    again.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    rebuilt = say("rebuild", "boss", "--file", str(again))
    assert "boss, run r1: 1 queued, 2 open already" in rebuilt.stdout
    assert "pushed 3 = queued 3 + leased 0 + complete 0 + dead 0" in rebuilt.stdout
    found = say("where", "boss", "Java", "--json")
    assert json.loads(found.stdout)["state"] == "queued"
    assert say("where", "boss", "nowhere").returncode == 4
    assert say("status", "boss", "--audit").returncode == 0
    assert say("limit", "boss", "--platform-rate", "5").stdout == "boss: platform 5 requests/s, each exit as the nodes are set\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("status",), "give a verb"),
        (("rebuild", "boss"), "give --table, or --file"),
        (("rebuild", "boss", "--table"), "CONTROL_DATABASE_URL, which is empty"),
        (("push", "boss", "Python", "--city", "Atlantis"), "Atlantis"),
        (("limit", "boss", "--egress-rate", "-1"), "out of range"),
    ],
)
def test_keywords_wrong_words_are_explained(say: Say, words: tuple[str, ...], told: str) -> None:
    ran = say(*words)
    assert ran.returncode == 2
    assert told in ran.stdout + ran.stderr
