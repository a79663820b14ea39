"""The ingest door, as messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from control_api.schemas.base import Answer, Request
from jobschema import Platform

SCHEMA_VERSION = 1  # of the rows in `data_list`: the columns of jobschema; one more when a column changes its meaning
MOST_ROWS = 10_000
BatchState = Literal["waiting", "stored", "failed"]
BatchId = Annotated[
    str,
    Field(
        pattern=r"^$|^[A-Za-z0-9][A-Za-z0-9._:/-]{7,127}$",
        max_length=128,
        description="Never used twice with other rows; sending it again is harmless. Left out: it is made of the rows.",
        examples=["boss.5f1c0c6e9d5f4c8fb9a1b6c0a7a1d3e2:api:17"],
    ),
]


class IngestRequest(Request):
    """Rows of one kind from one platform: objects of column name -> value, dates and moments in ISO 8601.

    Or passes (`data_type` pass): what runs over keywords saw, each told after its rows were taken, as objects of `text`, `city_code`,
    `started_at`, `ended_at`, `jobs`, `pages`, `causes`, `is_truncated`, `claimed`, `seen` (job id -> moment) and `gone` (job ids).
    """

    data_list: list[Any] = Field(max_length=MOST_ROWS, examples=[[{"job_id": "1", "title": "数据分析"}]])
    data_type: Literal["job", "company", "pending_company", "pass"]
    platform: Platform
    batch_id: BatchId = ""
    schema_version: int = Field(SCHEMA_VERSION, ge=1, le=SCHEMA_VERSION)


class RowFaultAnswer(Answer):
    """Why a row was not taken."""

    row: int = Field(description="Its place in `data_list`, from 0")
    column: str
    message: str


class IngestAnswer(Answer):
    """What became of a batch. The accepted rows are on disk and will be in the store."""

    batch_id: str
    accepted: int
    rejected: int
    faults: list[RowFaultAnswer] = Field(description="Every rejected row")
    is_repeated: bool = Field(description="It was taken before; nothing was stored again")


class BatchAnswer(Answer):
    """A batch in the books."""

    id: int
    batch_id: str
    node_id: int
    platform: Platform
    data_type: str
    state: BatchState
    accepted: int
    rejected: int
    faults: list[RowFaultAnswer] = Field(description="Of the rejected rows, the first twenty")
    size: int = Field(description="Bytes that wait")
    reason: str
    received_at: datetime
    stored_at: datetime | None
