"""The comparison of two stores: slice by slice along the ids, bucket digests first, rows only where those differ.

slice of ids -> digests of buckets on both sides -> ids whose digests differ -> both rows -> difference -> mended
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias, TypeVar
from uuid import uuid4

from jobschema.enums import Platform
from jobschema.rows import Company, Job
from jobstore.parity.sides import Digest, Side, Slice, Topic, find_differences
from jobstore.sql.sink import SeenRow

Answer = TypeVar("Answer")
_Asked: TypeAlias = tuple[Future[Answer], Future[Answer]]  # of ClickHouse's side and of SQL's
SLICE_ROWS = 50_000  # ids compared at a time: what a server holds busy, and the memory of one step
BUCKETS = 4096  # of a slice
SETTLE = timedelta(minutes=15)  # rows seen later may still be on their way to one of the stores
SAMPLES = 20  # differences told in words


@dataclass(slots=True)
class TableReport:
    """What was found on one row class of one platform."""

    platform: Platform
    noun: str
    clickhouse_rows: int = 0
    sql_rows: int = 0
    missing_in_sql: int = 0
    missing_in_clickhouse: int = 0
    different: int = 0
    unsettled: int = 0  # differences in rows that are too fresh to be judged
    mended: int = 0

    @property
    def differences(self) -> int:
        return self.missing_in_sql + self.missing_in_clickhouse + self.different


@dataclass(slots=True)
class ParityReport:
    """What was found on everything; `samples` are the first differences in words, ids and columns without values."""

    tables: list[TableReport] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)

    @property
    def differences(self) -> int:
        return sum(table.differences for table in self.tables)

    @property
    def mended(self) -> int:
        return sum(table.mended for table in self.tables)


@dataclass(frozen=True, slots=True)
class _Difference:
    """An id and what each side has for it."""

    row_id: str
    clickhouse: SeenRow | None
    sql: SeenRow | None
    columns: tuple[str, ...] = ()

    @property
    def is_for_sql(self) -> bool:
        """Whether ClickHouse knows better: it saw the row as late, and it keeps every version."""
        if self.clickhouse is None or self.sql is None:
            return self.sql is None
        return self.clickhouse.last_seen >= self.sql.last_seen

    @property
    def last_seen(self) -> datetime:
        return max(seen.last_seen for seen in (self.clickhouse, self.sql) if seen is not None)


class ParityCheck:
    """One comparison of a ClickHouse side and an SQL side. `clock` and the sides are seams."""

    def __init__(
        self,
        clickhouse: Side,
        sql: Side,
        *,
        settle: timedelta = SETTLE,
        slice_rows: int = SLICE_ROWS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clickhouse = clickhouse
        self._sql = sql
        self._slice_rows = slice_rows
        self._settled_before = clock() - settle
        self._report = ParityReport()
        self._is_repair = False

    def run(self, *, repair: bool = False, platforms: Iterable[Platform] = Platform, rows: Iterable[type] = (Job, Company)) -> ParityReport:
        """Compare everything; with `repair`, mend each difference on the side that saw the row less lately. Raises StoreError.

        May run while rows are being written, be interrupted and be run again.
        """
        self._report, self._is_repair = ParityReport(), repair
        with ThreadPoolExecutor(4, thread_name_prefix="parity") as threads:
            for row in rows:
                for platform in platforms:
                    self._compare(threads, Topic(row, platform))
        return self._report

    def _compare(self, threads: ThreadPoolExecutor, topic: Topic) -> None:
        """Slice by slice; while the rows of one are looked at and mended, the digests of the next are computed."""
        table = TableReport(topic.platform, topic.noun)
        self._report.tables.append(table)
        before: tuple[Slice, _Asked[dict[int, Digest]]] | None = None
        for ids in self._slices(threads, topic):
            digests = self._begin(threads, lambda side, ids=ids: side.digest_buckets(topic, ids, BUCKETS))  # type: ignore[misc]
            if before is not None:
                self._settle(threads, topic, before, table)
            before = ids, digests
        if before is not None:
            self._settle(threads, topic, before, table)

    def _settle(
        self, threads: ThreadPoolExecutor, topic: Topic, asked: tuple[Slice, _Asked[dict[int, Digest]]], table: TableReport
    ) -> None:
        ids, digests = asked
        found = self._compare_slice(threads, topic, (ids, *_hear(digests)), table)
        if found and self._is_repair:
            table.mended += self._mend(threads, topic, found)

    def _slices(self, threads: ThreadPoolExecutor, topic: Topic) -> Iterator[Slice]:
        """Neighbouring slices, none with more rows than wanted on either side."""
        low = ""
        while True:
            ends = self._ask(threads, lambda side, low=low: side.find_end(topic, low, self._slice_rows))  # type: ignore[misc]
            known = [end for end in ends if end is not None]
            if not known:
                yield low, None
                return
            yield low, min(known)
            low = min(known)

    def _compare_slice(
        self, threads: ThreadPoolExecutor, topic: Topic, digested: tuple[Slice, dict[int, Digest], dict[int, Digest]], table: TableReport
    ) -> list[_Difference]:
        ids, ours, theirs = digested
        table.clickhouse_rows += sum(bucket.rows for bucket in ours.values())
        table.sql_rows += sum(bucket.rows for bucket in theirs.values())
        chosen = _find_unequal(ours, theirs)
        if not chosen:
            return []
        one, other = self._ask(threads, lambda side: side.digest_rows(topic, ids, BUCKETS, chosen))
        suspects = sorted(row_id for row_id in one.keys() | other.keys() if one.get(row_id) != other.get(row_id))
        return self._judge(self._look(threads, topic, suspects), table)

    def _look(self, threads: ThreadPoolExecutor, topic: Topic, ids: list[str]) -> list[_Difference]:
        """The real differences among suspects: digests may also differ in how an engine spells a thing."""
        ours, theirs = self._ask(threads, lambda side: side.read_rows(topic, ids))
        found = []
        for row_id in ids:
            one, other = ours.get(row_id), theirs.get(row_id)
            if one is not None and other is not None:
                unequal = find_differences(topic, one, other)
                if unequal:
                    found.append(_Difference(row_id, one, other, tuple(unequal)))
            elif one is not None or other is not None:
                found.append(_Difference(row_id, one, other))
        return found

    def _judge(self, found: list[_Difference], table: TableReport) -> list[_Difference]:
        """Count; those that are old enough to count."""
        settled = [one for one in found if one.last_seen < self._settled_before]
        table.unsettled += len(found) - len(settled)
        table.missing_in_sql += sum(one.sql is None for one in settled)
        table.missing_in_clickhouse += sum(one.clickhouse is None for one in settled)
        table.different += sum(bool(one.columns) for one in settled)
        room = SAMPLES - len(self._report.samples)
        self._report.samples += [_tell(table, one) for one in settled[: max(room, 0)]]
        return settled

    def _mend(self, threads: ThreadPoolExecutor, topic: Topic, found: list[_Difference]) -> int:
        """Mend, and look again: a row told to ClickHouse joins the versions there, and what they say together is the truth."""
        self._write(found)
        left = self._look_again(threads, topic, found)
        if left:
            self._write(left)
            left = self._look(threads, topic, [one.row_id for one in left])
        return len(found) - len(left)

    def _look_again(self, threads: ThreadPoolExecutor, topic: Topic, found: list[_Difference]) -> list[_Difference]:
        """What still differs. Of rows that MySQL was told only its side is read: ClickHouse's has not changed by that."""
        told = {one.row_id: one.clickhouse for one in found if one.is_for_sql and one.clickhouse is not None}
        stored = self._sql.read_rows(topic, sorted(told))
        odd = [row_id for row_id, one in told.items() if row_id not in stored or find_differences(topic, one, stored[row_id])]
        return self._look(threads, topic, sorted([*odd, *(one.row_id for one in found if one.row_id not in told)]))

    def _write(self, found: list[_Difference]) -> None:
        token = f"parity.{uuid4().hex}"
        for_sql = [one.clickhouse for one in found if one.is_for_sql and one.clickhouse is not None]
        for_clickhouse = [one.sql for one in found if not one.is_for_sql and one.sql is not None]
        if for_sql:
            self._sql.write_rows(for_sql, token)
        if for_clickhouse:
            self._clickhouse.write_rows(for_clickhouse, token)

    def _ask(self, threads: ThreadPoolExecutor, question: Callable[[Side], Answer]) -> tuple[Answer, Answer]:
        """Both sides at once: ClickHouse's answer, then SQL's."""
        return _hear(self._begin(threads, question))

    def _begin(self, threads: ThreadPoolExecutor, question: Callable[[Side], Answer]) -> _Asked[Answer]:
        return threads.submit(question, self._clickhouse), threads.submit(question, self._sql)


def _hear(asked: _Asked[Answer]) -> tuple[Answer, Answer]:
    return asked[0].result(), asked[1].result()


def _find_unequal(ours: dict[int, Digest], theirs: dict[int, Digest]) -> list[int]:
    return sorted(bucket for bucket in ours.keys() | theirs.keys() if ours.get(bucket) != theirs.get(bucket))


def _tell(table: TableReport, one: _Difference) -> str:
    where = f"{table.platform} {table.noun} {one.row_id}"
    if one.sql is None:
        return f"{where}: in ClickHouse only"
    return f"{where}: in MySQL only" if one.clickhouse is None else f"{where}: differs in {', '.join(one.columns)}"
