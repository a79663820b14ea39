"""How items pass the pipelines: Scrapy's own manager without its per-item ceremony. One job stays one item."""

from __future__ import annotations

from inspect import isawaitable
from typing import Any

from scrapy.pipelines import ItemPipelineManager


class RowItemProcessor(ItemPipelineManager):
    """Calls each pipeline's `process_item(item)` in order and awaits it only when it returns something to await."""

    async def process_item_async(self, item: Any) -> Any:
        if self._mw_methods_requiring_spider:  # somebody's pipeline with the old signature: let Scrapy handle it
            return await super().process_item_async(item)
        for process in self.methods["process_item"]:
            assert process is not None, "only open_spider and close_spider can be missing"
            item = process(item)
            if isawaitable(item):
                item = await item
        return item
