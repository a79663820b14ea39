"""The crawler's way to the control plane: JSON over HTTP with this node's credential, never blocking, patient where waiting helps.

The keyword feed, the token pool and the heartbeat of one crawl share one client.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import aiohttp

from jobspiders.errors import ArgumentsInvalidError, TerminalError, TransientError
from jobspiders.secret import reveal

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)
SECONDS = 15.0  # for one answer
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
_PATIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


class ControlAwayError(TransientError):
    """Nobody answers at CONTROL_API_URL, or the answer is to come back later (after `retry_after` seconds)."""

    slug = "control-away"

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ControlRefusedError(TerminalError):
    """The control plane refuses: `status` and `kind` (the problem's slug, as docs/control.md names it) say why."""

    slug = "control-refused"

    def __init__(self, message: str, status: int, kind: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class ControlClient:
    """Asks the control plane at `url` as the node that `token` belongs to. `sleep` is a seam for tests."""

    def __init__(self, url: str, token: str, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._sleep = sleep
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"<ControlClient {self.url}>"

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The JSON of one answer. Raises ControlAwayError, ControlRefusedError."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=SECONDS)
            self._session = aiohttp.ClientSession(headers={"token": self._token}, timeout=timeout)
        try:
            async with self._session.request(method, self.url + path, json=body, params=query or None, allow_redirects=False) as answer:
                document = await answer.json(content_type=None) if answer.content_length != 0 else None
                return self._judge(answer.status, answer.headers, document, f"{method} {path}")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise ControlAwayError(f"{self.url} does not answer {method} {path} ({type(error).__name__}): check CONTROL_API_URL") from error

    def _judge(self, status: int, headers: Mapping[str, str], document: Any, asked: str) -> Any:
        if 200 <= status < 300:
            return document
        problem = document if isinstance(document, dict) else {}
        said = f"{asked} at {self.url} is answered {status}: {problem.get('detail', 'no reason given')}"
        if status in _PATIENT:
            after = headers.get("Retry-After", "")
            raise ControlAwayError(said, float(after) if after.isdigit() else 0.0)
        hint = ". Check CONTROL_API_TOKEN" if status in {401, 403} else ""
        raise ControlRefusedError(said + hint, status, str(problem.get("type", "")).rpartition("#")[2])

    async def insist(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The same, asked again for as long as the control plane is away. Raises ControlRefusedError."""
        pause = FIRST_PAUSE
        while True:
            try:
                return await self.ask(method, path, body, **query)
            except ControlAwayError as error:
                wait = min(max(pause, error.retry_after), LONGEST_PAUSE)
                logger.warning("%s; again in %.1f s", error, wait)
            await self._sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def close(self) -> None:
        """Close the connections; a later question opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def is_control_configured(settings: BaseSettings) -> bool:
    """Does the operator name a control plane?"""
    return bool(settings.get("CONTROL_API_URL"))


def open_client(settings: BaseSettings) -> ControlClient:
    """The client that CONTROL_API_URL and CONTROL_API_TOKEN name; nothing connects yet. Raises ArgumentsInvalidError."""
    url, token = str(settings.get("CONTROL_API_URL")), reveal(settings.get("CONTROL_API_TOKEN"))
    if not url.startswith(("http://", "https://")):
        raise ArgumentsInvalidError("CONTROL_API_URL is no address; give one like https://control.example:8443")
    if not token:
        raise ArgumentsInvalidError(
            "CONTROL_API_URL is set and CONTROL_API_TOKEN is empty: `python -m control_api nodes add NAME` prints one"
        )
    return ControlClient(url, token)
