"""Passes over keywords that come over the wire, checked one by one: good ones become records for the lifecycle book. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)

from control_api.ingest_rows import RowFault, read_moment
from jobschema import Platform
from jobstore.lifecycle import KeywordPass, PassRecord

MOST_IDS = 50_000


def _read_moment(value: object) -> datetime:
    if type(value) is not str:
        raise ValueError("takes a moment as text")
    try:
        return read_moment(value)
    except ValueError:
        raise ValueError("takes a moment with a time zone, like 2026-11-24T08:00:00+00:00") from None


def _check_text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("takes text that UTF-8 can carry") from None
    return value


_Moment = Annotated[datetime, BeforeValidator(_read_moment)]
_Id = Annotated[StrictStr, Field(min_length=1, max_length=64), AfterValidator(_check_text)]
_Count = Annotated[StrictInt, Field(ge=0, le=2**31 - 1)]


class _Item(BaseModel):
    """A pass as it travels; `jobstore.ingest.show_pass` makes it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    text: Annotated[StrictStr, Field(min_length=1, max_length=255), AfterValidator(_check_text)]
    city_code: Annotated[StrictStr, Field(min_length=1, max_length=32), AfterValidator(_check_text)]
    started_at: _Moment
    ended_at: _Moment
    jobs: _Count
    pages: _Count = 0
    causes: Annotated[tuple[Annotated[StrictStr, Field(max_length=100)], ...], Field(max_length=100)] = ()
    is_truncated: StrictBool = False
    claimed: _Count | None = None
    seen: Annotated[dict[_Id, _Moment], Field(max_length=MOST_IDS)]
    gone: Annotated[tuple[_Id, ...], Field(max_length=MOST_IDS)] = ()

    @model_validator(mode="after")
    def _end_after_the_start(self) -> _Item:
        if self.ended_at < self.started_at:
            raise ValueError("a pass ends after it has started")
        return self


def read_passes(platform: Platform, items: Sequence[Any]) -> tuple[list[PassRecord], list[RowFault]]:
    """The good passes in order, and one fault for each other."""
    records, faults = [], []
    for place, item in enumerate(items):
        try:
            records.append(_make_record(platform, _Item.model_validate(item)))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            column = str(first["loc"][0]) if first["loc"] else ""  # what follows may be a value
            faults.append(RowFault(place, column if column in _Item.model_fields else "", first["msg"]))
    return records, faults


def _make_record(platform: Platform, item: _Item) -> PassRecord:
    values = {name: getattr(item, name) for name in _Item.model_fields if name not in {"seen", "gone"}}
    return PassRecord(KeywordPass(platform=platform, **values), item.seen, item.gone)
