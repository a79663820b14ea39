"""`scrapy crawl zhilian`: 智联招聘."""

from __future__ import annotations

from jobschema import Platform
from jobspiders.spiders.base import KeywordSpider


class ZhilianSpider(KeywordSpider):
    """Searches 智联招聘; jobspiders/platforms/zhilian.py knows how."""

    name = "zhilian"
    platform_name = Platform.ZHILIAN
    platform_domains = ("fe-api.zhaopin.com", "www.zhaopin.com")
