"""Rows as the bytes that wait in the spool, and back: JSON in zstd, made once for each batch. Pure.

JSON and not pickle: what is read from a disk must not be able to run anything, and a later release has to understand it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from functools import cache
from itertools import accumulate, chain, pairwise
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import Any

import orjson
from backports import zstd

from jobschema.columns import Column, Kind, columns
from jobschema.rows import Company, Job, PendingCompany, Row
from jobstore.batch import RAW, RowBatch

LEVEL = -3  # of zstd: a tenth of the size for less than the encoding costs
_LENGTH = Struct("<Q")
_ROWS: dict[str, type] = {"j": Job, "c": Company, "p": PendingCompany}
_LETTERS = {row: letter for letter, row in _ROWS.items()}


def pack_rows(rows: Sequence[Row]) -> bytes:
    """The bytes of a batch's rows, their order kept. Values of a wrong type come back as JSON knows them.

    In zstd: the length of a JSON document, the document (a letter for each row's class, then the values of each class by column), and
    behind it the texts of `raw`, which are JSON already and not escaped once more; the document gives their lengths.
    """
    batch = rows if isinstance(rows, RowBatch) else RowBatch(rows)
    tails = {kind: batch.utf8(kind, RAW) for kind in batch.kinds if RAW in _names(kind)}
    head = {
        "kinds": "".join([_LETTERS[type(row)] for row in batch]),
        "sizes": {_LETTERS[kind]: list(map(len, tail)) for kind, tail in tails.items() if tail is not None},
    }
    parts = [b'"%b":{%b}' % (_LETTERS[kind].encode(), b",".join(_write_columns(batch, kind, tails))) for kind in batch.kinds]
    document = b'%b,"columns":{%b}}' % (write_json(head)[:-1], b",".join(parts))
    return zstd.compress(b"".join((_LENGTH.pack(len(document)), document, *chain.from_iterable(filter(None, tails.values())))), LEVEL)


def _write_columns(batch: RowBatch, kind: type, tails: Mapping[type, list[bytes] | None]) -> Iterator[bytes]:
    """One column at a stretch: the encoder lets no other thread run meanwhile, and the crawl must go on."""
    for name in _names(kind):
        if name != RAW or tails[kind] is None:
            yield b'"%b":%b' % (name.encode(), write_json(batch.column(kind, name)))


@cache
def _names(row: type) -> tuple[str, ...]:
    return tuple(column.name for column in columns(row))


def unpack_rows(body: bytes) -> tuple[Row, ...]:
    """The rows of `pack_rows`. Raises ValueError for bytes that are none (zstd.ZstdError is one too)."""
    try:
        plain = memoryview(zstd.decompress(body))
        (length,) = _LENGTH.unpack_from(plain)
        start = _LENGTH.size + length
        return tuple(_read_rows(read_json(bytes(plain[_LENGTH.size : start])), plain[start:]))
    except (zstd.ZstdError, KeyError, TypeError, StructError, StopIteration) as error:
        raise ValueError(f"these bytes hold no rows ({type(error).__name__}: {error})") from error


def _read_rows(document: dict[str, Any], tail: memoryview) -> list[Row]:
    rows, start = {}, 0
    for letter, values in document["columns"].items():
        if letter in document["sizes"]:
            ends = list(accumulate(document["sizes"][letter], initial=start))
            values[RAW] = [str(tail[first:last], "utf-8") for first, last in pairwise(ends)]
            start = ends[-1]
        rows[letter] = _read_kind(_ROWS[letter], values)
    return [next(rows[letter]) for letter in document["kinds"]]


def _read_kind(kind: type, values: dict[str, list[Any]]) -> Iterator[Row]:
    for one in zip(*values.values(), strict=True):
        yield read_row(kind, dict(zip(values, one, strict=True)))


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
