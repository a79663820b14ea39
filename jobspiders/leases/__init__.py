"""Keywords across nodes: leases in Redis that no dead, stalled or late worker can lose, steal or end twice.

Between the queue that operators and the control plane fill (`KeywordQueue`) and the feed that a spider reads (`jobspiders.feeds.redis`).
docs/leases.md explains it; nothing here knows Scrapy.
"""
