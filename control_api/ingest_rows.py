"""Rows that come over the wire, checked against the contract: good ones become rows of jobschema; of others, what is wrong.

A column at a time while everything is right, which is the rule; a row at a time as soon as one value is not. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, date, datetime
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any, Literal

from jobschema import Company, Job, PendingCompany, Platform
from jobschema.columns import Column, Kind, columns
from jobschema.rows import Row
from jobstore.batch import RowBatch

DataType = Literal["job", "company", "pending_company"]
ROWS: Mapping[str, type] = {"job": Job, "company": Company, "pending_company": PendingCompany}
_HASH = re.compile(r"[0-9a-f]{32}")
_WIDEST = 2**63
_YEARS = (1900, 2299)  # what a column of the store can hold
_EARLIEST, _LATEST = datetime(_YEARS[0] + 1, 1, 1, tzinfo=UTC), datetime(_YEARS[1], 1, 1, tzinfo=UTC)
_LARGEST = 1e300
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
    kind = ROWS[data_type]
    try:
        return _read_all(kind, platform, items), []
    except _Misfit:
        pass
    rows: list[Row] = []
    faults: list[RowFault] = []
    for place, item in enumerate(items):
        row = _read_one(kind, platform, item, place)
        if isinstance(row, RowFault):
            faults.append(row)
        else:
            rows.append(row)
    return RowBatch(rows), faults


def _read_all(kind: type, platform: Platform, items: Sequence[Any]) -> RowBatch:
    """Every row; raises _Misfit as soon as anything is not as it should be."""
    defaults = _defaults(kind, platform)
    if set(map(type, items)) - {dict}:
        raise _Misfit
    try:
        by_name: dict[str, Sequence[Any]] = dict(zip(defaults, zip(*map(itemgetter(*defaults), items), strict=True), strict=bool(items)))
        is_whole = set(map(len, items)) <= {len(defaults)}
    except KeyError:
        is_whole = False
    if not is_whole:
        if any(not item.keys() <= defaults.keys() for item in items):
            raise _Misfit
        return _read_all(kind, platform, [{**defaults, **item} for item in items])
    for column in columns(kind) if items else ():
        changed = _read_values(column, platform, by_name[column.name])
        if changed is not None:
            by_name[column.name] = changed
    return RowBatch.of_columns(kind, by_name)


def _read_one(kind: type, platform: Platform, item: Any, place: int) -> Row | RowFault:
    defaults = _defaults(kind, platform)
    if type(item) is not dict:
        return RowFault(place, "", "A row is an object of column names and values.")
    if not item.keys() <= defaults.keys():
        return RowFault(place, "", f"The row has a field that is no column of {kind.__name__}.")
    whole = {**defaults, **item}
    for column in columns(kind):
        try:
            changed = _read_values(column, platform, [whole[column.name]])
        except _Misfit as misfit:
            return RowFault(place, column.name, str(misfit))
        if changed is not None:
            whole[column.name] = changed[0]
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


# -- columns: what values become, None where they are good as they are; raise _Misfit ----------------------------------


def _read_values(column: Column, platform: Platform, values: Sequence[Any]) -> Sequence[Any] | None:
    takes, words = _TAKES[column.kind]
    strange = set(map(type, values)) - takes
    if column.nullable:
        strange.discard(type(None))
    if strange:
        needed = "is missing" if _NEEDED in values else f"takes {words}{' or null' if column.nullable else ''}"
        raise _Misfit(f"{column.name} {needed}.")
    if column.name == "platform":
        return _read_platforms(platform, values)
    if column.key or column.name == "content_hash":
        _check_identities(column, values)
    reader = _READERS.get(column.kind)
    return None if reader is None else reader(column, values)


def _read_platforms(platform: Platform, values: Sequence[Any]) -> Sequence[Any]:
    if set(values) != {platform.value}:
        raise _Misfit(f"platform differs from the batch's, {platform.value}.")
    return [platform] * len(values)


def _check_identities(column: Column, values: Sequence[Any]) -> None:
    if column.name == "content_hash":
        if not all(map(_HASH.fullmatch, values)):
            raise _Misfit("content_hash takes 32 hex digits in lower case.")
    elif not all(0 < len(value) <= column.length for value in values):
        raise _Misfit(f"{column.name} takes 1 to {column.length} characters.")


def _read_moments(column: Column, values: Sequence[Any]) -> Sequence[Any]:
    try:
        read = [None if value is None else datetime.fromisoformat(value) for value in values]
        given = [value for value in read if value is not None]
        # A moment without a zone does not compare with one that has one.
        is_good = not given or (min(given) > _EARLIEST and max(given) < _LATEST)
    except (ValueError, TypeError):
        is_good = False
    if not is_good:
        raise _Misfit(f"{column.name} takes a moment with a time zone, like 2026-11-24T08:00:00+00:00.")
    return read


def _read_dates(column: Column, values: Sequence[Any]) -> Sequence[Any]:
    try:
        read = [None if value is None else date.fromisoformat(value) for value in values]
        is_good = all(value is None or _YEARS[0] <= value.year <= _YEARS[1] for value in read)
    except ValueError:
        is_good = False
    if not is_good:
        raise _Misfit(f"{column.name} takes a date between {_YEARS[0]} and {_YEARS[1]}, like 2026-11-24.")
    return read


def _read_choices(column: Column, values: Sequence[Any]) -> Sequence[Any]:
    known: dict[Any, Any] = {None: None, **{str(choice): choice for choice in column.choices}}
    try:
        return [known[value] for value in values]
    except KeyError:
        raise _Misfit(f"{column.name} takes one of {', '.join(column.choices)}.") from None


def _check_integers(column: Column, values: Sequence[Any]) -> None:
    given = [value for value in values if value is not None]
    if given and not (min(given) >= -_WIDEST and max(given) < _WIDEST):
        raise _Misfit(f"{column.name} takes whole numbers of 64 bits.")


def _check_numbers(column: Column, values: Sequence[Any]) -> None:
    given = [value for value in values if value is not None]
    if given and not (min(given) > -_LARGEST and max(given) < _LARGEST):
        raise _Misfit(f"{column.name} takes finite numbers.")


def _check_texts(column: Column, values: Sequence[Any]) -> None:
    if set(map(type, chain.from_iterable(values))) - {str}:
        raise _Misfit(f"{column.name} takes a list of texts.")


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
_READERS: dict[Kind, Callable[[Column, Sequence[Any]], Sequence[Any] | None]] = {
    Kind.DATETIME: _read_moments,
    Kind.DATE: _read_dates,
    Kind.ENUM: _read_choices,
    Kind.INTEGER: _check_integers,
    Kind.NUMBER: _check_numbers,
    Kind.TEXTS: _check_texts,
}
