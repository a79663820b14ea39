"""The contract of every keyword feed: arguments, Redis, and whatever gives leases next, through the same door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from jobschema.messages import Lease


class KeywordFeed(Protocol):
    """Gives leases to one spider and hears how each run ended."""

    def leases(self) -> AsyncIterator[Lease]:
        """The keywords to run, as they become available; ends when there are no more."""

    def crawled(self, lease: Lease) -> None:
        """The run's last request has ended. Its rows may still be on their way to the stores: no end yet, but room for another."""

    async def complete(self, lease: Lease) -> None:
        """Every request of the run had a good answer, and its rows are stored."""

    async def give_back(self, lease: Lease, causes: Mapping[str, int]) -> None:
        """The run lacks something: cause -> how often. The keyword is to be run again."""

    async def drain(self) -> None:
        """No further lease from now on; what was claimed and not started goes back."""

    async def close(self, grace: float) -> None:
        """The crawl is over: give back what is still held, within `grace` seconds."""
