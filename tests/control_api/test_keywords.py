"""Keywords: added, imported, searched, changed, removed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from control_api.keyword_csv import CSV_EXAMPLE, read_csv, read_interval

Headers = dict[str, str]
WRONG_LINES = ("x,mars,1,,,,,", "好,qcwy,020000,0,,,,", "y,qcwy,020000,,,soon,,", "z,qcwy,020000,,,1d,,maybe", ",boss,1,,,,,")
ONE = {"text": "数据分析", "platforms": ["boss"], "cities": ["101010100"]}


def test_keyword_added_for_each_platform_and_city(client: TestClient, operator: Headers) -> None:
    body = {**ONE, "platforms": ["boss", "zhilian"], "cities": ["101010100", "530"], "depth": 5, "priority": 7, "tags": ["b", "a"]}
    added = client.post("/api/v1/keyword/", headers=operator, json=body)
    assert added.status_code == 201
    assert {(item["platform"], item["city_code"]) for item in added.json()} == {
        (platform, city) for platform in ("boss", "zhilian") for city in ("101010100", "530")
    }
    assert {(item["depth"], item["priority"], tuple(item["tags"])) for item in added.json()} == {(5, 7, ("a", "b"))}
    assert client.post("/api/v1/keyword", headers=operator, json=body).json() == []


def test_keyword_import_of_500_twice_adds_500_once(client: TestClient, operator: Headers) -> None:
    entries = [{**ONE, "text": f"词{number}", "priority": 1} for number in range(500)]
    first = client.post("/api/v1/keyword/import", headers=operator, json={"keywords": entries}).json()
    again = client.post("/api/v1/keyword/import", headers=operator, json={"keywords": entries}).json()
    assert (first["added"], first["existing"]) == (500, 0)
    assert (again["added"], again["existing"], again["updated"]) == (0, 500, 0)
    changed = [{**entry, "priority": 9} for entry in entries[:3]]
    update = client.post("/api/v1/keyword/import", headers=operator, json={"keywords": changed, "update": True}).json()
    assert update["updated"] == 3


def test_keyword_texts_that_differ_in_case_or_accent_are_two(client: TestClient, operator: Headers) -> None:
    for text in ("Java", "java", "JAVA", "javá"):
        assert len(client.post("/api/v1/keyword", headers=operator, json={**ONE, "text": text}).json()) == 1


def test_keyword_csv_good_lines_are_taken_and_others_named(client: TestClient, operator: Headers) -> None:
    lines = [
        CSV_EXAMPLE.rstrip("\n"),
        "x,mars,1,,,,,",
        "好,qcwy,020000,0,,,,",
        "y,qcwy,020000,,,soon,,",
        "z,qcwy,020000,,,1d,,maybe",
        ",boss,1,,,,,",
    ]
    answer = client.post("/api/v1/keyword/import/csv", headers=operator, files={"file": ("k.csv", "\n".join(lines).encode())})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["added"], [fault["line"] for fault in body["faults"]]) == (2, [3, 4, 5, 6, 7])
    listed = client.get("/api/v1/keyword", headers=operator, params={"tag": "daily"}).json()["items"]
    assert {item["interval_seconds"] for item in listed} == {6 * 3600}
    assert len(listed) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_saved_by_a_spreadsheet_is_read(encoding: str) -> None:
    keywords, faults = read_csv(CSV_EXAMPLE.encode(encoding))
    assert (keywords[0].text, keywords[0].cities, faults) == ("数据分析", ["101010100", "101020100"], [])


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a,b,c\n1,2,3", b'text,platforms,cities\n"' + b"x" * 200_000, b"\x00" * 100])
def test_csv_that_is_none_is_refused(client: TestClient, operator: Headers, content: bytes) -> None:
    assert client.post("/api/v1/keyword/import/csv", headers=operator, files={"file": ("k", content)}).status_code == 422


@pytest.mark.parametrize(("text", "seconds"), [("", None), ("60", 60), ("6h", 21600), ("30 M", 1800), ("1d", 86400)])
def test_interval_is_read(text: str, seconds: int | None) -> None:
    assert read_interval(text) == seconds


def test_keywords_searched_by_every_filter(client: TestClient, operator: Headers) -> None:
    for text, platform, city, tag in (("100%_sure", "boss", "1", "a"), ("100xysure", "qcwy", "1", "b"), ("other", "boss", "2", "ab")):
        client.post("/api/v1/keyword", headers=operator, json={"text": text, "platforms": [platform], "cities": [city], "tags": [tag]})

    def texts(**filters: str) -> list[str]:
        return [item["text"] for item in client.get("/api/v1/keyword", headers=operator, params=filters).json()["items"]]

    assert texts(text="%_") == ["100%_sure"]
    assert texts(platform="qcwy") == ["100xysure"]
    assert texts(city_code="2") == ["other"]
    assert texts(tag="a") == ["100%_sure"]
    assert texts(is_enabled="false") == []
    assert texts(text="'; DROP TABLE keyword; --") == []
    assert len(texts()) == 3


def test_keyword_changed_keeps_what_is_left_out(client: TestClient, operator: Headers) -> None:
    keyword = client.post("/api/v1/keyword", headers=operator, json={**ONE, "depth": 5, "priority": 3, "tags": ["x"]}).json()[0]
    path = f"/api/v1/keyword/{keyword['id']}"
    changed = client.patch(path, headers=operator, json={"priority": -4}).json()
    assert (changed["priority"], changed["depth"], changed["tags"]) == (-4, 5, ["x"])
    assert client.patch(path, headers=operator, json={"depth": None}).json()["depth"] is None
    for forbidden in ({"epoch": 9}, {"text": "y"}, {"leased_by": 1}, {"available_at": "2020-01-01T00:00:00Z"}, {"id": 4}):
        assert client.patch(path, headers=operator, json=forbidden).status_code == 422
    assert client.delete(path, headers=operator).status_code == 204
    assert client.get(path, headers=operator).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"text": ""},
        {"text": "a\nb"},
        {"text": "a\u202eb"},
        {"text": "x" * 101},
        {"platforms": ["mars"]},
        {"platforms": []},
        {"cities": []},
        {"cities": ["../x"]},
        {"depth": 0},
        {"priority": 10**9},
        {"interval_seconds": 1},
        {"tags": ["a|b"]},
        {"tags": ["a"] * 7},
        {"unknown": 1},
    ],
)
def test_keyword_of_wrong_shape_is_refused(client: TestClient, operator: Headers, change: dict[str, object]) -> None:
    assert client.post("/api/v1/keyword", headers=operator, json={**ONE, **change}).status_code == 422


def test_viewer_sees_and_does_not_change(client: TestClient, operator: Headers, log_in: Callable[..., Headers]) -> None:
    viewer = log_in("victor", "viewer")
    keyword = client.post("/api/v1/keyword", headers=operator, json=ONE).json()[0]
    assert client.get(f"/api/v1/keyword/{keyword['id']}", headers=viewer).status_code == 200
    assert client.patch(f"/api/v1/keyword/{keyword['id']}", headers=viewer, json={}).status_code == 403
    assert client.post("/api/v1/keyword", headers=viewer, json=ONE).status_code == 403
