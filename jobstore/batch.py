"""A batch: rows that travel to a sink together, with the identity that makes sending them again harmless."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from operator import attrgetter
from sys import getsizeof
from typing import Any, Protocol, Self

from jobschema.columns import Kind, columns
from jobschema.rows import Row

RAW = "raw"  # the platform's item: JSON already, and most of a row


@dataclass(frozen=True, slots=True)
class Batch:
    """A closed batch. It is a value: it may be kept, moved and sent again as long as its rows stay with its identity."""

    origin: str  # the run and the batcher that closed it; never used twice
    sink: str  # name of the sink it is for
    sequence: int  # 0, 1, 2, ... within the origin
    rows: tuple[Row, ...]
    size: int  # bytes of memory, about

    @property
    def token(self) -> str:
        """What the sink knows it by."""
        return f"{self.origin}:{self.sink}:{self.sequence}"


class RowBatch(tuple[Row, ...]):
    """The rows of one batch, which can be read by column too: what one reader has read or encoded, no other need read again.

    Reading is safe from several threads: what two of them find out at once is the same.
    """

    @classmethod
    def of_columns(cls, kind: type, columns: Mapping[str, Sequence[Any]]) -> Self:
        """The rows of one class whose columns, all of them and all of one length, hold values that were checked."""
        rows: list[Any] = [object.__new__(kind) for _ in next(iter(columns.values()), ())]
        for name, values in columns.items():  # slot by slot: the constructor of a frozen class takes five times as long
            deque(map(kind.__dict__[name].__set__, rows, values), maxlen=0)
        batch = cls(rows)
        batch._read.update({(kind, name): tuple(values) for name, values in columns.items()})
        return batch

    @classmethod
    def joined(cls, batches: Sequence[RowBatch]) -> RowBatch:
        """The rows of several batches, one after the other, with the columns that were read in each of them."""
        if len(batches) == 1:
            return batches[0]
        whole = cls(chain.from_iterable(batches))
        for key in set.intersection(*(set(batch._read) for batch in batches)) if batches else ():
            whole._read[key] = tuple(chain.from_iterable(batch._read[key] for batch in batches))
        return whole

    @cached_property
    def kinds(self) -> dict[type, list[Row]]:
        """The rows of each class, in order."""
        found: dict[type, list[Row]] = {}
        for row in self:
            found.setdefault(type(row), []).append(row)
        return found

    @cached_property
    def _read(self) -> dict[tuple[type, str], tuple[Any, ...]]:
        return {}

    @cached_property
    def _encoded(self) -> dict[tuple[type, str], list[bytes] | None]:
        return {}

    def column(self, kind: type, name: str) -> tuple[Any, ...]:
        """The values of an attribute of all rows of a class."""
        found = self._read.get((kind, name))
        if found is None:
            found = self._read[kind, name] = tuple(map(attrgetter(name), self.kinds[kind]))
        return found

    def utf8(self, kind: type, name: str) -> list[bytes] | None:
        """The same texts as UTF-8; None where one of them is no text, or none that UTF-8 can hold."""
        if (kind, name) not in self._encoded:
            try:
                self._encoded[kind, name] = list(map(str.encode, self.column(kind, name)))
            except (TypeError, UnicodeEncodeError):
                self._encoded[kind, name] = None
        return self._encoded[kind, name]


class Sink(Protocol):
    """A place where rows are stored. Called from the batcher's writer thread, which may block."""

    @property
    def name(self) -> str:
        """A short name, part of every token."""
        ...

    def write_rows(self, rows: tuple[Row, ...], token: str) -> Mapping[str, int]:
        """Store the rows durably, once for each token however often it is called; counts for the stats.

        Raises TransientStoreError when the same call may succeed later, any other error when it will not.
        """
        ...


class ClosableSink(Sink, Protocol):
    """A sink that somebody opened and has to close."""

    def close(self) -> None:
        """Let go of what it holds; nothing is written afterwards."""
        ...


def measure_row(row: Row) -> int:
    """Bytes of memory that a row keeps busy, about: its long texts, and a flat sum for everything short."""
    kind: type = type(row)
    read = _READERS.get(kind)
    if read is None:
        read = _READERS[kind] = _make_reader(kind)
    size = _FLAT
    for text in read(row):
        size += getsizeof(text)
    return size


_FLAT = 1_500
_READERS: dict[type, Callable[[Any], tuple[Any, ...]]] = {}


def _make_reader(row: type) -> Callable[[Any], tuple[Any, ...]]:
    """What reads the long texts of a row of this class."""
    names = [column.name for column in columns(row) if column.kind in {Kind.LONG_TEXT, Kind.JSON}]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda one: tuple(getattr(one, name) for name in names)
