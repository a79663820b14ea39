"""Beside the flow: the garbage collector runs when it pays. A third of bare Scrapy's time is collection of objects that live on."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Self

from scrapy import signals

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

THRESHOLDS = (50_000, 50, 100)


class GcTuning:
    """Sets aside what start-up made and raises the thresholds, once, when the engine starts."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        extension = cls()
        crawler.signals.connect(extension.tune, signals.engine_started)
        return extension

    def tune(self) -> None:
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)
