"""`scrapy demo`: the whole system on one machine against the fake world, in under a minute."""
