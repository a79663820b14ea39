"""Holders of different keys at the same time, of a common key in turns; nobody beside one who holds all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest

from jobstore.keylock import KeyLock

PATIENCE = 0.2  # seconds in which somebody who is let in comes in; a longer wait would only make the tests stronger


class Holder(threading.Thread):
    """Comes in as soon as it is let in, and stays until it is told to leave."""

    def __init__(self, hold: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__(daemon=True)
        self._hold = hold
        self.is_in = threading.Event()
        self._may_leave = threading.Event()
        self.start()

    def run(self) -> None:
        with self._hold():
            self.is_in.set()
            self._may_leave.wait(30)

    def leave(self) -> None:
        self._may_leave.set()
        self.join(30)


def test_hold_other_keys_does_not_wait() -> None:
    lock = KeyLock()
    first, second = Holder(lambda: lock.hold(["a", "b"])), Holder(lambda: lock.hold(["c"]))
    assert first.is_in.wait(30)
    assert second.is_in.wait(30)
    first.leave()
    second.leave()


def test_hold_a_common_key_waits_for_its_holder_and_holds_nothing_meanwhile() -> None:
    lock = KeyLock()
    first = Holder(lambda: lock.hold(["a", "b"]))
    assert first.is_in.wait(30)
    second = Holder(lambda: lock.hold(["b", "c"]))
    assert not second.is_in.wait(PATIENCE)
    with lock.hold(["c"]):
        pass
    first.leave()
    assert second.is_in.wait(30)
    second.leave()


def test_hold_all_waits_for_every_holder_and_lets_nobody_in() -> None:
    lock = KeyLock()
    first = Holder(lambda: lock.hold([]))
    assert first.is_in.wait(30)
    alone = Holder(lock.hold_all)
    assert not alone.is_in.wait(PATIENCE)
    first.leave()
    assert alone.is_in.wait(30)
    third = Holder(lambda: lock.hold(["x"]))
    assert not third.is_in.wait(PATIENCE)
    alone.leave()
    assert third.is_in.wait(30)
    third.leave()


def test_who_comes_after_one_that_waits_to_be_alone_waits_behind_it() -> None:
    lock = KeyLock()
    first = Holder(lambda: lock.hold(["a"]))
    assert first.is_in.wait(30)
    alone = Holder(lock.hold_all)
    assert not alone.is_in.wait(PATIENCE)
    newcomer = Holder(lambda: lock.hold(["b"]))
    assert not newcomer.is_in.wait(PATIENCE)
    first.leave()
    assert alone.is_in.wait(30)
    alone.leave()
    assert newcomer.is_in.wait(30)
    newcomer.leave()


def test_holder_that_fails_lets_go_of_its_keys() -> None:
    lock = KeyLock()
    with pytest.raises(ZeroDivisionError), lock.hold(["a"]):
        raise ZeroDivisionError
    with lock.hold(["a"]):
        pass


def test_holders_of_a_common_key_are_never_two() -> None:
    lock = KeyLock()
    inside: list[int] = []
    most = []

    def work(number: int) -> None:
        with lock.hold([number % 3, 3 + number % 2]):
            inside.append(number)
            most.append([other for other in inside if other % 3 == number % 3 or other % 2 == number % 2])
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(600)))
    assert {len(met) for met in most} == {1}
