"""Passes over keywords through the ingest door: read as they were sent, noted after the rows before them, and postings go by them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlmodel import select

from control_api import migrations
from control_api.db import open_database
from control_api.deps import Control
from control_api.ingest_passes import read_passes
from control_api.main import create_app
from control_api.models import IngestBatch, IpUpload, Node
from control_api.principal import Actor, Principal
from control_api.row_store import StoreOpeners
from control_api.services import credentials
from jobschema import Platform
from jobstore.clickhouse import ClickHouseStore
from jobstore.ingest import show_pass
from jobstore.lifecycle import Authority, KeywordPass, PassRecord

Headers = dict[str, str]
Settings = Callable[..., Any]
DOOR = "/api/v1/universal/data/batch-store-async"
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
CLI = Actor(Principal("cli", 0, "test", frozenset({"nodes:write"})))
ONE = KeywordPass(Platform.BOSS, "数据", "101", START, START + timedelta(minutes=5), 2, 1, claimed=2)
RECORD = PassRecord(ONE, {"j1": START, "j2": START})


def travel(record: PassRecord) -> dict[str, Any]:
    """As JSON on the other side."""
    return cast("dict[str, Any]", orjson.loads(orjson.dumps(show_pass(record))))


_moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # `timezones` says which
_ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=64)
_passes = st.builds(
    KeywordPass,
    platform=st.sampled_from(Platform),
    text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=255),
    city_code=st.text(st.characters(codec="utf-8"), min_size=1, max_size=32),
    started_at=_moments.map(lambda at: min(at, START)),
    ended_at=_moments.map(lambda at: max(at, START)),
    jobs=st.integers(0, 2**31 - 1),
    pages=st.integers(0, 2**31 - 1),
    causes=st.lists(st.text(st.characters(codec="utf-8"), max_size=100), max_size=3).map(tuple),
    is_truncated=st.booleans(),
    claimed=st.none() | st.integers(0, 2**31 - 1),
)
_records = st.builds(PassRecord, one=_passes, seen=st.dictionaries(_ids, _moments, max_size=3), gone=st.lists(_ids, max_size=3).map(tuple))


@given(_records)
def test_pass_is_read_as_it_was_sent(record: PassRecord) -> None:
    assert read_passes(record.one.platform, [travel(record)]) == ([record], [])


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"text": ""}, "text"),
        ({"text": "a" * 256}, "text"),
        ({"text": "\ud800"}, "text"),
        ({"text": 7}, "text"),
        ({"city_code": "a" * 33}, "city_code"),
        ({"started_at": "2026-03-01T08:00:00"}, "started_at"),
        ({"started_at": 1772352000}, "started_at"),
        ({"started_at": "2026-03-01T09:00:00Z"}, ""),  # after its end
        ({"ended_at": None}, "ended_at"),
        ({"jobs": -1}, "jobs"),
        ({"jobs": "2"}, "jobs"),
        ({"pages": 2**31}, "pages"),
        ({"is_truncated": 0}, "is_truncated"),
        ({"causes": "ip_banned"}, "causes"),
        ({"claimed": 1.5}, "claimed"),
        ({"seen": ["j1"]}, "seen"),
        ({"seen": {"j1": "yesterday"}}, "seen"),
        ({"seen": {"j" * 65: "2026-03-01T08:00:00Z"}}, "seen"),
        ({"gone": ["", "j2"]}, "gone"),
        ({"platform": "qcwy"}, ""),
        ({"evil": 1}, ""),
    ],
)
def test_pass_with_a_wrong_value_is_named_and_the_others_are_read(change: dict[str, Any], column: str) -> None:
    records, faults = read_passes(Platform.BOSS, [travel(RECORD) | change, travel(RECORD)])
    assert records == [RECORD]
    assert [(fault.row, fault.column) for fault in faults] == [(0, column)]
    assert not any(str(value) in faults[0].message for value in change.values() if len(str(value)) > 4)


@pytest.mark.parametrize("item", [None, 7, [], "pass", {}])
def test_what_is_no_pass_is_named(item: Any) -> None:
    records, (fault,) = read_passes(Platform.BOSS, [item])
    assert (records, fault.row) == ([], 0)


# -- through the door into a store of current rows ------------------------------------------------------------------------------


class Plane:
    """A control plane of its own, with current rows in SQLite, as one node sees it."""

    def __init__(self, client: TestClient, made: Any, wait_for: Callable[..., Any]) -> None:
        self.client, self.made, self.wait_for = client, made, wait_for
        self.control: Control = client.app.state.control  # type: ignore[attr-defined]
        with self.control.database.write() as unit:
            node = Node(name="node-1")
            unit.add(node)
            unit.flush()
            self.headers = {"token": credentials.issue(unit, CLI, node.id or 0, ["ingest"], timedelta(days=1))[1]}

    def send(self, items: list[Any], batch_id: str = "", **more: Any) -> dict[str, Any]:
        answer = self.client.post(DOOR, headers=self.headers, json=self.made.batch(items, batch_id, **more))
        assert answer.status_code == 202, answer.text
        return cast("dict[str, Any]", answer.json())

    def show(self, numbers: list[int], hour: int, *, gone: tuple[str, ...] = (), **change: Any) -> dict[str, Any]:
        """A run at that hour that shows these postings: its rows, then its pass."""
        at = START + timedelta(hours=hour)
        moment = (at + timedelta(minutes=1)).isoformat()
        rows = [self.made.job(number, crawled_at=moment) for number in numbers]
        self.send(rows, f"run-{hour}:api:0")
        one = replace(ONE, started_at=at, ended_at=at + timedelta(minutes=5), jobs=len(rows), claimed=None)
        seen = {f"j{number}": at + timedelta(minutes=1) for number in numbers}
        return self.send([travel(PassRecord(one, seen, gone)) | change], data_type="pass")

    def delisted(self) -> dict[str, Authority | None]:
        """Once everything that was taken is stored."""
        self.wait_for(lambda: not self.states() & {"waiting"})
        book = self.control.rows.book()
        assert book is not None
        states = {job_id: book.read_state(Platform.BOSS, job_id) for job_id in ("j1", "j2", "j3", "j4", "j5")}
        return {job_id: state.delisted_by for job_id, state in states.items() if state is not None and not state.is_listed}

    def states(self) -> set[str]:
        with self.control.database.read() as unit:
            return set(unit.exec(select(IngestBatch.state)).all())


@pytest.fixture
def start_plane(tmp_path: Path, make_control_settings: Settings, made: Any, wait_for: Any, new_list_store: Any) -> Iterator[Any]:
    open_clients: list[TestClient] = []

    def start(**more: Any) -> Plane:
        dsn = f"sqlite:///{tmp_path}/control.db"
        database = open_database(dsn, 1)
        migrations.upgrade(database.engine)
        database.close()
        given = {"mysql_dsn": SecretStr(f"sqlite:///{tmp_path}/jobs.db"), **more}
        app = create_app(
            make_control_settings(dsn, **given), StoreOpeners(clickhouse=lambda _dsn: cast("ClickHouseStore", new_list_store()))
        )
        open_clients.append(TestClient(app).__enter__())
        return Plane(open_clients[-1], made, wait_for)

    yield start
    for client in open_clients:
        client.__exit__(None, None, None)


def test_posting_missed_by_complete_passes_is_delisted_as_where_the_node_writes_itself(start_plane: Callable[..., Plane]) -> None:
    plane = start_plane()
    plane.show([1, 2, 3, 4, 5], 0)
    plane.show([1, 2, 3, 4], 1)
    plane.show([1, 2, 3, 4], 2, causes=["ip_banned"])
    plane.show([1, 2, 3, 4], 3, is_truncated=True)
    assert plane.delisted() == {}
    plane.show([1, 2, 3, 4], 4)
    assert plane.delisted() == {"j5": Authority.ABSENCE}


def test_platforms_word_delists_at_once(start_plane: Callable[..., Plane]) -> None:
    plane = start_plane()
    plane.show([1, 2, 3], 0, gone=("j3",))
    assert plane.delisted() == {"j3": Authority.PLATFORM}


def test_passes_needed_are_the_control_planes_choice(start_plane: Callable[..., Plane]) -> None:
    plane = start_plane(delist_after_passes=1)
    plane.show([1, 2, 3, 4, 5], 0)
    plane.show([1, 2, 3, 4], 1)
    assert plane.delisted() == {"j5": Authority.ABSENCE}


def test_pass_sent_twice_is_one_pass_and_counts_no_rows(start_plane: Callable[..., Plane]) -> None:
    plane = start_plane()
    plane.show([1, 2, 3, 4, 5], 0)
    first, again = plane.show([1, 2, 3, 4], 1), plane.show([1, 2, 3, 4], 1)
    assert (first["accepted"], first["is_repeated"]) == (1, False)
    assert (again["batch_id"], again["is_repeated"]) == (first["batch_id"], True)
    assert plane.delisted() == {}
    with plane.control.database.read() as unit:
        assert unit.exec(select(IpUpload.rows)).all() == [9]


def test_wrong_pass_is_named_and_the_good_one_of_its_batch_counts(start_plane: Callable[..., Plane]) -> None:
    plane = start_plane(delist_after_passes=1)
    plane.show([1, 2, 3, 4, 5], 0)
    at = START + timedelta(hours=1)
    good = replace(ONE, started_at=at, ended_at=at + timedelta(minutes=5), jobs=4, claimed=None)
    seen = {f"j{number}": at for number in range(1, 5)}
    told = plane.send([{"text": ""}, travel(PassRecord(good, seen))], data_type="pass")
    assert (told["accepted"], told["rejected"], told["faults"][0]["row"]) == (1, 1, 0)
    assert plane.delisted() == {"j5": Authority.ABSENCE}


def test_pass_where_no_current_rows_are_kept_is_taken_and_changes_nothing(client: TestClient, node: Headers, made: Any, store: Any) -> None:
    answer = client.post(DOOR, headers=node, json=made.batch([travel(RECORD)], "", data_type="pass"))
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert store.written == {}
