"""No record that is made after the factory knows a secret holds it, in its text, its traceback or its stack."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from scrapy.settings import Settings

from jobspiders.extensions.redaction import RedactingRecords, address_secrets, setting_secrets
from jobspiders.secret import Secret

SECRET = "key/with+signs"


@pytest.fixture
def records() -> RedactingRecords:
    factory = RedactingRecords(logging.LogRecord)
    factory.add([SECRET, "abc"])
    return factory


def make(records: RedactingRecords, message: str, *args: Any, **kwargs: Any) -> str:
    """The record as a handler would write it."""
    record = records("name", logging.INFO, "file", 1, message, args, kwargs.pop("exc_info", None), **kwargs)
    return logging.Formatter().format(record)


@pytest.mark.parametrize(
    ("message", "args", "told"),
    [
        (f"the key is {SECRET}", (), "the key is ***"),
        ("the key is %s", (SECRET,), "the key is ***"),
        ("the keys are %r", ([SECRET, SECRET],), "the keys are ['***', '***']"),
        ("http://host/?key=key%2Fwith%2Bsigns&page=1", (), "http://host/?key=***&page=1"),
        ("abc is too short to be hidden, %d%%", (7,), "abc is too short to be hidden, 7%"),
        ("nothing secret in %s", ("here",), "nothing secret in here"),
    ],
)
def test_record_text_is_clean(records: RedactingRecords, message: str, args: tuple[Any, ...], told: str) -> None:
    assert make(records, message, *args) == told


def test_record_traceback_and_stack_are_clean(records: RedactingRecords) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        text = make(records, "failed", exc_info=(type(error), error, error.__traceback__), sinfo=f"stack of {SECRET}")
    assert "ValueError: ***" in text
    assert "stack of ***" in text
    assert SECRET not in text


def test_record_without_a_traceback_says_so_as_ever(records: RedactingRecords) -> None:
    assert make(records, "failed", exc_info=(None, None, None)) == "failed\nNoneType: None"


def test_record_factory_replaces_the_longest_first() -> None:
    factory = RedactingRecords(logging.LogRecord)
    factory.add(["abcd"])
    factory.add(["abcdefgh"])
    assert make(factory, "abcdefgh abcd") == "*** ***"


def test_setting_secrets_are_each_of_a_list_and_only_the_password_of_an_address() -> None:
    settings = Settings(
        {
            "BOSS_TOKENS": Secret("token-one, token-two"),
            "CLICKHOUSE_DSN": Secret("clickhouse://writer:pass%40word@host:8123/jobs"),
            "REDIS_URL": Secret("redis://127.0.0.1:6379/0"),
            "QCWY_DOOR": "search",
        }
    )
    found = set(setting_secrets(settings))
    assert {"token-one", "token-two", "pass@word", "pass%40word"} <= found
    assert not {"clickhouse://writer:pass%40word@host:8123/jobs", "redis://127.0.0.1:6379/0", "search"} & found


@pytest.mark.parametrize("address", ["none", "", "chdb:///data/clickhouse", "redis://[", "http://user@host"])
def test_address_without_a_password_has_no_secret(address: str) -> None:
    assert list(address_secrets(address)) == []


def test_address_secrets_hold_what_a_proxy_is_sent() -> None:
    assert "dXNlcjpwYUBzcw==" in list(address_secrets("http://user:pa%40ss@host:80"))
