"""Rows as the bytes that wait in the spool, and back: JSON in zstd, made once for each batch. Pure.

JSON and not pickle: what is read from a disk must not be able to run anything, and a later release has to understand it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime
from functools import cache
from operator import attrgetter
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import Any

import orjson
from backports import zstd

from jobschema.columns import Column, Kind, columns
from jobschema.rows import Company, Job, PendingCompany, Row

LEVEL = -3  # of zstd: a tenth of the size for less than the encoding costs
PIECE = 250  # rows encoded at a stretch: the encoder lets no other thread run meanwhile, and the crawl must go on
_LENGTH = Struct("<Q")
_ROWS: dict[str, type] = {"j": Job, "c": Company, "p": PendingCompany}
_LETTERS = {row: letter for letter, row in _ROWS.items()}


def pack_rows(rows: Sequence[Row]) -> bytes:
    """The bytes of a batch's rows, their order kept. Values of a wrong type come back as JSON knows them.

    In zstd: the length of a JSON document, the document (names of the values per kind of row, then the rows as lists of values), and
    behind it the text of every `raw`, which is JSON already and is not escaped once more.
    """
    kinds = [_LETTERS[type(row)] for row in rows]
    raws = [getattr(row, "raw", "") for row in rows]
    odd = {str(place): raw for place, raw in enumerate(raws) if type(raw) is not str}  # a fault: the sink will say so
    tail = [raw.encode("utf-8", "surrogatepass") if type(raw) is str else b"" for raw in raws]
    head = {"kinds": "".join(kinds), "names": {kind: _names(_ROWS[kind]) for kind in set(kinds)}, "odd": odd, "sizes": list(map(len, tail))}
    document = b'%b,"rows":[%b]}' % (write_json(head)[:-1], b",".join(_write_values(rows)))
    return zstd.compress(b"".join((_LENGTH.pack(len(document)), document, *tail)), LEVEL)


def _write_values(rows: Sequence[Row]) -> Iterator[bytes]:
    take = {row: attrgetter(*_names(row)) for row in _LETTERS}
    for first in range(0, len(rows), PIECE):
        yield write_json([take[type(row)](row) for row in rows[first : first + PIECE]])[1:-1]


@cache
def _names(row: type) -> list[str]:
    return [column.name for column in columns(row) if column.name != "raw"]


def unpack_rows(body: bytes) -> tuple[Row, ...]:
    """The rows of `pack_rows`. Raises ValueError for bytes that are none (zstd.ZstdError is one too)."""
    try:
        plain = memoryview(zstd.decompress(body))
        (length,) = _LENGTH.unpack_from(plain)
        start = _LENGTH.size + length
        document = read_json(bytes(plain[_LENGTH.size : start]))
        return tuple(_read_rows(document, plain[start:]))
    except (zstd.ZstdError, KeyError, TypeError, StructError) as error:
        raise ValueError(f"these bytes hold no rows ({type(error).__name__}: {error})") from error


def _read_rows(document: dict[str, Any], tail: memoryview) -> Iterator[Row]:
    odd, names, end = document["odd"], document["names"], 0
    for place, (kind, size, values) in enumerate(zip(document["kinds"], document["sizes"], document["rows"], strict=True)):
        start, end = end, end + size
        raw = odd.get(str(place), str(tail[start:end], "utf-8", "surrogatepass"))
        yield read_row(_ROWS[kind], {**dict(zip(names[kind], values, strict=True)), "raw": raw})


def write_json(value: Any) -> bytes:
    """JSON as fast as it goes; slowly where a value is none that JSON in UTF-8 can hold (half a character pair, a huge number)."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, default=_describe).encode("ascii")


def read_json(text: bytes) -> Any:
    """The value of `write_json`. Raises ValueError."""
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text)  # it reads the halves of character pairs, which orjson refuses


def _describe(value: Any) -> Any:
    if type(value) in _LETTERS:
        return asdict(value)
    return value.isoformat() if isinstance(value, date) else repr(value)


def read_row(row: type, values: dict[str, Any]) -> Row:
    """A row from its JSON object: moments, dates and enums become what they were; fields of another release are left out.

    A value that does not fit its column stays as it is: the sink that it is sent to says so.
    """
    known, readers = _readers(row)
    values = {name: value for name, value in values.items() if name in known}
    for name, read in readers:
        if type(value := values.get(name)) is str:
            values[name] = read(value)
    made: Row = row(**values)
    return made


@cache
def _readers(row: type) -> tuple[frozenset[str], tuple[tuple[str, Callable[[str], Any]], ...]]:
    declared = columns(row)
    special = {Kind.ENUM, Kind.DATE, Kind.DATETIME}
    return frozenset(column.name for column in declared), tuple(
        (column.name, _make_reader(column)) for column in declared if column.kind in special
    )


def _make_reader(column: Column) -> Callable[[str], Any]:
    if column.kind is Kind.ENUM:
        choices: dict[str, Any] = {str(choice): choice for choice in column.choices}
        return lambda text: choices.get(text, text)
    parse: Callable[[str], Any] = datetime.fromisoformat if column.kind is Kind.DATETIME else date.fromisoformat

    def read(text: str) -> Any:
        try:
            return parse(text)
        except ValueError:
            return text

    return read
