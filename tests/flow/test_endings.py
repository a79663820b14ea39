"""How a crawl is split, fed elsewhere and stopped: nothing that was counted is lost."""

from __future__ import annotations

import json
import select
import signal
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sandbox.process import SandboxProcess

TEXTS = ["工程师", "销售", "Python", "Java"]
CITIES = ["北京", "上海", "深圳", "广州"]


class Plane(ThreadingHTTPServer):
    """A control plane that has nothing to give and remembers what it hears."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), PlaneDoor)
        self.heard: list[tuple[str, Any]] = []
        self.is_draining = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class PlaneDoor(BaseHTTPRequestHandler):
    server: Plane

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.heard.append((self.path.rpartition("/")[2], body))
        answer = json.dumps({"is_draining": self.server.is_draining, "heartbeat_seconds": 60, "leases": []}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_GET(self) -> None:
        self.server.heard.append((self.path, None))
        self.send_error(503)

    def log_message(self, *words: Any) -> None:
        """Nothing: what counts is in `heard`."""


@pytest.fixture
def plane() -> Iterator[Plane]:
    with Plane() as server:
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def crowded() -> Iterator[SandboxProcess]:
    """A sandbox with more postings than qcwy shows of one search (1000)."""
    with SandboxProcess(seed=11, size=4000) as process:
        yield process


def test_crawl_capped_qcwy_search_is_split_and_misses_nothing(operator: Any, crowded: SandboxProcess, union: Any) -> None:
    operator.sandbox = crowded
    truth = operator.truth("qcwy", ["工程师"], ["000000"])
    assert [keyword["capped"] for keyword in truth] == [True], "the search is not capped: the test would prove nothing"
    ran = operator.crawl("qcwy", keywords="工程师", city="全国")
    assert ran.code == 0, ran.err[-3000:]
    assert ran.ids("qcwy") == union(truth)
    assert len(union(truth)) > 1000
    assert ran.stats["search/split"] > 0


def test_crawl_capped_search_that_cannot_be_split_says_so(operator: Any) -> None:
    ran = operator.crawl("boss", "-s", "BOSS_MAX_PAGES=1", "-s", "BOSS_PAGE_SIZE=10", keywords="工程师", city="北京")
    assert ran.code == 4
    assert ran.stats["search/capped"] == 1
    assert "search_capped x1" in ran.err


def test_crawl_feed_without_a_store_holds_every_row_once(operator: Any, union: Any, load_lines: Any, tmp_path: Path) -> None:
    operator.extra = {"CLICKHOUSE_DSN": "none"}
    ran = operator.crawl("qcwy", "-O", str(tmp_path / "out.jsonl"), keywords="Python", city="北京,上海")
    assert ran.code == 0, ran.err[-3000:]
    rows = load_lines((tmp_path / "out.jsonl").read_text("utf-8"))
    jobs = [row for row in rows if "job_id" in row]
    assert {row["job_id"] for row in jobs} == union(operator.truth("qcwy", ["Python"], ["北京", "上海"]))
    assert len(jobs) == ran.stats["rows/job"]
    assert len(rows) == ran.stats["item_scraped_count"]
    assert all(row["salary_text"] for row in jobs)
    assert not operator.folder.exists()


@pytest.mark.parametrize(("platform", "ban"), [("boss", "challenge"), ("qcwy", "slider"), ("zhilian", "captcha")])
def test_crawl_with_an_http_cache_asks_nothing_twice_and_keeps_no_block(
    operator: Any, union: Any, tmp_path: Path, platform: str, ban: str
) -> None:
    operator.sandbox.switch(platform, ban=ban, ban_trigger="every:3")
    operator.extra = {"VERDICT_RETRY_TIMES": "10"}
    cache = ("-s", "HTTPCACHE_ENABLED=1", "-s", f"HTTPCACHE_DIR={tmp_path / 'cache'}")
    first = operator.crawl(platform, *cache, keywords="Python,Java,销售", city="北京,上海")
    assert first.code == 0, first.err[-3000:]
    assert first.stats["verdict/retry/count"] > 0
    operator.sandbox.reset()
    again = operator.crawl(platform, *cache, keywords="Python,Java,销售", city="北京,上海")
    assert operator.sandbox.answers(platform)["requests"] == 0, "a signed request is no other request to the cache"
    assert again.code == 0
    assert again.ids(platform) == union(operator.truth(platform, ["Python", "Java", "销售"], ["北京", "上海"]))


@pytest.mark.parametrize(
    ("platform", "signal_name", "reason", "after"),
    [
        ("boss", "SIGINT", "shutdown", 24),
        ("zhilian", "SIGINT", "shutdown", 4),
        ("qcwy", "SIGTERM", "drained", 4),
    ],
)
def test_crawl_told_to_stop_stores_every_row_that_it_counted(
    operator: Any, union: Any, load_lines: Any, tmp_path: Path, platform: str, signal_name: str, reason: str, after: int
) -> None:
    operator.sandbox.switch(platform, slow_ms=300)
    operator.extra = {"LEASE_GRACE": "4", "CONCURRENT_REQUESTS": "2"}
    feed = tmp_path / "out.jsonl"
    words = ("-a", f"keywords={','.join(TEXTS)}", "-a", f"city={','.join(CITIES)}", "-O", str(feed))
    number = getattr(signal, signal_name)
    ran = operator.interrupt(("crawl", platform, *words), number, lambda: operator.sandbox.answers(platform)["requests"] >= after)
    assert ran.stats["finish_reason"] == reason
    assert ran.code == 4
    rows = load_lines(feed.read_text("utf-8"))
    jobs = [row["job_id"] for row in rows if "job_id" in row]
    assert len(jobs) == ran.stats["rows/job"] > 0
    assert ran.ids(platform) == set(jobs)
    assert ran.ids(platform, "company") == {row["company_id"] for row in rows if "job_id" not in row}
    assert ran.ids(platform) < union(operator.truth(platform, TEXTS, CITIES)), "it was done before it was stopped"


@pytest.mark.parametrize(
    ("script", "reason", "said", "code"),
    [
        ("function sign(request) { throw new Error('no key') }", "signing_failed", "error", 4),
        ("const end = Date.now() + 1500; while (Date.now() < end) {} function sign(request) { return {} }", "drained", "drained", 0),
    ],
    ids=["the script fails", "drained while the script starts"],
)
def test_crawl_that_ends_while_it_opens_says_its_last_words(
    operator: Any, plane: Plane, tmp_path: Path, script: str, reason: str, said: str, code: int
) -> None:
    (tmp_path / "sign.js").write_text(script, "utf-8")
    plane.is_draining = reason == "drained"
    operator.extra = {
        "CONTROL_API_URL": plane.url,
        "CONTROL_API_TOKEN": "made-up",
        "CLICKHOUSE_DSN": "none",
        "BOSS_SIGN_SCRIPT": str(tmp_path / "sign.js"),
        "SIGNING_TIMEOUT": "10",
    }
    ran = operator.crawl("boss")
    assert (ran.code, ran.stats["finish_reason"]) == (code, reason), ran.err[-3000:]
    assert plane.heard[-1] == ("last-words", {"reason": said, "words": reason, "platforms": ["boss"]})
    assert [path for path, _ in plane.heard] == ["register", "last-words"], "a keyword was claimed, or the node went on beating"


def test_crawl_told_to_go_while_its_store_does_not_answer_goes(operator: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        operator.extra = {"LEASE_GRACE": "1", "CLICKHOUSE_DSN": f"clickhouse://u:p@127.0.0.1:{silent.getsockname()[1]}/jobs"}
        words = ("crawl", "zhilian", "-a", "keywords=Python")
        ran = operator.interrupt(words, signal.SIGTERM, lambda: select.select([silent], [], [], 0.1)[0])
    assert ran.code == 4
    assert "not done 1 s after SIGTERM" in ran.err
