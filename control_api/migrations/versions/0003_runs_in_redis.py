"""Runs that belong to no node because nodes take them from Redis, and indexes for two filters of the search at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """`keyword_run.node_id` may be null; three indexes."""
    with op.batch_alter_table("keyword_run") as table:
        table.alter_column("node_id", existing_type=sa.Integer(), nullable=True)
    for columns in (["platform", "state", "id"], ["node_id", "state", "id"], ["node_id", "platform", "id"]):
        op.create_index(op.f(f"ix_keyword_run_{'_'.join(columns)}"), "keyword_run", columns, unique=False)
