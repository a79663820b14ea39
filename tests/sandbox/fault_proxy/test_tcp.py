"""The same for a protocol of turns in which the server speaks first."""

import socket

import pytest

from sandbox.process import SandboxError


class Talk:
    """A connection that said hello."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.file = self.socket.makefile("rb")
        assert self.file.readline() == b"hello\n"

    def say(self, line: bytes) -> bytes:
        self.socket.sendall(line)
        return self.file.readline()

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def talk(line_target, line_proxy):
    line_target.seen.clear()
    line_target.halves.clear()
    with Talk(line_proxy.port) as opened:
        yield opened


def test_turns_pass_unchanged(line_target, talk) -> None:
    big = b"x" * 600_000 + b"\n"
    assert [talk.say(b"one\n"), talk.say(big), talk.say(b"three\n")] == [b"did one\n", b"did " + big, b"did three\n"]
    assert line_target.seen == [b"one\n", big, b"three\n"]


@pytest.mark.parametrize(("fault", "reaches"), [("reset", []), ("accept_then_reset", [b"second\n"])])
def test_fault_breaks_the_turn_it_was_planned_for(line_target, line_proxy, talk, fault: str, reaches: list[bytes]) -> None:
    line_proxy.plan(["none", fault])
    assert talk.say(b"first\n") == b"did first\n"
    with pytest.raises(ConnectionResetError):
        talk.say(b"second\n")
    assert line_target.seen == [b"first\n", *reaches]
    with Talk(line_proxy.port) as again:
        assert again.say(b"third\n") == b"did third\n"


def test_half_request_and_half_answer(line_target, line_proxy, talk) -> None:
    line_proxy.plan(["half_answer", "half_request"])
    talk.socket.sendall(b"first\n")
    assert talk.file.read(5) == b"did f"
    with pytest.raises(ConnectionResetError):
        talk.file.read(1)
    with Talk(line_proxy.port) as again, pytest.raises(ConnectionResetError):
        again.say(b"second\n")
    with Talk(line_proxy.port) as last:
        last.say(b"third\n")
    assert line_target.seen == [b"first\n", b"third\n"]


def test_fault_of_http_is_refused(line_proxy) -> None:
    with pytest.raises(SandboxError, match="no fault 'duplicate'"):
        line_proxy.set_faults(duplicate=0.5)


def test_away_is_refused_and_an_open_talk_is_reset(line_proxy, talk) -> None:
    assert talk.say(b"one\n") == b"did one\n"
    line_proxy.leave()
    with pytest.raises(ConnectionResetError):
        talk.file.readline()
    with pytest.raises(ConnectionRefusedError):
        Talk(line_proxy.port)
    line_proxy.come_back()
    with Talk(line_proxy.port) as again:
        assert again.say(b"two\n") == b"did two\n"
