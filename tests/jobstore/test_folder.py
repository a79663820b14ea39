"""One process owns a chDB folder, and shares it between its spiders."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobstore import ClickHouseStore
from jobstore.errors import (
    FolderInUseError,
    FolderUnusableError,
    OtherFolderOpenError,
    SchemaMismatchError,
    StoreClosedError,
)
from jobstore.queries import job_counts
from jobstore.tables import build_schema

OPEN = """
import sys
from jobstore import ClickHouseStore
store = ClickHouseStore.open(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""
OPEN_ENGINE = """
import sys, chdb
connection = chdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start_owner():
    """Starts another process that holds a folder until the test is over."""
    started = []

    def start(code: str, argument: str) -> subprocess.Popen:
        owner = subprocess.Popen([sys.executable, "-c", code, argument], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(owner)
        assert owner.stdout.readline() == b"open\n"
        return owner

    yield start
    for owner in started:
        owner.send_signal(signal.SIGKILL)
        owner.communicate()


def test_open_folder_of_another_process_names_folder_and_process(chdb_dsn: str, start_owner) -> None:
    owner = start_owner(OPEN, chdb_dsn)
    with pytest.raises(FolderInUseError) as caught:
        ClickHouseStore.open(chdb_dsn)
    assert caught.value.pid == owner.pid
    for said in (chdb_dsn.removeprefix("chdb://"), f"process {owner.pid}", "one process per folder", "CLICKHOUSE_DSN"):
        assert said in str(caught.value)


def test_open_folder_of_a_process_that_is_not_ours_is_refused_too(chdb_dsn: str, start_owner) -> None:
    start_owner(OPEN_ENGINE, chdb_dsn.removeprefix("chdb://"))
    with pytest.raises(FolderInUseError, match="another process") as caught:
        ClickHouseStore.open(chdb_dsn)
    assert caught.value.pid is None


def test_open_folder_whose_owner_was_killed_works(chdb_dsn: str, start_owner) -> None:
    owner = start_owner(OPEN, chdb_dsn)
    owner.kill()
    owner.wait()
    ClickHouseStore.open(chdb_dsn).close()


def test_open_same_folder_twice_shares_the_store_until_the_last_close(chdb_dsn: str, make_job) -> None:
    first, second = ClickHouseStore.open(chdb_dsn), ClickHouseStore.open(chdb_dsn + "/")
    assert first is second
    first.ensure_schema()
    first.close()
    second.write_rows([make_job()], "t1")
    second.close()
    with pytest.raises(StoreClosedError):
        second.read("SELECT 1")
    again = ClickHouseStore.open(chdb_dsn)
    assert job_counts(again) == {"boss": 1, "qcwy": 0, "zhilian": 0}
    again.close()


def test_open_another_folder_meanwhile_is_refused_and_possible_after_close(chdb_dsn: str, tmp_path: Path) -> None:
    first = ClickHouseStore.open(chdb_dsn)
    with pytest.raises(OtherFolderOpenError, match="one folder per process"):
        ClickHouseStore.open(f"chdb://{tmp_path}/other")
    first.close()
    ClickHouseStore.open(f"chdb://{tmp_path}/other").close()


def test_open_same_folder_with_another_schema_is_refused(chdb_dsn: str) -> None:
    first = ClickHouseStore.open(chdb_dsn)
    with pytest.raises(SchemaMismatchError):
        ClickHouseStore.open(chdb_dsn, schema=build_schema())
    first.close()


def test_open_folder_that_is_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderUnusableError, match="cannot be used"):
        ClickHouseStore.open(f"chdb://{tmp_path}/file")


def test_write_rows_before_the_schema_or_after_close_is_refused(chdb_dsn: str, make_job) -> None:
    store = ClickHouseStore.open(chdb_dsn)
    with pytest.raises(StoreClosedError, match="ensure_schema"):
        store.write_rows([make_job()], "t1")
    store.ensure_schema()
    store.close()
    store.close()
    with pytest.raises(StoreClosedError):
        store.write_rows([make_job()], "t1")


FORK = """
import os, sys
from jobstore import ClickHouseStore
from jobstore.errors import StoreForkedError

store = ClickHouseStore.open(sys.argv[1])
child = os.fork()
if child == 0:
    for action in (lambda: store.read("SELECT 1"), lambda: ClickHouseStore.open(sys.argv[1])):
        try:
            action()
        except StoreForkedError as error:
            print(error, flush=True)
    store.close()
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), os.getpid(), flush=True)
print(store.read("SELECT 1 AS one"))
store.close()
"""


def test_use_in_a_forked_child_is_refused_instead_of_hanging(chdb_dsn: str) -> None:
    done = subprocess.run([sys.executable, "-c", FORK, chdb_dsn], capture_output=True, text=True, timeout=60, check=True)
    first, second, status, answer = done.stdout.splitlines()
    code, parent = status.split()
    assert code == "7"
    assert parent in first
    assert parent in second
    assert answer == "[{'one': 1}]"
