"""The enrichment push as a sink: companies, as JSON, to an outside company-data service. Off unless an operator names one.

Each request carries `timestamp` (Unix seconds) and `sign` = MD5 of timestamp + salt, in hex: the service's rule, not a choice of
ours (MD5 protects nothing but the salt, and that weakly; use https).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jobschema.rows import Company, Row
from jobstore.http_door import HttpDoor
from jobstore.spool_rows import write_json

_SENT = ("platform", "company_id", "name", "full_name", "industry", "city", "address", "url")


class EnrichmentSink:
    """The service at `url`. Rows that are no companies count as stored. `clock` (Unix seconds) is a seam."""

    name = "enrichment"

    def __init__(self, url: str, salt: str, *, clock: Callable[[], float] = time.time) -> None:
        """Raises DsnInvalidError. Nothing connects yet."""
        self._door = HttpDoor(url, setting="ENRICHMENT_URL")
        self._salt = salt
        self._clock = clock

    def __repr__(self) -> str:
        return f"<EnrichmentSink {self._door.shown}>"

    def write_rows(self, rows: Sequence[Row], token: str) -> Mapping[str, int]:
        """Push the companies among the rows, with the batch's token as `Idempotency-Key`; counts `companies`. Raises as HttpDoor.post."""
        companies = [{name: getattr(row, name) for name in _SENT} for row in rows if isinstance(row, Company)]
        if companies:
            self._door.post(write_json(self._sign(companies)), {"Content-Type": "application/json", "Idempotency-Key": token})
        return {"rows": len(rows), "companies": len(companies)}

    def close(self) -> None:
        self._door.close()

    def _sign(self, companies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        timestamp = str(int(self._clock()))
        return {"timestamp": timestamp, "sign": sign(timestamp, self._salt), "data": companies}


def sign(timestamp: str, salt: str) -> str:
    """MD5 over timestamp + salt, 32 hex digits."""
    return hashlib.md5(f"{timestamp}{salt}".encode(), usedforsecurity=False).hexdigest()
