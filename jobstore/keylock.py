"""A lock by keys: work on different keys goes on at the same time, work on a common one in turns."""

from __future__ import annotations

import threading
from collections.abc import Collection, Hashable, Iterator
from contextlib import contextmanager


class KeyLock:
    """Whoever works holds all its keys at once, so that no two wait for each other. Nobody may hold twice at the same time."""

    def __init__(self) -> None:
        self._held: set[Hashable] = set()
        self._holders = 0
        self._loners = 0  # who hold all, or wait to
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, keys: Collection[Hashable]) -> Iterator[None]:
        """Work on these keys, after everybody who holds one of them, and after who waits to work alone."""
        with self._changed:
            self._changed.wait_for(lambda: not self._loners and self._held.isdisjoint(keys))
            self._held.update(keys)
            self._holders += 1
        try:
            yield
        finally:
            with self._changed:
                self._held.difference_update(keys)
                self._holders -= 1
                self._changed.notify_all()

    @contextmanager
    def hold_all(self) -> Iterator[None]:
        """Work alone: after everybody who holds anything; nobody begins meanwhile."""
        with self._changed:
            self._loners += 1
            try:
                self._changed.wait_for(lambda: self._holders == 0)
                yield
            finally:
                self._loners -= 1
                self._changed.notify_all()
