"""`scrapy crawl | demo | replay`: Scrapy finds its project commands here."""
