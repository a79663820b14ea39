"""The pool lends the entry that waited longest, lets it rest longer each time, and ends with a reason when nothing is left."""

from __future__ import annotations

import asyncio

import pytest

from jobschema import Verdict
from jobspiders.errors import PoolExhaustedError
from jobspiders.pools.resting import PoolEntry, RestingPool


class FakeTime:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


def make_pool(time: FakeTime, *names: str, max_wait: float = 60.0) -> RestingPool:
    entries = [PoolEntry(name, secret=f"secret-of-{name}") for name in names]
    return RestingPool("token", entries, max_wait=max_wait, rest_limit=1000, clock=time.clock, sleep=time.sleep)


def take(pool: RestingPool) -> str:
    return asyncio.run(pool.take()).name


def test_take_two_entries_alternates(time: FakeTime) -> None:
    pool = make_pool(time, "a", "b")
    taken = []
    for _ in range(4):
        taken.append(take(pool))
        time.now += 1
    assert taken == ["a", "b", "a", "b"]


def test_take_one_resting_entry_prefers_the_other(time: FakeTime) -> None:
    pool = make_pool(time, "a", "b")
    pool.rest("a", Verdict.CHALLENGE, 30, sent_at=time.now)
    assert [take(pool), take(pool)] == ["b", "b"]


def test_take_all_resting_waits_until_the_first_is_rested(time: FakeTime) -> None:
    pool = make_pool(time, "a", "b")
    pool.rest("a", Verdict.CHALLENGE, 30, sent_at=time.now)
    pool.rest("b", Verdict.CHALLENGE, 20, sent_at=time.now)
    assert take(pool) == "b"
    assert time.now == 120.0


def test_take_rest_longer_than_max_wait_raises_banned(time: FakeTime) -> None:
    pool = make_pool(time, "a", max_wait=10)
    pool.rest("a", Verdict.IP_BANNED, 30, sent_at=time.now)
    with pytest.raises(PoolExhaustedError, match=r"first comes back in 30 s.*ip_banned") as caught:
        take(pool)
    assert caught.value.finish_reason == "banned"


def test_take_everything_burnt_raises_with_the_causes(time: FakeTime) -> None:
    pool = make_pool(time, "a", "b")
    assert pool.burn("a", Verdict.TOKEN_INVALID)
    assert pool.burn("b", Verdict.TOKEN_INVALID)
    assert not pool.burn("b", Verdict.TOKEN_INVALID)
    with pytest.raises(PoolExhaustedError, match="a: token_invalid, b: token_invalid") as caught:
        take(pool)
    assert caught.value.finish_reason == "tokens_exhausted"
    assert "secret-of" not in str(caught.value)


def test_take_empty_pool_raises_none_was_given(time: FakeTime) -> None:
    with pytest.raises(PoolExhaustedError, match="none was given"):
        take(make_pool(time))


def test_rest_requests_in_flight_together_order_one_rest(time: FakeTime) -> None:
    pool = make_pool(time, "a")
    sent = time.now
    time.now += 1
    assert pool.rest("a", Verdict.RATE_LIMITED, 10, sent_at=sent) == 10
    assert pool.rest("a", Verdict.RATE_LIMITED, 10, sent_at=sent) == 0


def test_rest_repeated_doubles_until_praised(time: FakeTime) -> None:
    pool = make_pool(time, "a")
    ordered = []
    for _ in range(3):
        ordered.append(pool.rest("a", Verdict.CHALLENGE, 10, sent_at=time.now))
        time.now += 100
    pool.praise("a")
    ordered.append(pool.rest("a", Verdict.CHALLENGE, 10, sent_at=time.now))
    assert ordered == [10, 20, 40, 10]


def test_rest_exact_keeps_the_platforms_word_and_the_limit_holds_otherwise(time: FakeTime) -> None:
    pool = make_pool(time, "a")
    assert pool.rest("a", Verdict.RATE_LIMITED, 5, sent_at=time.now, exact=True) == 5
    time.now += 10
    assert pool.rest("a", Verdict.RATE_LIMITED, 5, sent_at=time.now, exact=True) == 5
    time.now += 10
    assert pool.rest("a", Verdict.RATE_LIMITED, 900, sent_at=time.now) == 1000


def test_entry_repr_hides_the_secret(time: FakeTime) -> None:
    pool = make_pool(time, "a")
    assert "secret-of-a" not in repr(asyncio.run(pool.take()))
    assert pool.secret_of("a") == "secret-of-a"
    assert pool.secret_of("gone") == ""
