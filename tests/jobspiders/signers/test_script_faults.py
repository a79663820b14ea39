"""ScriptSigner when things go wrong: endless scripts, dying and leaking engines, engines that hang, callers that leave, closing."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from itertools import pairwise

import execjs
import pytest

from jobspiders.signers.errors import EngineUnavailable, SigningTimeout

RUNTIMES = ["quickjs", "node"]
OBEDIENT = """
var kept = [], calls = 0;
function sign(request) {
  calls++;
  if (request.body === "loop") while (true) {}
  if (request.body === "leak") for (var i = 0; i < 2000; i++) kept.push([i]);
  if (request.body === "gush") for (i = 0; i < 200000; i++) kept.push([i]);
  if (request.body === "until") while (Date.now() < request.timestamp) {}
  return { params: { calls: String(calls), body: request.body } };
}
"""


@pytest.fixture
def is_alive():
    def check(pid: int) -> bool:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                return stat.read().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    return check


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("runtime", [*RUNTIMES, "node-per-call"])
def test_endless_call_times_out_and_those_behind_it_are_answered(runtime, with_signer, make_request):
    async def use(signer):
        bodies = ["a", "loop", "b", "c"]
        calls = (signer.sign(make_request(body)) for body in bodies)
        return await asyncio.gather(*calls, return_exceptions=True), signer.state()

    answers, state = with_signer(use, source=OBEDIENT, runtime=runtime, timeout=1.0)
    assert [type(answer) is SigningTimeout for answer in answers] == [False, True, False, False]
    assert [answer.params["body"] for answer in (answers[0], answers[2], answers[3])] == ["a", "b", "c"]
    assert state.recycled == 1


def test_node_killed_during_a_call_is_replaced_and_the_call_answered(with_signer, make_request, is_alive):
    async def use(signer):
        await signer.open()
        first = signer.state().pid
        call = asyncio.create_task(signer.sign(make_request("until", timestamp=int(time.time() * 1000) + 1500)))
        await until(lambda: signer.state().calls == 1)
        os.kill(first, signal.SIGKILL)
        answer = await call
        assert (await signer.sign(make_request("after"))).params["body"] == "after"
        return answer.params["body"], first, signer.state().pid

    body, first, second = with_signer(use, source=OBEDIENT, runtime="node", timeout=20)
    assert body == "until"
    assert first != second
    assert not is_alive(first)
    assert not is_alive(second)


def test_node_killed_twice_during_a_call_fails_the_call_and_the_next_works(with_signer, make_request):
    async def use(signer):
        await signer.open()
        call = asyncio.create_task(signer.sign(make_request("loop")))
        await until(lambda: signer.state().calls == 1)
        first = signer.state().pid
        os.kill(first, signal.SIGKILL)
        await until(lambda: signer.state().pid not in (None, first))
        os.kill(signer.state().pid, signal.SIGKILL)
        with pytest.raises(EngineUnavailable, match="node process ended"):
            await call
        return (await signer.sign(make_request("after"))).params["body"]

    assert with_signer(use, source=OBEDIENT, runtime="node", timeout=60) == "after"


def test_node_killed_while_idle_costs_no_call(with_signer, make_request):
    async def use(signer):
        await signer.open()
        os.kill(signer.state().pid, signal.SIGKILL)
        return (await signer.sign(make_request("after"))).params["body"]

    assert with_signer(use, source=OBEDIENT, runtime="node") == "after"


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(("body", "calls", "dies"), [("leak", 400, False), ("gush", 40, True)])
def test_leaking_script_is_recycled_and_no_call_fails(runtime, body, calls, dies, with_signer, make_request, caplog):
    """A slow leak is seen before the engine is full; after a fast one the call that filled it is answered by the next engine."""

    async def use(signer):
        answers = [await signer.sign(make_request(body)) for _ in range(calls)]
        return [int(answer.params["calls"]) for answer in answers], signer.state().recycled

    counts, recycled = with_signer(use, source=OBEDIENT, runtime=runtime, max_memory=32 * 1024 * 1024, timeout=20)
    assert recycled >= 1
    # A fresh context counts from one again.
    assert sum(after <= before for before, after in pairwise(counts)) == recycled
    assert ("died during a call" in caplog.text) is dies


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_context_is_recycled_after_max_calls(runtime, with_signer, make_request):
    async def use(signer):
        return [(await signer.sign(make_request())).params["calls"] for _ in range(7)], signer.state()

    counts, state = with_signer(use, source=OBEDIENT, runtime=runtime, max_calls=3)
    assert counts == ["2", "3", "1", "2", "3", "1", "2"]  # the self-test was the first call
    assert (state.calls, state.recycled) == (7, 2)


class Hanging:
    """A runtime of somebody else's whose engine cannot be stopped; `release` lets its threads end."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.entered: list[int] = []

    def is_available(self) -> bool:
        return True

    def compile(self, source: str) -> Hanging:
        return self

    def call(self, function: str, request: dict[str, object]) -> dict[str, object]:
        if request["body"] == "loop":
            self.entered.append(threading.get_ident())
            self.release.wait()
        return {"params": {"body": request["body"]}}


class Growing:
    """A runtime of somebody else's whose context is `growth` bytes heavier after each call; `heaviest` is the most it came to."""

    def __init__(self, growth: int) -> None:
        self.growth, self.weight, self.heaviest = growth, 0, 0

    def is_available(self) -> bool:
        return True

    def compile(self, source: str) -> Growing:
        self.weight = 0
        return self

    def call(self, function: str, request: dict[str, object]) -> dict[str, object]:
        self.weight += self.growth
        self.heaviest = max(self.heaviest, self.weight)
        return {"params": {"a": "b"}}

    def memory_bytes(self) -> int:
        return self.weight


@pytest.mark.parametrize(("growth", "recycled"), [(0, 0), (1000, 0), (130_000, 3), (240_000, 5)])
def test_context_that_grows_is_replaced_before_it_weighs_much_more_than_half_the_limit(growth, recycled, with_signer, make_request):
    growing = Growing(growth)

    async def use(signer):
        for _ in range(400):
            await signer.sign(make_request())
        return signer.state().recycled

    assert with_signer(use, source=OBEDIENT, max_memory=32_000_000, find_runtime=lambda name: growing) == recycled
    assert growing.heaviest <= 16_000_000 + growth


def test_engine_that_hangs_is_left_behind_and_given_up_after_the_second_time(with_signer, make_request, find_without):
    hanging = Hanging()
    find_real = find_without()

    async def use(signer):
        results = []
        for _ in range(2):
            calls = [signer.sign(make_request(body)) for body in ("loop", "behind")]
            results += await asyncio.gather(*calls, return_exceptions=True)
        hanging.release.set()
        await until(lambda: not [thread for thread in threading.enumerate() if thread.ident in hanging.entered])
        return results, signer.state()

    results, state = with_signer(
        use, source=OBEDIENT, timeout=0.2, find_runtime=lambda name: hanging if name == "quickjs" else find_real(name)
    )
    assert [type(result) is SigningTimeout for result in results] == [True, False, True, False]
    assert (state.hangs, state.engine) == (2, "node")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_caller_that_leaves_is_passed_over_and_gives_its_slot_back(runtime, with_signer, make_request):
    async def use(signer):
        await signer.open()
        slow = asyncio.create_task(signer.sign(make_request("until", timestamp=int(time.time() * 1000) + 300)))
        await until(lambda: signer.state().calls == 1)
        leaving = asyncio.create_task(signer.sign(make_request("gone")))
        await asyncio.sleep(0)
        leaving.cancel()
        await slow
        answer = await signer.sign(make_request("after"))
        assert leaving.cancelled()
        return answer.params["calls"], signer.state().calls

    assert with_signer(use, source=OBEDIENT, runtime=runtime, max_waiting=2, timeout=20) == ("3", 2)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_no_more_calls_than_max_waiting_reach_the_engine_queue(runtime, with_signer, make_request):
    async def use(signer):
        await signer.open()
        calls = [asyncio.create_task(signer.sign(make_request())) for _ in range(100)]
        most = 0
        while not all(call.done() for call in calls):
            most = max(most, signer.state().waiting)
            await asyncio.sleep(0)
        await asyncio.gather(*calls)
        return most

    assert 1 <= with_signer(use, source=OBEDIENT, runtime=runtime, max_waiting=5) <= 5


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_close_with_calls_in_flight_answers_every_caller(runtime, with_signer, make_request):
    async def use(signer):
        await signer.open()
        calls = [asyncio.create_task(signer.sign(make_request("until", timestamp=int(time.time() * 1000) + 300)))]
        calls += [asyncio.create_task(signer.sign(make_request())) for _ in range(30)]
        await until(lambda: signer.state().calls == 1)
        await asyncio.gather(signer.close(), signer.close())
        results = await asyncio.gather(*calls, return_exceptions=True)
        with pytest.raises(EngineUnavailable, match="was closed"):
            await signer.sign(make_request())
        return results, signer.state().pid

    results, pid = with_signer(use, source=OBEDIENT, runtime=runtime, max_waiting=8, timeout=20)
    assert results[0].params["body"] == "until"
    assert {type(result) for result in results[1:]} == {EngineUnavailable}
    assert pid is None


def test_close_before_the_first_call_starts_no_engine(with_signer):
    async def use(signer):
        await signer.close()
        return signer.state().engine

    assert with_signer(use) == ""


def test_signing_keeps_the_event_loop_running(with_signer, make_request):
    """Counted, not timed: during a call of 50 ms of JavaScript the loop turns several times; if it were blocked, at most twice."""

    async def use(signer):
        await signer.open()
        turns = 0

        async def turn():
            nonlocal turns
            while True:
                await asyncio.sleep(0.0005)
                turns += 1

        turning = asyncio.create_task(turn())
        for _ in range(20):
            await signer.sign(make_request("until", timestamp=int(time.time() * 1000) + 50))
        turning.cancel()
        return turns

    assert with_signer(use, source=OBEDIENT, runtime="quickjs", timeout=20) >= 100


def test_engine_that_fails_in_an_unknown_way_is_heard_of(with_signer, make_request):
    class Broken(Hanging):
        def call(self, function, request):
            if request["body"]:
                raise KeyError("planted-secret")
            return {}

    async def use(signer):
        with pytest.raises(EngineUnavailable, match="KeyError in the engine") as caught:
            await signer.sign(make_request(secret="k"))
        return str(caught.value)

    assert "planted" not in with_signer(use, source=OBEDIENT, find_runtime=lambda name: Broken())


def test_runtime_that_cannot_be_started_again_is_chosen_anew(with_signer, make_request, find_without):
    find_real = find_without()

    class Dying(Hanging):
        def call(self, function, request):
            if request["body"]:
                raise execjs.RuntimeUnavailableError("gone")
            return {}

    dying = [Dying()]

    async def use(signer):
        await signer.open()
        assert signer.state().engine == "quickjs"
        with pytest.raises(EngineUnavailable, match="gone"):
            await signer.sign(make_request())
        dying.clear()
        return (await signer.sign(make_request("after"))).params["body"]

    assert with_signer(use, source=OBEDIENT, find_runtime=lambda name: dying[0] if dying else find_real(name)) == "after"
