"""Whose address counts, and what is remembered of a principal: pure, with a clock of our own."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from control_api.principal import Principal, PrincipalMemory, find_client_ip

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
SOMEBODY = Principal("user", 1, "x", frozenset())


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),  # nobody believes a stranger's header
        ("10.0.0.2", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "1.2.3.4, 198.51.100.1", "198.51.100.1"),  # what stands left of the first stranger is his invention
        ("10.0.0.2", "1.2.3.4, 198.51.100.1, 10.0.0.3", "198.51.100.1"),
        ("10.0.0.2", "10.0.0.9, 10.0.0.3", "10.0.0.9"),
        ("10.0.0.2", "garbage", "10.0.0.2"),
        ("10.0.0.2", "198.51.100.1, '; DROP TABLE", "10.0.0.2"),
        ("10.0.0.2", ",,,", "10.0.0.2"),
        ("::ffff:10.0.0.2", "2001:db8::1", "2001:db8::1"),
        ("fd00::1", "198.51.100.1", "198.51.100.1"),
        ("testclient", "198.51.100.1", ""),
        ("", "", ""),
    ],
)
def test_client_ip_is_what_trusted_proxies_saw(peer: str, forwarded: str, expected: str) -> None:
    assert find_client_ip(peer, forwarded, TRUSTED) == expected


def test_client_ip_without_trusted_proxies_is_the_peer() -> None:
    assert find_client_ip("127.0.0.1", "198.51.100.1", ()) == "127.0.0.1"


def test_memory_forgets_by_time_and_by_news() -> None:
    now = [0.0]
    memory = PrincipalMemory(5, clock=lambda: now[0])
    memory.keep("k", SOMEBODY, memory.generation)
    assert memory.recall("k") is SOMEBODY
    now[0] = 5.0
    assert memory.recall("k") is None
    memory.keep("k", SOMEBODY, memory.generation)
    memory.forget()
    assert memory.recall("k") is None


def test_memory_ends_with_the_credential() -> None:
    now = [0.0]
    memory = PrincipalMemory(60, clock=lambda: now[0])
    memory.keep("k", SOMEBODY, memory.generation, 3.0)
    memory.keep("over", SOMEBODY, memory.generation, -1.0)
    assert (memory.recall("k"), memory.recall("over")) == (SOMEBODY, None)
    now[0] = 3.0
    assert memory.recall("k") is None


def test_memory_keeps_nothing_that_was_looked_up_before_the_news() -> None:
    memory = PrincipalMemory(5)
    before = memory.generation
    memory.forget()
    memory.keep("k", SOMEBODY, before)
    assert memory.recall("k") is None


def test_memory_of_no_seconds_keeps_nothing() -> None:
    memory = PrincipalMemory(0)
    memory.keep("k", SOMEBODY, memory.generation)
    assert memory.recall("k") is None
