"""Somebody's careless extension: it logs everything it can get hold of. `-s EXTENSIONS=...` adds it to a crawl."""

from __future__ import annotations

import logging
from typing import Any, Self

from scrapy import signals
from scrapy.crawler import Crawler

from jobspiders.secret import reveal

logger = logging.getLogger(__name__)
SECRETS = ("BOSS_TOKENS", "BOSS_WT2", "BOSS_SIGN_SECRET", "QCWY_SIGN_KEY", "ZHILIAN_AT", "ZHILIAN_RT", "PROXY_PASSWORD")


class LeakyExtension:
    """Logs every secret in a message, as an argument and in a traceback."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        extension = cls()
        crawler.signals.connect(extension.open, signals.spider_opened)
        return extension

    def open(self, spider: Any) -> None:
        secrets = [reveal(spider.settings[name]) for name in SECRETS]
        secrets += [spider.session.script_secret, *spider.session.tokens.secrets(), *spider.session.tunnels.secrets()]
        logger.debug(f"the secrets are {secrets}")
        logger.warning("the secrets are %s and %r", secrets[0], secrets)
        try:
            raise ValueError(*secrets)
        except ValueError:
            logger.exception("these secrets are not valid", stack_info=True)
