"""Sink pipeline, 300: rows to ClickHouse, through the outlet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.exceptions import NotConfigured

from jobspiders.pipelines.base import SinkPipeline
from jobspiders.secret import reveal
from jobstore.clickhouse import ClickHouseStore

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

NO_STORE = "none"


def store_dsn(settings: BaseSettings) -> str:
    """CLICKHOUSE_DSN, or the chDB folder `clickhouse` under DATA_DIR when it is empty."""
    return reveal(settings.get("CLICKHOUSE_DSN")) or f"chdb://{Path(settings['DATA_DIR']).resolve() / 'clickhouse'}"


class ClickHousePipeline(SinkPipeline):
    """CLICKHOUSE_DSN=none leaves it out."""

    @classmethod
    def check(cls, settings: BaseSettings) -> None:
        if store_dsn(settings) == NO_STORE:
            raise NotConfigured("CLICKHOUSE_DSN is none: rows go to other sinks or feeds only")

    def open_sink(self) -> ClickHouseStore:
        store = ClickHouseStore.open(store_dsn(self.crawler.settings))
        try:
            store.ensure_schema()
        except BaseException:
            store.close()
            raise
        return store
