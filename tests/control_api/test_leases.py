"""Claims: never the same keyword to two nodes, a lease lost is a lease returned, a late node is fenced."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select, update

from control_api.db import Database
from control_api.deps import Control
from control_api.models import Keyword, KeywordRun, Node
from control_api.models.base import now_utc
from control_api.services import leases
from control_api.services.leases import LeaseRules

Headers = dict[str, str]
RULES = LeaseRules(seconds=900, max_attempts=3, retry_seconds=300)


@pytest.fixture
def add_keywords(database: Database) -> Callable[..., list[int]]:
    def add(count: int = 1, **values: object) -> list[int]:
        with database.write() as unit:
            rows = [
                Keyword(**{"platform": "boss", "text": f"词{number}", "city_code": "1", "available_at": now_utc(), **values})
                for number in range(count)
            ]
            unit.add_all(rows)
            unit.flush()
            return [row.id or 0 for row in rows]

    return add


def _claim(client: TestClient, node: Headers, count: int = 1, platform: str = "boss") -> list[dict[str, object]]:
    answer = client.get("/api/v1/keyword/available", params={"platform": platform, "count": count}, headers=node)
    assert answer.status_code == 200, answer.text
    return answer.json()["leases"]  # type: ignore[no-any-return]


def _say(client: TestClient, node: Headers, lease: dict[str, object], word: str, **body: object) -> object:
    return client.post(f"/api/v1/keyword/lease/{lease['lease_id']}/{word}", json={"epoch": lease["epoch"], **body}, headers=node)


def _read(database: Database, keyword_id: int) -> Keyword:
    with database.read() as unit:
        return unit.get_one(Keyword, keyword_id)


def _run_out(database: Database) -> None:
    past = now_utc() - timedelta(seconds=1)
    with database.write() as unit:
        unit.exec(update(KeywordRun).where(col(KeywordRun.state) == "running").values(lease_until=past))
        unit.exec(update(Keyword).where(col(Keyword.leased_by).is_not(None)).values(available_at=past))


def test_claim_answers_what_the_contract_says(client: TestClient, node: Headers, add_keywords: Callable[..., list[int]]) -> None:
    (keyword_id,) = add_keywords(depth=4, rank=-6)
    (lease,) = _claim(client, node)
    assert lease["keyword"] == {
        "platform": "boss",
        "text": "词0",
        "city_code": "1",
        "depth": 4,
        "keyword_id": str(keyword_id),
        "priority": 6,
    }
    assert (lease["epoch"], lease["attempt"], lease["lease_seconds"]) == (1, 1, 900)
    assert _claim(client, node) == []


def test_claim_takes_priority_first_then_longest_due(client: TestClient, node: Headers, add_keywords: Callable[..., list[int]]) -> None:
    now = now_utc()
    for text, rank, age in (("late", 0, 1), ("early", 0, 99), ("urgent", -5, 0), ("future", -9, -99)):
        add_keywords(text=text, rank=rank, available_at=now - timedelta(seconds=age))
    add_keywords(text="off", rank=-9, is_enabled=False)
    add_keywords(text="elsewhere", rank=-9, platform="qcwy")
    add_keywords(text="idle", rank=-9, available_at=None)
    claimed = [lease["keyword"]["text"] for lease in _claim(client, node, 10)]  # type: ignore[index]
    assert claimed == ["urgent", "early", "late"]


def test_claim_by_many_at_once_gives_every_keyword_once(
    client: TestClient, database: Database, add_keywords: Callable[..., list[int]]
) -> None:
    ids = add_keywords(120)
    with database.write() as unit:
        nodes = [Node(name=f"n{number}") for number in range(8)]
        unit.add_all(nodes)
        unit.flush()
        node_ids = [node.id or 0 for node in nodes]

    def work(node_id: int) -> list[tuple[int, int]]:
        taken: list[tuple[int, int]] = []
        while claimed := database.retry(lambda unit: leases.claim(unit, node_id, "boss", 3, RULES)):
            taken += [(keyword.id or 0, run.epoch) for keyword, run in claimed]
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = [pair for part in pool.map(work, node_ids) for pair in part]
    left = database.retry(lambda unit: leases.claim(unit, node_ids[0], "boss", 200, RULES))
    taken += [(keyword.id or 0, run.epoch) for keyword, run in left]  # what `skip locked` passed over at the end
    assert sorted(keyword_id for keyword_id, _ in taken) == ids
    assert {epoch for _, epoch in taken} == {1}


def test_complete_waits_one_interval_from_the_start(
    client: TestClient, database: Database, node: Headers, add_keywords: Callable[..., list[int]]
) -> None:
    (keyword_id,) = add_keywords(interval_seconds=3600)
    (lease,) = _claim(client, node)
    done = _say(client, node, lease, "complete", pages=4, jobs=60, companies=30)
    assert done.status_code == 200  # type: ignore[attr-defined]
    body = done.json()  # type: ignore[attr-defined]
    assert (body["state"], body["pages"], body["jobs"], body["companies"]) == ("complete", 4, 60, 30)
    keyword = _read(database, keyword_id)
    with database.read() as unit:
        run = unit.get_one(KeywordRun, int(str(lease["lease_id"])))
    assert keyword.available_at == run.started_at + timedelta(seconds=3600)
    assert (keyword.attempt, keyword.leased_by, keyword.last_state) == (0, None, "complete")
    again = _say(client, node, lease, "complete", pages=4)
    assert again.json()["jobs"] == 60  # type: ignore[attr-defined]  # said twice, counted once


def test_complete_without_interval_is_due_when_somebody_asks(
    client: TestClient, database: Database, node: Headers, operator: Headers, add_keywords: Callable[..., list[int]]
) -> None:
    (keyword_id,) = add_keywords()
    _say(client, node, _claim(client, node)[0], "complete")
    assert _read(database, keyword_id).available_at is None
    assert _claim(client, node) == []
    assert client.post(f"/api/v1/keyword/{keyword_id}/run", headers=operator).status_code == 200
    (lease,) = _claim(client, node)
    assert lease["epoch"] == 2
    assert client.post(f"/api/v1/keyword/{keyword_id}/run", headers=operator).status_code == 409
    assert client.delete(f"/api/v1/keyword/{keyword_id}", headers=operator).status_code == 409


def test_return_without_causes_frees_at_once_and_costs_no_attempt(
    client: TestClient, database: Database, node: Headers, add_keywords: Callable[..., list[int]]
) -> None:
    add_keywords()
    assert _say(client, node, _claim(client, node)[0], "return").json()["state"] == "returned"  # type: ignore[attr-defined]
    (lease,) = _claim(client, node)
    assert (lease["attempt"], lease["epoch"]) == (1, 2)


def test_return_with_causes_rests_longer_each_time_then_waits_for_its_turn(
    client: TestClient, database: Database, node: Headers, add_keywords: Callable[..., list[int]]
) -> None:
    (keyword_id,) = add_keywords(interval_seconds=86400)
    rests = []
    for attempt in (1, 2, 3):
        (lease,) = _claim(client, node)
        assert lease["attempt"] == attempt
        before = now_utc()
        answer = _say(client, node, lease, "return", pages=2, causes={"ip_banned": 3})
        assert answer.json()["causes"] == {"ip_banned": 3}  # type: ignore[attr-defined]
        available_at = _read(database, keyword_id).available_at
        assert available_at is not None
        rests.append(round((available_at - before).total_seconds() / 60))
        with database.write() as unit:
            unit.exec(update(Keyword).values(available_at=now_utc()))
    assert rests[:2] == [5, 10]
    assert rests[2] > 23 * 60
    assert _read(database, keyword_id).attempt == 0


def test_lease_run_out_goes_to_another_and_the_late_node_is_fenced(
    client: TestClient, database: Database, add_node: Callable[..., Headers], add_keywords: Callable[..., list[int]]
) -> None:
    add_keywords()
    slow, quick = add_node("slow"), add_node("quick")
    (old,) = _claim(client, slow)
    assert _claim(client, quick) == []
    _run_out(database)
    (new,) = _claim(client, quick)
    assert (new["epoch"], new["attempt"]) == (2, 2)
    for word in ("complete", "extend", "return"):
        answer = _say(client, slow, old, word)
        assert (answer.status_code, answer.json()["type"]) == (409, "docs/control.md#lease-lost")  # type: ignore[attr-defined]
    assert _say(client, quick, new, "complete").status_code == 200  # type: ignore[attr-defined]
    with database.read() as unit:
        assert sorted(unit.exec(select(KeywordRun.state)).all()) == ["complete", "expired"]


def test_lease_run_out_three_times_waits_for_its_turn(
    client: TestClient, database: Database, node: Headers, add_keywords: Callable[..., list[int]]
) -> None:
    (keyword_id,) = add_keywords(interval_seconds=86400)
    for _ in range(3):
        assert len(_claim(client, node)) == 1
        _run_out(database)
    assert _claim(client, node) == []  # a keyword that kills nodes is not tried for ever
    keyword = _read(database, keyword_id)
    assert (keyword.last_state, keyword.attempt) == ("expired", 0)
    assert database.retry(lambda unit: leases.close_expired(unit, RULES, now_utc())) == 0


def test_lease_of_another_node_is_out_of_reach(
    client: TestClient, add_node: Callable[..., Headers], add_keywords: Callable[..., list[int]]
) -> None:
    add_keywords()
    owner, thief = add_node("owner"), add_node("thief")
    (lease,) = _claim(client, owner)
    for word in ("complete", "extend", "return"):
        assert _say(client, thief, lease, word).status_code == 409  # type: ignore[attr-defined]
        assert _say(client, owner, {**lease, "epoch": 7}, word).status_code == 409  # type: ignore[attr-defined]
    assert _say(client, owner, lease, "complete").status_code == 200  # type: ignore[attr-defined]


def test_lease_extended_ends_later(client: TestClient, database: Database, node: Headers, add_keywords: Callable[..., list[int]]) -> None:
    (keyword_id,) = add_keywords()
    (lease,) = _claim(client, node)
    answer = _say(client, node, lease, "extend").json()  # type: ignore[attr-defined]
    assert answer["expires_at"] > str(lease["expires_at"])
    until = _read(database, keyword_id).available_at
    assert until is not None
    assert until.isoformat().replace("+00:00", "Z") == answer["expires_at"]


def test_node_that_drains_gets_nothing(
    client: TestClient, database: Database, node: Headers, add_keywords: Callable[..., list[int]]
) -> None:
    add_keywords()
    with database.write() as unit:
        unit.exec(update(Node).values(is_draining=True))
    assert _claim(client, node) == []


def test_last_words_return_every_lease(
    client: TestClient, database: Database, add_node: Callable[..., Headers], add_keywords: Callable[..., list[int]]
) -> None:
    add_keywords(4)
    dying, heir = add_node("dying"), add_node("heir")
    assert len(_claim(client, dying, 3)) == 3
    assert client.post("/api/v1/node/last-words", json={"reason": "spot_interrupted"}, headers=dying).json()["keywords_returned"] == 3
    taken = _claim(client, heir, 10)
    assert len(taken) == 4
    assert {lease["attempt"] for lease in taken} == {1}


def test_runs_are_searched_by_every_filter(
    client: TestClient, control: Control, viewer: Headers, node: Headers, add_keywords: Callable[..., list[int]]
) -> None:
    ids = add_keywords(5)
    taken = _claim(client, node, 5)
    _say(client, node, taken[0], "complete")
    _say(client, node, taken[1], "return", causes={"empty page": 1})

    def found(**filters: object) -> list[dict[str, object]]:
        answer = client.get("/api/v1/keyword/runs", headers=viewer, params=filters)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]  # type: ignore[no-any-return]

    assert [run["id"] for run in found()] == sorted((int(str(lease["lease_id"])) for lease in taken), reverse=True)
    assert len(found(state="running")) == 3
    assert {run["text"] for run in found(text="词3")} == {"词3"}
    assert len(found(text="词")) == 5
    assert len(found(text="词", state="partial")) == 1
    assert found(text="nothing") == []
    assert len(found(keyword_id=ids[0])) == 1
    assert found(platform="qcwy") == []
    first = client.get("/api/v1/keyword/runs", headers=viewer, params={"limit": 2}).json()
    rest = client.get("/api/v1/keyword/runs", headers=viewer, params={"limit": 9, "cursor": first["next"]}).json()
    assert len(rest["items"]) == 3
    assert client.get(f"/api/v1/keyword/runs/{taken[0]['lease_id']}", headers=viewer).json()["text"] == "词0"
    add_keywords(201, city_code="2")
    broad = client.get("/api/v1/keyword/runs", headers=viewer, params={"text": "词"})
    assert (broad.status_code, "More than 200" in broad.json()["detail"]) == (422, True)


@pytest.mark.parametrize(("old", "new"), [(None, 3600), (86400, 3600), (3600, 86400)])
def test_interval_changed_counts_from_the_last_end(
    client: TestClient,
    database: Database,
    node: Headers,
    operator: Headers,
    add_keywords: Callable[..., list[int]],
    old: int | None,
    new: int,
) -> None:
    (keyword_id,) = add_keywords(interval_seconds=old)
    _say(client, node, _claim(client, node)[0], "complete")
    client.patch(f"/api/v1/keyword/{keyword_id}", headers=operator, json={"interval_seconds": new})
    keyword = _read(database, keyword_id)
    assert keyword.last_ended_at is not None
    assert keyword.available_at == keyword.last_ended_at + timedelta(seconds=new)


def test_interval_taken_away_leaves_a_keyword_to_who_asks_and_what_is_due_due(
    client: TestClient, database: Database, node: Headers, operator: Headers, add_keywords: Callable[..., list[int]]
) -> None:
    done, due = add_keywords(2, interval_seconds=3600)
    _say(client, node, _claim(client, node)[0], "complete")
    plans = {"keywords": [{"text": f"词{n}", "platforms": ["boss"], "cities": ["1"]} for n in range(2)], "update": True}
    assert client.post("/api/v1/keyword/import", headers=operator, json=plans).json()["updated"] == 2
    assert _read(database, done).available_at is None
    assert [lease["keyword"]["keyword_id"] for lease in _claim(client, node, 2)] == [str(due)]  # type: ignore[index]
