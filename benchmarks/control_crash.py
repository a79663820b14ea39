"""kill -9 of the control plane while batches come in: every batch that it answered 202 is stored once.

python -m benchmarks.control_crash [kills]
"""

from __future__ import annotations

import csv
import io
import random
import sqlite3
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.control_server import ControlServer

DOOR = "/api/v1/universal/data/batch-store-async"
ROWS = 20
SENDERS = 6


@dataclass
class Ledger:
    """What was answered: batch number -> it was taken (202)."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    taken: set[int] = field(default_factory=set)
    unsure: set[int] = field(default_factory=set)  # no answer came: such a batch is sent again
    next_number: int = 0

    def choose(self, chance: random.Random) -> int:
        """A batch to send: a new one, or again one that had no answer, or one that had."""
        with self.lock:
            if self.unsure and chance.random() < 0.5:
                return chance.choice(sorted(self.unsure))
            if self.taken and chance.random() < 0.1:
                return chance.choice(sorted(self.taken))
            self.next_number += 1
            return self.next_number

    def note(self, number: int, status: int) -> None:
        """An answer, or its absence."""
        with self.lock:
            if status == 202:
                self.taken.add(number)
                self.unsure.discard(number)
            elif number not in self.taken:
                self.unsure.add(number)


def make_batch(number: int) -> dict[str, Any]:
    """Batch `number`: always the same rows."""
    rows = [
        {
            "job_id": f"b{number}r{place}",
            "title": "kill -9",
            "crawled_at": "2026-11-24T08:00:00+00:00",
            "content_hash": f"{number * 1000 + place:032x}",
            "raw": "{}",
        }
        for place in range(ROWS)
    ]
    return {"data_type": "job", "platform": "boss", "data_list": rows, "batch_id": f"crash-run:api:{number}", "schema_version": 1}


def send_until(server: ControlServer, ledger: Ledger, headers: dict[str, str], stopping: threading.Event, seed: int) -> None:
    """Send batches until told to stop, whatever the server does."""
    chance = random.Random(seed)
    while not stopping.is_set():
        number = ledger.choose(chance)
        status = server.ask("POST", DOOR, make_batch(number), headers).status
        ledger.note(number, status)
        if status != 202:
            time.sleep(0.01)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is in the store after all kills, against what was answered."""

    kills: int
    taken: int
    lost: int
    doubled: int
    strange: int  # rows of batches that nobody sent
    unanswered_stored: int  # batches whose answer was lost: stored once too, which is right
    together: int  # batches that went to the store with others


def run(folder: Path, kills: int, seed: int = 1) -> Verdict:
    """Kill the server `kills` times under load, let it catch up, and count."""
    server, ledger, chance = ControlServer(folder), Ledger(), random.Random(seed)
    server.prepare()
    headers, stopping = server.add_node(), threading.Event()
    server.start()
    senders = [threading.Thread(target=send_until, args=(server, ledger, headers, stopping, number)) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    try:
        for _ in range(kills):
            time.sleep(chance.uniform(0.05, 0.6))
            server.kill()
            server.start()
    except BaseException:
        server.stop()
        raise
    finally:
        stopping.set()
        for sender in senders:
            sender.join()
    try:
        admin = server.log_in()
        _let_catch_up(server, admin)
        answer = server.ask("GET", "/api/v1/analytics/job/export?limit=5000000", headers=admin)
        return _judge(kills, ledger, answer.json, _count_together(folder))
    finally:
        server.stop()


def _let_catch_up(server: ControlServer, admin: dict[str, str]) -> None:
    deadline = time.monotonic() + 300
    while server.ask("GET", "/api/v1/universal/data/batch?state=waiting", headers=admin).json["items"]:
        if time.monotonic() > deadline:
            raise RuntimeError("batches still wait after five minutes")
        time.sleep(0.1)


def _count_together(folder: Path) -> int:
    with closing(sqlite3.connect(f"file:{folder}/control.db?mode=ro", uri=True)) as books:
        query = "SELECT count(*) FROM ingest_batch WHERE write_id <> batch_id"
        return int(books.execute(query).fetchone()[0])


def _judge(kills: int, ledger: Ledger, export: str, together: int) -> Verdict:
    seen: dict[int, list[int]] = {}
    for row in csv.DictReader(io.StringIO(export)):
        number = int(row["job_id"][1:].partition("r")[0])
        seen.setdefault(number, []).append(int(row["times_seen"]))
    lost = sum(len(seen.get(number, [])) != ROWS for number in ledger.taken)
    doubled = sum(any(times != 1 for times in found) for found in seen.values())
    strange = sum(number > ledger.next_number for number in seen)
    return Verdict(kills, len(ledger.taken), lost, doubled, strange, len(set(seen) - ledger.taken), together)


def main() -> int:
    """Print the verdict; exit code 1 when a batch was lost or doubled."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), kills)
    print(f"{found.kills} kills, {found.taken} batches of {ROWS} rows answered 202: {found.lost} lost, {found.doubled} doubled")
    print(f"{found.together} of them went to the store together with others")
    print(f"{found.unanswered_stored} batches whose answer was lost are stored too, once")
    return 1 if found.lost or found.doubled or found.strange else 0


if __name__ == "__main__":
    sys.exit(main())
