"""The ingest door over HTTP: good rows are kept, wrong ones named, every batch is stored once, and too much is sent away politely."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import orjson
import pytest
from backports import zstd
from fastapi.testclient import TestClient
from sqlmodel import col, select, update

from control_api.deps import Control
from control_api.ingest_writer import IngestWriter, WriterOptions
from control_api.models import IngestBatch, IpUpload
from control_api.models.base import now_utc
from control_api.services import ingest
from jobstore.errors import RowRefusedError, StatementRefusedError, StoreBusyError

Headers = dict[str, str]
DOOR = "/api/v1/universal/data/batch-store-async"


def read_states(control: Control) -> dict[str, str]:
    with control.database.read() as unit:
        return {batch.batch_id: batch.state for batch in unit.exec(select(IngestBatch)).all()}


def test_batch_is_stored_once_under_its_own_identity(
    client: TestClient, control: Control, node: Headers, store: Any, made: Any, wait_for: Callable[..., Any]
) -> None:
    body = made.batch([made.job(1), made.job(2)])
    first = client.post(DOOR, headers=node, json=body)
    assert first.status_code == 202, first.text
    assert first.json() == {"batch_id": "run-1:api:0", "accepted": 2, "rejected": 0, "faults": [], "is_repeated": False}
    wait_for(lambda: read_states(control) == {"run-1:api:0": "stored"})
    again = client.post(DOOR, headers=node, json=body)
    assert (again.status_code, again.json()["is_repeated"], again.json()["accepted"]) == (202, True, 2)
    assert [[row.job_id for row in rows] for rows in store.written.values()] == [["j1", "j2"]]
    with control.database.read() as unit:
        assert unit.exec(select(IngestBatch.body, IngestBatch.size)).one() == (None, 0)
        upload = unit.exec(select(IpUpload)).one()
    assert (upload.source, upload.uploads, upload.rows) == ("node-1", 1, 2)


def test_batch_sent_many_times_at_once_is_taken_once(
    client: TestClient, control: Control, node: Headers, store: Any, made: Any, wait_for: Callable[..., Any]
) -> None:
    body = made.batch([made.job(number) for number in range(20)])
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: client.post(DOOR, headers=node, json=body), range(16)))
    assert {answer.status_code for answer in found} <= {202, 429}
    assert sum(not answer.json()["is_repeated"] for answer in found if answer.status_code == 202) == 1
    wait_for(lambda: store.written)
    assert len(store.written) == 1


def test_good_rows_are_kept_and_wrong_ones_named(
    client: TestClient, node: Headers, store: Any, made: Any, wait_for: Callable[..., Any]
) -> None:
    rows = [made.job(1), made.job(2, month_low="much"), "no row", made.job(4), made.job(5, evil=1), {"deep": [[[[[[]]]]]]}]
    answer = client.post(DOOR, headers=node, json=made.batch(rows))
    assert answer.status_code == 202
    told = answer.json()
    assert (told["accepted"], told["rejected"]) == (2, 4)
    assert [(fault["row"], fault["column"]) for fault in told["faults"]] == [(1, "month_low"), (2, ""), (4, ""), (5, "")]
    assert wait_for(lambda: store.written)
    assert [row.job_id for row in store.written["run-1:api:0"]] == ["j1", "j4"]


@pytest.mark.parametrize("value", ["[" * 100_000 + "]" * 100_000, '{"a":' * 5_000 + "1" + "}" * 5_000, "NaN", "-Infinity", "9" * 5_000])
def test_row_that_no_parser_likes_costs_that_row_alone(
    client: TestClient, node: Headers, store: Any, made: Any, wait_for: Callable[..., Any], value: str
) -> None:
    body = json.dumps(made.batch([made.job(1), made.job(2, month_low="VALUE"), made.job(3, raw="[[]]")]))
    headers = {**node, "content-type": "application/json"}
    answer = client.post(DOOR, headers=headers, content=body.replace('"VALUE"', value).encode())
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    assert [(fault["row"], fault["column"]) for fault in answer.json()["faults"]] == [(1, "month_low")]
    assert wait_for(lambda: store.written)
    assert [row.job_id for row in store.written["run-1:api:0"]] == ["j1", "j3"]


def test_batch_without_a_good_row_is_answered_and_not_kept(client: TestClient, control: Control, node: Headers, made: Any) -> None:
    answer = client.post(DOOR, headers=node, json=made.batch([{}, 7]))
    assert (answer.status_code, answer.json()["accepted"], answer.json()["rejected"]) == (202, 0, 2)
    assert read_states(control) == {"run-1:api:0": "stored"}
    assert client.post(DOOR, headers=node, json=made.batch([], "empty-batch-1")).json()["accepted"] == 0


def test_identity_with_other_rows_is_refused(client: TestClient, node: Headers, add_node: Callable[..., Headers], made: Any) -> None:
    assert client.post(DOOR, headers=node, json=made.batch([made.job(1)])).status_code == 202
    other = client.post(DOOR, headers=node, json=made.batch([made.job(2)]))
    assert (other.status_code, other.json()["type"]) == (409, "docs/control.md#conflict")
    assert client.post(DOOR, headers=add_node("node-2"), json=made.batch([made.job(2)])).status_code == 409


def test_batch_without_identity_gets_one_of_its_rows(client: TestClient, node: Headers, made: Any) -> None:
    body = {"data_list": [made.job(1)], "data_type": "job", "platform": "boss"}  # as the predecessor's spiders send it
    first, again = (client.post(DOOR, headers=node, json=body).json() for _ in range(2))
    assert first["batch_id"].startswith("rows:")
    assert (again["batch_id"], again["is_repeated"]) == (first["batch_id"], True)


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
def test_body_packed_is_read(
    client: TestClient, node: Headers, store: Any, encoding: str, pack: Callable[[bytes], bytes], made: Any, wait_for: Callable[..., Any]
) -> None:
    content = pack(orjson.dumps(made.batch([made.job(1)])))
    headers = {**node, "content-encoding": encoding, "content-type": "application/json"}
    assert client.post(DOOR, headers=headers, content=content).json()["accepted"] == 1
    assert wait_for(lambda: store.written)


@pytest.mark.parametrize("data_type", ["company", "pending_company"])
def test_companies_of_both_kinds_are_taken(
    client: TestClient, node: Headers, store: Any, data_type: str, made: Any, wait_for: Callable[..., Any]
) -> None:
    pending = {"company_id": "c1", "name": "x", "job_id": "j", "seen_at": made.MOMENT}
    row = made.company() if data_type == "company" else pending
    answer = client.post(DOOR, headers=node, json=made.batch([row], data_type=data_type, platform="qcwy"))
    assert answer.json()["accepted"] == 1, answer.text
    assert wait_for(lambda: store.written)


@pytest.mark.parametrize(
    "change",
    [
        {"data_type": "user"},
        {"platform": "linkedin"},
        {"data_list": "x"},
        {"data_list": {}},
        {"batch_id": "short"},
        {"batch_id": "x" * 200},
        {"batch_id": "with space in it"},
        {"batch_id": 7},
        {"schema_version": 2},
        {"schema_version": 0},
        {"node_id": 1},
    ],
)
def test_envelope_of_wrong_shape_is_refused_without_echo(client: TestClient, node: Headers, change: dict[str, Any], made: Any) -> None:
    answer = client.post(DOOR, headers=node, json={**made.batch([made.job(1)]), **change})
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert "linkedin" not in answer.text


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"content-type": "text/plain"}, b"{}", 415),
        ({"content-encoding": "br"}, b"{}", 415),
        ({"content-encoding": "gzip"}, b"{}", 422),
        ({}, b"", 422),
        ({}, b"[]", 422),
        ({}, b"[" * 90_000, 422),
        ({}, b'{"data_list": [' + b"[" * 90_000, 422),
        ({"content-encoding": "gzip"}, gzip.compress(b" " * 40_000_000), 413),
        ({"content-encoding": "zstd"}, zstd.compress(b" " * 40_000_000), 413),
        ({}, b" " * 9_000_000, 413),
    ],
)
def test_body_that_is_none_is_refused_with_its_own_status(
    client: TestClient, node: Headers, headers: Headers, content: bytes, status: int
) -> None:
    answer = client.post(DOOR, headers={"content-type": "application/json", **node, **headers}, content=content)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_door_is_closed_to_everybody_but_nodes_that_may(
    client: TestClient, admin: Headers, add_node: Callable[..., Headers], store: Any, made: Any
) -> None:
    body = made.batch([made.job(1)])
    for headers, status in (({}, 401), ({"token": "dev"}, 401), (admin, 403), (add_node("keys", "keyword", "token"), 403)):
        assert client.post(DOOR, headers=headers, json=body).status_code == status
    assert not store.written


def test_store_away_lets_batches_wait_and_stores_them_when_it_is_back(
    client: TestClient, control: Control, node: Headers, store: Any, made: Any, wait_for: Callable[..., Any]
) -> None:
    store.faults += [StoreBusyError("too many parts"), StoreBusyError("too many parts")]
    assert client.post(DOOR, headers=node, json=made.batch([made.job(1)])).status_code == 202
    wait_for(lambda: read_states(control) == {"run-1:api:0": "stored"})
    assert list(store.written) == ["run-1:api:0"]
    assert control.rows.fault == ""


def test_readiness_names_the_store_while_it_takes_nothing(
    client: TestClient, control: Control, store: Any, wait_for: Callable[..., Any]
) -> None:
    control.rows.fault = "too many parts"
    told = client.get("/readyz")
    assert told.status_code == 503
    assert [item["name"] for item in told.json()["dependencies"] if not item["is_ready"]] == ["store"]
    wait_for(lambda: client.get("/readyz").status_code == 200)  # the writer's next look finds it well


def test_row_that_the_store_refuses_is_left_out_and_named(
    client: TestClient, control: Control, node: Headers, store: Any, made: Any, wait_for: Callable[..., Any]
) -> None:
    wrong: list[Any] = []
    write = store.write_rows

    def refuse_second(rows: Any, token: str) -> Any:
        if len(rows) == 3:
            wrong.append(rows[1])
            raise RowRefusedError("no", row=rows[1], column="title")
        return write(rows, token)

    store.write_rows = refuse_second
    try:
        assert client.post(DOOR, headers=node, json=made.batch([made.job(1), made.job(2), made.job(3)])).status_code == 202
        wait_for(lambda: store.written)
    finally:
        del store.write_rows
    wait_for(lambda: read_states(control) == {"run-1:api:0": "stored"})
    assert [row.job_id for row in store.written["run-1:api:0"]] == ["j1", "j3"]
    with control.database.read() as unit:
        batch = unit.exec(select(IngestBatch)).one()
    assert (batch.accepted, batch.rejected, batch.faults[0]["column"]) == (2, 1, "title")


def test_batch_refused_for_good_keeps_its_body_and_is_listed(
    client: TestClient, control: Control, node: Headers, viewer: Headers, store: Any, made: Any, wait_for: Callable[..., Any]
) -> None:
    store.faults.append(StatementRefusedError("the engine refuses"))
    client.post(DOOR, headers=node, json=made.batch([made.job(1)]))
    wait_for(lambda: read_states(control) == {"run-1:api:0": "failed"})
    listed = client.get("/api/v1/universal/data/batch?state=failed", headers=viewer).json()["items"]
    assert [(row["batch_id"], row["size"] > 0) for row in listed] == [("run-1:api:0", True)]
    assert "the engine refuses" in listed[0]["reason"]


def test_too_much_waiting_is_sent_away_with_retry_after(
    client: TestClient, control: Control, node: Headers, store: Any, made: Any, wait_for: Callable[..., Any]
) -> None:
    held = threading.Event()
    write = store.write_rows

    def wait(rows: Any, token: str) -> Any:
        held.wait(60)
        return write(rows, token)

    store.write_rows = wait
    room = control.settings.ingest_waiting_bytes
    object.__setattr__(control.settings, "ingest_waiting_bytes", 1)
    try:
        assert client.post(DOOR, headers=node, json=made.batch([made.job(1)])).status_code == 202
        busy = client.post(DOOR, headers=node, json=made.batch([made.job(2)], "run-1:api:1"))
        assert (busy.status_code, busy.headers["retry-after"]) == (429, "5")
        repeated = client.post(DOOR, headers=node, json=made.batch([made.job(1)]))
        assert repeated.json()["is_repeated"], "what was taken is answered however full it is"
        control.rows.fault = "too many parts"
        away = client.post(DOOR, headers=node, json=made.batch([made.job(2)], "run-1:api:1"))
        assert (away.status_code, away.headers["retry-after"]) == (503, "30")
    finally:
        object.__setattr__(control.settings, "ingest_waiting_bytes", room)
        held.set()
        del store.write_rows
    wait_for(lambda: read_states(control) == {"run-1:api:0": "stored"})
    assert client.post(DOOR, headers=node, json=made.batch([made.job(2)], "run-1:api:1")).status_code == 202


def test_bodies_read_at_once_are_bounded(client: TestClient, control: Control, node: Headers, made: Any) -> None:
    slots = control.settings.ingest_at_once
    for _ in range(slots):
        assert control.ingest_slots.acquire(timeout=10)
    try:
        busy = client.post(DOOR, headers=node, json=made.batch([made.job(1)]))
    finally:
        for _ in range(slots):
            control.ingest_slots.release()
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "2")


def test_book_forgets_stored_batches_that_are_old_and_nothing_else(
    client: TestClient, control: Control, node: Headers, made: Any, wait_for: Callable[..., Any]
) -> None:
    for number in range(4):
        client.post(DOOR, headers=node, json=made.batch([made.job(number)], batch_id=f"crawl-0001:api:{number}"))
    wait_for(lambda: set(read_states(control).values()) == {"stored"})
    old = now_utc() - timedelta(days=31)
    with control.database.write() as unit:
        numbers = list(unit.exec(select(IngestBatch.id).order_by(col(IngestBatch.id))).all())
        unit.exec(update(IngestBatch).where(col(IngestBatch.id).in_(numbers[:3])).values(received_at=old))
        unit.exec(update(IngestBatch).where(col(IngestBatch.id) == numbers[0]).values(state="failed"))
        assert ingest.forget_old(unit, now_utc() - timedelta(days=32)) == 0
    seconds = [0.0]
    writer = IngestWriter(control.database, control.rows, WriterOptions(True, 10**6, 30), clock=lambda: seconds[0])
    writer._forget_old()
    assert read_states(control) == {"crawl-0001:api:0": "failed", "crawl-0001:api:3": "stored"}
    with control.database.write() as unit:
        unit.exec(update(IngestBatch).values(received_at=old, state="stored"))
    writer._forget_old()
    assert len(read_states(control)) == 2, "not again within the hour"
    seconds[0] = 3601.0
    writer._forget_old()
    assert read_states(control) == {}
