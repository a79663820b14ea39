"""Alembic's entry: runs revisions on the connection that `jobstore.sql.revisions` gives."""

from __future__ import annotations

from alembic import context

from jobstore.sql.revisions import is_ours
from jobstore.sql.tables import METADATA, VERSION_TABLE

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Revisions are run by `python -m jobstore.sql upgrade DSN`.")
context.configure(
    connection=connection,
    target_metadata=METADATA,
    compare_type=True,
    include_object=is_ours,
    render_as_batch=True,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
