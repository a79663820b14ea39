"""The lifecycle of postings in the SQL store: passes are noted here after their rows are stored, and what is gone is delisted."""

# ruff: noqa: S608 - the names put into SQL are ours; values travel as parameters
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from jobschema.enums import Platform
from jobschema.rows import Company, Job
from jobstore.lifecycle import (
    PASSES_TO_DELIST,
    SHRUNKEN_MEMORY,
    Authority,
    KeywordPass,
    LifecycleState,
    PassOutcome,
    PassRecord,
    PassReport,
    is_absent,
    judge_pass,
)
from jobstore.sql.address import parse_address
from jobstore.sql.database import SqlDatabase, Transaction
from jobstore.sql.rows import read_moment, write_moment
from jobstore.sql.tables import CURRENT

Keyword = tuple[str, str, str]  # platform, text, city code
_AT_ONCE = 500  # ids of one query
_ALL_READ = (PassOutcome.COMPLETE, PassOutcome.SHRUNKEN)
_OF_KEYWORD = "platform = ? AND text = ? AND city_code = ?"
_LISTED_OF_KEYWORD = (
    "FROM job_keyword k JOIN job j ON j.platform = k.platform AND j.job_id = k.job_id "
    "WHERE k.platform = ? AND k.text = ? AND k.city_code = ? AND j.delisted_at IS NULL"
)


class LifecycleBook:
    """Passes and delistings of one store. Every method but `record` is one transaction; all raise StoreError and may be repeated."""

    def __init__(self, database: SqlDatabase, passes_to_delist: int = PASSES_TO_DELIST) -> None:
        if passes_to_delist < 1:
            raise ValueError(f"passes_to_delist is {passes_to_delist}; at least one complete pass must go by without a posting")
        self._database = database
        self._needed = passes_to_delist

    @classmethod
    def open(cls, dsn: str, passes_to_delist: int = PASSES_TO_DELIST) -> LifecycleBook:
        """A book with a connection of its own. Raises DsnInvalidError."""
        return cls(SqlDatabase(parse_address(dsn), pool_size=1), passes_to_delist)

    def close(self) -> None:
        """Give every connection back; for whoever opened the store for this book alone."""
        self._database.close()

    def record(self, record: PassRecord) -> PassReport:
        """Note a pass that has ended and delist what it proves to be gone, then what the platform's word says. Two transactions."""
        one = record.one
        report = self.record_pass(one, record.seen)
        if not record.gone:
            return report
        # As of the end: what the list told of these postings was fetched before, and is stored by now.
        return replace(report, gone=tuple(self.delist(one.platform, record.gone, one.ended_at, since=one.started_at)))

    def record_pass(self, one: KeywordPass, seen: Mapping[str, datetime]) -> PassReport:
        """Note a pass that has ended, and what it showed (job id -> when it was fetched); delist what it proves to be gone.

        Call it once all rows of the pass are stored: a row still on its way would look absent.
        """
        keyword: Keyword = (str(one.platform), one.text, one.city_code)
        return self._database.write(lambda transaction: self._record(transaction, keyword, one, seen))

    def delist(
        self, platform: Platform, ids: Iterable[str], at: datetime, *, since: datetime | None = None, row: type[Job | Company] = Job
    ) -> list[str]:
        """Delist on the platform's word given at `at`; the ids that were listed and are not any more. A later sighting outweighs the word.

        `since`: the pass that brought the word began then. A posting that came back no earlier was shown by a stale search: it did not.
        """
        named = (str(platform), sorted(set(ids)))

        def work(transaction: Transaction) -> list[str]:
            listed = self._delist(transaction, row, named, (at, Authority.PLATFORM))
            if since is not None:
                self._take_back_reposts(transaction, row, (named[0], listed), since)
            return listed

        return self._database.write(work)

    def read_state(self, platform: Platform, row_id: str, row: type[Job | Company] = Job) -> LifecycleState | None:
        """What is known of one posting or company; None when it was never stored."""
        table = CURRENT[row]
        names = "first_seen, last_seen, changed_at, delisted_at, delisted_by, reposted_at, reposts"
        query = f"SELECT {names} FROM {table.name} WHERE platform = ? AND {table.id_name} = ?"
        found = self._database.read(lambda transaction: transaction.read(query, (str(platform), row_id)))
        if not found:
            return None
        first, last, changed, delisted, by, reposted, reposts = found[0]
        return LifecycleState(
            read_moment(first),
            read_moment(last),
            read_moment(changed),
            read_moment(delisted) if delisted else None,
            Authority(by) if by else None,
            read_moment(reposted) if reposted else None,
            reposts,
        )

    def _record(self, transaction: Transaction, keyword: Keyword, one: KeywordPass, seen: Mapping[str, datetime]) -> PassReport:
        outcome = judge_pass(one, self._find_expected(transaction, keyword, one.started_at))
        self._write_pass(transaction, keyword, one, outcome)
        self._write_seen(transaction, keyword, seen)
        if outcome is not PassOutcome.COMPLETE:
            return PassReport(outcome)
        gone = self._find_absent(transaction, keyword)
        return PassReport(outcome, tuple(self._delist(transaction, Job, (keyword[0], gone), (one.started_at, Authority.ABSENCE))))

    def _find_expected(self, transaction: Transaction, keyword: Keyword, started_at: datetime) -> int:
        """How many postings a pass should find: the most that the passes before it did, of those that read everything.

        While there are few of them, as many as the keyword is known to have shown and are listed.
        """
        earlier = f"{_OF_KEYWORD} AND started_at < ? AND outcome IN ({', '.join('?' * len(_ALL_READ))})"
        query = f"SELECT jobs FROM keyword_pass WHERE {earlier} ORDER BY started_at DESC LIMIT {SHRUNKEN_MEMORY}"
        found: list[int] = [jobs for (jobs,) in transaction.read(query, (*keyword, write_moment(started_at), *map(str, _ALL_READ)))]
        if len(found) < SHRUNKEN_MEMORY:
            found += [transaction.read(f"SELECT COUNT(*) {_LISTED_OF_KEYWORD}", keyword)[0][0]]
        return max(found)

    def _write_pass(self, transaction: Transaction, keyword: Keyword, one: KeywordPass, outcome: PassOutcome) -> None:
        started, ended = write_moment(one.started_at), write_moment(one.ended_at)
        transaction.write(f"DELETE FROM keyword_pass WHERE {_OF_KEYWORD} AND started_at = ?", [(*keyword, started)])
        names = "platform, text, city_code, started_at, ended_at, outcome, pages, jobs"
        transaction.write(
            f"INSERT INTO keyword_pass ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(*keyword, started, ended, str(outcome), one.pages, one.jobs)],
        )

    def _write_seen(self, transaction: Transaction, keyword: Keyword, seen: Mapping[str, datetime]) -> None:
        platform, text, city_code = keyword
        later, conflict = ("excluded.last_seen", "ON CONFLICT (platform, job_id, text, city_code) DO UPDATE SET")
        if not self._database.is_sqlite:
            later, conflict = "VALUES(last_seen)", "ON DUPLICATE KEY UPDATE"
        statement = (
            f"INSERT INTO job_keyword (platform, job_id, text, city_code, last_seen) VALUES (?, ?, ?, ?, ?) {conflict} "
            f"last_seen = CASE WHEN {later} > last_seen THEN {later} ELSE last_seen END"
        )
        transaction.write(statement, [(platform, job_id, text, city_code, write_moment(seen[job_id])) for job_id in sorted(seen)])

    def _find_absent(self, transaction: Transaction, keyword: Keyword) -> list[str]:
        """The listed postings that this keyword showed once, and that all their keywords have missed often enough."""
        horizon = self._find_horizon(transaction, keyword)
        if horizon is None:
            return []
        # What a pass has seen counts, also where the row is not stored yet, or never: a store may refuse it.
        query = f"SELECT k.job_id, j.last_seen {_LISTED_OF_KEYWORD} AND j.last_seen < ? AND k.last_seen < ?"
        moment = write_moment(horizon)
        missed = {job_id: read_moment(last) for job_id, last in transaction.read(query, (*keyword, moment, moment))}
        horizons: dict[Keyword, datetime | None] = {keyword: horizon}
        absent = []
        for job_id, keywords in self._find_keywords(transaction, keyword[0], sorted(missed)):
            for other in keywords:
                if other not in horizons:
                    horizons[other] = self._find_horizon(transaction, other)
            if is_absent(max(missed[job_id], *keywords.values()), [horizons[other] for other in keywords]):
                absent.append(job_id)
        return absent

    def _find_horizon(self, transaction: Transaction, keyword: Keyword) -> datetime | None:
        query = f"SELECT started_at FROM keyword_pass WHERE {_OF_KEYWORD} AND outcome = ? ORDER BY started_at DESC LIMIT 1 OFFSET ?"
        found = transaction.read(query, (*keyword, str(PassOutcome.COMPLETE), self._needed - 1))
        return read_moment(found[0][0]) if found else None

    def _find_keywords(self, transaction: Transaction, platform: str, ids: list[str]) -> Iterator[tuple[str, dict[Keyword, datetime]]]:
        """Every keyword that showed a posting, and when its passes saw it last."""
        for few in _split(ids):
            marks = ", ".join("?" * len(few))
            query = f"SELECT job_id, text, city_code, last_seen FROM job_keyword WHERE platform = ? AND job_id IN ({marks})"
            found: dict[str, dict[Keyword, datetime]] = {}
            for job_id, text, city_code, last in transaction.read(query, (platform, *few)):
                found.setdefault(job_id, {})[platform, text, city_code] = read_moment(last)
            yield from sorted(found.items())

    def _delist(self, transaction: Transaction, row: type, named: tuple[str, Sequence[str]], word: tuple[datetime, Authority]) -> list[str]:
        table, (platform, ids), at = CURRENT[row], named, write_moment(word[0])
        listed: list[str] = []
        for few in _split(ids):
            marks = ", ".join("?" * len(few))
            tests = f"platform = ? AND {table.id_name} IN ({marks}) AND delisted_at IS NULL AND last_seen < ?"
            lock = "" if self._database.is_sqlite else " FOR UPDATE"
            found = transaction.read(f"SELECT {table.id_name} FROM {table.name} WHERE {tests}{lock}", (platform, *few, at))
            listed += sorted(row_id for (row_id,) in found)
        statement = f"UPDATE {table.name} SET delisted_at = ?, delisted_by = ? WHERE platform = ? AND {table.id_name} = ?"
        transaction.write(statement, [(at, str(word[1]), platform, row_id) for row_id in listed])
        return listed

    def _take_back_reposts(self, transaction: Transaction, row: type, named: tuple[str, Sequence[str]], since: datetime) -> None:
        table, (platform, ids), moment = CURRENT[row], named, write_moment(since)
        tests = f"platform = ? AND {table.id_name} = ? AND reposted_at >= ?"
        statement = f"UPDATE {table.name} SET reposts = reposts - 1, reposted_at = NULL WHERE {tests}"
        transaction.write(statement, [(platform, row_id, moment) for row_id in ids])


def _split(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(ids), _AT_ONCE):
        yield ids[first : first + _AT_ONCE]
