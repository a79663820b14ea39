"""Tokens on loan from the control plane: borrowed when one is needed, kept by asking again, reported when a verdict condemns them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from jobschema import Platform, Verdict
from jobspiders.control_client import ControlAwayError, ControlClient, ControlRefusedError
from jobspiders.pools.resting import PoolEntry, RestingPool

logger = logging.getLogger(__name__)
PREFIX = "/api/v1/token"
REPORT_SECONDS = 5.0
HANDED_BACK = 600.0  # a rest of so many seconds is no use to hold a token for: somebody else's supply counts it as resting
LIMITING = frozenset({Verdict.RATE_LIMITED, Verdict.SOFT_BAN, Verdict.CHALLENGE})


class ControlTokenPool(RestingPool):
    """A RestingPool whose entries are lent by the control plane, `wanted` at a time."""

    def __init__(
        self,
        client: ControlClient,
        platform: Platform,
        wanted: int,
        *,
        max_wait: float = 1800.0,
        rest_limit: float = 14400.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__("token", (), max_wait=max_wait, rest_limit=rest_limit, sleep=sleep)
        self.client = client
        self.platform = platform
        self.wanted = wanted
        self._ids: dict[str, int] = {}
        self._refresh_at = 0.0
        self._asking = asyncio.Lock()
        self._has_asked = False
        self._reports: dict[asyncio.Task[None], str] = {}  # under way -> the token that it is about

    def __len__(self) -> int:
        """Before the first question, as many as it will ask for: nobody knows yet that there are fewer."""
        return super().__len__() if self._has_asked else self.wanted

    async def take(self) -> PoolEntry:
        """As every pool; borrows first when too few are held, or their leases are a third gone. Raises PoolExhaustedError."""
        if self.now() >= self._refresh_at:
            await self.refresh()
        return await super().take()

    async def refresh(self) -> None:
        """Ask for `wanted` tokens: those that are held stay longer, others come. What was taken away is let go of."""
        async with self._asking:
            if self.now() < self._refresh_at:
                return
            if self._reports:  # what is reported is not to come back with this answer
                await asyncio.wait(self._reports, timeout=REPORT_SECONDS)
            try:
                ask = self.client.ask if self._has_asked and super().__len__() else self.client.insist
                answer = await ask("GET", f"{PREFIX}/tokens", platform=self.platform.value, count=self.wanted)
            except ControlAwayError as error:
                logger.warning("%s; going on with the tokens at hand", error)
                self._refresh_at = self.now() + 5.0
                return
            self._has_asked = True
            self._adopt(answer["tokens"])

    def _adopt(self, lent: list[dict[str, Any]]) -> None:
        leaving = {*self._burnt, *self._reports.values()}
        fresh = {token["name"]: token for token in lent if token["name"] not in leaving}
        for name in list(self._entries):
            if name not in fresh:
                del self._entries[name]
        for name, token in fresh.items():
            self._ids[name] = token["id"]
            if name not in self._entries:
                self._entries[name] = PoolEntry(name=name, secret=token["token"])
        seconds = min((_seconds_left(token["expires_at"]) for token in fresh.values()), default=15.0)
        # Too few: ask again soon, somebody may have added some.
        self._refresh_at = self.now() + (seconds / 3 if len(fresh) >= self.wanted else min(5.0, seconds / 3))

    def burn(self, name: str, verdict: Verdict) -> bool:
        """Retire a token for good, here and in the control plane."""
        is_news = super().burn(name, verdict)
        if is_news:
            self._report(name, {"said": "invalid", "cause": verdict.value})
            self._refresh_at = 0.0
        return is_news

    def rest(self, name: str, verdict: Verdict, seconds: float, *, sent_at: float, exact: bool = False) -> float:
        """Let a token rest; a long rest is spent with the control plane, and another token comes in its place."""
        ordered = super().rest(name, verdict, seconds, sent_at=sent_at, exact=exact)
        if ordered >= HANDED_BACK and verdict.is_block:
            self._entries.pop(name, None)
            self._report(
                name, {"said": "limited" if verdict in LIMITING else "resting", "cause": verdict.value, "rest_seconds": int(ordered)}
            )
            self._refresh_at = 0.0
        return ordered

    def _report(self, name: str, body: dict[str, Any]) -> None:
        task = asyncio.get_running_loop().create_task(self._send_report(name, body))
        self._reports[task] = name
        task.add_done_callback(self._reports.pop)

    async def _send_report(self, name: str, body: dict[str, Any]) -> None:
        try:
            await self.client.insist("POST", f"{PREFIX}/{self._ids[name]}/report", body)
        except ControlRefusedError as error:
            logger.warning("the report on %s was not taken: %s", name, error)

    async def close(self, grace: float = 5.0) -> None:
        """Let the last reports arrive, then give back what is held."""
        for name in list(self._entries):
            self._report(name, {"said": "returned"})
        self._entries.clear()
        if self._reports:
            await asyncio.wait(self._reports, timeout=grace)
        for task in self._reports:
            task.cancel()


def _seconds_left(expires_at: str) -> float:
    end = datetime.fromisoformat(expires_at)
    return max(1.0, (end - datetime.now(end.tzinfo)).total_seconds())
