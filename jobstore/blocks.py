"""Rows turned into the columns of one insert, every value checked against its column on the way to the driver.

The driver would write an unknown enum value as 0, take a naive datetime for local time, and fail on a wrong type only after
it has begun to send. Here a row that its table cannot hold is named before anything leaves the process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from operator import itemgetter
from typing import Any

from jobschema.columns import Kind
from jobstore.batch import RAW, RowBatch
from jobstore.errors import RowRefusedError
from jobstore.tables import Table, TableColumn

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_INTEGERS = range(-(2**63), 2**63)
# Half of a character pair, which no text encoding can carry; JSON that a platform cut in the middle holds such.
_SURROGATES = re.compile("[\ud800-\udfff]")
_TAKES: dict[Kind, tuple[type, ...]] = {
    Kind.TEXT: (str,),
    Kind.LONG_TEXT: (str,),
    Kind.JSON: (str,),
    Kind.INTEGER: (int,),
    Kind.NUMBER: (float, int),
    Kind.BOOLEAN: (bool,),
    Kind.DATE: (date,),
    Kind.DATETIME: (datetime,),
    Kind.TEXTS: (list, tuple),
    Kind.ENUM: (str,),
}


class _Misfit(Exception):  # noqa: N818 - never leaves this module
    """A value that its column cannot hold: its place among the values, the value, and what is valid."""

    def __init__(self, index: int, value: object, valid: str) -> None:
        super().__init__(index, value, valid)
        self.index, self.value, self.valid = index, value, valid


@dataclass(frozen=True, slots=True)
class Block:
    """The columns of one insert, in the order of the table."""

    columns: list[list[Any]]

    def take(self, places: Sequence[int]) -> Block:
        """A block of the rows at these places."""
        return Block([list(_pick(values, places)) for values in self.columns])


class BlockMaker:
    """Turns rows of one class into blocks for one table: attributes are read, never copied row by row into dicts."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def make(self, batch: RowBatch, kind: type, places: Sequence[int] | None = None) -> Block:
        """The block for the rows of a class (at least one), or for those of them at `places`.

        Raises RowRefusedError for the first value that its column cannot hold.
        """
        columns = []
        for column in self._table.columns:
            try:
                columns.append(_take(column, batch, kind, places))
            except _Misfit as misfit:
                place = misfit.index if places is None else places[misfit.index]
                raise self._refuse(column, misfit, batch.kinds[kind][place]) from None
        return Block(columns)

    def check(self, batch: RowBatch, kind: type, names: Collection[str]) -> None:
        """Refuse the first row whose value in one of these columns cannot be held, as `make` does, and make nothing."""
        for column in self._table.columns:
            if column.name in names:
                try:
                    _encode_values(column, batch.column(kind, column.name))
                except _Misfit as misfit:
                    raise self._refuse(column, misfit, batch.kinds[kind][misfit.index]) from None

    def _refuse(self, column: TableColumn, misfit: _Misfit, row: Any) -> RowRefusedError:
        thing = ", ".join(f"{name} {_show(getattr(row, name))}" for name in self._table.order_by)
        return RowRefusedError(
            f"The row with {thing} has {column.name} = {_show(misfit.value)} ({type(misfit.value).__name__}); "
            f"{self._table.name}.{column.name} takes {misfit.valid}. Mend the parser that made the row.",
            row=row,
            column=column.name,
        )


def _take(column: TableColumn, batch: RowBatch, kind: type, places: Sequence[int] | None) -> list[Any]:
    ready = batch.utf8(kind, RAW) if column.name == RAW else None
    if ready is not None:
        return ready if places is None else list(_pick(ready, places))
    values = batch.column(kind, column.name)
    return _encode_values(column, values if places is None else _pick(values, places))


def _pick(values: Sequence[Any], places: Sequence[int]) -> tuple[Any, ...]:
    return itemgetter(*places)(values) if len(places) > 1 else tuple(values[place] for place in places)


def encode_block(table: Table, columns: Iterable[tuple[Any, ...]]) -> Block:
    """The block of values that fit their columns already, given by column in the order of the table."""
    return Block([_encode_values(column, values) for column, values in zip(table.columns, columns, strict=True)])


def _encode_values(column: TableColumn, values: tuple[Any, ...]) -> list[Any]:
    return _ENCODERS.get(column.kind, _keep)(column, values)


def _show(value: object) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _check_types(column: TableColumn, values: tuple[Any, ...]) -> None:
    strange = set(map(type, values)) - set(_TAKES[column.kind])
    if column.nullable:
        strange.discard(type(None))
    # Subclasses are welcome where they behave alike (a StrEnum is a str), but True is no number and a datetime no date.
    wrong = tuple(kind for kind in strange if not issubclass(kind, _TAKES[column.kind]) or kind in {bool, datetime})
    if wrong:
        index = next(place for place, value in enumerate(values) if type(value) in wrong)
        names = " or ".join(kind.__name__ for kind in _TAKES[column.kind]) + (" or None" if column.nullable else "")
        raise _Misfit(index, values[index], names)


def mend(text: str) -> str:
    """The text with every half of a character pair replaced by U+FFFD: text that UTF-8 can carry, unchanged when it already can."""
    return text if text.isascii() else _SURROGATES.sub("�", text)


def _keep(column: TableColumn, values: tuple[Any, ...]) -> list[Any]:
    _check_types(column, values)
    return list(values)


def _encode_texts(column: TableColumn, values: tuple[Any, ...]) -> list[Any]:
    if column.type.startswith("LowCardinality"):
        _check_types(column, values)
        return _mend_repeated(values)
    try:
        # The driver takes bytes as they are: one encoding, and it tells whether there is anything to mend, or that is no text.
        if not column.nullable or None not in values:
            return list(map(str.encode, values))
        return [None if value is None else str.encode(value) for value in values]
    except (UnicodeEncodeError, TypeError):
        _check_types(column, values)
        return [None if value is None else mend(value).encode() for value in values]


def _mend_repeated(values: Sequence[Any]) -> list[Any]:
    distinct = set(values)
    if _is_sound(distinct):
        return list(values)
    mended = {value: value and mend(value) for value in distinct}
    return [mended[value] for value in values]


def _is_sound(texts: Iterable[str | None]) -> bool:
    """Whether none of the texts holds half a character pair."""
    try:
        "".join(filter(None, texts)).encode()
    except UnicodeEncodeError:
        return False
    return True


def _encode_lists(column: TableColumn, values: tuple[Any, ...]) -> list[Any]:
    _check_types(column, values)
    try:
        distinct = set(chain.from_iterable(values))
        strange = set(map(type, distinct)) - {str}
    except TypeError:  # an element that is a list, say
        strange = {object}
    if strange:
        index = next(place for place, texts in enumerate(values) if not all(type(text) is str for text in texts))
        raise _Misfit(index, values[index], "a list of str")
    if _is_sound(distinct):
        return list(values)
    return [[mend(text) for text in texts] for texts in values]


def _encode_times(column: TableColumn, values: tuple[Any, ...]) -> list[Any]:
    try:
        if not column.nullable:
            return [(value - _EPOCH) // _MICROSECOND for value in values]
        return [None if value is None else (value - _EPOCH) // _MICROSECOND for value in values]
    except TypeError:
        _check_types(column, values)
        index = next(place for place, value in enumerate(values) if value is not None and value.utcoffset() is None)
        raise _Misfit(index, values[index], "a datetime with a time zone") from None


def _encode_integers(column: TableColumn, values: tuple[Any, ...]) -> list[Any]:
    _check_types(column, values)
    for index, value in enumerate(values):
        if value is not None and value not in _INTEGERS:
            raise _Misfit(index, value, "whole numbers of 64 bits")
    return list(values)


def _encode_enums(column: TableColumn, values: tuple[Any, ...]) -> list[Any]:
    numbers: dict[str | None, int | None] = {choice: number for number, choice in enumerate(column.choices, start=1)}
    if column.nullable:
        numbers[None] = None
    try:
        return list(map(numbers.__getitem__, values))
    except (KeyError, TypeError):
        _check_types(column, values)
        index = next(place for place, value in enumerate(values) if value not in numbers)
        raise _Misfit(index, values[index], f"one of {', '.join(column.choices)}") from None


_ENCODERS: dict[Kind, Callable[[TableColumn, tuple[Any, ...]], list[Any]]] = {
    Kind.TEXT: _encode_texts,
    Kind.LONG_TEXT: _encode_texts,
    Kind.JSON: _encode_texts,
    Kind.TEXTS: _encode_lists,
    Kind.DATETIME: _encode_times,
    Kind.INTEGER: _encode_integers,
    Kind.ENUM: _encode_enums,
}
