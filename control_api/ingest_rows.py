"""Rows that come over the wire, checked one by one against the contract: good ones become rows of jobschema; of others, what is wrong.

`control_api.ingest_typed` spares the bodies in which everything is right, which is the rule, this closer look. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Literal

from jobschema import Company, Job, PendingCompany, Platform
from jobschema.columns import Column, Kind, columns
from jobschema.rows import Row
from jobstore.batch import RowBatch

DataType = Literal["job", "company", "pending_company"]
ROWS: Mapping[str, type] = {"job": Job, "company": Company, "pending_company": PendingCompany}
HASH = re.compile("[0-9a-f]{32}")
# What the columns of the store can hold.
SMALLEST, LARGEST = -(2**63), 2**63 - 1
BEYOND = 1e300
FIRST_DATE, LAST_DATE = date(1900, 1, 1), date(2299, 12, 31)
FIRST_MOMENT, LAST_MOMENT = datetime(1901, 1, 1, tzinfo=UTC), datetime(2299, 1, 1, tzinfo=UTC)
_NEEDED = object()  # stands for a column that was not sent and has no default


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why a row was not taken: its place in `data_list` (from 0), the column, what is wrong. Quotes no value."""

    row: int
    column: str
    message: str


class _Misfit(Exception):  # noqa: N818  # never leaves this module
    """A value that its column cannot hold; says what is valid."""


def read_rows(data_type: str, platform: Platform, items: Sequence[Any]) -> tuple[RowBatch, list[RowFault]]:
    """The good rows in order, and one fault for each other."""
    rows: list[Row] = []
    faults: list[RowFault] = []
    for place, item in enumerate(items):
        row = _read_row(ROWS[data_type], platform, item, place)
        if isinstance(row, RowFault):
            faults.append(row)
        else:
            rows.append(row)
    return RowBatch(rows), faults


def _read_row(kind: type, platform: Platform, item: Any, place: int) -> Row | RowFault:
    defaults = _defaults(kind, platform)
    if type(item) is not dict:
        return RowFault(place, "", "A row is an object of column names and values.")
    if not item.keys() <= defaults.keys():
        return RowFault(place, "", f"The row has a field that is no column of {kind.__name__}.")
    whole = {**defaults, **item}
    for column in columns(kind):
        try:
            whole[column.name] = _read_value(column, platform, whole[column.name])
        except _Misfit as misfit:
            return RowFault(place, column.name, str(misfit))
    row: Row = kind(**whole)
    return row


@cache
def _defaults(kind: type, platform: Platform) -> dict[str, Any]:
    found = {}
    for declared in fields(kind):
        value = declared.default
        if value is MISSING:
            value = _NEEDED if declared.default_factory is MISSING else declared.default_factory()
        found[declared.name] = value
    return {**found, "platform": platform.value}


# -- values: what they become; raise _Misfit ---------------------------------------------------------------------------


def _read_value(column: Column, platform: Platform, value: Any) -> Any:
    if value is None and column.nullable:
        return None
    takes, words = _TAKES[column.kind]
    if type(value) not in takes:
        needed = "is missing" if value is _NEEDED else f"takes {words}{' or null' if column.nullable else ''}"
        raise _Misfit(f"{column.name} {needed}.")
    if column.name == "platform" and value != platform:
        raise _Misfit(f"platform differs from the batch's, {platform.value}.")
    if column.name == "content_hash" and not HASH.fullmatch(value):
        raise _Misfit("content_hash takes 32 hex digits in lower case.")
    if column.key and not 0 < len(value) <= column.length:
        raise _Misfit(f"{column.name} takes 1 to {column.length} characters.")
    reader = _READERS.get(column.kind)
    return value if reader is None else reader(column, value)


def read_moment(text: str) -> datetime:
    """A moment that a store can hold. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not FIRST_MOMENT <= moment <= LAST_MOMENT:
        raise ValueError("no moment with a time zone, or too far away")
    return moment


def _read_moment(column: Column, value: str) -> datetime:
    try:
        return read_moment(value)
    except ValueError:
        raise _Misfit(f"{column.name} takes a moment with a time zone, like 2026-11-24T08:00:00+00:00.") from None


def check_date(day: date) -> date:
    """The date, when a store can hold it. Raises ValueError."""
    if not FIRST_DATE <= day <= LAST_DATE:
        raise ValueError("too far away")
    return day


def _read_date(column: Column, value: str) -> date:
    try:
        return check_date(date.fromisoformat(value))
    except ValueError:
        raise _Misfit(f"{column.name} takes a date between {FIRST_DATE.year} and {LAST_DATE.year}, like 2026-11-24.") from None


def _read_choice(column: Column, value: str) -> str:
    if value not in column.choices:
        raise _Misfit(f"{column.name} takes one of {', '.join(column.choices)}.")
    return column.choices[column.choices.index(value)]


def _check_integer(column: Column, value: int) -> int:
    if not SMALLEST <= value <= LARGEST:
        raise _Misfit(f"{column.name} takes whole numbers of 64 bits.")
    return value


def _check_number(column: Column, value: float) -> float:
    if not -BEYOND < value < BEYOND:
        raise _Misfit(f"{column.name} takes finite numbers.")
    return float(value)


def _check_texts(column: Column, value: list[Any]) -> list[str]:
    if not all(type(text) is str for text in value):
        raise _Misfit(f"{column.name} takes a list of texts.")
    return value


_TAKES: dict[Kind, tuple[frozenset[type], str]] = {
    Kind.TEXT: (frozenset({str}), "text"),
    Kind.LONG_TEXT: (frozenset({str}), "text"),
    Kind.JSON: (frozenset({str}), "JSON as text"),
    Kind.INTEGER: (frozenset({int}), "a whole number"),
    Kind.NUMBER: (frozenset({float, int}), "a number"),
    Kind.BOOLEAN: (frozenset({bool}), "true or false"),
    Kind.DATE: (frozenset({str}), "a date as text"),
    Kind.DATETIME: (frozenset({str}), "a moment as text"),
    Kind.TEXTS: (frozenset({list}), "a list of texts"),
    Kind.ENUM: (frozenset({str}), "one of its choices as text"),
}
_READERS: dict[Kind, Callable[[Column, Any], Any]] = {
    Kind.DATETIME: _read_moment,
    Kind.DATE: _read_date,
    Kind.ENUM: _read_choice,
    Kind.INTEGER: _check_integer,
    Kind.NUMBER: _check_number,
    Kind.TEXTS: _check_texts,
}
