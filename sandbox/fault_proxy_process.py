"""The fault proxy as a subprocess, for tests and benchmarks: start, set faults, send it away, count, stop. Standard library only."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from sandbox.child import ChildProcess
from sandbox.process import SandboxError


class FaultProxyProcess(ChildProcess):
    """A running fault proxy in front of a loopback port; without faults until told. `kind` is "http" or "tcp"."""

    def __init__(self, target_port: int, *, kind: str = "http", seed: int = 7) -> None:
        super().__init__("sandbox.fault_proxy", "--target", f"127.0.0.1:{target_port}", "--kind", kind, "--seed", str(seed))

    @property
    def port(self) -> int:
        """The loopback port that clients use."""
        return int(self.told["port"])

    def set_faults(self, *, match: str | None = None, delay_seconds: float | None = None, **shares: float) -> None:
        """Replace the shares (accept_then_reset=0.1, ...) when some are given; `match` limits faults to requests holding a text."""
        chosen = {"match": match, "delay_seconds": delay_seconds, **shares}
        self._call("PUT", "/faults", {name: value for name, value in chosen.items() if value is not None})

    def plan(self, faults: Sequence[str]) -> None:
        """The next matching requests meet exactly these, in order; "none" for no fault."""
        self._call("POST", "/plan", list(faults))

    def leave(self, seconds: float | None = None) -> None:
        """Refuse connections for some seconds, or until `come_back`; open ones are reset."""
        self._call("POST", "/away", {"seconds": seconds})

    def come_back(self) -> None:
        """Take connections again."""
        self._call("POST", "/back", {})

    def counts(self) -> dict[str, int]:
        """How many `requests` it met, how many met each fault, `target_away` where the target did not answer."""
        found: dict[str, int] = self._call("GET", "/faults")["counts"]
        return found

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.told["control_url"] + path, data=data, method=method)  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback never goes through a proxy
        try:
            with opener.open(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise SandboxError(f"{method} {path} was refused ({error.code}): {error.read().decode('utf-8', 'replace')}") from None
