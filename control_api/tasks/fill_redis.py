"""Due keywords into Redis, and the ends of their runs back. Calling it twice, or twice at the same time, doubles nothing.

A run is in the database before it is in Redis: a call that dies between the two is made good by the next one, under the same name.
"""

from __future__ import annotations

from collections import Counter
from functools import partial

from control_api.db import Database
from control_api.models.base import now_utc
from control_api.redis_queue import RedisQueue
from control_api.services import queueing
from control_api.services.leases import LeaseRules
from control_api.services.queueing import Place
from jobschema import Platform

STEP = 200  # runs in one unit of work: other writers of the database wait for it
LOOK = 2_000  # runs looked up at a time: each look reads all that waits in Redis
MOST_WAITING = 20_000  # keywords that wait in Redis for a node; what else is due stays due until nodes have taken some


def fill(database: Database, platform: Platform, queue: RedisQueue, rules: LeaseRules) -> Counter[str]:
    """What became of earlier runs (by Place, and `again`: pushed anew), and `queued`: runs of keywords that were due."""
    figures = _look_back(database, platform, queue, rules)
    room = MOST_WAITING - queue.count_waiting()
    while room > 0:
        due = database.retry(partial(queueing.queue_due, platform=platform, count=min(STEP, room), rules=rules, now=now_utc()))
        if not due:
            break
        figures["queued"] += len(due)
        room -= len(due)
        queue.push(due)
    return figures


def _look_back(database: Database, platform: Platform, queue: RedisQueue, rules: LeaseRules) -> Counter[str]:
    figures: Counter[str] = Counter()
    after_id = 0
    while True:
        with database.read() as unit:
            runs = queueing.read_queued(unit, platform, after_id=after_id, limit=LOOK)
        if not runs:
            return figures
        after_id = runs[-1].run_id
        found = list(zip(runs, queue.find(runs), strict=True))
        figures.update(whereabouts.place.value for _, whereabouts in found)
        figures["again"] += queue.push([run for run, whereabouts in found if whereabouts.place is Place.LOST])
        news = [pair for pair in found if queueing.is_news(*pair, rules, now_utc())]
        for start in range(0, len(news), STEP):
            database.retry(partial(queueing.settle, found=news[start : start + STEP], rules=rules, now=now_utc()))
