"""The contract of every keyword feed: arguments now, the control API and Redis through the same door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from jobschema.messages import Lease


class KeywordFeed(Protocol):
    """Gives leases to one spider and hears how each run ended."""

    def leases(self) -> AsyncIterator[Lease]:
        """The keywords to run, as they become available; ends when there are no more."""

    async def complete(self, lease: Lease) -> None:
        """Every request of the run had a good answer."""

    async def give_back(self, lease: Lease, causes: Mapping[str, int]) -> None:
        """The run lacks something: cause -> how often. The keyword is to be run again."""
