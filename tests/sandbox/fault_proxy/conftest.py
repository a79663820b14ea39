"""Targets that write down what reaches them, and proxies in front of them."""

import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sandbox.fault_proxy_process import FaultProxyProcess


class _WebHandler(BaseHTTPRequestHandler):
    """Writes down whole bodies only, answers how many there are."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        wanted = int(self.headers["Content-Length"])
        body = self.rfile.read(wanted)
        seen = self.server.seen if len(body) == wanted else self.server.halves
        seen.append((self.path, self.headers.get("X-Mark"), body))
        answer = b"seen %d " % len(self.server.seen) + b"." * 100
        self.send_response(200)
        self.send_header("X-Mark", "answer")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: object) -> None:
        pass


class _LineHandler(socketserver.StreamRequestHandler):
    """Speaks first, as MySQL does; then writes down each whole line and answers it."""

    def handle(self) -> None:
        self.wfile.write(b"hello\n")
        for line in self.rfile:
            (self.server.seen if line.endswith(b"\n") else self.server.halves).append(line)
            self.wfile.write(b"did " + line)


class _QuietServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

    def handle_error(self, *_arguments: object) -> None:
        """A client that was reset is the subject, not an error."""


class _QuietWebServer(ThreadingHTTPServer):
    def handle_error(self, *_arguments: object) -> None:
        """The same."""


def _run(server: socketserver.BaseServer) -> Iterator[socketserver.BaseServer]:
    server.daemon_threads = True
    server.seen, server.halves = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def web_target() -> Iterator[socketserver.BaseServer]:
    yield from _run(_QuietWebServer(("127.0.0.1", 0), _WebHandler))


@pytest.fixture(scope="module")
def line_target() -> Iterator[socketserver.BaseServer]:
    yield from _run(_QuietServer(("127.0.0.1", 0), _LineHandler))


@pytest.fixture(scope="module")
def web_proxy(web_target: socketserver.BaseServer) -> Iterator[FaultProxyProcess]:
    with FaultProxyProcess(web_target.server_address[1]) as process:
        yield process


@pytest.fixture(scope="module")
def line_proxy(line_target: socketserver.BaseServer) -> Iterator[FaultProxyProcess]:
    with FaultProxyProcess(line_target.server_address[1], kind="tcp") as process:
        yield process
