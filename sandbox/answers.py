"""The record of what every client was answered: counts per verdict and the last requests, without secrets."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from sandbox.visits import Asked, Outcome, Visit

KEPT_REQUESTS = 200


class AnswerBook:
    """Counts and last requests of one platform."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._verdicts: Counter[str] = Counter()
        self._causes: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._clients: dict[tuple[str, str], Counter[str]] = {}
        self._last: deque[tuple[Visit, Asked, Outcome]] = deque(maxlen=KEPT_REQUESTS)
        self._jobs = 0

    def note(self, visit: Visit, asked: Asked, outcome: Outcome) -> None:
        """Write one answer down."""
        self._verdicts[outcome.verdict] += 1
        if outcome.cause:
            self._causes[outcome.cause] += 1
        self._kinds[asked.kind] += 1
        self._clients.setdefault((asked.client, visit.ip), Counter())[outcome.verdict] += 1
        self._last.append((visit, asked, outcome))
        self._jobs += outcome.jobs

    def note_inner(self, verdict: str, cause: str) -> None:
        """Count the verdict of one part of a batch, under inner:<verdict>."""
        self._verdicts[f"inner:{verdict}"] += 1
        if cause:
            self._causes[f"inner:{cause}"] += 1

    def report(self) -> dict[str, Any]:
        """Everything as JSON-ready values."""
        clients = [{"client": label, "ip": ip, "verdicts": dict(counts)} for (label, ip), counts in sorted(self._clients.items())]
        return {
            "requests": sum(self._kinds.values()),
            "jobs_served": self._jobs,
            "verdicts": dict(self._verdicts),
            "causes": dict(self._causes),
            "kinds": dict(self._kinds),
            "clients": clients,
            "last": [_line(*entry) for entry in self._last],
        }


def _line(visit: Visit, asked: Asked, outcome: Outcome) -> dict[str, Any]:
    return {
        "at": round(visit.now, 3), "method": visit.method, "path": visit.path, "kind": asked.kind, "text": asked.text, "city": asked.city,
        "page": asked.page, "client": asked.client, "ip": visit.ip, "status": outcome.status, "verdict": outcome.verdict,
        "cause": outcome.cause,
        "jobs": outcome.jobs,
    }  # fmt: skip
