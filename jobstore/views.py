"""The views that analysts read: the newest knowledge of every posting and company, and the companies still to be fetched.

`<table>_latest` answers one row per id whatever duplicates the table holds before a merge. Versions are ranked by when they were
last *seen*, not stored, so a posting that changes and changes back shows what it says now. A version from a list page knows less
than one from a detail page, so each column is taken from the newest version that speaks about it: any version whose detail was
fetched, or one whose value (or the text it was normalised from) is not empty.
"""

# ruff: noqa: S608 - the names put into SQL are ours; values travel as parameters
from __future__ import annotations

from dataclasses import dataclass

from jobschema.columns import Column, Kind, columns
from jobschema.enums import Platform
from jobstore.kinds import clickhouse_type, quote
from jobstore.tables import Schema, TableColumn, Versions

OPEN_PENDING_VIEW = "pending_company_open"

# Which text a derived column was normalised from: they speak together, so that a new text never stands beside old figures.
SOURCES = {
    "city": "place_text",
    "district": "place_text",
    "area": "place_text",
    "salary_low": "salary_text",
    "salary_high": "salary_text",
    "salary_period": "salary_text",
    "salary_months": "salary_text",
    "month_low": "salary_text",
    "month_high": "salary_text",
    "year_low": "salary_text",
    "year_high": "salary_text",
    "negotiable": "salary_text",
    "experience_low": "experience_text",
    "experience_high": "experience_text",
    "education": "education_text",
    "employment": "employment_text",
    "recruits": "recruits_text",
    "published_at": "published_text",
    "updated_at": "updated_text",
    "size_low": "size_text",
    "size_high": "size_text",
    "registered_capital": "capital_text",
    "capital_currency": "capital_text",
    "founded_on": "founded_text",
}
# Columns that say how a version came to be: always those of the newest version.
_OF_VERSION = frozenset({"problems", "keyword", "crawled_at", "content_hash"})
# Present only when the page that carries the long text was fetched.
_DETAIL_MARKS = ("description", "introduction")
# Left in the version tables: the platform's item is bulky, the recruiter's data personal.
_HIDDEN = frozenset({"raw", "recruiter"})
_RANK = "greatest(seen.last, v.crawled_at), v.crawled_at, v.content_hash"


@dataclass(frozen=True, slots=True)
class View:
    """A view: its name, its query, and what one row of it is."""

    name: str
    query: str
    doc: str
    columns: tuple[TableColumn, ...] = ()

    def create_sql(self) -> str:
        """CREATE OR REPLACE VIEW."""
        return f"CREATE OR REPLACE VIEW {self.name} AS\n{self.query}"


def build_views(schema: Schema) -> tuple[View, ...]:
    """All views of a schema, in an order in which they can be created."""
    views = []
    for noun in ("job", "company"):
        families = [family for family in schema.versions.values() if family.sighting.name == f"{noun}_sighting"]
        latest = [_latest_view(family) for family in families]
        views += [*latest, _analytics_view(noun, latest)]
    return (*views, _open_pending_view(schema))


def _latest_view(family: Versions) -> View:
    id_column = next(column.name for column in columns(family.row) if column.key and column.name != "platform")
    shown = [column for column in columns(family.row) if column.name not in _HIDDEN]
    lines = [_pick(column, family, id_column, _detail_mark(family.row)) for column in shown]
    lines += [f"{expression} AS {name}" for name, _, _, expression in _SEEN]
    query = (
        "SELECT\n  "
        + ",\n  ".join(lines)
        + f"\nFROM (SELECT * FROM {family.table.name} FINAL) AS v LEFT JOIN (\n"
        + f"  SELECT {id_column}, content_hash, min(first_seen) AS first, max(last_seen) AS last, sum(times) AS times\n"
        + f"  FROM {family.sighting.name} WHERE platform = {quote(family.platform)} GROUP BY {id_column}, content_hash\n"
        + f") AS seen ON v.{id_column} = seen.{id_column} AND v.content_hash = seen.content_hash\nGROUP BY v.{id_column}"
    )
    return View(
        f"{family.table.name}_latest",
        query,
        f"the newest knowledge of every row of `{family.table.name}`, one row per `{id_column}`",
        _shape(family),
    )


# Columns that the views add. A version whose sighting is not stored yet (a writer died between the two) was seen when it was fetched.
_SEEN = (
    ("first_seen", "DateTime64(6, 'UTC')", "first time it was seen", "min(if(seen.times = 0, v.crawled_at, seen.first))"),
    ("last_seen", "DateTime64(6, 'UTC')", "last time it was seen", "max(greatest(seen.last, v.crawled_at))"),
    ("times_seen", "UInt64", "how many times it was seen", "sum(greatest(seen.times, 1))"),
    ("versions", "UInt64", "how many different versions of it are stored", "count()"),
)


def _shape(family: Versions) -> tuple[TableColumn, ...]:
    shown = [column for column in family.table.columns if column.name not in _HIDDEN]
    added = [TableColumn(name, type_, Kind.DATETIME if "Date" in type_ else Kind.INTEGER, doc) for name, type_, doc, _ in _SEEN]
    return (*shown, *added)


def _pick(column: Column, family: Versions, id_column: str, mark: str) -> str:
    if column.name == id_column:
        return f"v.{id_column} AS {id_column}"
    if column.name == "platform":
        return f"CAST({quote(family.platform)}, {quote(clickhouse_type(column))}) AS platform"
    # A tuple, because argMax skips NULLs and a NULL that a newer version says must win.
    value = f"tuple(v.{column.name})"
    spoken = _spoken(column, family.row)
    if column.name in _OF_VERSION or not spoken:
        return f"argMax({value}, ({_RANK})).1 AS {column.name}"
    detailed = [] if column.name == mark else [f"isNotNull(v.{mark})"]
    return f"argMax({value}, ({' OR '.join([*spoken, *detailed])}, {_RANK})).1 AS {column.name}"


def _spoken(column: Column, row: type) -> list[str]:
    source = SOURCES.get(column.name)
    text = next((other for other in columns(row) if other.name == source), None)
    tests = [_is_filled(other) for other in (column, text) if other is not None]
    return [test for test in tests if test]


def _is_filled(column: Column) -> str:
    if column.nullable:
        return f"isNotNull(v.{column.name})"
    if column.kind in {Kind.TEXT, Kind.LONG_TEXT, Kind.JSON, Kind.TEXTS}:
        return f"notEmpty(v.{column.name})"
    return ""


def _detail_mark(row: type) -> str:
    return next(column.name for column in columns(row) if column.name in _DETAIL_MARKS)


def _analytics_view(noun: str, latest: list[View]) -> View:
    query = "\nUNION ALL\n".join(f"SELECT * FROM {view.name}" for view in latest)
    things = {"job": "posting", "company": "company"}[noun]
    return View(
        f"{noun}_analytics",
        query,
        f"the newest knowledge of every {things} on all {len(Platform)} platforms, one row per {things}",
        latest[0].columns,
    )


def _open_pending_view(schema: Schema) -> View:
    known = " UNION ALL ".join(
        f"SELECT CAST({quote(family.platform)}, {quote(_platform_type(schema))}) AS platform, company_id FROM {family.table.name}"
        for family in schema.versions.values()
        if family.sighting.name == "company_sighting"
    )
    query = f"SELECT * FROM {schema.pending.name} FINAL\nWHERE (platform, company_id) NOT IN ({known})"
    return View(OPEN_PENDING_VIEW, query, "companies seen in postings and not stored yet, one row per company", schema.pending.columns)


def _platform_type(schema: Schema) -> str:
    return next(column.type for column in schema.pending.columns if column.name == "platform")
