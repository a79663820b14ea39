"""The rows of `cleaning_rule`: read by the normalise step, written by whoever administers. What a rule means is not known here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from jobstore.sql.database import SqlDatabase, Transaction
from jobstore.sql.tables import CLEANING_RULE


def read_rules(database: SqlDatabase, *, all_of_them: bool = False) -> list[dict[str, Any]]:
    """The enabled rules (or every one), in the order in which they apply, as column -> value. Raises StoreError."""
    query = select(CLEANING_RULE).order_by(CLEANING_RULE.c.position, CLEANING_RULE.c.id)
    if not all_of_them:
        query = query.where(CLEANING_RULE.c.is_enabled)
    return database.read(lambda transaction: [dict(row) for row in transaction.connection.execute(query).mappings()])


def add_rule(database: SqlDatabase, values: Mapping[str, Any], at: datetime) -> int:
    """Add a rule (`kind`, `field`, `pattern`, `action` and what else differs from the default); its id. It is version 1."""

    def add(transaction: Transaction) -> int:
        made = transaction.connection.execute(CLEANING_RULE.insert().values({"version": 1, **values, "changed_at": at}))
        (rule_id,) = made.inserted_primary_key or (0,)
        return int(rule_id)

    return database.write(add)


def change_rule(database: SqlDatabase, rule_id: int, values: Mapping[str, Any], at: datetime) -> bool:
    """Change columns of a rule and count its version up; whether there is such a rule."""
    table = CLEANING_RULE
    statement = table.update().where(table.c.id == rule_id).values({**values, "version": table.c.version + 1, "changed_at": at})
    return database.write(lambda transaction: transaction.connection.execute(statement).rowcount == 1)
