"""`scrapy crawl boss`: Boss直聘."""

from __future__ import annotations

from jobschema import Platform
from jobspiders.spiders.base import KeywordSpider


class BossSpider(KeywordSpider):
    """Searches Boss直聘; jobspiders/platforms/boss.py knows how."""

    name = "boss"
    platform_name = Platform.BOSS
    platform_domains = ("www.zhipin.com", "zhipin.com")
