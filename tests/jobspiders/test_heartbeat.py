"""The heartbeat: off without a control plane, beats with numbers only, drains when told, counts a run, leaves with its reason."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.exceptions import NotConfigured
from scrapy.settings import Settings
from scrapy.signalmanager import SignalManager
from scrapy.statscollectors import MemoryStatsCollector

from jobschema import Platform
from jobschema.messages import Keyword, Lease
from jobspiders.extensions.heartbeat import NodeHeartbeat
from jobspiders.feeds.control import ControlFeed
from jobspiders.platforms.base import CallKind


class Plane:
    """A control plane that answers in memory."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.is_draining = False
        self.has_beaten = asyncio.Event()

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        self.heard.append((path.rpartition("/")[2], body))
        if path.endswith("/heartbeat"):
            self.has_beaten.set()
        return {"is_draining": self.is_draining, "heartbeat_seconds": 0.001, "leases": []}

    insist = ask

    async def close(self) -> None:
        self.heard.append(("close", None))


def make(plane: Plane) -> tuple[NodeHeartbeat, Any]:
    crawler: Any = SimpleNamespace(settings=Settings({"LEASE_GRACE": 7, "STATS_DUMP": False}), signals=SignalManager(), spider=None)
    crawler.stats = MemoryStatsCollector(crawler)
    told = SimpleNamespace(drained=[], stopped=[])
    session: Any = SimpleNamespace(
        platform=SimpleNamespace(name=Platform.BOSS), tokens=None, control=plane, drain=told.drained.append, stop=told.stopped.append
    )
    return NodeHeartbeat(crawler, session, plane), told  # type: ignore[arg-type]


def test_crawl_without_a_control_plane_has_no_heartbeat() -> None:
    with pytest.raises(NotConfigured):
        NodeHeartbeat.from_crawler(SimpleNamespace(settings=Settings()))  # type: ignore[arg-type]


def test_node_registers_beats_with_numbers_and_says_last_words() -> None:
    async def work() -> list[tuple[str, Any]]:
        plane = Plane()
        heartbeat, _ = make(plane)
        stats = heartbeat.crawler.stats
        assert stats is not None
        for key, value in {"rows/job": 9, "finish_reason": "x", "Odd Key!": 1, "downloader/response_bytes": 5}.items():
            stats.set_value(key, value)
        heartbeat.begin()
        await plane.has_beaten.wait()
        heartbeat.note_end("banned")
        await heartbeat.take_leave()
        return plane.heard

    heard = asyncio.run(work())
    assert [name for name, _ in heard[:2]] == ["register", "heartbeat"]
    assert heard[0][1]["platforms"] == ["boss"]
    assert heard[1][1] == {"vitals": {"rows/job": 9, "downloader/response_bytes": 5}}
    assert heard[-2] == ("last-words", {"reason": "banned", "words": "banned", "platforms": ["boss"]})
    assert heard[-1][0] == "close"


def test_node_told_to_drain_drains() -> None:
    async def work() -> Any:
        plane = Plane()
        plane.is_draining = True
        heartbeat, told = make(plane)
        heartbeat.begin()
        await plane.has_beaten.wait()
        await heartbeat.take_leave()
        return told

    assert asyncio.run(work()).drained[0] == 7


def test_answers_are_counted_for_their_run() -> None:
    async def work() -> dict[str, int]:
        plane = Plane()
        heartbeat, _ = make(plane)
        feed = ControlFeed(plane, Platform.BOSS)  # type: ignore[arg-type]
        lease = Lease("7", Keyword(Platform.BOSS, "x", "1"))
        feed.adopt(lease, 900.0)
        heartbeat.crawler.spider = SimpleNamespace(feed=feed)  # type: ignore[assignment]
        reading = SimpleNamespace(jobs=[1, 2, 3], companies=[1])
        for kind in (CallKind.SEARCH, CallKind.COMPANY):
            meta = {"run": SimpleNamespace(lease=lease), "call": SimpleNamespace(kind=kind), "reading": reading}
            heartbeat.count_answer(SimpleNamespace(meta=meta))  # type: ignore[arg-type]
        heartbeat.count_answer(SimpleNamespace(meta={}))  # type: ignore[arg-type]
        await feed.complete(lease)
        return dict(plane.heard[-1][1])

    assert asyncio.run(work()) == {"epoch": 1, "pages": 1, "jobs": 3, "companies": 2}
