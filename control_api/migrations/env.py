"""Alembic's entry: runs revisions on the connection that `control_api.migrations` gives, or writes a new one."""

from __future__ import annotations

from alembic import context

from control_api.models.base import METADATA

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Revisions are run by `python -m control_api db upgrade`.")
context.configure(connection=connection, target_metadata=METADATA, compare_type=True, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
