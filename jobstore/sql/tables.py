"""The tables of the MySQL/SQLite store: `job` and `company` derived from the contract, and what the lifecycle and cleaning keep."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from functools import cached_property

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, PrimaryKeyConstraint, Table, text

from jobschema.columns import Column as Declared
from jobschema.columns import columns
from jobschema.rows import Company, Job
from jobstore.sql.kinds import TABLE, Moment, exact_text, free_text, server_default, sql_type

VERSION_TABLE = "jobstore_version"
METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)
# What stands beside the contract's columns, in this order.
LIFECYCLE_NAMES = ("first_seen", "last_seen", "changed_at", "delisted_at", "delisted_by", "reposted_at", "reposts")


@dataclass(frozen=True)
class CurrentTable:
    """The table of one row class: one row per platform and id."""

    row: type
    table: Table

    @cached_property
    def declared(self) -> tuple[Declared, ...]:
        """The contract's columns, in order."""
        return columns(self.row)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All columns: the contract's, then the lifecycle's."""
        return (*(column.name for column in self.declared), *LIFECYCLE_NAMES)

    @cached_property
    def id_name(self) -> str:
        """`job_id` or `company_id`."""
        return next(column.name for column in self.declared if column.key and column.name != "platform")

    @property
    def name(self) -> str:
        return self.table.name


def _current_table(name: str, row: type) -> CurrentTable:
    defaults = {declared.name: (None if declared.default is MISSING else declared.default) for declared in fields(row)}
    made = [
        Column(
            column.name,
            sql_type(column),
            primary_key=column.key,
            nullable=column.nullable,
            server_default=server_default(column, defaults[column.name]),
        )
        for column in columns(row)
    ]
    seen = (Index(None, "platform", "last_seen"), Index(None, "delisted_at"))
    named = (Index(None, "company_id"), Index(None, "city_code")) if row is Job else (Index(None, "name"),)
    return CurrentTable(row, Table(name, METADATA, *made, *_lifecycle_columns(), *seen, *named, **TABLE))


def _lifecycle_columns() -> tuple[Column[object], ...]:
    epoch = text("'1970-01-01 00:00:00.000000'")
    return (
        Column("first_seen", Moment, nullable=False, server_default=epoch),
        Column("last_seen", Moment, nullable=False, server_default=epoch),
        Column("changed_at", Moment, nullable=False, server_default=epoch),  # when it last said something else; first_seen before that
        Column("delisted_at", Moment),  # NULL while it is listed
        Column("delisted_by", exact_text(32), nullable=False, server_default=text("''")),  # whose word that is
        Column("reposted_at", Moment),
        Column("reposts", Integer, nullable=False, server_default=text("0")),
    )


JOB = _current_table("job", Job)
COMPANY = _current_table("company", Company)
CURRENT = {Job: JOB, Company: COMPANY}

# Which keyword showed a posting, and the start of the latest pass that did.
JOB_KEYWORD = Table(
    "job_keyword",
    METADATA,
    Column("platform", exact_text(32), nullable=False),
    Column("job_id", exact_text(64), nullable=False),
    Column("text", exact_text(255), nullable=False),
    Column("city_code", exact_text(32), nullable=False),
    Column("last_seen", Moment, nullable=False),
    PrimaryKeyConstraint("platform", "job_id", "text", "city_code"),
    Index(None, "platform", "text", "city_code", "last_seen"),
    **TABLE,
)
# Every recorded pass over a keyword, known by its start.
KEYWORD_PASS = Table(
    "keyword_pass",
    METADATA,
    Column("platform", exact_text(32), nullable=False),
    Column("text", exact_text(255), nullable=False),
    Column("city_code", exact_text(32), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("outcome", exact_text(32), nullable=False),
    Column("pages", Integer, nullable=False, server_default=text("0")),
    Column("jobs", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("platform", "text", "city_code", "started_at"),
    **TABLE,
)
CLEANING_RULE = Table(
    "cleaning_rule",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("position", Integer, nullable=False, server_default=text("0")),  # rules apply in this order, then by id
    Column("kind", exact_text(32), nullable=False),  # job or company
    Column("platform", exact_text(32), nullable=False, server_default=text("''")),  # '' is every platform
    Column("field", exact_text(64), nullable=False),
    Column("pattern", exact_text(1000), nullable=False),
    Column("action", exact_text(32), nullable=False),  # replace or reject
    Column("replacement", exact_text(1000), nullable=False, server_default=text("''")),
    Column("is_enabled", Boolean, nullable=False, server_default=text("1")),
    Column("version", Integer, nullable=False, server_default=text("1")),  # counts the changes of this rule
    Column("note", free_text(255), nullable=False, server_default=text("''")),
    Column("changed_at", Moment, nullable=False),
    Index(None, "kind", "is_enabled", "position"),
    **TABLE,
)
