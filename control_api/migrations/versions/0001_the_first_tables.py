"""The first tables: people, nodes, keywords, tokens, records."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# As they were then: a revision does not follow the models.
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE: dict[str, Any] = {
    f"{name}_{key}": value
    for name in ("mysql", "mariadb")
    for key, value in {"engine": "InnoDB", "charset": "utf8mb4", "collate": "utf8mb4_bin"}.items()
}


def upgrade() -> None:
    """Create every table, those that others refer to first."""
    _create_api()
    _create_auditlog()
    _create_dept()
    _create_ip_upload_stats()
    _create_login_attempt()
    _create_menu()
    _create_node()
    _create_role()
    _create_boss_token()
    _create_keyword()
    _create_node_credential()
    _create_role_right()
    _create_user()
    _create_auth_session()
    _create_boss_token_event()
    _create_keyword_run()
    _create_user_role()


def _create_api() -> None:
    op.create_table(
        "api",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("path", sa.String(length=190), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("summary", sa.String(length=255), nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api")),
        sa.UniqueConstraint("method", "path", name=op.f("uq_api_method_path")),
        **TABLE,
    )


def _create_auditlog() -> None:
    op.create_table(
        "auditlog",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor_kind", sa.String(length=8), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=48), nullable=False),
        sa.Column("object_kind", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.String(length=64), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auditlog")),
        **TABLE,
    )
    op.create_index(op.f("ix_auditlog_action_id"), "auditlog", ["action", "id"], unique=False)
    op.create_index(op.f("ix_auditlog_actor_name_id"), "auditlog", ["actor_name", "id"], unique=False)
    op.create_index(op.f("ix_auditlog_at"), "auditlog", ["at"], unique=False)
    op.create_index(op.f("ix_auditlog_object_kind_object_id_id"), "auditlog", ["object_kind", "object_id", "id"], unique=False)


def _create_dept() -> None:
    op.create_table(
        "dept",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["dept.id"], name=op.f("fk_dept_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dept")),
        sa.UniqueConstraint("name", name=op.f("uq_dept_name")),
        **TABLE,
    )


def _create_ip_upload_stats() -> None:
    op.create_table(
        "ip_upload_stats",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("uploads", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ip_upload_stats")),
        sa.UniqueConstraint("day", "source", "ip", name=op.f("uq_ip_upload_stats_day_source_ip")),
        **TABLE,
    )
    op.create_index(op.f("ix_ip_upload_stats_ip"), "ip_upload_stats", ["ip"], unique=False)


def _create_login_attempt() -> None:
    op.create_table(
        "login_attempt",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("username_hash", sa.String(length=64), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("has_failed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempt")),
        **TABLE,
    )
    op.create_index(op.f("ix_login_attempt_at"), "login_attempt", ["at"], unique=False)
    op.create_index(op.f("ix_login_attempt_ip_at"), "login_attempt", ["ip", "at"], unique=False)
    op.create_index(op.f("ix_login_attempt_username_hash_at"), "login_attempt", ["username_hash", "at"], unique=False)


def _create_menu() -> None:
    op.create_table(
        "menu",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=190), nullable=False),
        sa.Column("icon", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["menu.id"], name=op.f("fk_menu_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_menu")),
        **TABLE,
    )


def _create_node() -> None:
    op.create_table(
        "node",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("registered_at", MOMENT, nullable=True),
        sa.Column("last_seen_at", MOMENT, nullable=True),
        sa.Column("stopped_at", MOMENT, nullable=True),
        sa.Column("is_draining", sa.Boolean(), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("vitals", sa.Text(), nullable=False),
        sa.Column("last_words", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_node")),
        sa.UniqueConstraint("name", name=op.f("uq_node_name")),
        **TABLE,
    )
    op.create_index(op.f("ix_node_last_seen_at"), "node", ["last_seen_at"], unique=False)


def _create_role() -> None:
    op.create_table(
        "role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("is_builtin", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
        sa.UniqueConstraint("name", name=op.f("uq_role_name")),
        **TABLE,
    )


def _create_boss_token() -> None:
    op.create_table(
        "boss_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(length=16), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("ciphertext", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("tail", sa.String(length=4), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("available_at", MOMENT, nullable=False),
        sa.Column("leased_by", sa.Integer(), nullable=True),
        sa.Column("lease_epoch", sa.Integer(), nullable=False),
        sa.Column("last_lent_at", MOMENT, nullable=True),
        sa.Column("times_lent", sa.Integer(), nullable=False),
        sa.Column("last_cause", sa.String(length=32), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["leased_by"], ["node.id"], name=op.f("fk_boss_token_leased_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boss_token")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_boss_token_fingerprint")),
        **TABLE,
    )
    op.create_index(op.f("ix_boss_token_leased_by"), "boss_token", ["leased_by"], unique=False)
    op.create_index("ix_boss_token_lend", "boss_token", ["platform", "state", "available_at"], unique=False)


def _create_keyword() -> None:
    op.create_table(
        "keyword",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("platform", sa.String(length=16), nullable=False),
        sa.Column("text", sa.String(length=100), nullable=False),
        sa.Column("city_code", sa.String(length=32), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("interval_seconds", sa.Integer(), nullable=True),
        sa.Column("tags", sa.String(length=255), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("available_at", MOMENT, nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("leased_by", sa.Integer(), nullable=True),
        sa.Column("run_id", BIG_KEY, nullable=True),
        sa.Column("last_state", sa.String(length=16), nullable=False),
        sa.Column("last_ended_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["leased_by"], ["node.id"], name=op.f("fk_keyword_leased_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keyword")),
        sa.UniqueConstraint("platform", "text", "city_code", name=op.f("uq_keyword_platform_text_city_code")),
        **TABLE,
    )
    op.create_index("ix_keyword_claim", "keyword", ["is_enabled", "platform", "rank", "available_at"], unique=False)
    op.create_index(op.f("ix_keyword_text"), "keyword", ["text"], unique=False)


def _create_node_credential() -> None:
    op.create_table(
        "node_credential",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("node_id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["node_id"], ["node.id"], name=op.f("fk_node_credential_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_node_credential")),
        sa.UniqueConstraint("public_id", name=op.f("uq_node_credential_public_id")),
        **TABLE,
    )
    op.create_index(op.f("ix_node_credential_node_id"), "node_credential", ["node_id"], unique=False)


def _create_role_right() -> None:
    op.create_table(
        "role_right",
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_role_right_role_id")),
        sa.PrimaryKeyConstraint("role_id", "scope", name=op.f("pk_role_right")),
        **TABLE,
    )


def _create_user() -> None:
    op.create_table(
        "user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("full_name", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("dept_id", sa.Integer(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_login_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["dept_id"], ["dept.id"], name=op.f("fk_user_dept_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("username", name=op.f("uq_user_username")),
        **TABLE,
    )


def _create_auth_session() -> None:
    op.create_table(
        "auth_session",
        sa.Column("jti", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_auth_session_user_id")),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_auth_session")),
        **TABLE,
    )
    op.create_index(op.f("ix_auth_session_expires_at"), "auth_session", ["expires_at"], unique=False)
    op.create_index(op.f("ix_auth_session_user_id_revoked_at"), "auth_session", ["user_id", "revoked_at"], unique=False)


def _create_boss_token_event() -> None:
    op.create_table(
        "boss_token_event",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("evidence", sa.String(length=500), nullable=False),
        sa.Column("node_id", sa.Integer(), nullable=True),
        sa.Column("user_name", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["node.id"], name=op.f("fk_boss_token_event_node_id")),
        sa.ForeignKeyConstraint(["token_id"], ["boss_token.id"], name=op.f("fk_boss_token_event_token_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boss_token_event")),
        **TABLE,
    )
    op.create_index(op.f("ix_boss_token_event_at"), "boss_token_event", ["at"], unique=False)
    op.create_index(op.f("ix_boss_token_event_token_id_id"), "boss_token_event", ["token_id", "id"], unique=False)


def _create_keyword_run() -> None:
    op.create_table(
        "keyword_run",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("keyword_id", BIG_KEY, nullable=False),
        sa.Column("node_id", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(length=16), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("lease_until", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("jobs", sa.Integer(), nullable=False),
        sa.Column("companies", sa.Integer(), nullable=False),
        sa.Column("causes", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["keyword_id"], ["keyword.id"], name=op.f("fk_keyword_run_keyword_id")),
        sa.ForeignKeyConstraint(["node_id"], ["node.id"], name=op.f("fk_keyword_run_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keyword_run")),
        **TABLE,
    )
    op.create_index(op.f("ix_keyword_run_keyword_id_id"), "keyword_run", ["keyword_id", "id"], unique=False)
    op.create_index("ix_keyword_run_lease", "keyword_run", ["state", "lease_until"], unique=False)
    op.create_index(op.f("ix_keyword_run_node_id_id"), "keyword_run", ["node_id", "id"], unique=False)
    op.create_index(op.f("ix_keyword_run_platform_id"), "keyword_run", ["platform", "id"], unique=False)
    op.create_index(op.f("ix_keyword_run_started_at"), "keyword_run", ["started_at"], unique=False)
    op.create_index(op.f("ix_keyword_run_state_id"), "keyword_run", ["state", "id"], unique=False)


def _create_user_role() -> None:
    op.create_table(
        "user_role",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_user_role_role_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_user_role_user_id")),
        sa.PrimaryKeyConstraint("user_id", "role_id", name=op.f("pk_user_role")),
        **TABLE,
    )
