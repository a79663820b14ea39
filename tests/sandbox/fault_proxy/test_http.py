"""What each fault does to a request and its answer, seen from both ends."""

import http.client
import socket
import threading

import pytest

from sandbox.process import SandboxError

PLAIN = ("/path?a=%20b&c", "client", b"body\0\xff")


def send(proxy, body: bytes = PLAIN[2]) -> tuple[int, str | None, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)
    try:
        connection.request("POST", PLAIN[0], body, {"X-Mark": PLAIN[1]})
        answer = connection.getresponse()
        return answer.status, answer.getheader("X-Mark"), answer.read()
    finally:
        connection.close()


@pytest.fixture(autouse=True)
def _fresh(web_target, web_proxy):
    web_target.seen.clear()
    web_target.halves.clear()
    web_proxy.come_back()
    web_proxy.set_faults(match="", delay_seconds=0.01, reset=0)


def test_request_and_answer_pass_unchanged(web_target, web_proxy) -> None:
    assert send(web_proxy) == (200, "answer", b"seen 1 " + b"." * 100)
    assert web_target.seen == [PLAIN]


@pytest.mark.parametrize(
    ("fault", "reaches"), [("reset", 0), ("accept_then_reset", 1), ("half_answer", 1)], ids=["reset", "accept_then_reset", "half_answer"]
)
def test_fault_that_breaks_the_connection_is_seen_as_a_reset(web_target, web_proxy, fault: str, reaches: int) -> None:
    before = web_proxy.counts().get(fault, 0)
    web_proxy.plan([fault])
    with pytest.raises((ConnectionResetError, http.client.HTTPException)):
        send(web_proxy)
    assert len(web_target.seen) == reaches
    assert web_proxy.counts()[fault] == before + 1
    assert send(web_proxy)[0] == 200


def test_half_request_never_reaches_the_target_whole(web_target, web_proxy) -> None:
    web_proxy.plan(["half_request"])
    with pytest.raises(ConnectionResetError):
        send(web_proxy, b"x" * 10_000)
    send(web_proxy)
    assert web_target.seen == [PLAIN]


def test_duplicate_reaches_the_target_twice_and_answers_once(web_target, web_proxy) -> None:
    web_proxy.plan(["duplicate"])
    assert send(web_proxy)[2].startswith(b"seen 1 ")
    assert web_target.seen == [PLAIN, PLAIN]


def test_error_and_delay(web_target, web_proxy) -> None:
    web_proxy.plan(["error", "delay"])
    assert send(web_proxy)[0] == 503
    assert web_target.seen == []
    assert send(web_proxy)[0] == 200


def test_away_connections_are_refused_and_open_ones_reset_until_it_comes_back(web_proxy) -> None:
    idle = socket.create_connection(("127.0.0.1", web_proxy.port), timeout=20)
    send(web_proxy)  # the proxy has taken the first connection too by now
    web_proxy.leave()
    with pytest.raises(ConnectionRefusedError):
        send(web_proxy)
    with pytest.raises(ConnectionResetError), idle:
        idle.recv(1)
    web_proxy.come_back()
    assert send(web_proxy)[0] == 200


def test_away_for_some_seconds_comes_back_by_itself(web_proxy) -> None:
    web_proxy.leave(0.2)
    for _ in range(1_000):
        try:
            assert send(web_proxy)[0] == 200
        except ConnectionRefusedError:
            threading.Event().wait(0.02)
        else:
            return
    pytest.fail("still away")


def test_control_wrong_words_are_refused_with_a_reason(web_proxy) -> None:
    with pytest.raises(SandboxError, match="no fault 'rest'"):
        web_proxy.set_faults(rest=0.1)
    with pytest.raises(SandboxError, match="there are"):
        web_proxy.plan(["nonsense"])
