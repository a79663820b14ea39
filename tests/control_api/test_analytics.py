"""What analysts read, through the ingest door and a real engine: search, history, companies, salaries, export, and hostile values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from control_api.config import load_settings
from control_api.deps import Control
from control_api.ingest_rows import read_rows
from control_api.main import create_app
from control_api.principal import Actor, Principal
from control_api.security import hash_password
from control_api.services import logins
from jobschema import Platform

Headers = dict[str, str]
A = "/api/v1/analytics"
KEY = "p4Vt9-nWz7Lq2XsR6mYc1BdK8fHj3GuA0eTi5oQ"

ODD = "=cmd|' /C calc'!A0"


@pytest.fixture(scope="module")
def analyst(tmp_path_factory: pytest.TempPathFactory, made: Any) -> Iterator[TestClient]:
    """A client, logged in as a viewer, of a control plane with a chDB folder and some rows."""
    folder = tmp_path_factory.mktemp("analytics")
    settings = load_settings(
        _env_file=None,
        data_dir=folder,
        secret_key=SecretStr(KEY),
        run_migrations_on_startup=True,
        initialize_seed_data_on_startup=True,
        clickhouse_dsn=SecretStr(f"chdb://{folder}/clickhouse"),
    )
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        control: Control = client.app.state.control  # type: ignore[attr-defined]
        client.headers.update(_log_in(control))
        _store(control, made)
        yield client


def _log_in(control: Control) -> Headers:
    from datetime import timedelta

    from control_api.models import User, UserRole
    from control_api.services import roles

    with control.database.write() as unit:
        user = User(username="victor", password_hash=hash_password("correct-horse-battery-9"))
        unit.add(user)
        unit.flush()
        role = next(role for role, _ in roles.list_all(unit) if role.name == "viewer")
        unit.add(UserRole(user_id=user.id or 0, role_id=role.id or 0))
        attempt = logins.note_attempt(unit, "victor", "127.0.0.1")
        actor = Actor(Principal("cli", 0, "test", frozenset()))
        token = logins.start_session(unit, logins.find_candidate(unit, attempt, "victor"), actor, control.signer, timedelta(days=1))
    return {"Authorization": f"Bearer {token}"}


def _store(control: Control, made: Any) -> None:
    store = control.rows.get()
    jobs = [made.job(number) for number in range(1, 41)] + [made.job(50, title=ODD, city="广州", keyword="别的")]
    again = made.job(
        1, salary_text="30-50K", month_low=30_000, month_high=50_000, content_hash="f" * 32, crawled_at="2026-11-25T08:00:00+00:00"
    )
    elsewhere = [made.job(number, platform="zhilian", keyword="Java") for number in range(1, 6)]
    for data_type, platform, rows in (
        ("job", "boss", jobs),
        ("job", "boss", [again]),
        ("job", "zhilian", elsewhere),
        ("company", "boss", [made.company(3, platform="boss"), made.company(4, platform="boss", full_name="北京某某有限公司")]),
    ):
        good, faults = read_rows(data_type, Platform(platform), rows)
        assert not faults
        store.write_rows(good, f"{data_type}:{platform}:{len(rows)}")


def walk(client: TestClient, path: str, limit: int) -> list[dict[str, Any]]:
    """Every item of a paged list."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        part = client.get(path, params={"limit": limit, "cursor": cursor})
        assert part.status_code == 200, part.text
        found += part.json()["items"]
        cursor = part.json()["next"]
        if cursor is None:
            return found


def test_jobs_paged_come_once_each(analyst: TestClient) -> None:
    found = walk(analyst, f"{A}/job", 7)
    assert len(found) == 46
    assert len({(row["platform"], row["job_id"]) for row in found}) == 46


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"platform": "zhilian"}, 5),
        ({"city": "上海", "platform": "boss"}, 20),
        ({"text": "CMD"}, 1),
        ({"text": "数据", "platform": "boss"}, 40),
        ({"keyword": "Java"}, 5),
        ({"company_id": "c0", "platform": "boss"}, 5),
        ({"education": "doctor"}, 0),
        ({"salary_from": 45_000}, 1),
        ({"salary_to": 20_003}, 5),
        ({"seen_since": "2026-11-25T00:00:00Z"}, 1),
        ({"seen_until": "2026-11-25T00:00:00+08:00"}, 45),
    ],
)
def test_jobs_filtered(analyst: TestClient, query: dict[str, Any], count: int) -> None:
    answer = analyst.get(f"{A}/job", params={**query, "limit": 500})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["items"]) == count


def test_job_read_shows_the_newest_and_history_every_version(analyst: TestClient) -> None:
    job = analyst.get(f"{A}/job/boss/j1").json()
    assert (job["salary_text"], job["versions"], job["skills"]) == ("30-50K", 2, ["SQL", "Python"])
    history = analyst.get(f"{A}/job/boss/j1/history").json()
    assert [(version["salary_text"], version["times_seen"]) for version in history] == [("20-40K", 1), ("30-50K", 1)]
    assert history[0]["last_seen"] < history[1]["first_seen"]


def test_companies_are_searched_and_read_with_their_jobs(analyst: TestClient) -> None:
    assert [row["company_id"] for row in walk(analyst, f"{A}/company", 1)] == ["c3", "c4"]
    assert [row["company_id"] for row in analyst.get(f"{A}/company", params={"text": "有限"}).json()["items"]] == ["c4"]
    company = analyst.get(f"{A}/company/boss/c3").json()
    assert (company["jobs"], company["founded_on"]) == (6, "2011-03-01")


def test_salaries_by_each_dimension(analyst: TestClient) -> None:
    by_keyword = analyst.get(f"{A}/salary", params={"by": "keyword"}).json()
    assert [(row["keyword"], row["jobs"]) for row in by_keyword] == [("数据", 40), ("Java", 5), ("别的", 1)]
    both = analyst.get(f"{A}/salary", params={"by": ["platform", "city"], "least": 3}).json()
    assert {(row["platform"], row["city"]): row["jobs"] for row in both} == {
        ("boss", "北京"): 20,
        ("boss", "上海"): 20,
        ("zhilian", "北京"): 3,
    }
    for row in both:
        assert row["lowest"] <= row["low"] <= row["median"] <= row["high"] <= row["highest"]
        assert row["keyword"] is None


@pytest.mark.parametrize("path", ["job/boss/none", "job/boss/none/history", "company/qcwy/none"])
def test_thing_unknown_is_not_found(analyst: TestClient, path: str) -> None:
    assert analyst.get(f"{A}/{path}").status_code == 404


def test_export_csv_holds_every_match_and_no_formula(analyst: TestClient) -> None:
    answer = analyst.get(f"{A}/job/export", params={"platform": "boss"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 41
    assert {row["title"] for row in rows if row["job_id"] == "j50"} == {f"'{ODD}"}
    assert "raw" not in rows[0]
    assert answer.headers["content-disposition"] == 'attachment; filename="jobs.csv"'


def test_export_parquet_is_one(analyst: TestClient) -> None:
    content = analyst.get(f"{A}/job/export", params={"format": "parquet"}).content
    assert (content[:4], content[-4:]) == (b"PAR1", b"PAR1")


HOSTILE = ["' OR 1=1 --", "'; DROP TABLE boss_job; --", "\\", "\\'", "%", "{text:String}", "{{", "数\U0001f600", "a" * 64]


@pytest.mark.parametrize("value", HOSTILE)
def test_value_hostile_is_a_value_and_nothing_else(analyst: TestClient, value: str) -> None:
    for query in ({"text": value}, {"city": value}, {"keyword": value}, {"company_id": value}, {"cursor": f"boss:{value}"}):
        answer = analyst.get(f"{A}/job", params=query)
        assert answer.status_code == 200, answer.text
        if "cursor" not in query:
            assert answer.json()["items"] == []
    assert analyst.get(f"{A}/company", params={"text": value}).json()["items"] == []
    assert analyst.get(f"{A}/salary", params={"city": value}).json() == []
    assert analyst.get(f"{A}/job/boss/{value.replace('%', '%25')}").status_code == 404
    assert len(walk(analyst, f"{A}/job", 100)) == 46


@pytest.mark.parametrize(
    "query",
    [
        {"by": "raw"},
        {"by": ["city"] * 4},
        {"least": 0},
        {"salary_from": "nan"},
        {"seen_since": "2026-11-25T00:00:00"},
        {"seen_until": "0001-01-01T03:15:18+14:00"},
    ],
)
def test_question_of_wrong_shape_is_refused(analyst: TestClient, query: dict[str, Any]) -> None:
    assert analyst.get(f"{A}/salary", params=query).status_code == 422
