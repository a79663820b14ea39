"""Each step of the lease engine on a real Redis with a clock that the test moves: who holds what, who may end it, where it goes."""

from __future__ import annotations

from typing import Any

import pytest

from jobschema import Platform
from jobschema.messages import Keyword
from jobspiders.leases.holder import LeaseHolder
from jobspiders.leases.terms import BLOCKED, FAILED, HOPELESS, UNSTARTED


async def claim_one(holder: LeaseHolder) -> Any:
    (lease,) = (await holder.beat(1)).claimed
    return lease


def texts(leases: Any) -> list[str]:
    return [lease.keyword.text for lease in leases]


# -- push -----------------------------------------------------------------------------------------------------------------


def test_push_of_the_same_keyword_in_one_run_queues_it_once(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        assert (await desk.push("a", "b", "a")).queued == 2
        assert (await desk.push("a")).open_already == 1
        holder = await desk.worker()
        lease = (await holder.beat(1)).claimed
        assert (await desk.push("a")).open_already == 1, "leased is open"
        await holder.complete(lease)
        assert (await desk.push("a")).complete_already == 1
        assert (await desk.push("a", run="r2")).queued == 1, "another run crawls it again"

    desk_runs(body)


def test_push_without_a_run_queues_again_what_is_complete(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("a", run="")
        assert (await desk.push("a", run="")).open_already == 1
        holder = await desk.worker()
        await holder.complete((await holder.beat(1)).claimed)
        assert (await desk.push("a", run="")).queued == 1

    desk_runs(body)


def test_claim_takes_higher_priority_first_and_the_older_of_equals(desk_runs: Any) -> None:
    async def body(desk: Any) -> list[str]:
        await desk.push("low", priority=-5)
        await desk.push("old")
        await desk.push("new")
        await desk.push("urgent", priority=100)
        await desk.push("beyond", priority=10**9)
        return texts((await (await desk.worker()).beat(9)).claimed)

    assert desk_runs(body) == ["beyond", "urgent", "old", "new", "low"]


def test_claimed_keyword_is_what_was_pushed(desk_runs: Any) -> None:
    keyword = Keyword(Platform.BOSS, '数据 "分析" | C++/\\', "101", depth=3, keyword_id="77", priority=4)

    async def body(desk: Any) -> Any:
        await desk.queue.push([keyword], "r1")
        return await claim_one(await desk.worker())

    assert desk_runs(body).keyword == keyword


# -- ends -----------------------------------------------------------------------------------------------------------------


def test_complete_twice_under_one_lease_is_one_completion(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("a")
        holder = await desk.worker()
        lease = await claim_one(holder)
        assert await holder.complete([lease, lease]) == [True, True]
        assert await holder.complete([lease]) == [True], "the answer was lost and the step is sent again"
        assert (await desk.queue.status()).complete == 1

    desk_runs(body)


def test_lease_of_a_dead_worker_goes_to_the_next_and_fences_the_first(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("a")
        first, second = await desk.worker(), await desk.worker()
        stale = await claim_one(first)
        await desk.pass_time(6)
        await second.beat()
        await desk.pass_time(3.1)
        current = await claim_one(second)
        assert current.epoch > stale.epoch
        assert current.attempt == 2
        assert await first.check([stale]) == [False]
        assert await first.complete([stale]) == [False]
        assert await first.give_back([stale], FAILED) == [""]
        assert not (await first.beat()).is_enlisted
        assert await second.check([current]) == [True]
        assert await second.complete([current]) == [True]
        assert (await desk.queue.status()).stale == 1

    desk_runs(body)


def test_expired_lease_ends_nothing_even_before_anybody_reaped_it(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("a")
        first, second = await desk.worker(), await desk.worker()
        lease = await claim_one(first)
        await desk.pass_time(8)
        await second.beat()
        await desk.pass_time(2)
        assert await first.complete([lease]) == [False]
        status = await desk.queue.status()
        assert (status.queued, status.leased, status.reaped) == (1, 0, 1)

    desk_runs(body)


def test_lease_claimed_again_by_the_same_worker_fences_its_earlier_self(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("a")
        holder = await desk.worker()
        earlier = await claim_one(holder)
        await holder.give_back([earlier], UNSTARTED)
        later = await claim_one(holder)
        assert await holder.complete([earlier]) == [False]
        assert await holder.complete([later]) == [True]

    desk_runs(body)


def test_heartbeat_extends_every_lease_of_its_worker(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("a", "b", "c")
        holder, other = await desk.worker(), await desk.worker()
        leases = (await holder.beat(3)).claimed
        for _ in range(10):
            await desk.pass_time(3)
            await other.beat()
            assert (await holder.beat()).held == 3
        assert await holder.check(leases) == [True] * 3

    desk_runs(body)


def test_silence_of_everybody_costs_nobody_a_lease(desk_runs: Any) -> None:
    """Redis was away for a minute, or its clock was set: the first worker to come back does not rob the others."""

    async def body(desk: Any) -> None:
        await desk.push("a", "b")
        one, two = await desk.worker(), await desk.worker()
        mine, yours = await claim_one(one), await claim_one(two)
        for gap in (60, -3600, 86400):
            await desk.pass_time(gap)
            assert (await one.beat()).held == 1
            assert (await two.beat()).held == 1
        assert await one.complete([mine]) == [True]
        await desk.pass_time(60)
        assert await two.complete([yours]) == [True], "a report may be the first word after the silence"

    desk_runs(body)


# -- where returned keywords go -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "order"),
    [(UNSTARTED, ["a", "b"]), (BLOCKED, ["b", "a"]), (FAILED, ["b", "a"])],
    ids=["unstarted keeps its place", "blocked waits behind", "failed waits behind"],
)
def test_returned_keyword_takes_the_place_its_terms_say(desk_runs: Any, terms: Any, order: list[str]) -> None:
    async def body(desk: Any) -> list[str]:
        await desk.push("a", "b")
        holder = await desk.worker()
        await holder.give_back([await claim_one(holder)], terms)
        return texts((await holder.beat(2)).claimed)

    assert desk_runs(body) == order


def test_keyword_failing_as_often_as_allowed_is_dead_with_its_causes(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("a")
        holder = await desk.worker(max_attempts=3)
        states = []
        for attempt in (1, 2, 3):
            lease = await claim_one(holder)
            assert lease.attempt == attempt
            states += await holder.give_back([lease], FAILED, {"search_server_error": 2, "detail_missing": attempt})
        assert states == ["q", "q", "d"]
        (letter,) = await desk.queue.dead()
        assert letter.causes == {"search_server_error": 6, "detail_missing": 6}
        assert (await holder.beat(1)).claimed == []

    desk_runs(body)


def test_keyword_that_kills_its_workers_is_dead_after_as_many_attempts(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("poison")
        watcher = await desk.worker(max_attempts=2)
        for _ in range(2):
            await claim_one(await desk.worker(max_attempts=2))
            for _ in range(4):
                await desk.pass_time(3)
                await watcher.beat()
        (letter,) = await desk.queue.dead()
        assert letter.causes == {"worker_lost": 2}

    desk_runs(body)


def test_blocked_keyword_is_no_failure_yet_does_not_circle_for_ever(desk_runs: Any) -> None:
    async def body(desk: Any) -> int:
        await desk.push("a")
        holder = await desk.worker(max_attempts=2)
        count = 0
        while not await desk.queue.dead():
            await holder.give_back([await claim_one(holder)], BLOCKED, {"search_ip_banned": 1})
            count += 1
        return count

    assert desk_runs(body) == 20


def test_hopeless_keyword_is_dead_at_once(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("a")
        holder = await desk.worker()
        assert await holder.give_back([await claim_one(holder)], HOPELESS, {"search_capped": 1}) == ["d"]

    desk_runs(body)


def test_leaving_worker_gives_back_what_it_holds_to_its_place(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("a", "b", "c")
        holder = await desk.worker()
        await holder.beat(2)
        assert await holder.leave() == 2
        other = await desk.worker()
        leases = (await other.beat(3)).claimed
        assert texts(leases) == ["a", "b", "c"]
        place = (await desk.queue.where([leases[0].lease_id]))[0]
        assert (place.attempts, place.failed_attempts) == (2, 0)

    desk_runs(body)


# -- operators --------------------------------------------------------------------------------------------------------------


def test_where_tells_state_node_age_attempts_and_causes(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("done", "leased", "queued")
        holder = await desk.worker()
        done, leased = (await holder.beat(2)).claimed
        await holder.complete([done])
        await holder.give_back([leased], FAILED, {"search_soft_ban": 1})
        await desk.push("later")
        await claim_one(holder)
        leased = await claim_one(holder)
        await desk.pass_time(2)
        places = await desk.queue.where([done.lease_id, leased.lease_id, "r1|101||later", "r1|101||never"])
        assert [place.state for place in places] == ["complete", "leased", "queued", "unknown"]
        assert (places[1].node, places[1].lease_age, places[1].lease_left) == ({"node": "n"}, 2.0, 7.0)
        assert (places[1].attempts, places[1].failed_attempts, places[1].causes) == (2, 1, {"search_soft_ban": 1})
        assert places[2].rank == 0

    desk_runs(body)


def test_dead_letters_are_retried_with_a_clean_slate_or_dropped(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("a", "b")
        holder = await desk.worker(max_attempts=1)
        leases = (await holder.beat(2)).claimed
        await holder.give_back(leases, FAILED, {"x": 1})
        a, b = (letter.identity for letter in await desk.queue.dead())
        assert await desk.queue.retry([a, "nonsense"]) == 1
        assert await desk.queue.drop([b, a]) == 1
        assert (await claim_one(holder)).attempt == 1
        status = await desk.queue.status()
        assert (status.dead, status.dropped, status.leased) == (0, 1, 1)

    desk_runs(body)


def test_operator_takes_a_keyword_from_its_holder(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("a")
        holder = await desk.worker()
        lease = await claim_one(holder)
        assert await desk.queue.give_back([lease.lease_id]) == 1
        assert await holder.complete([lease]) == [False]
        assert (await desk.queue.status()).queued == 1

    desk_runs(body)


@pytest.mark.parametrize("kind", ["rpush", "sadd", "zadd"])
def test_inbox_of_any_scrapy_redis_kind_is_taken_in_message_by_message(desk_runs: Any, kind: str) -> None:
    good, bad = '{"text":"Python"}', "\x80pickle"

    async def body(desk: Any) -> None:
        for message in (good, bad):
            arguments = (0, message) if kind == "zadd" else (message,)
            await desk.client.execute_command(kind, "boss:keywords", *arguments)
        assert (await (await desk.worker()).beat()).inbox == 2
        assert sorted(await desk.queue.peek()) == sorted([good, bad])
        row = (good, Keyword(Platform.BOSS, "Python", "1"), "r1")
        assert await desk.queue.take_in([row, row], [(bad, "is no keyword")]) == {"q": 1, "": 1, "u": 1}
        status = await desk.queue.status()
        assert (status.inbox, status.queued, status.unreadable) == (0, 1, 1)

    desk_runs(body)


def test_epoch_after_a_failover_to_an_empty_redis_is_above_every_earlier_one(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("a")
        holder = await desk.worker()
        old = await claim_one(holder)
        clock = await desk.client.get("boss:lease:clock")
        await desk.client.flushall()
        await desk.client.set("boss:lease:clock", int(clock) + 1)
        assert not (await holder.beat()).is_enlisted
        await desk.push("a")
        await holder.enlist()
        new = await claim_one(holder)
        assert new.epoch > old.epoch
        assert await holder.complete([old]) == [False]
        assert await holder.complete([new]) == [True]

    desk_runs(body)


def test_law_is_looked_at_by_one_node_in_a_while(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("a")
        first = await desk.queue.watch(60)
        assert (first.pushed, first.is_conserved) == (1, True)
        assert await desk.queue.watch(60) is None
        await desk.pass_time(61)
        assert await desk.queue.watch(60) is not None
        assert (await desk.queue.status()).pushed == 1, "an operator is answered whenever he asks"

    desk_runs(body)


def test_law_is_broken_by_one_keyword_that_vanished(redis_server: Any, desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("a", "b")
        await desk.client.zrem("boss:lease:queue", "r1|101||a")
        status = await desk.queue.status()
        assert (status.imbalance, status.is_conserved) == (1, False)
        assert await desk.queue.audit() == ["r1|101||a is open but in no place: lost"]
        await desk.client.zadd("boss:lease:queue", {"r1|101||a": 1})

    desk_runs(body)
