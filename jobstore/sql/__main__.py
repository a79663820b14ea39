"""`python -m jobstore.sql upgrade|check [DSN]`: make or change the tables of the MySQL/SQLite store, or say what they lack.

The address is better given as MYSQL_DSN: arguments show in `ps`. Exit codes: 0 done, 1 the store refuses or differs, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from jobstore.errors import StoreError
from jobstore.sql.address import parse_address
from jobstore.sql.database import SqlDatabase
from jobstore.sql.revisions import check_revision, find_differences, read_revision, upgrade


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one action; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m jobstore.sql", description=(__doc__ or "").split(": ")[1].splitlines()[0])
    parser.add_argument("action", choices=["upgrade", "check"])
    parser.add_argument("dsn", nargs="?", default=os.environ.get("MYSQL_DSN", ""), help="default: MYSQL_DSN")
    asked = parser.parse_args(arguments)
    if not asked.dsn:
        parser.error("give an address, or set MYSQL_DSN; for one file on this machine: sqlite:///data/jobs.db")
    try:
        database = SqlDatabase(parse_address(asked.dsn))
        try:
            return {"upgrade": _upgrade, "check": _check}[asked.action](database)
        finally:
            database.close()
    except StoreError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command speaks
        return 1


def _upgrade(database: SqlDatabase) -> int:
    before = read_revision(database)
    upgrade(database)
    after = read_revision(database)
    said = f"already at {after}" if before == after else f"{before or '(none)'} -> {after}"
    print(f"{database.url}: {said}")  # noqa: T201
    return 0


def _check(database: SqlDatabase) -> int:
    check_revision(database)
    differences = find_differences(database)
    for difference in differences:
        print(difference, file=sys.stderr)  # noqa: T201
    if not differences:
        print(f"{database.url}: at the newest revision, and equal to the contract")  # noqa: T201
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
