"""The spool: on the disk when put returns, gone when the last sink has it, adopted when its owner is dead, damage noticed."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from jobschema import Platform
from jobstore.errors import SpoolUnusableError
from jobstore.spool import Spool
from jobstore.spool_rows import pack_rows, unpack_rows

OWNER = """
import os, signal, sys
from pathlib import Path
from jobstore.spool import Spool
spool = Spool.create(Path(sys.argv[1]))
spool.put("t:0", b"zero", ["a", "b"])
spool.put("t:1", b"one", ["a"])
spool.mark(1, "a")
if len(sys.argv) > 2:
    os.kill(os.getpid(), signal.SIGKILL)
print("up", flush=True)
sys.stdin.read()
"""


def test_put_batch_is_due_to_every_sink_until_each_is_marked(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path)
    first = spool.put("t:0", b"zero", ["a", "b"])
    spool.put("t:1", b"one", ["a", "b"])
    assert spool.size == 7
    assert (spool.next_due("a").token, spool.next_due("b").body) == ("t:0", b"zero")
    assert not spool.mark(first, "a")
    assert (spool.next_due("a").token, spool.next_due("b").token) == ("t:1", "t:0")
    assert spool.mark(first, "b")
    assert (spool.size, spool.count_due()) == (3, {"a": 1, "b": 1})
    spool.close()


def test_close_of_an_empty_spool_leaves_nothing_behind(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path)
    number = spool.put("t:0", b"zero", ["a"])
    spool.mark(number, "a")
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_adopt_takes_the_file_of_a_killed_owner_with_its_marks(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", OWNER, str(tmp_path), "die"], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == -signal.SIGKILL
    (spool,) = Spool.adopt(tmp_path)
    assert (spool.next_due("a").token, spool.next_due("b").token) == ("t:1", "t:0")
    assert Spool.adopt(tmp_path) == []  # it has an owner again
    spool.close()


def test_adopt_leaves_the_file_of_a_living_owner_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ) as owner:
        assert owner.stdout.readline() == b"up\n"
        assert Spool.adopt(tmp_path) == []
        owner.stdin.close()
        owner.wait()
    (found,) = Spool.adopt(tmp_path)
    found.close()


def test_damaged_body_is_told_apart_from_a_sound_one(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path)
    spool.put("t:0", b"zero", ["a"])
    assert spool.next_due("a").is_sound
    with sqlite3.connect(spool.path) as other:
        other.execute("UPDATE batch SET body = x'00'")
    other.close()
    assert not spool.next_due("a").is_sound
    spool.close()


def test_full_disk_is_a_clear_error_and_keeps_what_was_written(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path)
    spool.put("t:0", b"zero", ["a"])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(SpoolUnusableError, match=r"Free the disk.*spool-unusable"):
            spool.put("t:1", os.urandom(2_000_000), ["a"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (spool.next_due("a").token, spool.size) == ("t:0", 4)
    spool.put("t:2", b"two", ["a"])  # room again: it goes on
    spool.close()


def test_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolUnusableError, match="cannot be made or written"):
        Spool.create(tmp_path / "file" / "spool")


def test_pack_rows_any_row_comes_back_as_it_was(make_job, make_company, make_pending) -> None:
    rows = (
        make_job(published_at=None, skills=["a", "b"], education=None),
        make_company(introduction="x"),
        make_pending(),
        make_job("emoji", title="😀\x00'; DROP TABLE boss_job; --", description="长" * 1_000_000),
        make_job("half", title="cut \ud83d"),
        make_job("wrong", month_low="much", salary_months=2**70),
        make_job("cut raw", raw='{"title": "\ud83d"}'),
        make_job("no raw", raw=None),
        make_job("raw not written", raw={"title": 7}),
    )
    found = unpack_rows(pack_rows(rows))
    assert found == rows
    assert [type(row) for row in found] == [type(row) for row in rows]
    assert type(found[0].platform) is Platform
    assert found[0].crawled_at.tzinfo is not None


@pytest.mark.parametrize("body", [b"", b"no zstd", pack_rows(())[:-3]])
def test_unpack_rows_other_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="hold no rows"):
        unpack_rows(body)
