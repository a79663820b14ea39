"""Sink pipeline, 310: rows to MySQL or SQLite, through the outlet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import NotConfigured

from jobspiders.pipelines.base import SinkPipeline
from jobspiders.secret import reveal

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

    from jobstore.sql import SqlSink

NO_STORE = "none"


def sql_dsn(settings: BaseSettings) -> str:
    """MYSQL_DSN; empty when there is no such store."""
    dsn = reveal(settings.get("MYSQL_DSN"))
    return "" if dsn == NO_STORE else dsn


class MySqlPipeline(SinkPipeline):
    """Left out unless MYSQL_DSN is set. Its tables are made by `python -m jobstore.sql upgrade`, never by a crawl."""

    @classmethod
    def check(cls, settings: BaseSettings) -> None:
        if not sql_dsn(settings):
            raise NotConfigured  # off unless asked for: no word about it

    def open_sink(self) -> SqlSink:
        from jobstore.sql import SqlSink  # a node without this store need not load SQLAlchemy

        return SqlSink.open(sql_dsn(self.crawler.settings))
