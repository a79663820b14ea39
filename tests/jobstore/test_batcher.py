import asyncio
import threading
from collections.abc import Sequence

import pytest

from jobstore import Batcher, RetryPolicy
from jobstore.errors import BatchNotStoredError, StatementRefusedError, StoreBusyError, StoreClosedError

PATIENCE = 30  # seconds that a test may wait for another thread before it fails; no test needs them


class MemorySink:
    """Keeps what it is given; fails as told; blocks while `gate` is closed."""

    name = "memory"

    def __init__(self, failures: Sequence[Exception] = ()) -> None:
        self.calls: list[tuple[str, tuple]] = []
        self.stored: list[tuple[str, tuple]] = []
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self._failures = list(failures)

    def write_rows(self, rows, token):
        self.entered.set()
        assert self.gate.wait(PATIENCE)
        self.calls.append((token, rows))
        self.threads.add(threading.get_ident())
        if self._failures:
            raise self._failures.pop(0)
        self.stored.append((token, rows))
        return {"rows": len(rows), "versions": len(rows)}

    @property
    def ids(self) -> list[list[str]]:
        return [[row.job_id for row in rows] for _, rows in self.stored]


def impatient(**options) -> RetryPolicy:
    return RetryPolicy(**({"first": 0, "longest": 0, "sleep": lambda seconds: None} | options))


def test_add_batches_close_at_the_row_limit_and_the_rest_on_close(make_job) -> None:
    sink = MemorySink()

    async def run() -> Batcher:
        batcher = Batcher(sink, max_rows=3)
        await batcher.add_all([make_job(f"j{n}") for n in range(7)])
        await batcher.add(make_job("j7"))
        await batcher.close()
        return batcher

    batcher = asyncio.run(run())
    assert sink.ids == [["j0", "j1", "j2"], ["j3", "j4", "j5"], ["j6", "j7"]]
    assert sink.threads.isdisjoint({threading.get_ident()})
    assert len(sink.threads) == 1
    assert {name: batcher.stats()[name] for name in ("rows", "batches", "versions", "queued")} == {
        "rows": 8,
        "batches": 3,
        "versions": 8,
        "queued": 0,
    }


def test_add_batches_close_at_the_byte_limit(make_job) -> None:
    sink = MemorySink()

    async def run() -> None:
        batcher = Batcher(sink, max_bytes=50_000)
        for name, length in (("a", 20_000), ("b", 40_000), ("c", 200_000), ("d", 1)):
            await batcher.add(make_job(name, description="x" * length))
        await batcher.close()

    asyncio.run(run())
    assert sink.ids == [["a", "b"], ["c"], ["d"]]


def test_add_batch_closes_by_itself_when_it_is_old_enough(make_job) -> None:
    stored = threading.Event()
    sink = MemorySink()

    async def run() -> None:
        batcher = Batcher(sink, max_seconds=0.01, on_stored=lambda batch: stored.set())
        await batcher.add(make_job("alone"))
        assert await asyncio.to_thread(stored.wait, PATIENCE)
        await batcher.close()

    asyncio.run(run())
    assert sink.ids == [["alone"]]


def test_flush_returns_when_rows_added_so_far_are_stored(make_job) -> None:
    sink = MemorySink()

    async def run() -> None:
        batcher = Batcher(sink)
        await batcher.add(make_job("j1"))
        await batcher.flush()
        assert sink.ids == [["j1"]]
        await batcher.flush()
        await batcher.add(make_job("j2"))
        await asyncio.gather(batcher.flush(), batcher.flush())
        assert sink.ids == [["j1"], ["j2"]]
        await batcher.close()
        await batcher.close()

    asyncio.run(run())


def test_close_without_rows_starts_no_thread() -> None:
    before = threading.active_count()
    asyncio.run(Batcher(MemorySink()).close())
    assert threading.active_count() == before


def test_add_after_close_is_refused(make_job) -> None:
    async def run() -> None:
        batcher = Batcher(MemorySink())
        await batcher.close()
        with pytest.raises(StoreClosedError):
            await batcher.add(make_job())

    asyncio.run(run())


def test_batch_identity_is_the_same_in_every_try_and_differs_between_batches_and_batchers(make_job) -> None:
    sink = MemorySink([StoreBusyError("busy"), StoreBusyError("busy")])

    async def run() -> None:
        for _ in range(2):
            batcher = Batcher(sink, run_id="run-1", max_rows=1, retry=impatient())
            await batcher.add_all([make_job("j1"), make_job("j2")])
            await batcher.close()
            retries.append(batcher.stats().get("retries", 0))

    retries: list[float] = []
    asyncio.run(run())
    assert retries == [2, 0]
    assert len({token for token, _ in sink.calls[:3]}) == 1
    assert len({token for token, _ in sink.stored}) == 4
    assert all(token.startswith("run-1.") for token, _ in sink.stored)


def test_put_full_queue_asks_to_wait_and_nothing_is_lost(make_job) -> None:
    sink = MemorySink()
    sink.gate.clear()

    async def run() -> None:
        batcher = Batcher(sink, max_rows=1, max_queued=2)
        waits = [batcher.put(make_job(f"j{n}")) for n in range(4)]
        assert [wait is not None for wait in waits] == [False, False, True, True]
        adding = asyncio.create_task(batcher.add(make_job("j4")))
        await asyncio.to_thread(sink.entered.wait, PATIENCE)
        assert not adding.done()
        assert batcher.stats()["queued"] == 5
        sink.gate.set()
        await asyncio.wait_for(adding, PATIENCE)
        await batcher.close()

    asyncio.run(run())
    assert sink.ids == [[f"j{n}"] for n in range(5)]


def test_add_cancelled_while_it_waits_keeps_the_row(make_job) -> None:
    sink = MemorySink()
    sink.gate.clear()

    async def run() -> None:
        batcher = Batcher(sink, max_rows=1, max_queued=0)
        adding = asyncio.create_task(batcher.add(make_job("j0")))
        await asyncio.to_thread(sink.entered.wait, PATIENCE)
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
        sink.gate.set()
        await batcher.close()

    asyncio.run(run())
    assert sink.ids == [["j0"]]


def test_terminal_error_surfaces_to_add_flush_and_close_and_later_batches_are_still_tried(make_job) -> None:
    sink = MemorySink([StatementRefusedError("no such table")])

    async def run() -> Batcher:
        batcher = Batcher(sink, max_rows=2)
        await batcher.add_all([make_job("j0"), make_job("j1"), make_job("j2")])
        with pytest.raises(BatchNotStoredError, match="no such table") as caught:
            await batcher.flush()
        assert caught.value.rows == 2
        assert isinstance(caught.value.__cause__, StatementRefusedError)
        with pytest.raises(BatchNotStoredError):
            await batcher.add(make_job("j3"))
        with pytest.raises(BatchNotStoredError):
            await batcher.close()
        return batcher

    batcher = asyncio.run(run())
    assert sink.ids == [["j2"]]
    assert batcher.stats()["rows_lost"] == 2


def test_transient_error_for_too_long_gives_up_with_the_cause(make_job) -> None:
    sink = MemorySink([StoreBusyError("disk full")] * 9)

    async def run() -> None:
        batcher = Batcher(sink, retry=impatient(first=1, longest=1, give_up_after=0))
        await batcher.add(make_job())
        with pytest.raises(BatchNotStoredError, match="disk full"):
            await batcher.close()

    asyncio.run(run())
    assert len(sink.calls) == 1


def test_unexpected_error_of_a_sink_or_of_on_stored_is_not_swallowed(make_job) -> None:
    def refuse(batch) -> None:
        raise KeyError("ledger")

    async def run(batcher: Batcher) -> None:
        await batcher.add(make_job())
        with pytest.raises(BatchNotStoredError):
            await batcher.close()

    asyncio.run(run(Batcher(MemorySink([ZeroDivisionError()]))))
    asyncio.run(run(Batcher(MemorySink(), on_stored=refuse)))


def test_on_stored_gets_every_batch_after_the_sink_and_before_flush_returns(make_job) -> None:
    sink = MemorySink()
    seen: list[tuple[str, int, bool]] = []

    async def run() -> None:
        batcher = Batcher(
            sink, max_rows=2, on_stored=lambda batch: seen.append((batch.token, len(batch.rows), batch.token in dict(sink.stored)))
        )
        await batcher.add_all([make_job(f"j{n}") for n in range(5)])
        await batcher.flush()
        assert [rows for _, rows, _ in seen] == [2, 2, 1]
        await batcher.close()

    asyncio.run(run())
    assert [token for token, _, _ in seen] == [token for token, _ in sink.stored]
    assert all(was_stored for _, _, was_stored in seen)


def test_put_from_many_threads_keeps_every_row(make_job) -> None:
    sink = MemorySink()
    batcher = Batcher(sink, max_rows=7, max_queued=1000)

    def put_all(start: int) -> None:
        for n in range(start, start + 100):
            batcher.put(make_job(f"j{n}", content_hash="0" * 32))

    threads = [threading.Thread(target=put_all, args=(start,)) for start in range(0, 400, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(batcher.close())
    assert sorted(name for ids in sink.ids for name in ids) == sorted(f"j{n}" for n in range(400))
    assert len({token for token, _ in sink.stored}) == len(sink.stored)
