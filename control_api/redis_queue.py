"""One platform's keywords in Redis, from outside: what to crawl is pushed to the list that nodes read, what became of it is read back.

The key names and what lies behind them are jobschema's: the crawler's leases keep to the same page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import redis

from control_api.errors import RedisFaultError
from control_api.services.queueing import Place, QueuedRun, Whereabouts
from jobschema.keys import PlatformKeys, entry_id

SECONDS = 10.0  # that Redis may take to answer
# Atomic, so that two callers at the same moment push once. KEYS: inbox, entries, done; ARGV: id, message, id, message ...
_PUSH = """
local waiting = {}
for _, message in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do waiting[message] = true end
local pushed = 0
for i = 1, #ARGV, 2 do
  local id, message = ARGV[i], ARGV[i + 1]
  local is_known = waiting[message] or redis.call('HEXISTS', KEYS[2], id) == 1 or redis.call('ZSCORE', KEYS[3], id)
  if not is_known then
    redis.call('LPUSH', KEYS[1], message)
    pushed = pushed + 1
  end
end
return pushed
"""


def open_redis(url: str) -> redis.Redis:
    """A client; nothing is connected yet. Raises RedisFaultError for an address that is none."""
    try:
        return redis.Redis.from_url(url, decode_responses=True, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)
    except ValueError:
        raise RedisFaultError("CONTROL_REDIS_URL is no address of a Redis: redis://user:password@host:6379/0, rediss:// for TLS.") from None


def ping(client: redis.Redis) -> None:
    """Raise RedisFaultError when it does not answer."""
    try:
        client.ping()
    except redis.RedisError as error:
        raise _explain(error) from None


class RedisQueue:
    """The queue of one platform. Every call raises RedisFaultError."""

    def __init__(self, client: redis.Redis, keys: PlatformKeys) -> None:
        self._client = client
        self._keys = keys

    def push(self, runs: Sequence[QueuedRun]) -> int:
        """Push those that Redis does not know yet; how many."""
        names = [self._keys.inbox, self._keys.lease("entries"), self._keys.lease("done")]
        pairs = [text for run in runs for text in (_identify(run), write_message(run))]
        try:
            return int(self._client.eval(_PUSH, len(names), *names, *pairs)) if pairs else 0
        except redis.RedisError as error:
            raise _explain(error) from None

    def count_waiting(self) -> int:
        """How many messages no node has taken yet."""
        try:
            return int(self._client.llen(self._keys.inbox))
        except redis.RedisError as error:
            raise _explain(error) from None

    def find(self, runs: Sequence[QueuedRun]) -> list[Whereabouts]:
        """Where each run is, all of one moment."""
        if not runs:
            return []
        ids = [_identify(run) for run in runs]
        lease = self._keys.lease
        try:
            with self._client.pipeline(transaction=True) as ask:
                ask.hmget(lease("entries"), ids)
                ask.zmscore(lease("done"), ids)
                ask.zmscore(lease("dead"), ids)
                ask.hmget(lease("causes"), ids)
                ask.lrange(self._keys.inbox, 0, -1)
                ask.lrange(lease("unreadable"), 0, -1)
                entries, done, dead, causes, inbox, aside = ask.execute()
        except redis.RedisError as error:
            raise _explain(error) from None
        waiting, unreadable = set(inbox), {json.loads(text)["message"] for text in aside}
        return [
            _judge(write_message(run), answer, waiting, unreadable)
            for run, answer in zip(runs, zip(entries, done, dead, causes, strict=True), strict=True)
        ]


def _identify(run: QueuedRun) -> str:
    return entry_id(run.name, run.keyword.city_code, run.keyword.depth, run.keyword.text)


def write_message(run: QueuedRun) -> str:
    """What a node reads: always the same text for the same run."""
    keyword = run.keyword
    values: dict[str, Any] = {"text": keyword.text, "city_code": keyword.city_code, "keyword_id": keyword.keyword_id, "run": run.name}
    if keyword.depth is not None:
        values["depth"] = keyword.depth
    if keyword.priority:
        values["priority"] = keyword.priority
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _judge(message: str, answer: tuple[Any, ...], waiting: set[str], unreadable: set[str]) -> Whereabouts:
    entry, done, dead, causes = answer
    if dead is not None:
        return Whereabouts(Place.DEAD, json.loads(causes) if causes else {})
    if entry is not None:
        return Whereabouts(Place.OPEN)
    if done is not None:
        return Whereabouts(Place.COMPLETE)
    if message in waiting:
        return Whereabouts(Place.WAITING)
    return Whereabouts(Place.UNREADABLE if message in unreadable else Place.LOST)


def _explain(error: redis.RedisError) -> RedisFaultError:
    # Not the driver's words: they may hold the address with its password.
    return RedisFaultError(
        f"Redis refuses or does not answer ({type(error).__name__}): look at CONTROL_REDIS_URL. "
        "What is due stays due; what is queued already is pushed by the next `keywords fill`."
    )
