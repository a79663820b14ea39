import re
from enum import StrEnum

import pytest

from jobschema import Company, Education, Job, Kind, PendingCompany, columns
from jobschema.columns import Column
from jobstore.kinds import FEW_VALUES, clickhouse_type
from jobstore.tables import SCHEMA
from jobstore.views import SOURCES, build_views

ORIGIN_TABLES = {"boss_job", "boss_company", "qcwy_job", "qcwy_company", "zhilian_job", "zhilian_company", "pending_company"}


class Shade(StrEnum):
    LIGHT = "light"
    DARK = "it's dark"


def test_schema_tables_keep_the_known_names() -> None:
    assert {table.name for table in SCHEMA.tables} == ORIGIN_TABLES | {"job_sighting", "company_sighting"}
    assert {"job_analytics", "company_analytics", "pending_company_open"} <= {view.name for view in build_views(SCHEMA)}


@pytest.mark.parametrize("table", SCHEMA.tables, ids=lambda table: table.name)
def test_create_sql_every_table_has_a_deduplication_window(table) -> None:
    found = re.search(r"non_replicated_deduplication_window = (\d+)", table.create_sql())
    assert found
    assert int(found.group(1)) > 0


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.ENUM])
@pytest.mark.parametrize("nullable", [True, False])
def test_clickhouse_type_every_kind_is_nullable_only_where_the_column_is(kind: Kind, nullable: bool) -> None:
    found = clickhouse_type(Column("anything", kind, "", nullable=nullable))
    assert found.startswith("Nullable(") is (nullable and kind is not Kind.TEXTS)


def test_clickhouse_type_enum_is_numbered_in_declaration_order() -> None:
    assert clickhouse_type(Column("shade", Kind.ENUM, "", choices=tuple(Shade))) == "Enum8('light' = 1, 'it\\'s dark' = 2)"
    education = next(column for column in columns(Job) if column.name == "education")
    assert re.findall(r"'(\w+)' = (\d+)", clickhouse_type(education)) == [(str(one), str(n)) for n, one in enumerate(Education, start=1)]


def test_names_listed_beside_the_contract_are_columns_of_it() -> None:
    known = {column.name: column for row in (Job, Company, PendingCompany) for column in columns(row)}
    assert set(known) >= FEW_VALUES
    assert set(known) >= set(SOURCES) | set(SOURCES.values())
    # A figure that is derived from a text and not listed would survive a change of that text in the views.
    derived = {name for name, column in known.items() if not column.published and not column.key}
    own = {"recruiter", "published_text", "updated_text", "problems", "keyword", "crawled_at", "content_hash", "raw", "seen_at"}
    assert derived - own - set(SOURCES) == set()
