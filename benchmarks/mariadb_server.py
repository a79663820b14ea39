"""A private MariaDB on loopback in its own directory, for benchmarks and tests: started, killed and restarted at will."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pymysql
from sqlalchemy.engine import make_url

STARTING = 30  # seconds


class PrivateMariaDb:
    """`with PrivateMariaDb() as server: ... server.dsn`. `memory` is the buffer pool in MiB. What was written survives `kill`."""

    def __init__(self, memory: int = 64) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="mariadb-"))
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        account = f"--user={'root' if os.getuid() == 0 else os.environ.get('USER', 'nobody')}"
        data = f"--datadir={self.directory}/data"
        install = ["mariadb-install-db", "--no-defaults", data, account, "--auth-root-authentication-method=normal"]
        subprocess.run(install, check=True, capture_output=True)
        self._command = ["mariadbd", "--no-defaults", account, data, f"--socket={self.directory}/s", f"--port={self.port}"]
        self._command += ["--bind-address=127.0.0.1", f"--innodb-buffer-pool-size={memory}M", "--innodb-log-file-size=128M"]

    def __enter__(self) -> PrivateMariaDb:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def dsn(self) -> str:
        """The address of a database that is not there yet."""
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/jobs"

    def start(self) -> None:
        """Start, and wait until it answers."""
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        give_up_at = time.monotonic() + STARTING
        while time.monotonic() < give_up_at:
            with contextlib.suppress(pymysql.err.OperationalError):
                pymysql.connect(host="127.0.0.1", port=self.port, user="root").close()
                return
            time.sleep(0.05)
        raise RuntimeError(f"mariadbd does not answer on port {self.port}:\n{(self.directory / 'server.log').read_text()[-2000:]}")

    def stop(self) -> None:
        """As the service manager does it."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, as the power switch does it."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None


def is_installed() -> bool:
    return bool(shutil.which("mariadbd") and shutil.which("mariadb-install-db"))


@contextlib.contextmanager
def fresh_database(server_dsn: str) -> Iterator[str]:
    """The address of an empty database on a server, dropped at the end."""
    url = make_url(server_dsn)
    name = f"jobstore_{uuid4().hex[:12]}"
    account = {"host": url.host, "port": url.port or 3306, "user": url.username, "password": url.password or ""}
    _run(account, f"CREATE DATABASE {name}")
    yield url.set(database=name).render_as_string(hide_password=False)
    _run(account, f"DROP DATABASE {name}")


def _run(account: dict[str, object], statement: str) -> None:
    with contextlib.closing(pymysql.connect(**account)) as connection:
        connection.cursor().execute(statement)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
