"""The database follows the contract: created, extended with rows in it, refused when it cannot follow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import pytest

from jobschema import Job, Kind
from jobschema.columns import column
from jobstore import ClickHouseStore
from jobstore.connection import Connection
from jobstore.dsn import parse_dsn
from jobstore.errors import DeduplicationOffError, SchemaMismatchError
from jobstore.migrations import Migration, ensure_schema, is_widening
from jobstore.tables import SCHEMA, build_schema


class Mode(StrEnum):
    OFFICE = "office"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWithMore(Job):
    """A later release's Job."""

    bonus_text: str = column(Kind.TEXT, "bonus", default="")
    bonus: float | None = column(Kind.NUMBER, "bonus", default=None)
    shifts: int = column(Kind.INTEGER, "shifts", default=3)
    perks: list[str] = column(Kind.TEXTS, "perks", default=[])  # noqa: RUF009 - a field, like those of the contract
    mode: Mode | None = column(Kind.ENUM, "mode", default=None, choices=Mode)  # noqa: RUF009


@pytest.fixture
def connection(store_dsn: str):
    opened = Connection(parse_dsn(store_dsn))
    yield opened
    opened.close()


def test_ensure_schema_again_changes_nothing(store_dsn: str) -> None:
    made = []
    for _ in range(2):
        store = ClickHouseStore.open(store_dsn)
        made.append(store.ensure_schema())
        assert store.ensure_schema() == []
        recorded = store.read("SELECT number, name FROM schema_migration ORDER BY name")
        store.close()
    assert made == [[f"create {table.name}" for table in SCHEMA.tables], []]
    assert recorded == [{"number": 0, "name": name} for name in sorted(made[0])]


def test_ensure_schema_columns_added_to_the_contract_are_added_to_tables_with_rows(store_dsn: str, make_job) -> None:
    store = ClickHouseStore.open(store_dsn)
    store.ensure_schema()
    store.write_rows([make_job("old", description="全文")], "t1")
    store.close()
    store = ClickHouseStore.open(store_dsn, schema=build_schema(job=JobWithMore))
    made = store.ensure_schema()
    assert sum(change.startswith("alter boss_job: ADD COLUMN") for change in made) == 5
    old = {name: getattr(make_job("new", title="新"), name) for name in Job.__dataclass_fields__}
    store.write_rows([JobWithMore(**old, bonus_text="2 万", bonus=20000.0, perks=["班车"], mode=Mode.REMOTE)], "t2")
    found = store.read("SELECT job_id, bonus_text, bonus, shifts, perks, mode FROM job_analytics ORDER BY job_id DESC")
    store.close()
    assert found == [
        {"job_id": "old", "bonus_text": "", "bonus": None, "shifts": 3, "perks": [], "mode": None},
        {"job_id": "new", "bonus_text": "2 万", "bonus": 20000.0, "shifts": 3, "perks": ["班车"], "mode": "remote"},
    ]


def test_ensure_schema_older_release_works_on_a_newer_database(store_dsn: str, make_job) -> None:
    for schema in (build_schema(job=JobWithMore), SCHEMA):
        store = ClickHouseStore.open(store_dsn, schema=schema)
        store.ensure_schema()
        store.close()
    store = ClickHouseStore.open(store_dsn)
    assert store.ensure_schema() == []
    assert store.write_rows([make_job()], "t1")["versions"] == 1
    store.close()


def test_ensure_schema_more_enum_choices_widen_the_column(connection: Connection) -> None:
    ensure_schema(connection, SCHEMA)
    wider = [_with_type(table, "education", lambda old: old.replace("'doctor' = 8", "'doctor' = 8, 'sage' = 9")) for table in SCHEMA.tables]
    made = ensure_schema(connection, _Tables(wider))
    assert len(made) == 3
    assert all("MODIFY COLUMN `education`" in change for change in made)


def test_ensure_schema_type_that_cannot_follow_is_refused(connection: Connection) -> None:
    ensure_schema(connection, SCHEMA)
    other = [_with_type(table, "salary_months", lambda old: "String") for table in SCHEMA.tables]
    with pytest.raises(SchemaMismatchError, match=r"boss_job.salary_months is Int64 in the database and String"):
        ensure_schema(connection, _Tables(other))


@pytest.mark.parametrize("table", ["boss_job", "job_sighting", "pending_company"])
def test_ensure_schema_table_without_a_deduplication_window_is_refused(connection: Connection, table: str) -> None:
    ensure_schema(connection, SCHEMA)
    connection.run(f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = 0")
    with pytest.raises(DeduplicationOffError, match=f"ALTER TABLE {table} MODIFY SETTING"):
        ensure_schema(connection, SCHEMA)


def test_ensure_schema_numbered_migrations_run_once_in_order(connection: Connection) -> None:
    late = Migration(2, "second", ("INSERT INTO steps SELECT 'second'",))
    early = Migration(1, "first", ("CREATE TABLE steps (name String) ENGINE = MergeTree ORDER BY ()", "INSERT INTO steps SELECT 'first'"))
    assert ensure_schema(connection, SCHEMA, (late, early))[:2] == ["first", "second"]
    assert ensure_schema(connection, SCHEMA, (late, early, Migration(3, "third", ("INSERT INTO steps SELECT 'third'",)))) == ["third"]
    assert [name for (name,) in connection.read_tuples("SELECT name FROM steps ORDER BY name")] == ["first", "second", "third"]
    assert connection.read_tuples("SELECT number, name FROM schema_migration WHERE number > 0 ORDER BY number") == [
        (1, "first"),
        (2, "second"),
        (3, "third"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "widens"),
    [
        ("Enum8('a' = 1)", "Enum8('a' = 1, 'b' = 2)", True),
        ("Nullable(Enum8('a' = 1))", "Nullable(Enum8('a' = 1, 'b' = 2))", True),
        ("Enum8('a' = 1, 'b' = 2)", "Enum8('b' = 1, 'a' = 2)", False),
        ("Enum8('a' = 1, 'b' = 2)", "Enum8('a' = 1)", False),
        ("String", "LowCardinality(String)", True),
        ("LowCardinality(String)", "String", True),
        ("Float64", "Nullable(Float64)", True),
        ("Nullable(Float64)", "Float64", False),
        ("String", "Int64", False),
    ],
)
def test_is_widening_only_when_every_value_stays_the_same(old: str, new: str, widens: bool) -> None:
    assert is_widening(old, new) is widens


class _Tables:
    """A schema of given tables, with the views of the real one."""

    def __init__(self, tables) -> None:
        self.tables = tuple(tables)
        self.versions = SCHEMA.versions
        self.pending = SCHEMA.pending


def _with_type(table, name: str, change):
    return replace(
        table, columns=tuple(replace(one, type=change(one.type), default="") if one.name == name else one for one in table.columns)
    )
