"""Redis away: wait, try the same step again, say so once. Every step of the lease engine may be sent again safely."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis import exceptions

T = TypeVar("T")
logger = logging.getLogger(__name__)

REFUSALS = (exceptions.AuthenticationError, exceptions.AuthorizationError)  # redis-py calls them connection errors; no waiting mends them
AWAY = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ReadOnlyError,  # also a replica that is becoming the master
    exceptions.OutOfMemoryError,
    exceptions.ClusterDownError,
    exceptions.TryAgainError,
)
_NOT_NOW = re.compile(
    r"(^|-)(BUSY|MISCONF|NOREPLICAS|OOM|READONLY) "
)  # the server's own words; an older one says them inside a script's error


def is_passing(error: exceptions.RedisError) -> bool:
    """May the same step succeed later? Redis is away, runs somebody's long script, has a full disk or fails over."""
    if isinstance(error, REFUSALS):
        return False
    return isinstance(error, AWAY) or bool(_NOT_NOW.search(str(error)))


class RedisPatience:
    """Runs steps, waiting for Redis between `first_wait` and `longest_wait` seconds after each failure, for ever."""

    def __init__(
        self,
        *,
        first_wait: float = 0.1,
        longest_wait: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.outages = 0
        self.away_seconds = 0.0
        self._first_wait = first_wait
        self._longest_wait = longest_wait
        self._clock = clock
        self._sleep = sleep
        self._away_since: float | None = None

    @property
    def is_away(self) -> bool:
        return self._away_since is not None

    async def __call__(self, step: Callable[[], Awaitable[T]]) -> T:
        """The step's answer, however long Redis is away. Raises what a wrong password or a wrong script raises."""
        wait = self._first_wait
        while True:
            try:
                answer = await step()
            except exceptions.RedisError as error:
                if not is_passing(error):
                    raise
                self._note_away(error)
                await self._sleep(wait)
                wait = min(2 * wait, self._longest_wait)
            else:
                self._note_back()
                return answer

    def _note_away(self, error: Exception) -> None:
        if self._away_since is None:
            self._away_since = self._clock()
            self.outages += 1
            logger.warning(
                "Redis is away (%s: %s). Running keywords go on; claims and reports wait until it is back", type(error).__name__, error
            )

    def _note_back(self) -> None:
        if self._away_since is not None:
            gone = self._clock() - self._away_since
            self.away_seconds += gone
            self._away_since = None
            logger.warning("Redis is back after %.1f s", gone)
