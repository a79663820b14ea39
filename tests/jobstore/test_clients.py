"""Clients lent for one statement each: never two borrowers of one, never more than there may be, none after the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from jobstore.clients import ClientPool, PoolClosedError


class FakeClient:
    """Knows whether it was closed."""

    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def open_pool(most: int | None, make: Callable[[], Any] = FakeClient) -> ClientPool:
    return ClientPool(cast("Any", FakeClient()), make, most)


def test_lend_two_at_once_are_different_and_come_again() -> None:
    pool = open_pool(2)
    with pool.lend() as first, pool.lend() as second:
        assert first is not second
    with pool.lend() as third, pool.lend() as fourth:
        assert {id(third), id(fourth)} == {id(first), id(second)}


def test_lend_a_shared_client_is_the_same_for_all() -> None:
    pool = open_pool(None)
    with pool.lend() as first, pool.lend() as second:
        assert first is second


def test_lend_when_making_another_fails_leaves_the_pool_as_it_was() -> None:
    def fail() -> None:
        raise MemoryError

    pool = open_pool(2, fail)
    for _ in range(3):
        with pool.lend(), pytest.raises(MemoryError), pool.lend():
            pass
    with pool.lend():
        pass


def test_close_closes_what_is_lent_too_and_who_waits_gets_nothing() -> None:
    pool = open_pool(1)
    told: list[type] = []

    def wait() -> None:
        try:
            with pool.lend():
                told.append(FakeClient)
        except PoolClosedError:
            told.append(PoolClosedError)

    with pool.lend() as client:
        waiter = threading.Thread(target=wait)
        waiter.start()
        pool.close()
        assert cast("FakeClient", client).is_closed
    waiter.join(30)
    assert told == [PoolClosedError]
    with pytest.raises(PoolClosedError), pool.lend():
        pass


def test_client_that_is_being_made_while_the_pool_closes_is_closed_with_it() -> None:
    made: list[FakeClient] = []
    making, may_go_on = threading.Event(), threading.Event()

    def make() -> FakeClient:
        making.set()
        assert may_go_on.wait(30)
        made.append(FakeClient())
        return made[-1]

    pool = open_pool(2, make)
    with pool.lend():
        borrower = threading.Thread(target=lambda: pool.lend().__enter__())
        borrower.start()
        assert making.wait(30)
        closer = threading.Thread(target=pool.close)
        closer.start()
        may_go_on.set()
        closer.join(30)
        borrower.join(30)
    assert [client.is_closed for client in made] == [True]
