"""The outbox: every batch to every sink, refused rows aside, back-pressure at the bound, what is left goes first next time."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jobschema.rows import Row
from jobstore.deadletters import DeadLetters
from jobstore.errors import RowRefusedError, RowsRefusedError, StatementRefusedError, StoreBusyError, StoreError
from jobstore.outbox import Outbox, OutboxPolicy
from jobstore.retry import RetryPolicy
from jobstore.spool import Spool

PATIENCE = 30  # seconds that a test may wait for another thread before it fails; no test needs them
QUICK = RetryPolicy(first=0.001, longest=0.001)


class MemorySink:
    """Keeps a token once; refuses titles that say so; fails while it is `away`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stored: dict[str, tuple[Row, ...]] = {}
        self.order: list[str] = []
        self.away: StoreError | None = None
        self.tries = 0
        self.asked = threading.Event()

    def write_rows(self, rows, token):
        self.tries += 1
        self.asked.set()
        if self.away is not None:
            raise self.away
        for row in rows:
            if row.title == "poison":
                raise RowRefusedError("poison", row=row, column="title")
        self.stored.setdefault(token, rows)
        self.order.append(token)
        return {"rows": len(rows)}

    @property
    def ids(self) -> list[str]:
        return sorted(row.job_id for rows in self.stored.values() for row in rows)


class Listener:
    """Hears what the outbox tells."""

    def __init__(self) -> None:
        self.stored: list[int] = []
        self.failed: list[StoreError] = []
        self.heard = threading.Event()

    def fail(self, error: StoreError) -> None:
        self.failed.append(error)
        self.heard.set()


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def open_outbox(tmp_path: Path, listener: Listener) -> Callable[..., Outbox]:
    def open_(*sinks: MemorySink, **policy) -> Outbox:
        made = Outbox(
            tmp_path,
            sinks,
            policy=OutboxPolicy(**({"retry": QUICK} | policy)),
            on_stored=listener.stored.append,
            on_failed=listener.fail,
        )
        made.start()
        return made

    return open_


def test_batches_reach_every_sink_in_order_and_are_told_once_all_have_them(open_outbox, listener, make_job, tmp_path) -> None:
    one, two = MemorySink("one"), MemorySink("two")
    outbox = open_outbox(one, two)
    for number in range(5):
        outbox.write_rows((make_job(f"{number}a"), make_job(f"{number}b")), f"t:{number}")
    assert outbox.stop(PATIENCE) == 0
    assert one.order == two.order == [f"t:{number}" for number in range(5)]
    assert listener.stored[-1] == 10
    assert listener.stored == sorted(listener.stored)
    assert not list(tmp_path.glob("*.sqlite"))


def test_one_sink_away_is_waited_for_and_nothing_is_told_before(open_outbox, listener, make_job) -> None:
    one, two = MemorySink("one"), MemorySink("two")
    two.away = StoreBusyError("not now")
    outbox = open_outbox(one, two)
    outbox.write_rows((make_job(),), "t:0")
    assert two.asked.wait(PATIENCE)
    assert listener.stored == []
    two.away = None
    assert outbox.stop(PATIENCE) == 0
    assert (two.ids, listener.stored) == (["j1"], [1])


def test_left_batches_go_first_at_the_next_start_to_the_sink_that_lacks_them(open_outbox, make_job) -> None:
    one, two = MemorySink("one"), MemorySink("two")
    two.away = StoreBusyError("not now")
    first = open_outbox(one, two)
    first.write_rows((make_job("old"),), "t:0")
    assert two.asked.wait(PATIENCE)
    assert first.stop(0.01) == 1
    two.away = None
    tries = one.tries
    second = open_outbox(one, two)
    second.write_rows((make_job("new"),), "u:0")
    assert second.stop(PATIENCE) == 0
    assert two.order == ["t:0", "u:0"]
    assert one.tries == tries + 1  # it had the old batch
    assert second.stats()["spool"]["replayed"] == 1


@pytest.mark.parametrize("poisoned", [1, 3, 40])
def test_refused_rows_go_to_the_dead_letters_and_the_rest_goes_in(open_outbox, listener, make_job, tmp_path, poisoned) -> None:
    sink = MemorySink("one")
    outbox = open_outbox(sink)
    rows = tuple(
        make_job(f"{n:03}", title="poison" if n % (100 // poisoned) == 0 and n < 100 // poisoned * poisoned else "t") for n in range(100)
    )
    bad = sorted(row.job_id for row in rows if row.title == "poison")
    outbox.write_rows(rows, "t:0")
    assert outbox.stop(PATIENCE) == 0
    assert sink.ids == sorted({row.job_id for row in rows} - set(bad))
    letters = DeadLetters(tmp_path).read()
    assert sorted(letter.to_row().job_id for letter in letters) == bad
    assert {(letter.sink, letter.column) for letter in letters} == {("one", "title")}
    assert listener.stored == [100]


def test_rows_refused_by_a_sink_that_took_the_others_are_dead_letters(open_outbox, make_job, tmp_path) -> None:
    class Door(MemorySink):
        def write_rows(self, rows, token):
            self.stored[token] = rows
            raise RowsRefusedError("one of them", [(1, "title", "no title")])

    outbox = open_outbox(Door("door"))
    outbox.write_rows((make_job("a"), make_job("b")), "t:0")
    assert outbox.stop(PATIENCE) == 0
    (letter,) = DeadLetters(tmp_path).read()
    assert (letter.key, letter.reason, letter.row["job_id"]) == ("t:0:1:door", "no title", "b")


def test_sink_that_fails_for_good_is_told_and_its_batches_stay(open_outbox, listener, make_job) -> None:
    one, two = MemorySink("one"), MemorySink("two")
    two.away = StatementRefusedError("no such table")
    outbox = open_outbox(one, two)
    outbox.write_rows((make_job(),), "t:0")
    assert listener.heard.wait(PATIENCE)
    assert outbox.stop(PATIENCE) == 1
    assert (one.ids, len(listener.failed), listener.stored) == (["j1"], 1, [])


def test_full_spool_makes_the_writer_wait_until_there_is_room(open_outbox, make_job) -> None:
    sink = MemorySink("one")
    sink.away = StoreBusyError("not now")
    outbox = open_outbox(sink, max_bytes=1)
    outbox.write_rows((make_job("0"),), "t:0")
    written = threading.Event()

    def write() -> None:
        outbox.write_rows((make_job("1"),), "t:1")
        written.set()

    threading.Thread(target=write, daemon=True).start()
    assert not written.wait(0.05)
    sink.away = None
    assert written.wait(PATIENCE)
    assert outbox.stop(PATIENCE) == 0
    assert sink.ids == ["0", "1"]


def test_full_spool_at_the_end_takes_what_is_left_beyond_its_bound(open_outbox, make_job, tmp_path) -> None:
    sink = MemorySink("one")
    sink.away = StoreBusyError("not now")
    outbox = open_outbox(sink, max_bytes=1)
    outbox.write_rows((make_job("0"),), "t:0")
    outbox.hurry()
    outbox.write_rows((make_job("1"),), "t:1")
    assert sink.asked.wait(PATIENCE)
    assert outbox.stop(0.01) == 2
    (spool,) = Spool.adopt(tmp_path)
    assert spool.count_due() == {"one": 2}
    spool.close()


def test_damaged_batch_is_a_dead_letter_and_the_next_one_goes_in(open_outbox, make_job, tmp_path) -> None:
    left = Spool.create(tmp_path)
    left.put("old:0", b"no rows", ["one"])
    left.close()
    sink = MemorySink("one")
    outbox = open_outbox(sink)
    outbox.write_rows((make_job(),), "t:0")
    assert outbox.stop(PATIENCE) == 0
    assert sink.ids == ["j1"]
    (letter,) = DeadLetters(tmp_path).read()
    assert (letter.kind, letter.to_row()) == ("bytes", None)


def test_batches_for_a_sink_that_is_not_configured_stay(open_outbox, make_job, tmp_path, caplog) -> None:
    left = Spool.create(tmp_path)
    left.put("old:0", b"rows", ["gone"])
    left.close()
    outbox = open_outbox(MemorySink("one"))
    outbox.stop(PATIENCE)
    assert "gone, which is not configured now" in caplog.text
    (spool,) = Spool.adopt(tmp_path)
    assert spool.count_due() == {"gone": 1}
    spool.close()
