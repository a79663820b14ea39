"""Batches that wait behind the ingest door are stored together, under an identity that outlives a crash."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, col, select, update

from control_api.db import Database
from control_api.deps import Control
from control_api.ingest_body import pack
from control_api.ingest_rows import RowFault, read_rows
from control_api.ingest_writer import WRITERS, IngestWriter, WriterOptions
from control_api.models import IngestBatch, Node
from control_api.models.base import now_utc
from control_api.principal import Actor, Principal
from control_api.services import ingest
from control_api.services.ingest import TOGETHER_BATCHES, TOGETHER_BYTES, TOGETHER_ROWS, Delivery
from control_api.warm_rows import WARM_BYTES
from jobschema import Platform
from jobstore.batch import RowBatch
from jobstore.errors import RowRefusedError, StoreBusyError, StoreClosedError

Headers = dict[str, str]
DOOR = "/api/v1/universal/data/batch-store-async"
HELD = {f"held-batch:{number}": ["j0"] for number in range(WRITERS)}


@pytest.fixture
def held_store(client: TestClient, node: Headers, store: Any, made: Any) -> Iterator[Callable[..., Any]]:
    """A context in which every writer waits with a batch `held-batch:N` at the store, so that whatever comes waits; then it does `then`."""

    @contextmanager
    def hold(then: Callable[[Any, str], Any] | None = None) -> Iterator[None]:
        write, entered, released = store.write_rows, threading.Semaphore(0), threading.Event()

        def wait(rows: Any, token: str) -> Any:
            entered.release()
            released.wait(60)
            return write(rows, token)

        store.write_rows = wait
        try:
            for number in range(WRITERS):
                assert client.post(DOOR, headers=node, json=made.batch([made.job(0)], f"held-batch:{number}")).status_code == 202
                assert entered.acquire(timeout=60)
            yield
        finally:
            store.write_rows = then or write
            released.set()

    yield hold
    vars(store).pop("write_rows", None)


def all_stored(control: Control) -> bool:
    with control.database.read() as unit:
        return set(unit.exec(select(IngestBatch.state)).all()) == {"stored"}


def test_batches_of_one_kind_that_wait_are_one_write(
    client: TestClient, control: Control, node: Headers, store: Any, held_store: Callable[..., Any], made: Any, wait_for: Callable[..., Any]
) -> None:
    with held_store():
        for number in range(1, 4):
            client.post(DOOR, headers=node, json=made.batch([made.job(number)], f"run-1:api:{number}"))
        client.post(DOOR, headers=node, json=made.batch([made.company()], "company-batch", data_type="company", platform="qcwy"))
        client.post(DOOR, headers=node, json=made.batch([made.job(9, platform="zhilian")], "zhilian-batch", platform="zhilian"))
        client.post(DOOR, headers=node, json=made.batch([made.job(4)], "run-1:api:4"))
    wait_for(lambda: all_stored(control))
    written = {token: [getattr(row, "job_id", "company") for row in rows] for token, rows in store.written.items()}
    together = next(token for token in written if token.startswith("together:"))
    assert written.pop(together) == ["j1", "j2", "j3", "j4"]
    assert {token: written.pop(token) for token in sorted(written) if token.startswith("held")} == HELD
    assert written == {"company-batch": ["company"], "zhilian-batch": ["j9"]}
    with control.database.read() as unit:
        books = {batch.batch_id: (batch.write_id, batch.accepted, batch.body) for batch in unit.exec(select(IngestBatch)).all()}
    assert books["run-1:api:2"] == (together, 1, None)
    assert books["company-batch"] == ("company-batch", 1, None)


def test_store_that_is_busy_gets_the_same_batches_under_the_same_identity(
    client: TestClient, control: Control, node: Headers, store: Any, held_store: Callable[..., Any], made: Any, wait_for: Callable[..., Any]
) -> None:
    tokens: list[str] = []
    write = store.write_rows

    def be_busy_once(rows: Any, token: str) -> Any:
        tokens.append(token)
        if len(tokens) == 1:
            client.post(DOOR, headers=node, json=made.batch([made.job(3)], "run-1:api:3"))
            raise StoreBusyError("too many parts")
        return write(rows, token)

    with held_store(be_busy_once):
        for number in range(1, 3):
            client.post(DOOR, headers=node, json=made.batch([made.job(number)], f"run-1:api:{number}"))
    wait_for(lambda: all_stored(control))
    assert sorted(map(tokens.count, set(tokens))) == [1, 2]
    assert tokens.count(tokens[0]) == 2
    assert [row.job_id for row in store.written[tokens[0]]] == ["j1", "j2"]
    assert [row.job_id for row in store.written["run-1:api:3"]] == ["j3"]


def test_row_that_the_store_refuses_is_named_in_its_own_batch_where_it_was_sent(
    client: TestClient, control: Control, node: Headers, store: Any, held_store: Callable[..., Any], made: Any, wait_for: Callable[..., Any]
) -> None:
    write = store.write_rows

    def refuse_j4(rows: Any, token: str) -> Any:
        for row in rows:
            if row.job_id == "j4":
                raise RowRefusedError("no", row=row, column="title")
        return write(rows, token)

    with held_store(refuse_j4):
        client.post(DOOR, headers=node, json=made.batch([made.job(1), made.job(2)], "run-1:api:1"))
        sent = ["no row", made.job(3), {"evil": 1}, made.job(4), made.job(5)]
        client.post(DOOR, headers=node, json=made.batch(sent, "run-1:api:2"))
    wait_for(lambda: all_stored(control))
    assert sorted({row.job_id for rows in store.written.values() for row in rows}) == ["j0", "j1", "j2", "j3", "j5"]
    with control.database.read() as unit:
        books = {batch.batch_id: batch for batch in unit.exec(select(IngestBatch)).all()}
    assert (books["run-1:api:1"].accepted, books["run-1:api:1"].faults) == (2, [])
    assert (books["run-1:api:2"].accepted, books["run-1:api:2"].rejected) == (2, 3)
    assert [fault["row"] for fault in books["run-1:api:2"].faults] == [0, 2, 3]


def keep_waiting(database: Database, count: int, *, first: int = 0, rows: int = 1, plain_size: int = 100, **more: Any) -> None:
    with database.write() as unit:
        node_id = unit.exec(select(Node.id)).one() or 0
        for number in range(first, first + count):
            given = {"platform": "boss", "data_type": "job", **more}
            delivery = Delivery(f"kept-batch:{number}", digest="d", body=b"", plain_size=plain_size, accepted=rows, faults=[], **given)
            ingest.keep(unit, node_id, delivery)
        unit.exec(update(IngestBatch).where(col(IngestBatch.batch_id).startswith("held")).values(state="stored"))


@pytest.mark.parametrize("data_type", ["job", "pass"])
def test_batch_that_cannot_be_read_fails_alone(
    client: TestClient,
    control: Control,
    node: Headers,
    store: Any,
    held_store: Callable[..., Any],
    made: Any,
    wait_for: Callable[..., Any],
    data_type: str,
) -> None:
    with held_store():
        keep_waiting(control.database, 1, data_type=data_type)  # its body is nothing
        for number in range(1, 3):
            client.post(DOOR, headers=node, json=made.batch([made.job(number)], f"run-1:api:{number}"))

    def read_books() -> dict[str, tuple[str, str, str | None]]:
        with control.database.read() as unit:
            batches = unit.exec(select(IngestBatch).where(~col(IngestBatch.batch_id).startswith("held"))).all()
        return {batch.batch_id: (batch.state, batch.reason, batch.write_id) for batch in batches}

    wait_for(lambda: all(state != "waiting" for state, _, _ in read_books().values()))
    books = read_books()
    state, reason, write_id = books.pop("kept-batch:0")
    assert (state, reason[:20], write_id) == ("failed", "It cannot be read: T", None)
    assert {state for state, _, _ in books.values()} == {"stored"}
    assert sorted(row.job_id for rows in store.written.values() for row in rows if row.job_id != "j0") == ["j1", "j2"]


def claim(database: Database, seconds: float | None = None) -> list[str]:
    batches = database.retry(lambda unit: ingest.claim_next(unit, seconds))
    assert len({batch.write_id for batch in batches}) <= 1
    return [batch.batch_id.removeprefix("kept-batch:") for batch in batches]


@pytest.fixture
def waiting_room(control: Control, held_store: Callable[..., Any]) -> Iterator[Database]:
    """Books whose writer is busy, so that a test may write in them; emptied before it looks again, but for what it has at work."""
    with held_store():
        yield control.database
        with control.database.write() as unit:
            for batch in unit.exec(select(IngestBatch)).all():
                if batch.batch_id in HELD:
                    batch.state = "waiting"  # the next test waits for it: SQLite gives its number to another batch once it is gone
                else:
                    unit.delete(batch)


def test_what_was_to_be_written_together_comes_together_again(waiting_room: Database) -> None:
    keep_waiting(waiting_room, 3)
    assert claim(waiting_room) == ["0", "1", "2"]
    with waiting_room.read() as unit:
        write_id = unit.exec(select(IngestBatch.write_id).where(IngestBatch.batch_id == "kept-batch:0")).one()
    keep_waiting(waiting_room, 2, first=3)
    assert claim(waiting_room) == ["0", "1", "2"], "as after a crash: what came since is no part of it"
    with waiting_room.write() as unit:
        batches = ingest.claim_next(unit, None)
        assert {batch.write_id for batch in batches} == {write_id}
        ingest.mark_stored(unit, batches, {})
    assert claim(waiting_room) == ["3", "4"]


def test_batch_alone_keeps_its_own_identity_and_stays_alone(waiting_room: Database) -> None:
    keep_waiting(waiting_room, 1)
    assert claim(waiting_room) == ["0"]
    keep_waiting(waiting_room, 1, first=1)
    with waiting_room.write() as unit:
        assert [(batch.batch_id, batch.write_id) for batch in ingest.claim_next(unit, None)] == [("kept-batch:0",) * 2]


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({}, TOGETHER_BATCHES),
        ({"rows": TOGETHER_ROWS // 3}, 3),
        ({"plain_size": TOGETHER_BYTES // 2}, 2),
        ({"rows": TOGETHER_ROWS + 1}, 1),
        ({"plain_size": TOGETHER_BYTES + 1}, 1),
    ],
)
def test_what_is_written_together_is_bounded(waiting_room: Database, given: dict[str, int], taken: int) -> None:
    keep_waiting(waiting_room, TOGETHER_BATCHES + 2, **given)
    assert claim(waiting_room) == [str(number) for number in range(taken)]


def test_pass_comes_alone_and_after_everything_that_came_before_it(waiting_room: Database) -> None:
    keep_waiting(waiting_room, 1)
    keep_waiting(waiting_room, 2, first=1, data_type="pass")
    keep_waiting(waiting_room, 1, first=3)

    def claim_besides(*taken: IngestBatch) -> list[IngestBatch]:
        return waiting_room.retry(lambda unit: ingest.claim_next(unit, None, {batch.id or 0 for batch in taken}))

    def store(batches: list[IngestBatch]) -> None:
        waiting_room.retry(lambda unit: ingest.mark_stored(unit, batches, {}))

    rows = claim_besides()
    assert [batch.batch_id for batch in rows] == ["kept-batch:0", "kept-batch:3"]
    assert claim_besides(*rows) == [], "the first pass waits for them, whoever has them at work"
    store(rows)
    first = claim_besides()
    assert [batch.batch_id for batch in first] == ["kept-batch:1"]
    keep_waiting(waiting_room, 1, first=4)
    assert [batch.batch_id for batch in claim_besides(*first)] == ["kept-batch:4"], "rows do not wait for a pass"
    store(first)
    assert [batch.batch_id for batch in claim_besides()] == ["kept-batch:2"]


def test_failed_batches_come_together_again_when_they_are_retried(waiting_room: Database) -> None:
    keep_waiting(waiting_room, 2)
    with waiting_room.write() as unit:
        ingest.mark_failed(unit, ingest.claim_next(unit, None), "the engine refuses")
    keep_waiting(waiting_room, 1, first=2)
    with waiting_room.write() as unit:
        assert ingest.retry_failed(unit, Actor(Principal("cli", 0, "test", frozenset()))) == 2
    assert claim(waiting_room) == ["0", "1"]


def test_several_writers_share_no_batch(waiting_room: Database) -> None:
    keep_waiting(waiting_room, 60)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: claim(waiting_room, 60), range(12)))
    taken = [batch for batches in found for batch in batches]
    assert len(taken) == len(set(taken)) == 60
    assert claim(waiting_room, 60) == []
    groups = {tuple(batches) for batches in found if batches}
    with waiting_room.write() as unit:  # those writers died
        unit.exec(update(IngestBatch).values(claimed_until=col(IngestBatch.received_at)))
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(lambda _: claim(waiting_room, 60), range(24)))
    assert {tuple(batches) for batches in again if batches} == groups
    assert sum(map(len, again)) == 60


def test_writer_that_meets_another_in_the_middle_of_its_claim_shares_no_batch(waiting_room: Database) -> None:
    keep_waiting(waiting_room, 8)
    together = claim(waiting_room)
    met = threading.Barrier(2)
    visits: list[int] = []

    def claim_slowly(unit: Session) -> list[str]:
        oldest = select(IngestBatch.id).where(IngestBatch.state == "waiting").order_by(col(IngestBatch.id)).limit(1)
        unit.exec(oldest.with_for_update()).one()
        if not visits:  # again after a deadlock, it meets nobody
            visits.append(1)
            met.wait(60)
            time.sleep(0.3)
        return [batch.batch_id.removeprefix("kept-batch:") for batch in ingest.claim_next(unit, 60)]

    def claim_meanwhile() -> list[str]:
        met.wait(60)
        return claim(waiting_room, 60)

    with ThreadPoolExecutor(2) as pool:
        found = [pool.submit(waiting_room.retry, claim_slowly), pool.submit(claim_meanwhile)]
        claims = sorted(future.result(60) for future in found)
    assert claims == [[], together]


def make_writer(control: Control, *, is_alone: bool) -> IngestWriter:
    """A writer beside the application's, whose threads never start."""
    return IngestWriter(control.database, control.rows, WriterOptions(is_alone, longest_body=10**6, book_days=30))


def keep_one(database: Database, rows: list[Any], made: Any) -> None:
    with database.write() as unit:
        node_id = unit.exec(select(Node.id)).one() or 0
        body = pack(orjson.dumps(made.batch(rows)))
        ingest.keep(unit, node_id, Delivery("kept-batch:0", "boss", "job", "d", body, len(body), len(rows), []))
        unit.exec(update(IngestBatch).where(col(IngestBatch.batch_id).startswith("held")).values(state="stored"))


def read_one(database: Database) -> IngestBatch:
    with database.read() as unit:
        return unit.exec(select(IngestBatch).where(IngestBatch.batch_id == "kept-batch:0")).one()


def test_what_a_busy_store_does_not_take_is_claimed_no_longer(waiting_room: Database, control: Control, store: Any, made: Any) -> None:
    keep_one(waiting_room, [made.job(1)], made)
    store.write_rows, held = _raise(StoreBusyError("too many parts")), store.write_rows
    try:
        writer = make_writer(control, is_alone=False)
        assert writer._step(0.0) > 0
        assert (control.rows.fault[:14], read_one(waiting_room).claimed_until) == ("too many parts", None)
        assert claim(waiting_room, 60) == ["0"], "by another process, say"
        claimed_until = read_one(waiting_room).claimed_until
        with waiting_room.write() as unit:
            ingest.release(unit, [IngestBatch.model_validate({**read_one(waiting_room).model_dump(), "claimed_until": now_utc()})])
        assert read_one(waiting_room).claimed_until == claimed_until, "whose claim it is now"
    finally:
        store.write_rows = held
        control.rows.fault = ""


def _raise(error: Exception) -> Callable[[Any, str], Any]:
    def write(_rows: Any, _token: str) -> Any:
        raise error

    return write


def test_store_that_was_closed_under_a_writer_leaves_the_batch_for_the_next_start(
    waiting_room: Database, control: Control, store: Any, made: Any
) -> None:
    keep_one(waiting_room, [made.job(1)], made)
    store.write_rows, held = _raise(StoreClosedError("the store is closed")), store.write_rows
    try:
        assert make_writer(control, is_alone=True)._step(0.0) > 0
    finally:
        store.write_rows = held
        control.rows.fault = ""
    assert read_one(waiting_room).state == "waiting"


def test_fault_that_nobody_foresaw_is_shown_and_the_writer_goes_on(waiting_room: Database, control: Control, store: Any, made: Any) -> None:
    keep_one(waiting_room, [made.job(1)], made)
    writer = make_writer(control, is_alone=True)
    held = store.write_rows
    try:
        store.write_rows = _raise(ValueError("a secret"))
        assert writer._step(1.0) == 2.0
        assert control.rows.fault == "rows cannot be written (ValueError)"
        store.write_rows = lambda _rows, _token: {}
        assert writer._step(2.0) == 0.0
    finally:
        store.write_rows = held
    assert (control.rows.fault, read_one(waiting_room).state) == ("", "stored")


def test_row_that_only_this_release_refuses_is_named_and_moves_no_other_place(
    waiting_room: Database, control: Control, store: Any, made: Any
) -> None:
    keep_one(waiting_room, [made.job(1), "taken by the release before", made.job(2), made.job(3)], made)

    def refuse_j3(rows: Any, _token: str) -> Any:
        if rows[-1].job_id == "j3":
            raise RowRefusedError("no", row=rows[-1], column="title")

    store.write_rows, held = refuse_j3, store.write_rows
    try:
        make_writer(control, is_alone=True)._step(0.0)
    finally:
        store.write_rows = held
    batch = read_one(waiting_room)
    assert (batch.state, batch.accepted, batch.rejected, [fault["row"] for fault in batch.faults]) == ("stored", 2, 2, [1, 3])


def test_batch_that_another_stored_meanwhile_does_not_fail_nor_count_a_row_twice(waiting_room: Database, made: Any) -> None:
    keep_one(waiting_room, [made.job(1), made.job(2)], made)
    faults = [RowFault(1, "title", f"The store {name} cannot hold this value.") for name in ("clickhouse", "sql")]
    with waiting_room.write() as unit:
        batches = ingest.claim_next(unit, None)
        ingest.mark_stored(unit, batches, {batches[0].id or 0: faults})
        ingest.mark_failed(unit, batches, "the engine refuses")
    batch = read_one(waiting_room)
    assert (batch.state, batch.accepted, batch.rejected, len(batch.faults)) == ("stored", 1, 1, 2)


@pytest.fixture
def delivery(made: Any) -> tuple[Delivery, RowBatch]:
    """A batch as it comes through the door."""
    rows = read_rows("job", Platform.BOSS, [made.job(1)])[0]
    return Delivery("batch-one", "boss", "job", "digest", b"", 100, 1, []), rows


def test_rows_brought_are_in_memory_before_the_books_know_them_and_not_when_these_did(
    control: Control, delivery: tuple[Delivery, RowBatch]
) -> None:
    writer = make_writer(control, is_alone=True)
    writer._threads = [threading.current_thread()]
    one, rows = delivery
    key = one.batch_id, one.digest
    batch = IngestBatch()

    def book() -> tuple[IngestBatch, bool]:
        assert writer._warm.find(key) is rows
        return batch, False

    assert writer.bring(one, rows, book) == (batch, False)
    assert writer.bring(one, rows, lambda: (batch, True)) == (batch, True)
    assert writer._warm.find(key) is rows, "the first one's are still needed"
    writer._warm.drop([key])
    assert writer.bring(one, rows, lambda: (batch, True)) == (batch, True)
    with pytest.raises(ZeroDivisionError):
        writer.bring(one, rows, lambda: (batch, bool(1 // 0)))
    assert writer._warm.find(key) is None


def test_door_waits_for_the_writer_while_much_is_in_memory_and_not_while_the_store_is_at_fault(
    control: Control, delivery: tuple[Delivery, RowBatch]
) -> None:
    writer = make_writer(control, is_alone=True)
    assert writer._warm.keep(("one", ""), delivery[1], WARM_BYTES)
    assert not writer._warm.keep(("two", ""), delivery[1], 1)
    waited = threading.Thread(target=writer.wait_for_room, args=(600.0,))
    waited.start()
    waited.join(0.2)
    assert waited.is_alive()
    writer._warm.drop([("one", ""), ("two", "")])
    waited.join(60)
    assert not waited.is_alive()
    assert writer._warm.keep(("three", ""), delivery[1], WARM_BYTES)
    control.rows.fault = "too many parts"
    try:
        writer.wait_for_room(600.0)
    finally:
        control.rows.fault = ""
