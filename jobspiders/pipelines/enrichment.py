"""Sink pipeline, 330: companies to an outside company-data service, where one is named. Off by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import NotConfigured

from jobspiders.errors import ArgumentsInvalidError
from jobspiders.pipelines.base import SinkPipeline
from jobspiders.secret import reveal
from jobstore.enrichment import EnrichmentSink

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


class EnrichmentPipeline(SinkPipeline):
    """ENRICHMENT_URL switches it on; ENRICHMENT_SALT signs."""

    @classmethod
    def check(cls, settings: BaseSettings) -> None:
        if not settings.get("ENRICHMENT_URL"):
            raise NotConfigured  # off unless asked for: no word about it
        if not reveal(settings.get("ENRICHMENT_SALT")):
            raise ArgumentsInvalidError("ENRICHMENT_URL is set and ENRICHMENT_SALT is empty: set both, or neither")

    def open_sink(self) -> EnrichmentSink:
        settings = self.crawler.settings
        return EnrichmentSink(str(settings["ENRICHMENT_URL"]), reveal(settings["ENRICHMENT_SALT"]))
