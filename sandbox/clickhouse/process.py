"""The ClickHouse front as a subprocess, for tests and benchmarks: start, ask where it is, kill, start again on the same port."""

from __future__ import annotations

from pathlib import Path

from sandbox.child import ChildProcess


class ClickHouseProcess(ChildProcess):
    """A running front over a folder. After `kill()` or `stop()`, `start()` serves the same folder on the same port again."""

    def __init__(self, folder: str | Path, *, user: str = "default", password: str = "") -> None:
        self._options = ("--folder", str(folder), "--user", user, "--password", password)
        super().__init__("sandbox.clickhouse", *self._options)

    def start(self) -> None:
        """Start it; the port stays what it was."""
        if self.told:
            self.options = (*self._options, "--port", str(self.port))
        super().start()

    @property
    def port(self) -> int:
        """Its loopback port."""
        return int(self.told["port"])

    @property
    def base_url(self) -> str:
        """http://127.0.0.1:port."""
        return str(self.told["base_url"])

    @property
    def dsn(self) -> str:
        """The address as a store reads it, with user and password, database `default`."""
        return str(self.told["dsn"])
