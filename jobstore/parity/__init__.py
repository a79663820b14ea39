"""Do both stores say the same? Compares the newest knowledge in ClickHouse with the current rows in MySQL/SQLite, and mends."""

from jobstore.parity.check import ParityCheck, ParityReport, TableReport

__all__ = ["ParityCheck", "ParityReport", "TableReport"]
