"""scrapy-redis's settings, read for an asyncio client: REDIS_URL, REDIS_HOST, REDIS_PORT, REDIS_DB, REDIS_PARAMS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from scrapy_redis import connection, defaults

from jobspiders.leases.budget import BudgetLimits
from jobspiders.leases.holder import LeasePolicy
from jobspiders.leases.scripts import MAX_BATCH
from jobspiders.secret import reveal

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


def is_redis_configured(settings: BaseSettings) -> bool:
    """Does the operator name a Redis? Without one, keywords come from arguments or from the control API."""
    return bool(reveal(settings.get("REDIS_URL")) or settings.get("REDIS_HOST"))


def connect(settings: BaseSettings) -> Redis:
    """A client that has not connected yet. scrapy-redis's own function would give a blocking one."""
    params: dict[str, Any] = {**defaults.REDIS_PARAMS, **settings.getdict("REDIS_PARAMS")}
    for name in ("redis_cls", "retry_on_timeout"):  # a blocking class; a switch that redis-py has retired
        params.pop(name, None)
    for setting, param in connection.SETTINGS_PARAMS_MAP.items():
        value = reveal(settings.get(setting)) if setting == "REDIS_URL" else settings.get(setting)
        if value:
            params[param] = value
    # Our own retries: every step may be sent again, and an operator's message may hold any bytes.
    params |= {"decode_responses": True, "encoding": "utf-8", "encoding_errors": "surrogateescape", "retry": Retry(NoBackoff(), 0)}
    url = params.pop("url", None)
    return Redis.from_url(url, **params) if url else Redis(**params)


def read_policy(settings: BaseSettings) -> LeasePolicy:
    """Raises ValueError naming the setting that is out of range."""
    beat, lease = settings.getfloat("LEASE_BEAT_SECONDS", 3.0), settings.getfloat("LEASE_SECONDS", 9.0)
    if not 0 < 2 * beat <= lease:
        raise ValueError(f"LEASE_SECONDS is {lease:g} and LEASE_BEAT_SECONDS {beat:g}: a lease must outlast two heartbeats, 9 and 3 say")
    attempts = settings.getint("LEASE_MAX_ATTEMPTS", 5)
    if attempts < 1:
        raise ValueError(f"LEASE_MAX_ATTEMPTS is {attempts}; at least 1 is needed")
    return LeasePolicy(beat, lease, attempts)


def read_max_leases(settings: BaseSettings) -> int:
    """How many keywords a node may hold. Raises ValueError when the setting is out of range."""
    most = settings.getint("LEASE_MAX_HELD", 200)
    if not 1 <= most <= MAX_BATCH:
        raise ValueError(f"LEASE_MAX_HELD is {most}; valid are 1 to {MAX_BATCH}")
    return most


def read_limits(settings: BaseSettings) -> BudgetLimits:
    """What all nodes together may ask, unless an operator set it in Redis. Raises ValueError naming the setting that is out of range."""
    names = ("BUDGET_PLATFORM_RATE", "BUDGET_EGRESS_RATE", "BUDGET_BURST_SECONDS")
    values = [settings.getfloat(name, default) for name, default in zip(names, (0.0, 0.0, 1.0), strict=True)]
    for name, value in zip(names, values, strict=True):
        if not 0 <= value < 1e5:
            raise ValueError(f"{name} is {value:g}; valid are 0 to 100,000 (0: no limit)")
    return BudgetLimits(*values)
