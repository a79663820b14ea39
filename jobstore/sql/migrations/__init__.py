"""Alembic's folder for the SQL store; `jobstore.sql.revisions` runs it."""
