"""scrapy-redis's door: its settings, its key names, its spider class; none of its blocking calls."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis.asyncio
from scrapy import Spider
from scrapy.settings import Settings
from scrapy.utils.test import get_crawler
from scrapy_redis.spiders import RedisMixin

from jobschema import Platform
from jobschema.messages import Keyword
from jobspiders.errors import ArgumentsInvalidError
from jobspiders.feeds.redis_settings import connect, is_redis_configured, read_max_leases, read_policy
from jobspiders.feeds.redis_spider import RedisKeywordMixin
from jobspiders.leases.entries import MessageUnreadableError
from jobspiders.secret import Secret


def make_spider(cities: Any, settings: dict[str, Any], **attributes: Any) -> Any:
    class KeywordSpider(RedisKeywordMixin, Spider):
        name = "boss"
        platform_name = Platform.BOSS
        platform = cities

    for name, value in attributes.items():
        setattr(KeywordSpider, name, value)
    spider = KeywordSpider()
    spider.setup_redis(get_crawler(KeywordSpider, settings))
    return spider


@pytest.mark.parametrize(
    ("settings", "is_configured"),
    [({}, False), ({"REDIS_URL": Secret("")}, False), ({"REDIS_URL": Secret("redis://h")}, True), ({"REDIS_HOST": "h"}, True)],
)
def test_redis_is_used_where_it_is_named(settings: dict[str, Any], is_configured: bool) -> None:
    assert is_redis_configured(Settings(settings)) is is_configured


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"REDIS_URL": Secret("redis://user:word@h:7000/3")}, {"host": "h", "port": 7000, "db": 3, "username": "user", "password": "word"}),
        ({"REDIS_HOST": "h", "REDIS_PORT": 7001, "REDIS_DB": 2}, {"host": "h", "port": 7001, "db": 2}),
        ({"REDIS_HOST": "h", "REDIS_PARAMS": {"password": "word", "socket_timeout": 7}}, {"password": "word", "socket_timeout": 7}),
        ({"REDIS_HOST": "h", "REDIS_PARAMS": {"redis_cls": "redis.Redis", "retry_on_timeout": True}}, {"host": "h"}),
    ],
)
def test_connection_follows_scrapy_redis_settings_without_blocking_or_warning(settings: dict[str, Any], where: dict[str, Any]) -> None:
    client = connect(Settings(settings))
    assert isinstance(client, redis.asyncio.Redis)
    known = client.connection_pool.connection_kwargs
    assert {name: known.get(name) for name in where} == where
    asyncio.run(client.aclose())


@pytest.mark.parametrize("settings", [{"LEASE_SECONDS": 5, "LEASE_BEAT_SECONDS": 3}, {"LEASE_BEAT_SECONDS": 0}, {"LEASE_MAX_ATTEMPTS": 0}])
def test_policy_out_of_range_names_its_setting(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="LEASE_"):
        read_policy(Settings(settings))


@pytest.mark.parametrize(
    ("settings", "attributes", "redis_key", "batch"),
    [
        ({}, {}, "boss:keywords", 4),
        ({"REDIS_START_URLS_KEY": "todo:%(name)s"}, {}, "todo:boss", 4),
        ({"REDIS_START_URLS_KEY": "todo:%(name)s"}, {"redis_key": "mine", "redis_batch_size": 9}, "mine", 9),
    ],
)
def test_spider_reads_key_and_batch_as_scrapy_redis_does(platform: Any, settings: Any, attributes: Any, redis_key: str, batch: int) -> None:
    spider = make_spider(platform, {"REDIS_HOST": "127.0.0.1", "CONCURRENT_REQUESTS": 4, **settings}, **attributes)
    assert isinstance(spider, RedisMixin)
    assert (spider.redis_key, spider.feed.options.max_held) == (redis_key, batch)
    assert spider.feed.options.max_idle == 0, "idles for work"
    asyncio.run(spider.server.aclose())


@pytest.mark.parametrize("most", [0, 1001])
def test_too_many_leases_for_a_node_are_refused_by_name(most: int) -> None:
    with pytest.raises(ValueError, match=f"LEASE_MAX_HELD is {most}; valid are 1 to 1000"):
        read_max_leases(Settings({"LEASE_MAX_HELD": most}))


def test_message_with_a_city_name_becomes_a_keyword_with_its_code(platform: Any) -> None:
    spider = make_spider(platform, {"REDIS_HOST": "127.0.0.1"})
    assert spider.make_keyword_from_data('{"text": "Python", "city": "北京", "run": "r"}') == (Keyword(Platform.BOSS, "Python", "1"), "r")
    assert spider.make_keyword_from_data("Python") == (Keyword(Platform.BOSS, "Python", "0"), "")
    with pytest.raises(MessageUnreadableError, match="city 'Atlantis' is not known"):
        spider.make_keyword_from_data('{"text": "Python", "city": "Atlantis"}')
    with pytest.raises(MessageUnreadableError, match="holds"):
        spider.make_keyword_from_data('{"text": "Python", "run": "a|b"}')
    asyncio.run(spider.server.aclose())


def test_override_of_the_replaced_hook_is_refused_with_the_new_name(platform: Any) -> None:
    with pytest.raises(ArgumentsInvalidError, match="override make_keyword_from_data"):
        make_spider(platform, {"REDIS_HOST": "127.0.0.1"}, make_request_from_data=lambda self, data: None)
