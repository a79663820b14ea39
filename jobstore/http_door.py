"""One POST to an HTTP door from a carrier's thread, its answer judged: kept for later, refused, or taken. Used by the HTTP sinks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3

from jobstore.errors import AccessRefusedError, DsnInvalidError, RetryAfterError, StatementRefusedError, StoreUnavailableError

SECONDS = 60.0
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class DoorAnswer:
    """What a door said: status and body."""

    status: int
    body: bytes


class HttpDoor:
    """An address that takes POSTs. Follows no redirect, retries nothing by itself. Thread-safe."""

    def __init__(self, url: str, *, setting: str) -> None:
        """`setting` is named in errors. Raises DsnInvalidError for a url that is none."""
        self.shown = urlsplit(url)._replace(query="", fragment="").geturl()
        if not url.startswith(("http://", "https://")) or not urlsplit(url).hostname or urlsplit(url).username:
            raise DsnInvalidError(f"{setting} is no http(s) address without credentials; give one like https://control.example:8443")
        self._url = url
        self._setting = setting
        self._pool = urllib3.PoolManager(retries=False, maxsize=4, timeout=urllib3.Timeout(SECONDS))

    def post(self, body: bytes, headers: Mapping[str, str], *, taken: frozenset[int] = frozenset()) -> DoorAnswer:
        """Post; answers with a 2xx status, or one of `taken`. Raises StoreUnavailableError, RetryAfterError, AccessRefusedError,
        StatementRefusedError."""
        try:
            answer = self._pool.request("POST", self._url, body=body, headers=dict(headers), redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise StoreUnavailableError(f"{self.shown} does not answer ({type(error).__name__}): check {self._setting}.") from error
        if 200 <= answer.status < 300 or answer.status in taken:
            return DoorAnswer(answer.status, answer.data)
        said = f"{self.shown} answers {answer.status}: {answer.data[:300].decode(errors='replace')}"
        if answer.status in _LATER:
            after = answer.headers.get("Retry-After", "")
            raise RetryAfterError(said, float(after) if after.isdigit() else 0.0)
        if answer.status in {401, 403}:
            raise AccessRefusedError(f"{said}. The credential is wrong or lacks the right.")
        raise StatementRefusedError(said, answer.status)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()
