"""Every Redis key name, in one place: what stands where, for both programs and for the operator with `redis-cli`.

A platform's keys start with its spider's name, as scrapy-redis has it (`boss:keywords`). Platforms share nothing, so they may lie on
different Redis servers. All times in Redis are microseconds of Redis' own clock.
"""

from __future__ import annotations

from dataclasses import dataclass

REDIS_KEY = "%(name)s:keywords"  # scrapy-redis's `redis_key`: the list that an operator LPUSHes JSON messages to

# The names below `<platform>:lease:`; jobspiders/leases/lua sees each as an upper-case constant. An id is `run|city|depth|text`.
LEASE_NAMES = {
    "queue": "zset: id -> place; the lowest is leased next (priority band, then age)",
    "entries": "hash: id -> the keyword as JSON; holds every keyword that is open: queued, leased or dead",
    "marks": "hash: id -> 'place attempts blamed claimed worker'; of keywords that were leased at least once",
    "causes": "hash: id -> JSON {cause: count}; of keywords that came back for a reason",
    "dead": "zset: id -> when it was given up",
    "done": "zset: id -> epoch of the lease that completed it; the seen-mark, trimmed by age",
    "workers": "zset: worker -> its deadline; past it, its leases go back",
    "counts": "hash: pushed, complete, dropped, reaped, stale, seq (age), epoch (fence), tick, looked (last looks at deadlines and law)",
    "unreadable": "list: messages of the redis_key that are no keyword, as JSON {cause, message}",
}
ID_SEPARATOR = "|"
HELD = "held:"  # + worker: zset id -> epoch; what that worker holds
WORKER = "worker:"  # + worker: hash node, since, claim, epoch; who it is and the last claim it made
BUDGET = "budget:"  # + an egress name: string, when the next request may start there; alone: the platform's own
LIMITS = "limits"  # hash platform, egress: microseconds between two requests, where an operator set them for all nodes


def entry_id(run: str, city_code: str, depth: int | None, text: str) -> str:
    """`run|city|depth|text`: the same search in the same run is the same entry, whoever pushes it. Raises ValueError."""
    if ID_SEPARATOR in run or ID_SEPARATOR in city_code:
        raise ValueError(f"run {run!r} or city code {city_code!r} holds {ID_SEPARATOR!r}; use letters, digits, - and .")
    return ID_SEPARATOR.join([run, city_code, "" if depth is None else str(depth), text])


@dataclass(frozen=True, slots=True)
class PlatformKeys:
    """The key names of one platform (or of any spider): `PlatformKeys("boss").prefix` is `boss:lease:`."""

    name: str
    redis_key: str = REDIS_KEY

    @property
    def inbox(self) -> str:
        """The list an operator pushes messages to: `boss:keywords`."""
        return self.redis_key % {"name": self.name}

    @property
    def prefix(self) -> str:
        """What every lease key starts with."""
        return f"{self.name}:lease:"

    def lease(self, noun: str) -> str:
        """The full name of one of LEASE_NAMES: `lease("queue")` is `boss:lease:queue`."""
        if noun not in LEASE_NAMES:
            raise ValueError(f"no lease key is called {noun!r}; valid are {', '.join(LEASE_NAMES)}")
        return self.prefix + noun

    def held(self, worker: int) -> str:
        return f"{self.prefix}{HELD}{worker}"

    def worker(self, worker: int) -> str:
        return f"{self.prefix}{WORKER}{worker}"

    def budget(self, egress: str = "") -> str:
        return f"{self.prefix}{BUDGET}{egress}"

    @property
    def limits(self) -> str:
        return self.prefix + LIMITS
