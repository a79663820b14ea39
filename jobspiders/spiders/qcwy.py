"""`scrapy crawl qcwy`: 前程无忧 (51job)."""

from __future__ import annotations

from jobschema import Platform
from jobspiders.spiders.base import KeywordSpider


class QcwySpider(KeywordSpider):
    """Searches 前程无忧 (51job); jobspiders/platforms/qcwy.py knows how."""

    name = "qcwy"
    platform_name = Platform.QCWY
    platform_domains = ("cupid.51job.com", "we.51job.com")
