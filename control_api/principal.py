"""Who asks: a user or a node with its scopes, and the short memory that spares the database the same question again and again."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Literal

from control_api.errors import Forbidden

REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Principal:
    """A user or a node that proved who it is. `session` is the JWT's id or the credential's public half."""

    kind: Literal["user", "node", "cli"]
    id: int
    name: str
    scopes: frozenset[str]
    session: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """A principal at work: from which address, in which request."""

    principal: Principal
    ip: str = ""
    request_id: str = ""

    def must_cover(self, scopes: frozenset[str] | set[str]) -> None:
        """Raise Forbidden when the actor lacks one of these rights: nobody gives, or touches, more than he has."""
        missing = sorted(set(scopes) - self.principal.scopes)
        if missing:
            raise Forbidden(f"This concerns rights that you do not hold yourself: {', '.join(missing)}.")


class PrincipalMemory:
    """Principals by credential, for `seconds`. A change of access in this process forgets all of them at once."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._known: dict[str, tuple[float, Principal]] = {}
        self._lock = threading.Lock()
        self.generation = 0

    def recall(self, key: str) -> Principal | None:
        """The principal, when it was seen within the last `seconds`."""
        found = self._known.get(key)
        return found[1] if found is not None and found[0] > self._clock() else None

    def keep(self, key: str, principal: Principal, generation: int, good_for: float = math.inf) -> None:
        """Remember a principal that was looked up while `generation` was the present one; later news makes it void.

        `good_for`: seconds after which the credential itself ends.
        """
        seconds = min(self._seconds, good_for)
        with self._lock:
            if generation != self.generation or seconds <= 0:
                return
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = (self._clock() + seconds, principal)

    def forget(self) -> None:
        """Forget everybody: rights, sessions or credentials changed."""
        with self._lock:
            self.generation += 1
            self._known.clear()


def find_client_ip(peer: str, forwarded: str, trusted: tuple[IPv4Network | IPv6Network, ...]) -> str:
    """The client's address. `X-Forwarded-For` counts only as far as trusted proxies wrote it, read from the right; '' when unknown."""
    address = _plain_ip(peer)
    for hop in reversed(forwarded.split(",")) if forwarded else ():
        if not _is_trusted(address, trusted):
            return address
        hop_address = _plain_ip(hop.strip())
        if not hop_address:
            return address
        address = hop_address
    return address


@lru_cache(maxsize=1024)
def _plain_ip(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address).partition("%")[0]


def _is_trusted(text: str, trusted: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return bool(text) and any(ip_address(text) in network for network in trusted)
