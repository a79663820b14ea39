"""The driver's clients of one database, lent for one statement each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clickhouse_connect.driver.client import Client


class ClientPool:
    """At most `most` clients, each lent to one borrower at a time; the second is made when two are wanted at once.

    `most` None: a single client that any number of borrowers may use at once, as a server's is.
    """

    def __init__(self, make: Callable[[], Client], most: int | None) -> None:
        self._make = make
        self._clients = [make()]
        self._idle = list(self._clients)
        self._turns = None if most is None else threading.BoundedSemaphore(most)

    @contextmanager
    def lend(self) -> Iterator[Client]:
        """A client; waits while all of them are lent."""
        if self._turns is None:
            yield self._clients[0]
            return
        with self._turns:
            try:
                client = self._idle.pop()
            except IndexError:
                client = self._make()
                self._clients.append(client)
            try:
                yield client
            finally:
                self._idle.append(client)

    def close(self) -> None:
        """Close every client, after the statement that it is lent for."""
        for client in self._clients:
            client.close()
