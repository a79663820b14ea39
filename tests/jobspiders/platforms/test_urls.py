"""Addresses: encoded once, and left alone by Scrapy."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from w3lib.url import safe_url_string

from jobspiders.platforms.base import RawJob, SearchQuery, SigningContext
from jobspiders.platforms.urls import path_and_query, query_string, with_pairs, with_value, without_tracking

STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine fails no test
AWKWARD = "C++ & C#|百分%41/?=~\"'<>{}[]^`\\ \t\nü🙂"


@pytest.mark.parametrize(
    ("name", "settings"), [("boss", {}), ("qcwy", {}), ("qcwy", {"QCWY_DOOR": "web"}), ("zhilian", {"ZHILIAN_AT": "a", "ZHILIAN_RT": "b"})]
)
@settings(STEADY)
@given(text=st.text())
def test_addresses_are_ascii_and_scrapy_finds_nothing_to_encode(made, name, settings, text):
    platform = made.platform(name, **settings)
    job = RawJob(job_id="a~" + text[:5], title="", handle={"securityId": text or "x"})
    calls = [
        platform.search(SearchQuery(text if name != "zhilian" else "x", "1")),
        *platform.detail_calls([job]),
        *platform.detail_calls([job, job]),
    ]

    for call in calls:
        url = platform.sign(call, SigningContext(now=1.5, random=Random(0), token="t")).url
        assert url.isascii()
        assert safe_url_string(url) == url
        assert safe_url_string(call.url) == call.url


def test_query_string_keeps_order_and_encodes_everything():
    assert query_string([("b", "1 2"), ("a", "|,~")]) == "b=1%202&a=%7C%2C~"
    assert safe_url_string(f"http://h/p?{query_string([('q', AWKWARD)])}") == f"http://h/p?{query_string([('q', AWKWARD)])}"


def test_pairs_are_put_around_the_own_bytes_of_a_query():
    assert with_pairs("http://h/p?x=%2a", before=[("a", "1")], after=[("z", "2")]) == "http://h/p?a=1&x=%2a&z=2"
    assert with_pairs("http://h/p", before=[("a", "1")]) == "http://h/p?a=1"
    assert with_value("http://h/p?xid=1&id=&y=2", "id", "a b") == "http://h/p?xid=1&id=a%20b&y=2"
    assert path_and_query("https://h:8/a/b?c=http://d") == "/a/b?c=http://d"


@pytest.mark.parametrize(
    ("url", "plain"), [("https://h/1.html?s=1&t=0#x", "https://h/1.html"), ("//h/1.htm?a", "https://h/1.htm"), ("", "")]
)
def test_tracking_is_cut_off(url, plain):
    assert without_tracking(url) == plain
