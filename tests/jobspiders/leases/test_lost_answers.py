"""Answers of Redis that got lost on their way: steps are sent again, both sides' books are compared, nothing happens twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import redis.asyncio

from jobschema import Platform
from jobspiders.leases.holder import LeaseHolder
from jobspiders.leases.scripts import RedisTransport, Script
from jobspiders.leases.terms import UNSTARTED


def texts(leases: Any) -> list[str]:
    return [lease.keyword.text for lease in leases]


def test_claim_sent_again_after_a_lost_answer_gets_the_same_leases(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("a", "b", "c", "d")
        holder = await desk.worker()
        await desk.scripts.run("beat", holder.worker, *holder._common, 1, 2, 10**12)  # the answer never came
        beat = await holder.beat(2)
        assert (texts(beat.claimed), beat.held) == (["a", "b"], 2)
        assert texts((await holder.beat(1)).claimed) == ["c"]
        await desk.scripts.run("beat", holder.worker, *holder._common, 1, 2, 10**12)  # and arrives once more, late
        assert (await holder.beat()).held == 3

    desk_runs(body)


def test_books_that_differ_are_reconciled(desk_runs: Any) -> None:
    async def body(desk: Any) -> None:
        await desk.push("forgotten", "unknown", "kept", "taken")
        holder = await desk.worker()
        forgotten, unknown, kept, taken = (await holder.beat(4)).claimed
        await holder.complete([forgotten])
        del holder.held[unknown.lease_id]
        await desk.queue.give_back([taken.lease_id])
        # Redis lost its last second: the completion is undone there
        await desk.scripts.run("push", 0, f'[["{forgotten.lease_id}","{{\\"text\\":\\"x\\",\\"city_code\\":\\"1\\"}}",0]]')
        assert (await holder.beat()).held == 2
        assert await holder.reconcile() == [taken]
        assert list(holder.held) == [kept.lease_id]
        assert await desk.client.zscore("boss:lease:queue", unknown.lease_id) is not None

    desk_runs(body)


class LosesAnswers:
    """A transport that runs every script; while `step` is named, the answers to that step are lost."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self.step = ""
        self._transport = RedisTransport(client)

    async def __call__(self, script: Script, keys: Sequence[str], arguments: Sequence[str]) -> Any:
        answer = await self._transport(script, keys, arguments)
        if script.name == self.step:
            raise redis.exceptions.ConnectionError("the answer was lost")
        return answer


@pytest.mark.parametrize("step", ["complete", "give_back"])
def test_lease_whose_end_is_not_answered_yet_is_not_called_lost(desk_runs: Any, step: str) -> None:
    """A heartbeat may come between an end and its repetition: both books differ then, and nothing is wrong."""

    async def body(desk: Any) -> None:
        await desk.push("a", "b")
        transport = LosesAnswers(desk.client)
        holder = LeaseHolder(desk.scripts_over(transport), Platform.BOSS)
        await holder.enlist()
        lease, other = (await holder.beat(2)).claimed
        arguments = ([lease],) if step == "complete" else ([lease], UNSTARTED)
        transport.step = step
        with pytest.raises(redis.exceptions.ConnectionError):
            await getattr(holder, step)(*arguments)
        assert (await holder.keep()).lost == []
        transport.step = ""
        await getattr(holder, step)(*arguments)
        assert list(holder.held) == [other.lease_id]
        await desk.queue.give_back([other.lease_id])
        assert (await holder.keep()).lost == [other], "what is lost is told still"

    desk_runs(body)
