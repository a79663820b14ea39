"""Numbers for Prometheus, in its text format: requests by route and status, and what the database says of the crawl."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0)
_KNOWN_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class Metrics:
    """Counts of one process since its start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets: Counter[float] = Counter()
        self._seconds = 0.0
        self._count = 0

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request under its route template."""
        method = method if method in _KNOWN_METHODS else "OTHER"
        bucket = next((limit for limit in BUCKETS if seconds <= limit), float("inf"))
        with self._lock:
            self._requests[method, route, status] += 1
            self._buckets[bucket] += 1
            self._seconds += seconds
            self._count += 1

    def render(self, gauges: Mapping[str, Mapping[tuple[tuple[str, str], ...], float]]) -> str:
        """The text of /metrics. `gauges`: name -> labels -> value."""
        with self._lock:
            requests, buckets, seconds, count = dict(self._requests), dict(self._buckets), self._seconds, self._count
        lines = ["# TYPE control_requests_total counter"]
        for (method, route, status), number in sorted(requests.items()):
            lines.append(_line("control_requests_total", (("method", method), ("route", route), ("status", str(status))), number))
        lines += _histogram(buckets, seconds, count)
        for name, values in gauges.items():
            lines.append(f"# TYPE {name} gauge")
            lines += [_line(name, labels, value) for labels, value in values.items()]
        return "\n".join(lines) + "\n"


def _histogram(buckets: Mapping[float, int], seconds: float, count: int) -> Iterable[str]:
    name = "control_request_seconds"
    yield f"# TYPE {name} histogram"
    running = 0
    for limit in BUCKETS:
        running += buckets.get(limit, 0)
        yield _line(f"{name}_bucket", (("le", f"{limit:g}"),), running)
    yield _line(f"{name}_bucket", (("le", "+Inf"),), count)
    yield f"{name}_sum {seconds:.6f}"
    yield f"{name}_count {count}"


def _line(name: str, labels: tuple[tuple[str, str], ...], value: float) -> str:
    inner = ",".join(f'{key}="{_escape(text)}"' for key, text in labels)
    return f"{name}{{{inner}}} {value:g}" if inner else f"{name} {value:g}"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
