"""The statements that keep a current row: one multi-row upsert decides, in the database, what each column becomes.

What ClickHouse's `_latest` views answer from all versions is kept here row by row: a column comes from the newest version that speaks
about it. A row that was fetched earlier than the one stored fills what that leaves open, and overwrites nothing.
"""

# ruff: noqa: S608 - the names put into SQL are ours; values travel as parameters
from __future__ import annotations

from jobschema.columns import Column, Kind
from jobschema.rows import Company, Job
from jobstore.sql.tables import CurrentTable
from jobstore.views import SOURCES

DETAIL_MARK = {Job: "description", Company: "introduction"}  # not NULL when the page that says everything was fetched
OF_VERSION = ("problems", "keyword", "raw", "recruiter", "crawled_at", "content_hash")  # always those of the newest version
SEEN_NAMES = ("first_seen", "last_seen", "changed_at")  # given with every row, beside the contract's columns


class UpsertWriter:
    """Spells the statements for one table in one dialect, with `?` for every parameter."""

    def __init__(self, table: CurrentTable, *, is_sqlite: bool) -> None:
        self._table = table
        self._is_sqlite = is_sqlite
        self._columns = {column.name: column for column in table.declared}
        self._mark = DETAIL_MARK[table.row]

    def upsert_sql(self) -> str:
        """A row as it was fetched: parameters are the contract's columns, then first_seen, last_seen and changed_at, all crawled_at."""
        # MySQL assigns from left to right and sees what it assigned: what others are decided by comes last.
        names = sorted(self._contract_names(), key=self._rank)
        sets = [f"`changed_at` = {_pick(self._is_changed(), self._new('changed_at'), '`changed_at`')}", *self._relisting()]
        sets += [f"`{name}` = {_pick(self._is_taken(self._columns[name]), self._new(name), f'`{name}`')}" for name in names]
        sets += self._seen_sets()
        return self._insert(sets)

    def mend_sql(self) -> str:
        """A row that replaces what is stored, unless that was seen later. Parameters as for `upsert_sql`, with their own times."""
        is_due = f"{self._new('last_seen')} >= `last_seen`"
        sets = [f"`{name}` = {_pick(is_due, self._new(name), f'`{name}`')}" for name in self._contract_names()]
        return self._insert([*sets, *self._seen_sets()])

    def _insert(self, sets: list[str]) -> str:
        names = [*(column.name for column in self._table.declared), *SEEN_NAMES]
        keys = [column.name for column in self._table.declared if column.key]
        head = f"INSERT INTO `{self._table.name}` ({', '.join(f'`{name}`' for name in names)}) VALUES ({', '.join('?' * len(names))})"
        conflict = f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET" if self._is_sqlite else "ON DUPLICATE KEY UPDATE"
        return f"{head} {conflict} {', '.join(sets)}"

    def _contract_names(self) -> list[str]:
        return [column.name for column in self._table.declared if not column.key]

    def _rank(self, name: str) -> int:
        if name in SOURCES:
            return 0
        return {self._mark: 2, "content_hash": 3}.get(name, 1)

    def _new(self, name: str) -> str:
        return f"excluded.`{name}`" if self._is_sqlite else f"VALUES(`{name}`)"

    def _is_newer(self) -> str:
        at, last = self._new("crawled_at"), "`last_seen`"
        return f"({at} > {last} OR ({at} = {last} AND {self._new('content_hash')} >= `content_hash`))"

    def _differs(self) -> str:
        return f"{self._new('content_hash')} <> `content_hash`"

    def _is_taken(self, column: Column) -> str:
        """Whether the new row's value of a column becomes the current one."""
        new, old = self._speaks(column, is_new=True), self._speaks(column, is_new=False)
        if column.name in OF_VERSION or not new:
            return f"{self._differs()} AND {self._is_newer()}"
        return f"{self._differs()} AND CASE WHEN {self._is_newer()} THEN ({new}) OR NOT ({old}) ELSE ({new}) AND NOT ({old}) END"

    def _speaks(self, column: Column, *, is_new: bool) -> str:
        """Whether a row says something in this column: the value, the text it was read from or its whole page is there. Empty: no test."""
        told = [self._columns[name] for name in (column.name, SOURCES.get(column.name)) if name in self._columns]
        tests = [test for one in told if (test := self._is_filled(one, is_new=is_new))]
        if tests and column.name != self._mark:
            tests.append(self._is_filled(self._columns[self._mark], is_new=is_new))
        return " OR ".join(tests)

    def _is_filled(self, column: Column, *, is_new: bool) -> str:
        value = self._new(column.name) if is_new else f"`{column.name}`"
        if column.nullable:
            return f"{value} IS NOT NULL"
        if column.kind in {Kind.TEXT, Kind.LONG_TEXT, Kind.JSON}:
            return f"{value} <> ''"
        return f"{value} <> '[]'" if column.kind is Kind.TEXTS else ""

    def _is_changed(self) -> str:
        """Whether a newer row contradicts something that the stored one said; saying more is no contradiction."""
        contradictions = []
        for column in self._table.declared:
            if column.published:
                both = [self._is_filled(column, is_new=is_new) for is_new in (True, False)]
                contradictions.append(f"({' AND '.join(both)} AND {self._exact(column, True)} <> {self._exact(column, False)})")
        return f"{self._differs()} AND {self._is_newer()} AND ({' OR '.join(contradictions)})"

    def _exact(self, column: Column, is_new: bool) -> str:
        value = self._new(column.name) if is_new else f"`{column.name}`"
        # Free text compares without case; a change of case is a change.
        return value if self._is_sqlite or column.kind is Kind.NUMBER else f"CAST({value} AS BINARY)"

    def _relisting(self) -> list[str]:
        """A delisted row that was fetched after it was delisted is listed again."""
        at = self._new("crawled_at")
        is_back = f"`delisted_at` IS NOT NULL AND {at} > `delisted_at`"
        return [
            f"`reposts` = `reposts` + {_pick(is_back, '1', '0')}",
            f"`reposted_at` = {_pick(is_back, at, '`reposted_at`')}",
            f"`delisted_by` = {_pick(is_back, _EMPTY, '`delisted_by`')}",
            f"`delisted_at` = {_pick(is_back, 'NULL', '`delisted_at`')}",
        ]

    def _seen_sets(self) -> list[str]:
        first, last = self._new("first_seen"), self._new("last_seen")
        return [
            f"`first_seen` = {_pick(f'{first} < `first_seen`', first, '`first_seen`')}",
            f"`last_seen` = {_pick(f'{last} > `last_seen`', last, '`last_seen`')}",
        ]


_EMPTY = "''"


def _pick(condition: str, value: str, otherwise: str) -> str:
    return f"CASE WHEN {condition} THEN {value} ELSE {otherwise} END"
