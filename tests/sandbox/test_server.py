"""The running sandbox over HTTP: faults of the wire, the control door, what it prints, how it ends, that it stays on loopback."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import requests

from sandbox.process import SandboxError, SandboxProcess

SEARCH = "/api/job/search-pc?keyword=&jobArea=000000&pageNum=1&pageSize=20"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(server):
    """The running sandbox, reset before and after."""
    server.reset()
    yield server
    server.reset()


def get(site, path=SEARCH, **options):
    """A GET without proxies or kept connections."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(site.base_url + path, timeout=10, **options)


def control(site, method, path, **options):
    """A call of the control door without the launcher."""
    headers = options.pop("headers", {"x-sandbox-control": site.control_token})
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, site.control_url + path, headers=headers, timeout=10, **options)


# --- faults of the wire


def test_good_answer_is_json(site):
    answer = get(site)
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    assert len(answer.json()["resultbody"]["job"]["items"]) == 20


def test_unknown_path_is_not_found(site):
    assert get(site, "/api/other").status_code == 404


def test_truncate_ends_the_connection_mid_body(site):
    site.switch("qcwy", truncate=1)
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        get(site)
    assert site.answers("qcwy")["causes"] == {"fault:truncate": 1}


def test_cut_json_is_whole_http_and_half_json(site):
    site.switch("qcwy", cut_json=1)
    answer = get(site)
    assert int(answer.headers["content-length"]) == len(answer.content)
    with pytest.raises(ValueError, match=r"(?i)unterminated|expecting|delimiter"):
        json.loads(answer.text)


def test_bad_gzip_cannot_be_read(site):
    site.switch("qcwy", bad_gzip=1)
    with pytest.raises((requests.exceptions.ContentDecodingError, requests.exceptions.RetryError)):
        get(site)
    raw = get(site, stream=True).raw.read(decode_content=False)
    with pytest.raises((OSError, EOFError, zlib.error)):
        gzip.decompress(raw)


def test_wrong_type_is_good_json_called_html(site):
    site.switch("qcwy", wrong_type=1)
    answer = get(site)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.json()["status"] == "1"


@pytest.mark.parametrize(
    ("platform", "path"), [("boss", "/wapi/zpgeek/miniapp/search/joblist.json"), ("qcwy", SEARCH), ("zhilian", "/c/i/sou?kw=")]
)
def test_redirect_leads_to_a_challenge_page(site, platform, path):
    site.switch(platform, redirect=1)
    first = get(site, path, allow_redirects=False)
    assert (first.status_code, first.content) == (302, b"")
    landed = get(site, path)
    assert landed.status_code == 200
    assert landed.text.startswith(("<!DOCTYPE html>", "    <!DOCTYPE html>"))


def test_too_many_says_when_to_come_back(site):
    site.switch("qcwy", too_many=1, retry_after=7)
    answer = get(site)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize(("status", "retry_after"), [(502, None), (503, "3")])
def test_server_error_has_the_status_that_was_set(site, status, retry_after):
    site.switch("qcwy", server_error=1, server_error_status=status, retry_after=3)
    answer = get(site)
    assert (answer.status_code, answer.headers.get("retry-after")) == (status, retry_after)


def test_reset_breaks_the_connection_and_the_server_lives_on(site):
    site.switch("qcwy", reset=1)
    with pytest.raises(requests.exceptions.ConnectionError) as caught:
        get(site)
    assert "reset" in str(caught.value).lower()
    site.switch("qcwy", reset=0)
    assert get(site).status_code == 200


def test_slow_waits_before_it_answers(site):
    site.switch("qcwy", slow_ms=120)
    assert get(site).elapsed.total_seconds() >= 0.12


def test_faults_by_rate_are_the_same_after_a_reset(site):
    def run():
        site.reset()
        site.switch("qcwy", server_error=0.5)
        return [get(site).status_code for _ in range(12)]

    first = run()
    assert set(first) == {200, 502}
    assert run() == first


def test_html_blocks_are_called_html(site):
    site.switch("qcwy", ban="slider")
    answer = get(site)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f"{site.base_url}{SEARCH}" in answer.text


# --- the control door


@pytest.mark.parametrize("headers", [{}, {"x-sandbox-control": "wrong"}, {"x-sandbox-control": ""}])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/switches"), ("PUT", "/switches"), ("POST", "/oracle"), ("GET", "/answers"), ("POST", "/reset")]
)
def test_control_without_its_token_is_forbidden(site, headers, method, path):
    answer = control(site, method, path, headers=headers)
    assert answer.status_code == 403
    assert "x-sandbox-control" in answer.json()["error"]


def test_control_switches_are_read_and_changed(site):
    assert control(site, "GET", "/switches/boss").json()["sign"] is False
    assert control(site, "PUT", "/switches", json={"boss": {"sign": True}, "qcwy": {"cap": 9}}).json()["qcwy"]["cap"] == 9
    assert control(site, "PUT", "/switches/boss", json={"slow_ms": 0}).json()["sign"] is True
    site.reset(switches=False)
    assert site.switches()["boss"]["sign"] is True
    site.reset()
    assert site.switches()["boss"]["sign"] is False


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("PUT", "/switches/boss", b'{"ban": "slider"}', 422, "cannot be 'slider'"),
        ("PUT", "/switches/boss", b'{"bann": 1}', 422, "no switch 'bann'"),
        ("PUT", "/switches/boss", b"[]", 422, "object"),
        ("PUT", "/switches/lagou", b"{}", 404, "valid: boss, qcwy, zhilian"),
        ("PUT", "/switches", b'{"boss": 1}', 422, "object of name and value"),
        ("PUT", "/switches", b"{", 400, "not JSON"),
        ("POST", "/oracle", b"{}", 422, "takes a list"),
        ("GET", "/answers?platform=lagou", b"", 404, "valid: boss"),
    ],
)
def test_control_wrong_call_says_what_is_valid(site, method, path, body, status, says):
    answer = control(site, method, path, data=body)
    assert answer.status_code == status
    assert says in answer.json()["error"]


def test_answers_count_clients_and_hold_no_secret(site):
    token = site.secrets["boss_tokens"][1]
    headers = {"mpt": token, "zp_app_id": "10002", "traceid": "F-e155cfYrw1zYwklI"}
    path = "/wapi/zpgeek/miniapp/search/joblist.json?query=Java&city=100010000&page=1"
    get(site, path, headers=headers)
    get(site, path, headers={**headers, "mpt": "f" * 32})
    get(site, path)
    report = site.answers("boss")
    assert report["verdicts"] == {"ok": 1, "token_invalid": 1, "challenge": 1}
    clients = {row["client"]: row["verdicts"] for row in report["clients"]}
    assert clients["token-2"] == {"ok": 1}
    assert clients["none"] == {"challenge": 1}
    assert [row["ip"] for row in report["clients"]] == ["127.0.0.1"] * 3
    assert report["last"][0]["text"] == "Java"
    words = json.dumps(site.answers())
    assert not [secret for secret in (*site.secrets["boss_tokens"], "f" * 32, site.secrets["qcwy_sign_key"]) if secret in words]


def test_client_from_another_loopback_address_is_another_client(site):
    site.switch("qcwy", ip_quota=1)
    host, port = "127.0.0.1", int(site.base_url.rpartition(":")[2])
    for address, blocked in (("127.0.0.1", False), ("127.0.0.1", True), ("127.0.0.8", False)):
        with socket.create_connection((host, port), timeout=10, source_address=(address, 0)) as link:
            link.sendall(f"GET {SEARCH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            head = link.recv(65536)
        assert (b"text/html" in head) == blocked


def test_absolute_form_request_is_answered_as_its_path(site):
    port = int(site.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        link.sendall(f"GET http://we.51job.com{SEARCH} HTTP/1.1\r\nHost: we.51job.com\r\nConnection: close\r\n\r\n".encode())
        assert b"200 OK" in link.recv(65536)


def test_launcher_oracle_and_keywords_agree(site):
    rows = site.keywords("boss")
    told = site.oracle(rows)["keywords"]
    assert [row["jobs"] for row in rows] == [len(row["jobs"]) for row in told]
    with pytest.raises(SandboxError, match="unknown keys"):
        site.oracle([{"platform": "boss", "texts": "x"}])


# --- starting and ending


def start(*options, **pipes):
    """`python -m sandbox` without the launcher."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "sandbox", "--size", "20", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, **pipes)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--host", "0.0.0.0"), "binds 127.0.0.1 only"),
        (("--switch", "boss.ban=slider"), "cannot be 'slider'"),
        (("--size", "0"), "at least 1"),
        (("--catalogue", "/nowhere"), "no such folder"),
        (("--catalogue", str(ROOT / "sandbox")), "lacks boss/"),
    ],
)
def test_start_wrong_option_says_why_and_ends(options, says):
    with start(*options, "--exit-with-parent", stdin=subprocess.PIPE) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert out == b""
    assert says in err.decode()


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_start_prints_one_ready_line_and_a_signal_ends_it(name):
    with start("--switch", "boss.sign=true", "--qcwy-sign-key", "9" * 64) as process:
        told = json.loads(process.stdout.readline())
        process.send_signal(name)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, b"", b"")
    assert set(told) == {"base_url", "control_url", "control_token", "secrets", "catalogue"}
    assert told["base_url"].startswith("http://127.0.0.1:")
    assert told["secrets"]["qcwy_sign_key"] == "9" * 64
    assert told["catalogue"]["boss"]["jobs"] == 20
    assert Path(told["secrets"]["boss_sign_script"]).is_file()


def test_start_with_parent_ends_when_stdin_closes():
    with start("--exit-with-parent", stdin=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def test_launcher_stop_ends_the_process_and_a_failed_start_says_why():
    with SandboxProcess(size=20, switches={"boss": {"sign": True}}) as process:
        pid = process.pid
        assert process.switches()["boss"]["sign"] is True
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(SandboxError, match="binds 127"):
        SandboxProcess("--host", "0.0.0.0").start()


def test_help_names_every_switch():
    from sandbox.switches import SWITCHES

    with start("--help") as process:
        words = process.communicate(timeout=60)[0].decode()
    assert not [name for rows in SWITCHES.values() for name in rows if name not in words]
    assert "/_sandbox/oracle" in words


@pytest.mark.parametrize("seed", [1, 2])
def test_same_seed_makes_the_same_world(seed):
    told = []
    for _ in range(2):
        with SandboxProcess(size=20, seed=seed) as process:
            told.append((process.secrets, process.oracle([{"platform": "qcwy", "text": "", "city": ""}])))
    assert told[0] == told[1]
