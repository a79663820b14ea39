import asyncio
import re
import shutil
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from clickhouse_connect.driver._backend.chdb_backend import ChdbBackend
from clickhouse_connect.driver.exceptions import DatabaseError

from jobschema import Education, Employment, Period, Platform
from jobstore import Batcher, ClickHouseStore
from jobstore.batch import RowBatch
from jobstore.errors import RowRefusedError, SchemaMismatchError, StoreBusyError, StoreClosedError
from jobstore.queries import table_counts

CHINA = timezone(timedelta(hours=8))


class HeldStatements:
    """The first `most` statements that begin with `start` wait in the engine until they may go on; then they fail, if they are to."""

    def __init__(self) -> None:
        self.start, self.most = "INSERT INTO `boss_job`", 1
        self.begun, self.go_on = threading.Semaphore(0), threading.Event()
        self.fault: Exception | None = None


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> HeldStatements:
    held = HeldStatements()
    run, counting = ChdbBackend._query_locked, threading.Lock()

    def hold(backend: ChdbBackend, sql: str, *arguments: object) -> object:
        with counting:
            is_held = sql.startswith(held.start) and held.most > 0
            held.most -= is_held
        if is_held:
            held.begun.release()
            assert held.go_on.wait(60)
            if held.fault is not None:
                raise held.fault
        return run(backend, sql, *arguments)

    monkeypatch.setattr(ChdbBackend, "_query_locked", hold)
    return held


def rows_of(store: ClickHouseStore, table: str, order: str = "1") -> list[dict]:
    return store.read(f"SELECT * FROM {table} ORDER BY {order}")


def test_write_rows_every_column_comes_back_as_it_went_in(store, make_job, make_company, make_pending) -> None:
    job = make_job(
        "中文'\\\0😀",
        longitude=116.48,
        salary_low=-0.5,
        salary_period=Period.DAY,
        salary_months=14,
        negotiable=True,
        education=Education.DOCTOR,
        employment=Employment.INTERN,
        skills=["C++", "", "线程\0安全"],
        welfare=[],
        description="第一行\r\n\t第二行",
        recruits=3,
        published_at=datetime(2026, 2, 3, 23, 59, 59, 123_456, tzinfo=CHINA),
        keyword="后端",
        raw='{"a": "\\ud83d"}',
    )
    company = make_company(size_low=20, founded_on=date(1893, 5, 1), registered_capital=1e9, capital_currency="CNY", introduction="")
    store.write_rows([job, company, make_pending(name="某公司", job_id="j1")], "t1")
    for row, table in ((job, "boss_job"), (company, "boss_company"), (make_pending(name="某公司", job_id="j1"), "pending_company")):
        assert rows_of(store, table) == [{one.name: getattr(row, one.name) for one in fields(row)}]
    assert rows_of(store, "boss_job")[0]["published_at"].tzinfo is not None


def test_read_times_are_utc_whatever_zone_they_had(store, make_job) -> None:
    store.write_rows([make_job(published_at=datetime(2026, 1, 1, 7, 30, tzinfo=CHINA))], "t1")
    found = store.read("SELECT published_at, toString(published_at) AS shown FROM boss_job")
    assert found == [{"published_at": datetime(2025, 12, 31, 23, 30, tzinfo=UTC), "shown": "2025-12-31 23:30:00.000000"}]


@pytest.mark.parametrize(
    "text", ["a\0b", "😀👩‍💻", "'; DROP TABLE boss_job; --", "{x:String} %(a)s %s \\N \\", "", "\t\n\r", "x" * 5_000_000, "中" * 1_700_000]
)
def test_write_rows_any_text_is_stored_verbatim(store, make_job, text: str) -> None:
    job = make_job(f"id{text[:30]}", title=text, city=text[:60], description=text, skills=[text[:60]], keyword=text[:60])
    for token in ("t1", "t2"):
        store.write_rows([job, make_job("other")], token)
    found = store.read("SELECT job_id, title, city, description, skills, keyword FROM boss_job WHERE job_id != 'other'")
    assert found == [{name: getattr(job, name) for name in found[0]}]
    assert table_counts(store)["boss_job"] == 2


def test_write_rows_half_pair_is_replaced_and_known_again(store, make_job) -> None:
    job = make_job("j\ud83d", title="a\ud83db", content_hash="1" * 32, keyword="k\ud83d")
    counts = [store.write_rows([job], token) for token in ("t1", "t2")]
    assert [count["versions"] for count in counts] == [1, 0]
    assert store.read("SELECT job_id, title, keyword FROM boss_job") == [{"job_id": "j\ufffd", "title": "a\ufffdb", "keyword": "k\ufffd"}]


def test_write_rows_unchanged_posting_adds_a_sighting_and_no_version(store, make_job) -> None:
    first = store.write_rows([make_job("j1"), make_job("j2")], "t1")
    again = store.write_rows([make_job("j1", day=1), make_job("j2", day=1, title="changed")], "t2")
    assert first == {"rows": 2, "versions": 2, "unchanged": 0, "sightings": 2, "pending": 0}
    assert again == {"rows": 2, "versions": 1, "unchanged": 1, "sightings": 2, "pending": 0}
    assert table_counts(store)["boss_job"] == 3
    seen = store.read(
        "SELECT job_id, min(first_seen) AS first, max(last_seen) AS last, sum(times) AS times "
        "FROM job_sighting GROUP BY job_id ORDER BY job_id"
    )
    first_day, second_day = make_job().crawled_at, make_job(day=1).crawled_at
    assert seen == [{"job_id": name, "first": first_day, "last": second_day, "times": 2} for name in ("j1", "j2")]


def test_write_rows_unchanged_posting_is_recognised_without_being_remembered(store, make_job) -> None:
    assert store.write_rows([make_job("j1"), make_job("j2")], "t1")["versions"] == 2
    store.forget_known()
    assert store.write_rows([make_job("j1"), make_job("j2"), make_job("j3")], "t2")["versions"] == 1


def test_unchanged_posting_that_cannot_be_counted_as_seen_is_refused_and_nothing_is_stored(store, make_job) -> None:
    store.write_rows([make_job("j1")], "t1")
    before = table_counts(store)
    spoiled = make_job("j1", crawled_at=datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is wrong with it
    with pytest.raises(RowRefusedError, match="time zone") as caught:
        store.write_rows([make_job("j2"), spoiled], "t2")
    assert caught.value.row is spoiled
    assert table_counts(store) == before


def test_write_rows_of_a_batch_read_by_column_stores_what_plain_rows_store(store, make_job, make_company) -> None:
    rows = [make_job("j1", raw='{"名":1}'), make_company(), make_job("j1"), make_job("j2", raw='{"名":2}')]
    counts = store.write_rows(RowBatch(rows), "t1")
    assert (counts["versions"], counts["unchanged"]) == (3, 1)
    again = store.write_rows(RowBatch([*rows, make_job("j3", raw='{"名":3}')]), "t2")
    assert (again["versions"], again["unchanged"]) == (1, 4)
    found = {row["job_id"]: row["raw"] for row in store.read("SELECT job_id, raw FROM boss_job")}
    assert found == {"j1": '{"名":1}', "j2": '{"名":2}', "j3": '{"名":3}'}


def test_folder_opened_again_knows_what_it_holds(chdb_dsn: str, make_job) -> None:
    for token, versions in (("t1", 2), ("t2", 0)):
        store = ClickHouseStore.open(chdb_dsn)
        store.ensure_schema()
        assert store.write_rows([make_job("j1"), make_job("j2")], token)["versions"] == versions
        store.close()


def test_folder_opened_again_knows_more_than_it_remembers(chdb_dsn: str, make_job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobstore.clickhouse.KNOWN_VERSIONS", 10)
    jobs = [make_job(f"j{number}") for number in range(60)]
    stored = []
    for token, some in (("t1", jobs[:25]), ("t2", jobs[:50]), ("t3", jobs)):
        store = ClickHouseStore.open(chdb_dsn)
        store.ensure_schema()
        stored += [store.write_rows(rows, token + half)["versions"] for half, rows in (("a", some[:20]), ("b", some[20:]))]
        store.close()
    assert stored == [20, 5, 0, 25, 0, 10]


def test_insert_that_fails_leaves_nothing_known(chdb_dsn: str, make_job, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ClickHouseStore.open(chdb_dsn)
    store.ensure_schema()
    with monkeypatch.context() as patch:
        patch.setattr("tempfile.tempdir", "/nowhere")  # where the engine's driver puts what it inserts
        with pytest.raises(StoreBusyError):
            store.write_rows([make_job()], "t1")
    assert [store.write_rows([make_job()], token)["versions"] for token in ("t1", "t2")] == [1, 0]
    store.close()


def test_batches_with_a_version_in_common_written_at_once_store_it_once(chdb_dsn: str, make_job, held) -> None:
    store = ClickHouseStore.open(chdb_dsn)
    store.ensure_schema()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(store.write_rows, [make_job("j1"), make_job("j2")], "t1")
        assert held.begun.acquire(timeout=30)
        second = pool.submit(store.write_rows, [make_job("j2"), make_job("j3")], "t2")
        third = pool.submit(store.write_rows, [make_job("j4")], "t3")
        assert third.result(30)["versions"] == 1  # while the first is still being written
        assert not second.done()
        held.go_on.set()
        assert (first.result(30)["versions"], second.result(30)["versions"]) == (2, 1)
    assert table_counts(store)["boss_job"] == 4
    store.close()


def test_batch_that_waited_for_one_that_failed_stores_what_they_had_in_common(chdb_dsn: str, make_job, held) -> None:
    store = ClickHouseStore.open(chdb_dsn)
    store.ensure_schema()
    held.fault = DatabaseError("Code: 241. DB::Exception: no memory", code=241)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(store.write_rows, [make_job("j1")], "t1")
        assert held.begun.acquire(timeout=30)
        second = pool.submit(store.write_rows, [make_job("j1")], "t2")
        held.go_on.set()
        assert second.result(30)["versions"] == 1
        with pytest.raises(StoreBusyError):
            first.result(30)
    store.close()


def test_read_does_not_wait_for_an_insert(chdb_dsn: str, make_job, held) -> None:
    store = ClickHouseStore.open(chdb_dsn)
    store.ensure_schema()
    with ThreadPoolExecutor(2) as pool:
        write = pool.submit(store.write_rows, [make_job("j1")], "t1")
        assert held.begun.acquire(timeout=30)
        try:
            assert pool.submit(store.read, "SELECT count() AS jobs FROM boss_job").result(30) == [{"jobs": 0}]
        finally:
            held.go_on.set()
        assert write.result(30)["versions"] == 1
    store.close()


def test_write_does_not_wait_for_readers_however_many_there_are(chdb_dsn: str, make_job, held) -> None:
    store = ClickHouseStore.open(chdb_dsn)
    store.ensure_schema()
    held.start, held.most = "SELECT 'slow'", 100
    with ThreadPoolExecutor(8) as pool:
        reads = [pool.submit(store.read, "SELECT 'slow' AS answer") for _ in range(6)]
        assert held.begun.acquire(timeout=30)
        try:
            assert pool.submit(store.write_rows, [make_job("j1")], "t1").result(30)["versions"] == 1
        finally:
            held.go_on.set()
        assert [read.result(30) for read in reads] == [[{"answer": "slow"}]] * 6
    store.close()


def test_reader_of_a_store_that_closes_is_told_so_and_the_folder_is_free(chdb_dsn: str, held) -> None:
    store = ClickHouseStore.open(chdb_dsn)
    held.start, held.most = "SELECT 'slow'", 100
    with ThreadPoolExecutor(8) as pool:
        reads = [pool.submit(store.read, "SELECT 'slow' AS answer") for _ in range(5)]
        assert held.begun.acquire(timeout=30)
        closing = pool.submit(store.close)
        held.go_on.set()
        closing.result(30)
    told = [type(read.exception(30)) for read in reads]
    assert set(told) <= {type(None), StoreClosedError}
    with ThreadPoolExecutor(1) as pool:
        assert type(pool.submit(store.read, "SELECT 1").exception(30)) is StoreClosedError
    ClickHouseStore.open(chdb_dsn + "-other").close()


def test_fault_in_making_another_client_passes_and_loses_nothing(chdb_dsn: str, make_job, held, monkeypatch) -> None:
    store = ClickHouseStore.open(chdb_dsn)
    store.ensure_schema()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(store.write_rows, [make_job("j1")], "t1")
        assert held.begun.acquire(timeout=30)
        with monkeypatch.context() as patch:
            patch.setattr("chdb.connect", _fail_to_connect)
            with pytest.raises(StoreBusyError, match="another client"):
                store.write_rows([make_job("j2")], "t2")
        assert store.write_rows([make_job("j2")], "t2")["versions"] == 1
        held.go_on.set()
        assert first.result(30)["versions"] == 1
    assert table_counts(store)["boss_job"] == 2
    store.close()


def _fail_to_connect(*_arguments: object) -> None:
    raise RuntimeError("Code: 439. DB::Exception: Cannot schedule a task: cannot allocate thread")


def test_rows_whose_token_outlived_them_are_stored_once(chdb_dsn: str, make_job, make_pending, caplog) -> None:
    # What a SIGKILL leaves behind when it hits the engine between its note of the token and the commit of the part.
    rows, tables = [make_job("j1"), make_job("j2"), make_pending()], ("boss_job", "job_sighting", "pending_company")
    store = ClickHouseStore.open(chdb_dsn)
    store.ensure_schema()
    store.write_rows(rows, "t1")
    folders = [row["data_paths"][0] for row in store.read(f"SELECT data_paths FROM system.tables WHERE name IN {tables}")]
    store.close()
    for part in (part for folder in folders for part in Path(folder).glob("all_*")):
        shutil.rmtree(part)
    for token in ("t1", "t1"):
        store = ClickHouseStore.open(chdb_dsn)
        store.ensure_schema()
        store.write_rows(rows, token)
        assert {name: count for name, count in table_counts(store).items() if count} == dict(zip(tables, (2, 2, 1), strict=True))
        assert store.read("SELECT sum(times) AS times FROM job_sighting") == [{"times": 2}]
        store.close()
    assert [record.args[0] for record in caplog.records if "lacks its rows" in record.msg] == list(tables)


def test_pending_company_seen_before_whose_token_outlived_it_is_noted_as_seen_again(chdb_dsn: str, make_pending) -> None:
    for day, token in ((0, "t0"), (1, "t1"), (1, "t1")):
        store = ClickHouseStore.open(chdb_dsn)
        store.ensure_schema()
        store.write_rows([make_pending(day=day)], token)
        [seen] = store.read("SELECT max(seen_at) AS at FROM pending_company")
        [table] = store.read("SELECT data_paths FROM system.tables WHERE name = 'pending_company'")
        store.close()
        assert seen == {"at": make_pending(day=day).seen_at}
        for part in Path(table["data_paths"][0]).glob("all_2_2_*"):
            shutil.rmtree(part)


def test_forget_known_after_rows_were_deleted_stores_them_again(store, make_job) -> None:
    store.write_rows([make_job()], "t1")
    store.read("TRUNCATE TABLE boss_job")
    assert store.write_rows([make_job()], "t2")["versions"] == 0
    store.forget_known()
    assert store.write_rows([make_job()], "t3")["versions"] == 1


def test_write_rows_duplicates_within_a_batch_collapse(store, make_job, make_company, make_pending) -> None:
    rows = [
        make_job(day=1),
        make_job(),
        make_job(day=2),
        make_company(),
        make_company(),
        make_pending(day=1, name="new"),
        make_pending(name="old"),
    ]
    assert store.write_rows(rows, "t1") == {"rows": 7, "versions": 2, "unchanged": 3, "sightings": 2, "pending": 1}
    counts = table_counts(store)
    assert (counts["boss_job"], counts["boss_company"], counts["pending_company"]) == (1, 1, 1)
    assert store.read("SELECT first_seen, last_seen, times FROM job_sighting") == [
        {"first_seen": make_job().crawled_at, "last_seen": make_job(day=2).crawled_at, "times": 3}
    ]
    assert [row["name"] for row in rows_of(store, "pending_company")] == ["new"]


def test_write_rows_sightings_are_counted_by_keyword(store, make_job) -> None:
    store.write_rows([make_job(keyword="python"), make_job(keyword="后端"), make_job(keyword="python")], "t1")
    assert {row["keyword"]: row["times"] for row in rows_of(store, "job_sighting")} == {"python": 2, "后端": 1}


def test_write_rows_same_token_again_changes_nothing(store, make_job, make_company, make_pending) -> None:
    rows = [make_job("j1"), make_job("j2", platform=Platform.QCWY), make_company(), make_pending("c2")]
    store.write_rows(rows, "t1")
    before = {name: rows_of(store, name) for name in table_counts(store)}
    for _ in range(3):
        store.write_rows(rows, "t1")
    assert {name: rows_of(store, name) for name in table_counts(store)} == before


def test_write_rows_every_platform_goes_to_its_own_tables(store, make_job, make_company) -> None:
    store.write_rows([make(platform=platform) for platform in Platform for make in (make_job, make_company)], "t1")
    counts = table_counts(store)
    assert {name: count for name, count in counts.items() if "_sighting" not in name} == {
        **{f"{platform}_{noun}": 1 for platform in Platform for noun in ("job", "company")},
        "pending_company": 0,
    }


def test_write_rows_refused_row_leaves_nothing_of_its_batch(store, make_job, make_company) -> None:
    bad = replace(make_job("j2"), title=None)
    with pytest.raises(RowRefusedError) as caught:
        store.write_rows([make_job("j1", platform=Platform.QCWY), make_company(), bad], "t1")
    assert caught.value.row is bad
    assert set(table_counts(store).values()) == {0}
    store.write_rows([make_job("j1", platform=Platform.QCWY), make_company()], "t1")
    assert Counter(table_counts(store).values()) == {0: 5, 1: 4}


@pytest.mark.parametrize("seen_at", [None, datetime(2026, 3, 1)])  # noqa: DTZ001 - the subject
def test_write_rows_refused_pending_company_leaves_nothing_of_its_batch(store, make_job, make_pending, seen_at) -> None:
    with pytest.raises(RowRefusedError, match="seen_at"):
        store.write_rows([make_job(), make_pending("c1"), make_pending("c2", seen_at=seen_at)], "t1")
    assert set(table_counts(store).values()) == {0}


def test_write_rows_unknown_class_or_platform_is_refused(store, make_job) -> None:
    with pytest.raises(SchemaMismatchError, match="lagou"):
        store.write_rows([make_job(platform="lagou")], "t1")


def test_education_compares_in_the_order_of_the_contract(store, make_job) -> None:
    store.write_rows([make_job(str(one), education=one) for one in Education] + [make_job("none")], "t1")
    found = store.read("SELECT job_id FROM job_analytics WHERE education >= 'bachelor' ORDER BY education")
    assert [row["job_id"] for row in found] == ["bachelor", "master", "doctor"]


def test_batchers_of_three_spiders_share_one_store(store, make_job) -> None:
    async def crawl(platform: Platform) -> None:
        batcher = Batcher(store, run_id="run", max_rows=20)
        for n in range(250):
            await batcher.add(make_job(f"{platform}{n % 200}", platform=platform))
        await batcher.close()

    async def run() -> None:
        await asyncio.gather(*(crawl(platform) for platform in Platform))

    asyncio.run(run())
    counts = table_counts(store)
    assert [counts[f"{platform}_job"] for platform in Platform] == [200, 200, 200]
    assert store.read("SELECT sum(times) AS times FROM job_sighting") == [{"times": 750}]


def test_inserts_wait_for_the_engine_and_carry_tokens(store, make_job) -> None:
    store.write_rows([make_job()], "t1")
    engines = store.read("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'")
    assert len(engines) == 10
    assert all(re.search(r"deduplication_window = [1-9]", row["engine_full"]) for row in engines)


def test_pending_company_open_shows_only_companies_not_stored(store, make_company, make_pending) -> None:
    store.write_rows([make_pending("c1"), make_pending("c2", name="old"), make_pending("c1", platform=Platform.QCWY)], "t1")
    store.write_rows([make_pending("c2", day=1, name="new"), make_company("c1")], "t2")
    found = store.read("SELECT platform, company_id, name FROM pending_company_open ORDER BY platform")
    assert found == [{"platform": "boss", "company_id": "c2", "name": "new"}, {"platform": "qcwy", "company_id": "c1", "name": ""}]
