"""Batches that wait are stored together: the identity of the insert that a batch is in, and how large its JSON is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """`ingest_batch.write_id`, `ingest_batch.plain_size`. A batch that waits may have been written already, under its own identity."""
    op.add_column("ingest_batch", sa.Column("write_id", sa.String(length=128), nullable=True))
    op.add_column("ingest_batch", sa.Column("plain_size", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE ingest_batch SET write_id = batch_id WHERE state <> 'stored'")
    with op.batch_alter_table("ingest_batch") as table:
        table.alter_column("plain_size", existing_type=sa.Integer(), existing_nullable=False, server_default=None)
