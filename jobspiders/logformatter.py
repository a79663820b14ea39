"""What Scrapy logs per page and per row: nothing. The progress line counts them, `scrapy replay` shows them."""

from __future__ import annotations

from typing import Any

from scrapy.logformatter import LogFormatter, LogFormatterResult


class QuietLogFormatter(LogFormatter):
    """No record for a crawled page or a scraped row (each would cost more than parsing it); the rest as Scrapy does."""

    def crawled(self, *_args: Any, **_kwargs: Any) -> LogFormatterResult | None:  # type: ignore[override]
        return None

    def scraped(self, *_args: Any, **_kwargs: Any) -> LogFormatterResult | None:  # type: ignore[override]
        return None
