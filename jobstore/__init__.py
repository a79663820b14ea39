"""The storehouse: what puts rows away, for the crawler and the control plane alike.

Rows go in through a `Batcher`, which stores them in a sink off the event loop; `ClickHouseStore` is a sink and answers queries.
"""

from jobstore.batch import Batch, Sink
from jobstore.batcher import Batcher
from jobstore.clickhouse import ClickHouseStore
from jobstore.dsn import StoreDsn, parse_dsn
from jobstore.retry import RetryPolicy

__all__ = ["Batch", "Batcher", "ClickHouseStore", "RetryPolicy", "Sink", "StoreDsn", "parse_dsn"]
