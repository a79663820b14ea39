"""The MySQL/SQLite store: what is true now. Current postings and companies, their lifecycle, and the cleaning rules.

`SqlSink` takes the same batches as `ClickHouseStore`; `python -m jobstore.sql upgrade DSN` makes and changes its tables.
"""

from jobstore.sql.address import DEFAULT_DSN, parse_address
from jobstore.sql.database import SqlDatabase
from jobstore.sql.sink import SqlSink

__all__ = ["DEFAULT_DSN", "SqlDatabase", "SqlSink", "parse_address"]
