"""The one line that says whether this suite met a real ClickHouse server."""

import os

import pytest

from jobstore import ClickHouseStore


def test_real_server_is_named_and_answers() -> None:
    given = os.environ.get("CLICKHOUSE_TEST_DSN", "")
    if not given:
        pytest.skip("set CLICKHOUSE_TEST_DSN=clickhouse://user:password@host:8123 to run this folder against a ClickHouse server too")
    store = ClickHouseStore.open(given)
    assert store.read("SELECT version() != '' AS answers") == [{"answers": 1}]
    store.close()
