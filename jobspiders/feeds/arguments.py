"""Keywords from `-a keywords=... -a city=...`: the whole list at once, nobody to report to but the log."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence

from jobschema.messages import Keyword, Lease

logger = logging.getLogger(__name__)


class ArgumentFeed:
    """A fixed list of keywords, each leased once."""

    def __init__(self, keywords: Sequence[Keyword]) -> None:
        self.keywords = keywords
        self._is_draining = False

    async def leases(self) -> AsyncIterator[Lease]:
        for number, keyword in enumerate(self.keywords, 1):
            if self._is_draining:
                return
            yield Lease(lease_id=f"argument-{number}", keyword=keyword)

    def crawled(self, lease: Lease) -> None:
        """There is always room."""

    async def complete(self, lease: Lease) -> None:
        logger.debug("keyword %r in %s is complete", lease.keyword.text, lease.keyword.city_code)

    async def give_back(self, lease: Lease, causes: Mapping[str, int]) -> None:
        said = ", ".join(f"{cause} x{count}" for cause, count in causes.items())
        logger.warning("keyword %r in %s is partial: %s", lease.keyword.text, lease.keyword.city_code, said)

    async def drain(self) -> None:
        self._is_draining = True

    async def close(self, grace: float) -> None:
        """Nothing is held."""
