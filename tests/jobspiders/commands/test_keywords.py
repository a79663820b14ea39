"""`scrapy keywords`: each verb as an operator types it, against a real Redis."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis.asyncio
from scrapy.exceptions import UsageError
from scrapy.settings import Settings

from benchmarks.redis_server import PrivateRedis
from jobschema import Platform
from jobschema.keys import PlatformKeys
from jobspiders.commands.keywords import Command
from jobspiders.leases.holder import LeaseHolder
from jobspiders.leases.scripts import LeaseScripts, RedisTransport
from jobspiders.leases.terms import HOPELESS

ROOT = Path(__file__).parents[3]
Say = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def server(redis_installed: None) -> Iterator[PrivateRedis]:
    with PrivateRedis() as running:
        yield running


@pytest.fixture
def say(server: PrivateRedis) -> Say:
    """`say("status", "boss")` runs `scrapy keywords status boss` on a Redis that was empty at first."""
    with server.client() as client:
        client.flushall()
    environment = {**os.environ, "REDIS_URL": server.url, "PYTHONPATH": str(ROOT), "CONTROL_DATABASE_URL": ""}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "scrapy", "keywords", *words]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)

    return run


def hold(server: PrivateRedis, *hopeless: str) -> None:
    """A node claims everything, gives the `hopeless` texts up and goes silent."""

    async def work() -> None:
        async with redis.asyncio.Redis.from_url(server.url, decode_responses=True) as client:
            holder = LeaseHolder(LeaseScripts(RedisTransport(client), PlatformKeys("boss")), Platform.BOSS, node={"node": "n1"})
            await holder.enlist()
            claimed = (await holder.beat(10)).claimed
            await holder.give_back([lease for lease in claimed if lease.keyword.text in hopeless], HOPELESS, {"search_capped": 1})

    asyncio.run(work())


def test_keywords_dead_and_leased_are_shown_and_steered(say: Say, server: PrivateRedis) -> None:
    say("push", "boss", "Python", "Java", "--city", "北京")
    assert say("dead", "boss").stdout == "no dead letter on boss\n"
    hold(server, "Java")
    assert "queued 0 + leased 1 + complete 0 + dead 1 + dropped 0\n" in say("status", "boss").stdout
    assert "|101010100||Java  since" in (listed := say("dead", "boss").stdout)
    assert listed.endswith("search_capped x1\n")
    assert "leased by {'node': 'n1'} for" in say("where", "boss", "Python").stdout
    assert say("return", "boss", "Python").stdout == "1 leases returned\n"
    assert say("retry", "boss", "Java").stdout == "1 queued again\n"
    assert "queued 2 + leased 0 + complete 0 + dead 0 + dropped 0\n" in say("status", "boss").stdout
    hold(server, "Java", "Python")
    assert say("drop", "boss", "--all").stdout == "2 dropped\n"
    assert say("status", "boss", "--audit").returncode == 0


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
        (("push", "boss", ""), "the keyword searches ''; text must have 1 to 100 characters"),
        (("push", "boss", "x" * 101), "text must have 1 to 100 characters"),
        (("push", "boss", "Python", "--depth", "-3"), "the command line has depth -3; valid are 1 to 1000"),
        (("push", "boss", "Python", "--run", "r" * 101), "the command line has run"),
        (("push", "boss", "--file", "/nowhere/keywords.jsonl"), "the file of --file cannot be read"),
        (("where", "boss"), "name texts or identities"),
        (("return", "boss"), "name texts or identities"),
        (("retry", "boss"), "or give --all"),
        (("dead", "boss", "--count", "-1"), "--count is -1"),
    ],
)
def test_keywords_wrong_words_are_explained(server: PrivateRedis, words: tuple[str, ...], told: str) -> None:
    command, parser = Command(), argparse.ArgumentParser()
    settings = Settings({"REDIS_URL": server.url, "CONTROL_DATABASE_URL": "", "BOSS_BASE_URL": "http://127.0.0.1"})
    command.settings = settings
    command.add_options(parser)
    opts, args = parser.parse_known_args(list(words))
    with pytest.raises(UsageError) as refused:
        command.run(args, opts)
    assert told in str(refused.value)


def test_keywords_wrong_words_end_with_scrapys_usage_code(say: Say) -> None:
    assert say("status").returncode == 2
