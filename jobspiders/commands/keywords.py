"""`scrapy keywords VERB PLATFORM ...`: the queue in Redis, seen and steered by an operator. docs/leases.md shows each verb."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import ChainMap, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError
from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.settings import BaseSettings, Settings
from sqlalchemy.exc import SQLAlchemyError

from jobschema import Platform
from jobschema.keys import REDIS_KEY, PlatformKeys
from jobschema.messages import Keyword
from jobspiders.feeds.keyword_table import read_open_keywords
from jobspiders.feeds.redis_settings import connect, is_redis_configured
from jobspiders.leases.budget import set_limits
from jobspiders.leases.entries import MessageUnreadableError, read_message, to_json
from jobspiders.leases.queue import KeywordPlace, KeywordQueue, Pushed
from jobspiders.leases.scripts import LeaseScripts, RedisTransport
from jobspiders.platforms import build_platform
from jobspiders.secret import reveal

MISSING = 4  # exit code: the law is broken, or the keyword is not there


@dataclass(frozen=True, slots=True)
class Words:
    """What stands on the command line after verb and platform."""

    words: list[str]
    opts: argparse.Namespace


@dataclass(frozen=True, slots=True)
class Errand:
    """One call of the command: the queue, the words after verb and platform, the options, a city's code."""

    queue: KeywordQueue
    words: list[str]
    opts: argparse.Namespace
    city_code: Callable[[str], str]
    set_limits: Callable[[float | None, float | None], Awaitable[None]]

    async def find(self) -> list[str]:
        """The identities that the words name: texts, or identities as `where` and `dead` print them. Raises UsageError without words."""
        if not self.words:
            raise UsageError("name texts or identities, as in: scrapy keywords where boss Python", print_help=False)
        found: dict[str, None] = {}
        for word in self.words:
            found.update(dict.fromkeys([word] if word.count("|") >= 3 else await self.queue.find(word)))
        return list(found)


async def push(errand: Errand) -> int:
    """Queue texts, each at most once per --run."""
    if not errand.words and not errand.opts.file:
        raise UsageError("give texts to search, or --file with one message a line", print_help=False)
    check_options(errand)
    for run, group in group_by_run([*read_words(errand), *read_file(errand)]).items():
        show(errand, await errand.queue.push(group, run), run=run)
    return 0


async def rebuild(errand: Errand) -> int:
    """Fill a Redis that lost its memory from --table, the control plane's keywords, or from --file; what is open already stays as it is."""
    if not errand.opts.file and not errand.opts.table:
        raise UsageError("give --table, or --file with one message a line (- for standard input)", print_help=False)
    check_options(errand)
    begin = time.monotonic()
    for run, group in group_by_run(read_file(errand)).items():
        show(errand, await errand.queue.push(group, run), run=run)
    if errand.opts.table:
        keywords = read_open_keywords(errand.opts.table_url, errand.queue.platform)
        show(errand, await errand.queue.push(keywords, errand.opts.run), run=errand.opts.run)
    print(f"rebuilt in {time.monotonic() - begin:.1f} s")
    return await status(errand)


async def status(errand: Errand) -> int:
    """The conservation law's figures and the workers on duty; --audit checks every keyword. Exit code 4 when the law is broken."""
    found = await errand.queue.status()
    if errand.opts.json:
        print(json.dumps(asdict(found), ensure_ascii=False))
    else:
        print(
            f"{errand.queue.platform}: pushed {found.pushed} = queued {found.queued} + leased {found.leased} + complete {found.complete}",
            end="",
        )
        print(f" + dead {found.dead} + dropped {found.dropped}" + ("" if found.is_conserved else f"   BROKEN by {found.imbalance}"))
        print(
            f"  inbox {found.inbox}, unreadable {found.unreadable}, leases of dead workers {found.reaped}, late ends refused {found.stale}"
        )
        for worker in found.workers:
            silence = errand.opts.lease_seconds - worker.deadline
            print(f"  worker {worker.worker} {worker.node} holds {worker.held}, silent for {silence:.1f} s")
    faults = await errand.queue.audit() if errand.opts.audit else []
    for fault in faults:
        print(f"  fault: {fault}")
    return 0 if found.is_conserved and not faults else MISSING


async def where(errand: Errand) -> int:
    """State, node, age, attempts and causes of keywords. Exit code 4 when one is nowhere."""
    places = await errand.queue.where(await errand.find())
    if not places:
        print(f"nothing of {', '.join(errand.words)} is open or remembered as complete on {errand.queue.platform}")
    for place in places:
        print(json.dumps(asdict(place), ensure_ascii=False) if errand.opts.json else describe(place))
    return 0 if places and all(place.state not in ("unknown", "lost") for place in places) else MISSING


async def give_back(errand: Errand) -> int:
    """Take leased keywords from whoever holds them, back to their place in the queue."""
    print(f"{await errand.queue.give_back(await errand.find())} leases returned")
    return 0


async def dead(errand: Errand) -> int:
    """List the dead letters with their causes."""
    if errand.opts.count < 1:
        raise UsageError(f"--count is {errand.opts.count}; at least 1 is needed", print_help=False)
    letters = await errand.queue.dead(errand.opts.count)
    if not letters and not errand.opts.json:
        print(f"no dead letter on {errand.queue.platform}")
    for letter in letters:
        died = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(letter.died_at))
        if errand.opts.json:
            print(json.dumps(asdict(letter), ensure_ascii=False))
        else:
            print(f"{letter.identity}  since {died}: {say_causes(letter.causes)}")
    return 0


async def retry(errand: Errand) -> int:
    """Dead letters back into the queue; --all for every one."""
    print(f"{await errand.queue.retry(await choose_dead(errand))} queued again")
    return 0


async def drop(errand: Errand) -> int:
    """Forget dead letters; --all for every one."""
    print(f"{await errand.queue.drop(await choose_dead(errand))} dropped")
    return 0


async def limit(errand: Errand) -> int:
    """What all nodes together may ask, from their next request on: --platform-rate, --egress-rate; neither: back to their settings."""
    opts = errand.opts
    await errand.set_limits(opts.platform_rate, opts.egress_rate)
    said = {"platform": opts.platform_rate, "each exit": opts.egress_rate}
    shown = ", ".join(f"{noun} {'as the nodes are set' if rate is None else f'{rate:g} requests/s'}" for noun, rate in said.items())
    print(f"{errand.queue.platform}: {shown}")
    return 0


VERBS: dict[str, Callable[[Errand], Awaitable[int]]] = {
    "push": push,
    "status": status,
    "where": where,
    "return": give_back,
    "dead": dead,
    "retry": retry,
    "drop": drop,
    "rebuild": rebuild,
    "limit": limit,
}


class Command(ScrapyCommand):
    """Exit code 0 when all is well, 2 for wrong usage, 4 when something is missing."""

    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return f"<{'|'.join(VERBS)}> <platform> [text or identity ...]"

    def short_desc(self) -> str:
        return "Push, look at and steer the keywords in Redis"

    def long_desc(self) -> str:
        return "\n".join(f"{verb}: {function.__doc__}" for verb, function in VERBS.items())

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--run", default="", help="name of the run; a keyword is crawled once in it (default: nameless, once at a time)"
        )
        parser.add_argument("--city", default="全国", help="push: a city's name or code (default the whole country)")
        parser.add_argument("--depth", type=int, help="push: search pages at most")
        parser.add_argument("--priority", type=int, default=0, help="push: a higher one goes first (-1000 to 1000)")
        parser.add_argument("--file", help="push, rebuild: messages as they go to the redis_key, one a line; - for standard input")
        parser.add_argument(
            "--table", action="store_true", help="rebuild: what is due or under way in the database of CONTROL_DATABASE_URL"
        )
        parser.add_argument("--audit", action="store_true", help="status: check every keyword (blocks Redis for about 1 s per 300,000)")
        parser.add_argument("--count", type=int, default=100, help="dead: how many at most")
        parser.add_argument("--platform-rate", type=float, help="limit: requests per second of all nodes together; 0 = no limit")
        parser.add_argument("--egress-rate", type=float, help="limit: the same through one exit")
        parser.add_argument("--all", action="store_true", help="retry, drop: every dead letter")
        parser.add_argument("--json", action="store_true", help="status, where, dead: JSON lines")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        settings = self.settings or Settings()
        if len(args) < 2 or args[0] not in VERBS or args[1] not in set(Platform):
            raise UsageError(f"give a verb ({', '.join(VERBS)}) and a platform ({', '.join(Platform)}), as in: scrapy keywords status boss")
        if not is_redis_configured(settings):
            raise UsageError("no Redis is named. Set REDIS_URL, as in redis://127.0.0.1:6379/0", print_help=False)
        opts.table_url = reveal(settings.get("CONTROL_DATABASE_URL"))
        if opts.table and not opts.table_url:
            raise UsageError("--table reads the database of CONTROL_DATABASE_URL, which is empty", print_help=False)
        opts.lease_seconds = settings.getfloat("LEASE_SECONDS", 9.0)
        try:
            self.exitcode = asyncio.run(work(args[0], settings, Platform(args[1]), Words(args[2:], opts)))
        except RedisError as error:
            said = f"{type(error).__name__}: {error}"
            raise UsageError(f"Redis does not answer as it should ({said}). Check REDIS_URL", print_help=False) from None
        except OSError as error:
            raise UsageError(f"the file of --file cannot be read ({error})", print_help=False) from None
        except SQLAlchemyError as error:  # its text may hold the address
            said = type(error).__name__
            raise UsageError(f"the keyword table cannot be read ({said}). Check CONTROL_DATABASE_URL", print_help=False) from None
        except ValueError as error:
            raise UsageError(str(error), print_help=False) from None


async def work(verb: str, settings: BaseSettings, platform: Platform, said: Words) -> int:
    """One verb on one platform's queue. Returns the exit code."""
    site = build_platform(platform, ChainMap({"QCWY_DOOR": "web"}, settings))  # the door that needs no key: only city codes are asked for
    keys = PlatformKeys(platform, settings.get("REDIS_START_URLS_KEY") or REDIS_KEY)
    async with connect(settings) as client:
        queue = KeywordQueue(LeaseScripts(RedisTransport(client), keys), platform)
        return await VERBS[verb](Errand(queue, said.words, said.opts, site.city_code, partial(set_limits, client, keys)))


def check_options(errand: Errand) -> None:
    """Raise ValueError when --run, --depth or --priority is nothing that a keyword may have."""
    opts = errand.opts
    try:
        read_message(to_json({"text": "any", "run": opts.run, "depth": opts.depth, "priority": opts.priority}), errand.queue.platform)
    except ValueError as error:
        raise ValueError(f"the command line {error}") from None


def read_words(errand: Errand) -> Iterator[tuple[Keyword, str]]:
    """The texts of the command line as keywords of --run. Raises ValueError naming the text."""
    for word in errand.words:
        yield read_keyword(errand, to_json({"text": word, "priority": errand.opts.priority}), "the keyword")


def read_file(errand: Errand) -> Iterator[tuple[Keyword, str]]:
    """The messages of --file, each with its own run or --run. Raises ValueError naming the line."""
    if not errand.opts.file:
        return
    lines = sys.stdin if errand.opts.file == "-" else Path(errand.opts.file).open(encoding="utf-8")  # noqa: SIM115  # closed below
    with lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield read_keyword(errand, line.strip(), f"{errand.opts.file}, line {number}: the message")


def read_keyword(errand: Errand, message: str, what: str) -> tuple[Keyword, str]:
    """A message as (keyword, run), the options for what it does not say. Raises ValueError that begins with `what`."""
    opts = errand.opts
    try:
        keyword, run = read_message(message, errand.queue.platform)
        code = errand.city_code(keyword.city_code or opts.city)
    except MessageUnreadableError as error:
        raise ValueError(f"{what} {error}") from None
    except ValueError as error:
        raise ValueError(f"{what} cannot be searched: {error}") from None
    depth = opts.depth if keyword.depth is None else keyword.depth
    return Keyword(keyword.platform, keyword.text, code, depth, keyword.keyword_id, keyword.priority), run or opts.run


def group_by_run(keywords: Iterable[tuple[Keyword, str]]) -> dict[str, list[Keyword]]:
    groups: dict[str, list[Keyword]] = defaultdict(list)
    for keyword, run in keywords:
        groups[run].append(keyword)
    return groups


async def choose_dead(errand: Errand) -> list[str]:
    if errand.opts.all:
        return [letter.identity for letter in await errand.queue.dead(count=10_000_000)]
    if not errand.words:
        raise UsageError("name texts or identities, or give --all", print_help=False)
    return await errand.find()


def show(errand: Errand, pushed: Pushed, *, run: str) -> None:
    said = f"{pushed.queued} queued, {pushed.open_already} open already, {pushed.complete_already} complete already"
    print(f"{errand.queue.platform}, run {run or '(nameless)'}: {said}")


def describe(place: KeywordPlace) -> str:
    said = f"{place.identity}  {place.state}"
    if place.rank is not None:
        said += f", {place.rank} before it"
    if place.lease_age is not None:
        said += f" by {place.node} for {place.lease_age:.1f} s, epoch {place.epoch}"
    if place.attempts:
        said += f", attempt {place.attempts} ({place.failed_attempts} failed)"
    return said + (f": {say_causes(place.causes)}" if place.causes else "")


def say_causes(causes: dict[str, Any]) -> str:
    return ", ".join(f"{cause} x{count}" for cause, count in causes.items()) or "no cause is known"
