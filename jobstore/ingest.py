"""The control plane's ingest door as a sink: the same batches under the same identity, for nodes without a database password.

A batch travels as one request per kind of row and platform. The door answers when the rows are on its disk, names those that it
refuses, and takes a request that it had before as taken: sending again is harmless.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from backports import zstd

from jobschema.rows import Company, Job, PendingCompany, Row
from jobstore.errors import RowsRefusedError, StatementRefusedError
from jobstore.http_door import DoorAnswer, HttpDoor
from jobstore.lifecycle import PassRecord
from jobstore.spool_rows import read_json, write_json

PATH = "/api/v1/universal/data/batch-store-async"
SCHEMA_VERSION = 1
MOST_ROWS = 2_000  # of one request
PASS = "pass"  # noqa: S105  # the data type of passes over keywords
_TYPES: dict[type, str] = {Job: "job", Company: "company", PendingCompany: "pending_company"}
_TOO_LARGE = 413
Placed = Sequence[tuple[int, Row]]
Refused = list[tuple[int, str, str]]


class IngestDoor:
    """The door of the control plane at `url`, entered with `token`. Thread-safe."""

    def __init__(self, url: str, token: str) -> None:
        """Raises DsnInvalidError. Nothing connects yet."""
        self._door = HttpDoor(url.rstrip("/") + PATH, setting="CONTROL_API_URL")
        self._headers = {"token": token, "Content-Type": "application/json", "Content-Encoding": "zstd"}
        self.shown = self._door.shown

    def __repr__(self) -> str:
        return f"<IngestDoor {self.shown}>"

    def post(self, data_type: str, platform: str, items: Sequence[Any], batch_id: str = "") -> DoorAnswer:
        """One batch; answers also when it is too large. Without an identity it gets one of its content. Raises StoreError."""
        body = {
            "data_type": data_type,  # before the rows: the door reads them as what it says
            "platform": platform,
            "data_list": items,
            "batch_id": batch_id,
            "schema_version": SCHEMA_VERSION,
        }
        return self._door.post(zstd.compress(write_json(body), 1), self._headers, taken=frozenset({_TOO_LARGE}))

    def close(self) -> None:
        """Close the connections."""
        self._door.close()


class IngestSink:
    """Rows to the door."""

    name = "ingest"

    def __init__(self, url: str, token: str) -> None:
        """Raises DsnInvalidError. Nothing connects yet."""
        self._door = IngestDoor(url, token)

    def __repr__(self) -> str:
        return f"<IngestSink {self._door.shown}>"

    def write_rows(self, rows: Sequence[Row], token: str) -> Mapping[str, int]:
        """Bring rows to the door's disk; the same `token` again changes nothing. Counts `rows`, `requests`.

        Raises RowsRefusedError with the rows that the door names while it took the others; a TransientStoreError when it is away or
        asks to come back; another TerminalStoreError when it refuses.
        """
        counts = Counter(rows=len(rows), requests=0)
        refused: Refused = []
        for kind, platform, first, placed in _sort(rows):
            refused += self._send(placed, f"{token}:{platform}.{_TYPES[kind]}.{first}")
            counts["requests"] += 1
        if refused:
            raise RowsRefusedError(f"{self._door.shown} refuses {len(refused)} of {len(rows)} rows", refused)
        return counts

    def close(self) -> None:
        self._door.close()

    def _send(self, placed: Placed, batch_id: str) -> Refused:
        row = placed[0][1]
        answer = self._door.post(_TYPES[type(row)], row.platform, [row for _, row in placed], batch_id)
        if answer.status == _TOO_LARGE:
            return self._halve(placed, batch_id)
        return _read_refused(placed, answer.body)

    def _halve(self, placed: Placed, batch_id: str) -> Refused:
        if len(placed) == 1:
            return [(placed[0][0], "", "The door takes no body as large as this single row.")]
        middle = len(placed) // 2
        return self._send(placed[:middle], f"{batch_id}/0") + self._send(placed[middle:], f"{batch_id}/1")


class IngestBook:
    """The lifecycle book of the control plane, behind its door, which takes a pass now and judges it when the rows before it are stored."""

    def __init__(self, url: str, token: str) -> None:
        """Raises DsnInvalidError. Nothing connects yet."""
        self._door = IngestDoor(url, token)

    def record(self, record: PassRecord) -> None:
        """Bring a pass to the door's disk, once its rows are there; the same again changes nothing. Raises StoreError."""
        answer = self._door.post(PASS, record.one.platform, [show_pass(record)])
        if answer.status == _TOO_LARGE or _read_refused([(0, record)], answer.body):
            raise StatementRefusedError(f"{self._door.shown} refuses the pass over {record.one.text!r}: {answer.body[:300]!r}")

    def close(self) -> None:
        """Close the connections."""
        self._door.close()


def show_pass(record: PassRecord) -> dict[str, Any]:
    """A pass as an object of the door's `data_list`; the platform is the batch's."""
    one = asdict(record.one)
    del one["platform"]
    return {**one, "seen": dict(record.seen), "gone": record.gone}


def _sort(rows: Sequence[Row]) -> Iterator[tuple[type, str, int, Placed]]:
    """Requests: kind, platform, number, rows with their places in the batch."""
    groups: dict[tuple[type, str], list[tuple[int, Row]]] = {}
    for place, row in enumerate(rows):
        groups.setdefault((type(row), str(row.platform)), []).append((place, row))
    for (kind, platform), group in groups.items():
        for first in range(0, len(group), MOST_ROWS):
            yield kind, platform, first, group[first : first + MOST_ROWS]


def _read_refused(placed: Sequence[tuple[int, object]], body: bytes) -> Refused:
    try:
        told = read_json(body)
        named = [(placed[fault["row"]][0], str(fault["column"]), str(fault["message"])) for fault in told["faults"]]
        rejected = int(told["rejected"])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise StatementRefusedError(f"The ingest door answers in words that are not its own: {body[:200]!r}") from error
    if rejected > len(named):
        raise StatementRefusedError(
            f"The ingest door refuses {rejected} rows of one request and names {len(named)}: {named[:1]}. "
            "Node and control plane do not fit together: run the same release."
        )
    return named
