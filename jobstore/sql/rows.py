"""Rows turned into the parameters of one statement, every value checked against its column before anything leaves the process."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any

import orjson

from jobschema.columns import Column, Kind, columns
from jobstore.blocks import mend
from jobstore.errors import RowRefusedError
from jobstore.sql.tables import CurrentTable

Cell = str | int | float | None
_INTEGERS = range(-(2**63), 2**63)
_TEXTS = frozenset({Kind.TEXT, Kind.LONG_TEXT, Kind.JSON, Kind.ENUM})
# A row's statement may not outgrow the server's packet: half of it is left to the rest of the statement and to escaping.
_SHARE = 2


class _Misfit(Exception):  # noqa: N818 - never leaves this module
    """A value that its column cannot hold, and what is valid."""

    def __init__(self, value: object, valid: str) -> None:
        super().__init__(value, valid)
        self.value, self.valid = value, valid


class RowEncoder:
    """Turns rows of one class into tuples: the contract's columns, in order, as both drivers take them."""

    def __init__(self, table: CurrentTable, packet: int) -> None:
        """`packet` is the bytes that one statement may hold."""
        self._table = table
        self._limit = packet // _SHARE
        self._read = attrgetter(*(column.name for column in table.declared))

    def encode(self, rows: Sequence[Any]) -> list[tuple[Cell, ...]]:
        """One tuple a row (at least one row). Raises RowRefusedError for the first value that its column cannot hold."""
        made = []
        for column, values in zip(self._table.declared, zip(*map(self._read, rows), strict=True), strict=True):
            encode = _ENCODERS[column.kind]
            try:
                made.append([None if value is None and column.nullable else encode(column, value) for value in values])
            except _Misfit:
                raise self._find_misfit(column, values, rows) from None
        encoded = list(zip(*made, strict=True))
        self._check_sizes(encoded, rows)
        return encoded

    def _find_misfit(self, column: Column, values: Sequence[Any], rows: Sequence[Any]) -> RowRefusedError:
        for value, row in zip(values, rows, strict=True):
            try:
                if value is not None or not column.nullable:
                    _ENCODERS[column.kind](column, value)
            except _Misfit as misfit:
                return self.refuse(row, column.name, f"{_show(misfit.value)} ({type(misfit.value).__name__})", misfit.valid)
        raise AssertionError("a value that did not fit fits now")

    def _check_sizes(self, encoded: Sequence[tuple[Cell, ...]], rows: Sequence[Any]) -> None:
        for cells, row in zip(encoded, rows, strict=True):
            lengths = [len(cell) if type(cell) is str else 0 for cell in cells]
            if 4 * sum(lengths) > self._limit:  # may be too much: measure in bytes
                sizes = [len(cell.encode()) if type(cell) is str else 0 for cell in cells]
                if sum(sizes) > self._limit:
                    column = self._table.declared[sizes.index(max(sizes))].name
                    raise self.refuse(row, column, f"{max(sizes)} bytes", f"rows of {self._limit} bytes (half of max_allowed_packet)")

    def refuse(self, row: Any, column: str, value: str, valid: str) -> RowRefusedError:
        """The error that names a row, one of its columns and what that takes."""
        place = f"platform {_show(row.platform)}, {self._table.id_name} {_show(getattr(row, self._table.id_name))}"
        return RowRefusedError(
            f"The row with {place} has {column} = {value}; {self._table.name}.{column} takes {valid}. Mend the parser that made the row.",
            row=row,
            column=column,
        )


def decode_row(table: CurrentTable, cells: Sequence[Any]) -> dict[str, Any]:
    """The contract's values of a stored row (its columns in the table's order), as the row class takes them."""
    return {column.name: decode_cell(column, cell) for column, cell in zip(table.declared, cells, strict=False)}


def decode_cell(column: Column, cell: Any) -> Any:
    """One stored value as the contract has it: aware times, lists, booleans."""
    if cell is None:
        return None
    decode = _DECODERS.get(column.kind)
    return cell if decode is None else decode(cell)


def write_moment(moment: datetime) -> str:
    """A moment as both stores keep it: UTC with microseconds. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; use datetime.now(UTC)")
    moment = moment.astimezone(UTC)
    return f"{moment.replace(tzinfo=None).isoformat(' ', 'microseconds')}"


def read_moment(text: str) -> datetime:
    """The moment that `write_moment` wrote."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def id_names(row: type) -> tuple[str, ...]:
    """The columns of the primary key, in order."""
    return tuple(column.name for column in columns(row) if column.key)


def _show(value: object) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _encode_text(column: Column, value: Any) -> Cell:
    if not isinstance(value, str):
        raise _Misfit(value, "text")
    text = mend(str(value))
    if column.kind is Kind.TEXT and len(text) > column.length:
        raise _Misfit(value, f"{column.length} characters at most")
    if column.choices and text not in column.choices:
        raise _Misfit(value, f"one of {', '.join(column.choices)}")
    return text


def _encode_integer(_column: Column, value: Any) -> Cell:
    if not isinstance(value, int) or isinstance(value, bool) or value not in _INTEGERS:
        raise _Misfit(value, "whole numbers of 64 bits")
    return value


def _encode_number(_column: Column, value: Any) -> Cell:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise _Misfit(value, "finite numbers")
    return float(value)


def _encode_boolean(_column: Column, value: Any) -> Cell:
    if not isinstance(value, bool):
        raise _Misfit(value, "True or False")
    return int(value)


def _encode_moment(_column: Column, value: Any) -> Cell:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise _Misfit(value, "a datetime with a time zone")
    return write_moment(value)


def _encode_date(_column: Column, value: Any) -> Cell:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise _Misfit(value, "a date")
    return value.isoformat()


def _encode_list(_column: Column, value: Any) -> Cell:
    if not isinstance(value, list | tuple) or not all(type(text) is str for text in value):
        raise _Misfit(value, "a list of str")
    return orjson.dumps([mend(text) for text in value]).decode()


_ENCODERS: dict[Kind, Callable[[Column, Any], Cell]] = {
    **dict.fromkeys(_TEXTS, _encode_text),
    Kind.INTEGER: _encode_integer,
    Kind.NUMBER: _encode_number,
    Kind.BOOLEAN: _encode_boolean,
    Kind.DATETIME: _encode_moment,
    Kind.DATE: _encode_date,
    Kind.TEXTS: _encode_list,
}
_DECODERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.NUMBER: float,
    Kind.BOOLEAN: bool,
    Kind.DATETIME: read_moment,
    Kind.DATE: date.fromisoformat,
    Kind.TEXTS: orjson.loads,
}
