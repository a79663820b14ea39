"""Uploads are counted per day, source and address, also when many arrive at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from fastapi.testclient import TestClient

from control_api.db import Database
from control_api.services import uploads

Headers = dict[str, str]


def test_uploads_at_once_are_all_counted(client: TestClient, database: Database, viewer: Headers) -> None:
    def upload(number: int) -> None:
        ip = f"192.0.2.{number % 2}"
        database.retry(lambda unit: uploads.count(unit, "boss", ip, rows=10, size=1000))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(upload, range(40)))
    found = client.get("/api/v1/ip", headers=viewer, params={"source": "boss"}).json()["items"]
    assert {item["ip"]: (item["uploads"], item["rows"], item["bytes"]) for item in found} == {
        "192.0.2.0": (20, 200, 20_000),
        "192.0.2.1": (20, 200, 20_000),
    }
    assert [item["ip"] for item in client.get("/api/v1/ip", headers=viewer, params={"ip": "192.0.2.1"}).json()["items"]] == ["192.0.2.1"]
    assert client.get("/api/v1/ip", headers=viewer, params={"day": "2001-01-01"}).json()["items"] == []
