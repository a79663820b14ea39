"""The ingest door: rows of nodes, checked, on disk before the answer, stored behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from control_api.deps import Control, ControlDep, needs
from control_api.errors import TooMany, UnknownEncoding
from control_api.ingest_body import pack, read_json, unpack
from control_api.ingest_passes import read_passes
from control_api.ingest_rows import RowFault, read_rows
from control_api.ingest_typed import read_typed
from control_api.principal import Actor
from control_api.problems import answers
from control_api.routers.prefix import PrefixRouter
from control_api.schemas.base import BigId, Cursor, Limit, Page
from control_api.schemas.ingest import BatchAnswer, BatchState, IngestAnswer, IngestRequest
from control_api.services import deliveries, ingest
from control_api.services.ingest import Delivery
from jobstore.batch import RowBatch
from jobstore.ingest import PASS

PREFIX = "/api/v1/universal/data"
INGEST_PATH = f"{PREFIX}/batch-store-async"
FAULTS_SHOWN = 20
SLOT_SECONDS = 2.0  # that a body waits to be read
ROOM_SECONDS = 1.0  # that it waits for the writer behind
router = PrefixRouter(prefix=PREFIX, tags=["ingest"], responses=answers(401, 403, 422))


def _describe_body() -> dict[str, Any]:
    schema = IngestRequest.model_json_schema()
    schema["properties"]["platform"] = schema.pop("$defs")["Platform"]
    return schema


_BODY = {
    "requestBody": {
        "required": True,
        "description": "May be packed: Content-Encoding gzip or zstd.",
        "content": {"application/json": {"schema": _describe_body()}},
    }
}


@router.post("/batch-store-async", status_code=202, summary="Store rows (node)", responses=answers(409, 415, 429), openapi_extra=_BODY)
async def store_batch(request: Request, control: ControlDep, actor: Annotated[Actor, needs("ingest")]) -> IngestAnswer:
    """202: the good rows are on disk and will be stored once, however often the batch is sent. Others are named, with the reason.

    413: send smaller batches. 429, 503: keep the batch and come back after `Retry-After` seconds.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnknownEncoding("This door reads Content-Type application/json.")
    body = await request.body()
    return await run_in_threadpool(_take_in, control, actor, body, request.headers.get("content-encoding", ""))


def _take_in(control: Control, actor: Actor, body: bytes, encoding: str) -> IngestAnswer:
    with _slot(control):
        control.writer.wait_for_room(ROOM_SECONDS)
        plain = unpack(body, encoding, control.settings.ingest_unpacked_bytes)
        typed = read_typed(plain)
        asked = typed[0] if typed else _read_request(read_json(plain))
        digest = sha256(plain).hexdigest()
        batch_id = asked.batch_id or f"rows:{digest}"
        room = ingest.Room(control.settings.ingest_waiting_bytes, control.rows.fault)
        with control.database.read() as unit:
            repeated = ingest.find_repeated(unit, batch_id, digest)
            if repeated is not None:
                return _show(repeated, is_repeated=True)
            ingest.check_room(unit, room)
        accepted, rows, faults = (len(typed[1]), typed[1], []) if typed else _read_items(asked)
        packed = body if encoding.strip().lower() == "zstd" else pack(plain)
        delivery = Delivery(batch_id, asked.platform.value, asked.data_type, digest, packed, len(plain), accepted, faults)
        batch, is_repeated = control.writer.bring(delivery, rows, lambda: deliveries.book(control.database, actor, delivery))
    return _show(batch, is_repeated=is_repeated)


@contextmanager
def _slot(control: Control) -> Iterator[None]:
    if not control.ingest_slots.acquire(timeout=SLOT_SECONDS):
        raise TooMany("Too many batches are read at the same time. Keep the batch and come back.", retry_after=2)
    try:
        yield
    finally:
        control.ingest_slots.release()


def _read_request(document: Any) -> IngestRequest:
    try:
        return IngestRequest.model_validate(document)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        raise RequestValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in faults]) from None


def _read_items(asked: IngestRequest) -> tuple[int, RowBatch, list[RowFault]]:
    """How many are good; the rows among them, which may be kept in memory; what is wrong with the others."""
    if asked.data_type == PASS:
        records, faults = read_passes(asked.platform, asked.data_list)
        return len(records), RowBatch(), faults
    rows, faults = read_rows(asked.data_type, asked.platform, asked.data_list)
    return len(rows), rows, faults


def _show(batch: Any, *, is_repeated: bool) -> IngestAnswer:
    return IngestAnswer(
        batch_id=batch.batch_id, accepted=batch.accepted, rejected=batch.rejected, faults=batch.faults, is_repeated=is_repeated
    )


@router.get("/batch", summary="List batches")
def list_batches(
    control: ControlDep,
    _actor: Annotated[Actor, needs("data:read")],
    state: Annotated[BatchState | None, Query()] = None,
    node_id: Annotated[BigId | None, Query()] = None,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[BatchAnswer]:
    """What came through the door, newest first: waiting, stored, or failed with the reason."""
    with control.database.read() as unit:
        found = ingest.search(unit, state or "", node_id, before_id=cursor, limit=limit)
    items = [BatchAnswer.model_validate({**row.model_dump(exclude={"body"}), "faults": row.faults[:FAULTS_SHOWN]}) for row in found]
    return Page(items=items, next=found[-1].id if len(found) == limit else None)
