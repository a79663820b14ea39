"""The crawler: a Scrapy project. What runs on a node."""
