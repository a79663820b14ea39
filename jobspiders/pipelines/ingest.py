"""Sink pipeline, 320: rows to the control plane's ingest door, for a node that holds no database password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import NotConfigured

from jobspiders.control_client import open_client
from jobspiders.pipelines.base import SinkPipeline
from jobspiders.secret import reveal
from jobstore.ingest import IngestSink

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


class IngestPipeline(SinkPipeline):
    """INGEST_ENABLED switches it on; CONTROL_API_URL and CONTROL_API_TOKEN say where and as whom."""

    @classmethod
    def check(cls, settings: BaseSettings) -> None:
        if not settings.getbool("INGEST_ENABLED"):
            raise NotConfigured  # off unless asked for: no word about it
        open_client(settings)  # raises ArgumentsInvalidError, naming what is missing

    def open_sink(self) -> IngestSink:
        settings = self.crawler.settings
        return IngestSink(str(settings["CONTROL_API_URL"]), reveal(settings["CONTROL_API_TOKEN"]))
