"""The driver's clients of one database, lent for one statement each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clickhouse_connect.driver.client import Client


class PoolClosedError(Exception):
    """The pool was closed before a client was free."""


class ClientPool:
    """At most `most` clients, each lent to one borrower at a time; another is made when all are lent and one more is wanted.

    `most` None: `first` alone, for any number of borrowers at once, as a server's client can be used.
    """

    def __init__(self, first: Client, make: Callable[[], Client], most: int | None) -> None:
        self._make = make
        self._clients = [first]
        self._idle = [first]
        self.is_closed = False
        self._opening = threading.Lock()  # guards the three above
        self._turns = None if most is None else threading.BoundedSemaphore(most)

    @contextmanager
    def lend(self) -> Iterator[Client]:
        """A client; waits while all of them are lent. Raises PoolClosedError, and what making a client raises."""
        if self._turns is None:
            yield self._take(keep=True)
            return
        with self._turns:
            client = self._take(keep=False)
            try:
                yield client
            finally:
                self._idle.append(client)

    def _take(self, *, keep: bool) -> Client:
        with self._opening:
            if self.is_closed:
                raise PoolClosedError
            if not self._idle:
                self._idle.append(self._make())
                self._clients.append(self._idle[-1])
            return self._idle[-1] if keep else self._idle.pop()

    def close(self) -> None:
        """Close every client, after the statement that it is lent for."""
        with self._opening:
            self.is_closed = True
        for client in self._clients:
            client.close()
