"""Bodies in which everything is as it should be, read straight into rows: bytes become values of the columns' types in one pass.

What is declared here refuses whatever `control_api.ingest_rows` refuses, and a little more (a row that leaves its platform
out): a body that it refuses gets the closer look there, which names the rows at fault. Both make the same rows of the same body. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from datetime import date
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Union

import msgspec
from msgspec import NODEFAULT, Meta

from control_api.ingest_rows import BEYOND, HASH, LARGEST, ROWS, SMALLEST, check_date, read_moment
from control_api.schemas.ingest import MOST_ROWS, SCHEMA_VERSION, IngestRequest
from jobschema import Platform
from jobschema.columns import Column, Kind, columns
from jobstore.batch import RowBatch

_TYPES: dict[Kind, Any] = {
    Kind.TEXT: str,
    Kind.LONG_TEXT: str,
    Kind.JSON: str,
    Kind.INTEGER: Annotated[int, Meta(ge=SMALLEST, le=LARGEST)],
    Kind.NUMBER: Annotated[float, Meta(gt=-BEYOND, lt=BEYOND)],
    Kind.BOOLEAN: bool,
    Kind.DATE: date,
    Kind.DATETIME: str,  # `read_moments` has the rules
    Kind.TEXTS: list[str],
}


class _Body(msgspec.Struct, tag_field="data_type", forbid_unknown_fields=True):
    """What a body says beside its rows; `IngestRequest` has the rules."""

    platform: str
    batch_id: str = ""
    schema_version: int = SCHEMA_VERSION


def read_typed(plain: bytes) -> tuple[IngestRequest, RowBatch] | None:
    """The request, its rows apart from it; None when anything about the body is not as it should be."""
    try:
        body = _decoder().decode(plain)
        said = {name: getattr(body, name) for name in _Body.__struct_fields__}
        asked = IngestRequest(data_list=[], data_type=body.__struct_config__.tag, **said)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    kind = ROWS[asked.data_type]
    if not body.data_list:
        return asked, RowBatch()
    names = [column.name for column in columns(kind)]
    by_name: dict[str, Sequence[Any]] = dict(zip(names, zip(*map(attrgetter(*names), body.data_list), strict=True), strict=True))
    try:
        for column in columns(kind):
            by_name[column.name] = _read_column(column, asked.platform, by_name[column.name])
    except ValueError:
        return None
    return asked, RowBatch.of_columns(kind, by_name)


def _read_column(column: Column, platform: Platform, values: Sequence[Any]) -> Sequence[Any]:
    """What a type cannot say, or only slowly. Raises ValueError."""
    if column.name == "platform" and set(values) != {platform}:
        raise ValueError("a row of another platform")
    if column.name == "content_hash" and not all(map(HASH.fullmatch, values)):
        raise ValueError("no hash")
    if column.kind is Kind.DATETIME:
        return [None if value is None else read_moment(value) for value in values]
    if column.kind is Kind.DATE:
        for value in values:
            if value is not None:
                check_date(value)
    return values


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(Union[tuple(map(_declare_body, ROWS))])  # noqa: UP007  # made of a list


def _declare_body(data_type: str) -> type[msgspec.Struct]:
    kind = ROWS[data_type]
    declared = [(made.name, _declare(column), _default(made)) for made, column in zip(fields(kind), columns(kind), strict=True)]
    row = msgspec.defstruct(kind.__name__, declared, forbid_unknown_fields=True, kw_only=True, gc=False)
    rows = Annotated[list[row], Meta(max_length=MOST_ROWS)]  # type: ignore[valid-type]
    return msgspec.defstruct(f"{kind.__name__}Body", [("data_list", rows)], bases=(_Body,), tag=data_type, kw_only=True)


def _declare(column: Column) -> Any:
    declared = type(column.choices[0]) if column.choices else _TYPES[column.kind]
    if column.key and not column.choices:
        declared = Annotated[str, Meta(min_length=1, max_length=column.length)]
    return declared | None if column.nullable else declared


def _default(declared: Field[Any]) -> Any:
    if declared.default_factory is not MISSING:
        return msgspec.field(default_factory=declared.default_factory)
    return NODEFAULT if declared.default is MISSING else declared.default
