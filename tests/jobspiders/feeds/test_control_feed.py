"""The control plane's feed at its end, against a control plane that answers in memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jobschema import Platform
from jobschema.messages import Lease
from jobspiders.control_client import ControlRefusedError
from jobspiders.feeds.control import ControlFeed

KEYWORD = {"platform": "boss", "text": "x", "city_code": "1", "depth": 1, "keyword_id": 1, "priority": 0}
LEASE = {"lease_id": "7", "epoch": 1, "attempt": 1, "lease_seconds": 900, "keyword": KEYWORD}


class Plane:
    """Gives one lease, as soon as it may answer."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.is_asked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.refuses = False

    async def insist(self, _method: str, path: str, _body: Any = None, **_query: Any) -> Any:
        self.heard.append(path.rpartition("/")[2])
        if self.refuses:
            raise ControlRefusedError("no", 403, "forbidden")
        self.is_asked.set()
        await self.may_answer.wait()
        return {"leases": [LEASE]}


async def first(leases: AsyncIterator[Lease]) -> Lease:
    return await anext(leases)


@pytest.mark.parametrize("is_reader_gone", [True, False], ids=["SIGINT cancels who reads", "SIGTERM leaves him"])
def test_lease_that_a_claim_brings_to_a_feed_that_closes_goes_back(is_reader_gone: bool) -> None:
    async def work() -> list[str]:
        plane = Plane()
        feed = ControlFeed(plane, Platform.BOSS)  # type: ignore[arg-type]
        reading = asyncio.create_task(first(feed.leases()))
        await plane.is_asked.wait()
        if is_reader_gone:
            reading.cancel()
            await asyncio.wait({reading})
        closing = asyncio.create_task(feed.close(5.0))
        await asyncio.sleep(0)
        plane.may_answer.set()
        await closing
        heard = list(plane.heard)
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
            await reading
        return heard

    assert asyncio.run(work()) == ["available", "return"]


def test_feed_that_is_refused_at_its_end_closes_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        plane = Plane()
        plane.may_answer.set()
        feed = ControlFeed(plane, Platform.BOSS)  # type: ignore[arg-type]
        await first(feed.leases())
        plane.refuses = True
        await feed.close(5.0)

    asyncio.run(work())
    assert "refuses to take the leases back" in caplog.text
