"""The Lua of the lease engine, ready to run: every step is one script, atomic, on Redis' own clock.

    step = clock + key names + lua/prelude.lua + lua/<step>.lua

`Transport` is the seam below it: how a script reaches Redis. The simulation puts faults there, and another clock in `clock`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from jobschema.keys import HELD, LEASE_NAMES, WORKER, PlatformKeys

REDIS_CLOCK = "local TIME = redis.call('TIME')\nlocal NOW = TIME[1] * 1000000 + TIME[2]\n"
BAND = 2**40  # places in one priority band: a place is band * BAND + age, exact in a double
PRIORITY_LIMIT = 1000  # priorities beyond +-1000 count as +-1000
MAX_BATCH = 1000  # keywords in one script: Lua unpacks them on its stack


@dataclass(frozen=True, slots=True)
class Script:
    """One step's Lua source, and the name Redis keeps it under."""

    name: str
    text: str
    sha: str


class Transport(Protocol):
    """How a script reaches Redis. Raises redis.exceptions.ConnectionError or TimeoutError when nobody can tell whether it ran."""

    async def __call__(self, script: Script, keys: Sequence[str], arguments: Sequence[str]) -> Any: ...


class RedisTransport:
    """Scripts over a redis-py asyncio client; a server that does not know a script (restarted, failed over) is taught it."""

    def __init__(self, client: Redis) -> None:
        self.client = client

    async def __call__(self, script: Script, keys: Sequence[str], arguments: Sequence[str]) -> Any:
        try:
            return await self.client.evalsha(script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self.client.eval(script.text, len(keys), *keys, *arguments)


class LeaseScripts:
    """The steps of the lease engine on one platform's keys."""

    def __init__(self, transport: Transport, keys: PlatformKeys, *, clock: str = REDIS_CLOCK) -> None:
        self._transport = transport
        self._clock = clock
        self._scripts: dict[str, Script] = {}
        self._keys = [keys.prefix, keys.inbox]

    async def run(self, step: str, *arguments: object) -> Any:
        """Run lua/<step>.lua; its first lines document arguments and answer."""
        script = self._scripts.get(step)
        if script is None:
            script = self._scripts[step] = build_script(step, _name_keys() + _read("prelude"), clock=self._clock)
        return await self._transport(script, self._keys, [str(argument) for argument in arguments])


def build_script(step: str, prelude: str = "", *, clock: str = REDIS_CLOCK) -> Script:
    text = clock + prelude + _read(step)
    return Script(step, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def band_of(priority: int) -> int:
    """The number of a priority's band; the lowest is leased first."""
    return PRIORITY_LIMIT - max(-PRIORITY_LIMIT, min(PRIORITY_LIMIT, priority))


def _name_keys() -> str:
    names = [f"local {noun.upper()} = KEYS[1] .. '{noun}'" for noun in LEASE_NAMES]
    names += [f"local {name} = KEYS[1] .. '{value}'" for name, value in {"HELD": HELD, "WORKER": WORKER}.items()]
    return "\n".join([*names, "local INBOX = KEYS[2]", f"local BAND = {BAND}", ""])


def _read(name: str) -> str:
    return files("jobspiders.leases").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
