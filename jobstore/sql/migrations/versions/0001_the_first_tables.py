"""The first tables: current postings and companies, which keyword showed what, passes over keywords, cleaning rules."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from jobstore.sql.kinds import TABLE, Moment, exact_text, free_text, long_text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create them."""
    _create_cleaning_rule()
    _create_company()
    _create_job()
    _create_job_keyword()
    _create_keyword_pass()


def downgrade() -> None:
    """Drop them, with all rows."""
    for name in ("cleaning_rule", "company", "job", "job_keyword", "keyword_pass"):
        op.drop_table(name)


def _create_cleaning_rule() -> None:
    op.create_table(
        "cleaning_rule",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("kind", exact_text(32), nullable=False),
        sa.Column("platform", exact_text(32), server_default=sa.text("''"), nullable=False),
        sa.Column("field", exact_text(64), nullable=False),
        sa.Column("pattern", exact_text(1000), nullable=False),
        sa.Column("action", exact_text(32), nullable=False),
        sa.Column("replacement", exact_text(1000), server_default=sa.text("''"), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.text("1"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("note", free_text(255), server_default=sa.text("''"), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cleaning_rule"),
        **TABLE,
    )
    op.create_index("ix_cleaning_rule_kind_is_enabled_position", "cleaning_rule", ["kind", "is_enabled", "position"])


def _create_company() -> None:
    op.create_table(
        "company",
        sa.Column("platform", exact_text(32), nullable=False),
        sa.Column("company_id", exact_text(64), nullable=False),
        sa.Column("url", long_text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("name", free_text(255), server_default=sa.text("''"), nullable=False),
        sa.Column("full_name", free_text(255), server_default=sa.text("''"), nullable=False),
        sa.Column("industry", free_text(255), server_default=sa.text("''"), nullable=False),
        sa.Column("size_text", free_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("size_low", sa.BigInteger(), nullable=True),
        sa.Column("size_high", sa.BigInteger(), nullable=True),
        sa.Column("kind", free_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("stage", free_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("city", free_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("address", long_text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("introduction", long_text(), nullable=True),
        sa.Column("capital_text", free_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("registered_capital", sa.Double(), nullable=True),
        sa.Column("capital_currency", free_text(3), server_default=sa.text("''"), nullable=False),
        sa.Column("founded_text", free_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("founded_on", sa.Date(), nullable=True),
        sa.Column("status", free_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("business_scope", long_text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("problems", long_text(), server_default=sa.text("('[]')"), nullable=False),
        sa.Column("crawled_at", Moment(), server_default=sa.text("'1970-01-01 00:00:00.000000'"), nullable=False),
        sa.Column("content_hash", exact_text(32), server_default=sa.text("''"), nullable=False),
        sa.Column("raw", long_text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("first_seen", Moment(), server_default=sa.text("'1970-01-01 00:00:00.000000'"), nullable=False),
        sa.Column("last_seen", Moment(), server_default=sa.text("'1970-01-01 00:00:00.000000'"), nullable=False),
        sa.Column("changed_at", Moment(), server_default=sa.text("'1970-01-01 00:00:00.000000'"), nullable=False),
        sa.Column("delisted_at", Moment(), nullable=True),
        sa.Column("delisted_by", exact_text(32), server_default=sa.text("''"), nullable=False),
        sa.Column("reposted_at", Moment(), nullable=True),
        sa.Column("reposts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("platform", "company_id", name="pk_company"),
        **TABLE,
    )
    op.create_index("ix_company_delisted_at", "company", ["delisted_at"])
    op.create_index("ix_company_name", "company", ["name"])
    op.create_index("ix_company_platform_last_seen", "company", ["platform", "last_seen"])


def _create_job() -> None:
    op.create_table(
        "job",
        *_job_offer(),
        *_job_rest(),
        sa.PrimaryKeyConstraint("platform", "job_id", name="pk_job"),
        **TABLE,
    )
    op.create_index("ix_job_city_code", "job", ["city_code"])
    op.create_index("ix_job_company_id", "job", ["company_id"])
    op.create_index("ix_job_delisted_at", "job", ["delisted_at"])
    op.create_index("ix_job_platform_last_seen", "job", ["platform", "last_seen"])


def _job_offer() -> list[sa.Column[Any]]:
    return [
        sa.Column("platform", exact_text(32), nullable=False),
        sa.Column("job_id", exact_text(64), nullable=False),
        sa.Column("url", long_text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("title", free_text(255), server_default=sa.text("''"), nullable=False),
        sa.Column("company_id", exact_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("company_name", free_text(255), server_default=sa.text("''"), nullable=False),
        sa.Column("place_text", free_text(255), server_default=sa.text("''"), nullable=False),
        sa.Column("city", free_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("city_code", exact_text(32), server_default=sa.text("''"), nullable=False),
        sa.Column("district", free_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("area", free_text(128), server_default=sa.text("''"), nullable=False),
        sa.Column("address", long_text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("salary_text", free_text(255), server_default=sa.text("''"), nullable=False),
        sa.Column("salary_low", sa.Double(), nullable=True),
        sa.Column("salary_high", sa.Double(), nullable=True),
        sa.Column("salary_period", exact_text(32), nullable=True),
        sa.Column("salary_months", sa.BigInteger(), server_default=sa.text("12"), nullable=False),
        sa.Column("month_low", sa.Double(), nullable=True),
        sa.Column("month_high", sa.Double(), nullable=True),
        sa.Column("year_low", sa.Double(), nullable=True),
        sa.Column("year_high", sa.Double(), nullable=True),
    ]


def _job_rest() -> list[sa.Column[Any]]:
    return [
        sa.Column("negotiable", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("experience_text", free_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("experience_low", sa.Double(), nullable=True),
        sa.Column("experience_high", sa.Double(), nullable=True),
        sa.Column("education_text", free_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("education", exact_text(32), nullable=True),
        sa.Column("employment_text", free_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("employment", exact_text(32), nullable=True),
        sa.Column("skills", long_text(), server_default=sa.text("('[]')"), nullable=False),
        sa.Column("welfare", long_text(), server_default=sa.text("('[]')"), nullable=False),
        sa.Column("industry", free_text(255), server_default=sa.text("''"), nullable=False),
        sa.Column("description", long_text(), nullable=True),
        sa.Column("recruits_text", free_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("recruits", sa.BigInteger(), nullable=True),
        sa.Column("recruiter", long_text(), nullable=True),
        sa.Column("published_text", free_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("published_at", Moment(), nullable=True),
        sa.Column("updated_text", free_text(64), server_default=sa.text("''"), nullable=False),
        sa.Column("updated_at", Moment(), nullable=True),
        sa.Column("problems", long_text(), server_default=sa.text("('[]')"), nullable=False),
        sa.Column("keyword", free_text(255), server_default=sa.text("''"), nullable=False),
        sa.Column("crawled_at", Moment(), server_default=sa.text("'1970-01-01 00:00:00.000000'"), nullable=False),
        sa.Column("content_hash", exact_text(32), server_default=sa.text("''"), nullable=False),
        sa.Column("raw", long_text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("first_seen", Moment(), server_default=sa.text("'1970-01-01 00:00:00.000000'"), nullable=False),
        sa.Column("last_seen", Moment(), server_default=sa.text("'1970-01-01 00:00:00.000000'"), nullable=False),
        sa.Column("changed_at", Moment(), server_default=sa.text("'1970-01-01 00:00:00.000000'"), nullable=False),
        sa.Column("delisted_at", Moment(), nullable=True),
        sa.Column("delisted_by", exact_text(32), server_default=sa.text("''"), nullable=False),
        sa.Column("reposted_at", Moment(), nullable=True),
        sa.Column("reposts", sa.Integer(), server_default=sa.text("0"), nullable=False),
    ]


def _create_job_keyword() -> None:
    op.create_table(
        "job_keyword",
        sa.Column("platform", exact_text(32), nullable=False),
        sa.Column("job_id", exact_text(64), nullable=False),
        sa.Column("text", exact_text(255), nullable=False),
        sa.Column("city_code", exact_text(32), nullable=False),
        sa.Column("last_seen", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "job_id", "text", "city_code", name="pk_job_keyword"),
        **TABLE,
    )
    op.create_index("ix_job_keyword_platform_text_city_code_last_seen", "job_keyword", ["platform", "text", "city_code", "last_seen"])


def _create_keyword_pass() -> None:
    op.create_table(
        "keyword_pass",
        sa.Column("platform", exact_text(32), nullable=False),
        sa.Column("text", exact_text(255), nullable=False),
        sa.Column("city_code", exact_text(32), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("outcome", exact_text(32), nullable=False),
        sa.Column("pages", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("jobs", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("platform", "text", "city_code", "started_at", name="pk_keyword_pass"),
        **TABLE,
    )
