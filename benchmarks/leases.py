"""What leases cost, and how fast a dead node's keywords come back: python -m benchmarks.leases [speed|nodes|idle|recovery|rebuild|...]

Client and server share this machine's cores, so every line also gives the CPU time each side spent: the ratios hold when it is busy.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import redis
import redis.asyncio
import uvloop
from sqlalchemy import create_engine, insert
from sqlmodel import Session

from benchmarks.lease_crawls import measure_crawl_kills, measure_outage, measure_pace, measure_plain
from benchmarks.lease_races import measure_races
from benchmarks.lease_streams import measure_streams
from benchmarks.lease_worker import KEYS
from benchmarks.redis_server import PrivateRedis
from control_api.models import Keyword as KeywordRow
from jobschema import Platform
from jobschema.messages import Keyword
from jobspiders.leases.holder import LeaseHolder, LeasePolicy
from jobspiders.leases.queue import KeywordQueue
from jobspiders.leases.scripts import LeaseScripts, RedisTransport


def make_keywords(count: int) -> list[Keyword]:
    return [Keyword(Platform.BOSS, f"keyword {i}", "101010100", priority=i % 3) for i in range(count)]


def open_scripts(port: int) -> tuple[redis.asyncio.Redis, LeaseScripts]:
    client = redis.asyncio.Redis(port=port, decode_responses=True)
    return client, LeaseScripts(RedisTransport(client), KEYS)


def push_all(server: PrivateRedis, count: int, run: str) -> float:
    """Seconds to queue `count` keywords."""

    async def main() -> None:
        client, scripts = open_scripts(server.port)
        async with client:
            await KeywordQueue(scripts, Platform.BOSS).push(make_keywords(count), run)

    begin = time.perf_counter()
    asyncio.run(main())
    return time.perf_counter() - begin


# -- speed: claim + complete --------------------------------------------------------------------------------------------------


async def _pump(port: int, batch: int, quota: int) -> None:
    client, scripts = open_scripts(port)
    async with client:
        holder = LeaseHolder(scripts, Platform.BOSS)
        await holder.enlist()
        done = 0
        while done < quota:
            claimed = (await holder.beat(batch)).claimed
            if not claimed:
                break
            await holder.complete(claimed)
            done += len(claimed)
        await holder.leave()


def pump(port: int, batch: int, connections: int, quota: int) -> float:
    """One client process: `connections` workers that claim and complete. Returns its CPU seconds."""

    async def main() -> None:
        await asyncio.gather(*[_pump(port, batch, quota // connections) for _ in range(connections)])

    begin = time.process_time()
    uvloop.run(main())  # the loop that the crawler runs on
    return time.process_time() - begin


def measure_speed(server: PrivateRedis) -> None:
    print("claim + complete   processes x connections   keywords/s   us per keyword: client CPU, Redis CPU")
    with server.client() as client, multiprocessing.Pool(4) as pool:
        for batch, processes, connections, count in (
            (1, 1, 1, 2000),
            (1, 2, 4, 8000),
            (1, 3, 8, 12000),
            (16, 1, 1, 16000),
            (16, 2, 4, 48000),
        ):
            client.flushall()
            push_all(server, count + 1000, "r")
            spent, begin = server_cpu(client), time.perf_counter()
            clients = pool.starmap(pump, [(server.port, batch, connections, count // processes)] * processes)
            seconds = time.perf_counter() - begin
            redis_cpu = server_cpu(client) - spent
            figures = f"{count / seconds:10,.0f}   {sum(clients) / count * 1e6:8.1f} {redis_cpu / count * 1e6:8.1f}"
            print(f"batch {batch:2}           {processes} x {connections}                   {figures}", flush=True)


def server_cpu(client: redis.Redis) -> float:
    spent: dict[str, Any] = client.info("cpu")  # type: ignore[assignment]
    return float(spent["used_cpu_sys"] + spent["used_cpu_user"])


# -- fleet: the traffic of many nodes -----------------------------------------------------------------------------------------


async def _node(port: int, seconds: float, keyword_seconds: float, delays: list[float]) -> None:
    """One node: 4 keywords at once, a heartbeat each 3 s, in real time."""
    client, scripts = open_scripts(port)
    end = time.monotonic() + seconds
    async with client:
        await asyncio.sleep(random.random() * 3)
        holder = LeaseHolder(scripts, Platform.BOSS)
        await holder.enlist()
        running: list[tuple[float, Any]] = []
        beat_at = 0.0
        while (now := time.monotonic()) < end:
            due = [lease for when, lease in running if when <= now]
            running = [(when, lease) for when, lease in running if when > now]
            begin = time.perf_counter()
            await holder.complete(due)
            if due or now >= beat_at or len(running) < 4:
                beat = await holder.beat(4 - len(running))
                beat_at = now + 3
                running += [(now + keyword_seconds * random.uniform(0.5, 1.5), lease) for lease in beat.claimed]
                delays.append(time.perf_counter() - begin)
            await asyncio.sleep(max(0.001, min([beat_at, *[when for when, _ in running]]) - time.monotonic()))
        await holder.leave()


def run_nodes(port: int, nodes: int, seconds: float, keyword_seconds: float) -> list[float]:
    async def main() -> list[float]:
        delays: list[float] = []
        await asyncio.gather(*[_node(port, seconds, keyword_seconds, delays) for _ in range(nodes)])
        return delays

    return asyncio.run(main())


def measure_fleet(server: PrivateRedis) -> None:
    print(
        "nodes   seconds per keyword   Redis operations/s   keywords/s   Redis CPU (us an operation)   step p50, p99 ms (client included)"
    )
    with server.client() as client, multiprocessing.Pool(2) as pool:
        for nodes, keyword_seconds in ((200, 1e9), (200, 10.0), (200, 2.0), (600, 10.0), (2000, 10.0)):
            seconds = max(12.0, nodes / 60)  # that many connections take a while to open
            client.flushall()
            push_all(server, min(80_000, int(nodes * 4 * (seconds / keyword_seconds + 3))), "r")
            client.config_resetstat()
            spent = server_cpu(client)
            results = pool.starmap(run_nodes, [(server.port, nodes // 2, seconds, keyword_seconds)] * 2)
            redis_cpu = server_cpu(client) - spent
            stats: dict[str, Any] = client.info("commandstats")  # type: ignore[assignment]
            calls = stats["cmdstat_evalsha"]["calls"]
            counts: dict[str, str] = client.hgetall(KEYS.lease("counts"))  # type: ignore[assignment]
            kind = "idle" if keyword_seconds > 1e6 else f"{keyword_seconds:g}"
            figures = f"{calls / seconds:18,.0f}   {int(counts.get('complete', 0)) / seconds:10,.1f}"
            cost = f"{redis_cpu / seconds:9.1%} ({redis_cpu / calls * 1e6:.0f})"
            delays = sorted(delay * 1000 for part in results for delay in part)
            steps = f"{delays[len(delays) // 2]:.1f}, {delays[int(len(delays) * 0.99)]:.1f}"
            print(f"{nodes:5}   {kind:>19}   {figures}   {cost:>27}   {steps}", flush=True)


# -- recovery: SIGKILL to the next lease --------------------------------------------------------------------------------------


def measure_recovery(server: PrivateRedis, rounds: int = 4, victims: int = 24) -> None:
    """Real processes with 3 s heartbeats and 9 s leases, killed at random moments; the survivors idle."""
    seconds = sorted(second for _ in range(rounds) for second in _kill_workers(server, victims))
    p95, p99 = seconds[int(len(seconds) * 0.95)], seconds[int(len(seconds) * 0.99)]
    print(f"recovery: {rounds * victims} workers killed, {len(seconds)} leases; SIGKILL to the next lease ", end="")
    print(f"p50 {seconds[len(seconds) // 2]:.1f} s, p95 {p95:.1f} s, p99 {p99:.1f} s, longest {seconds[-1]:.1f} s", flush=True)


def _kill_workers(server: PrivateRedis, victims: int, survivors: int = 2) -> list[float]:
    """Seconds from each killed worker's end to the next lease of each of its keywords."""
    command = [sys.executable, "-m", "benchmarks.lease_worker", server.url, "--work", "100000", "--held"]
    with server.client() as client:
        client.flushall()
        doomed = [subprocess.Popen([*command, "4"]) for _ in range(victims)]
        push_all(server, victims * 4, "r")
        _wait(lambda: client.hlen("oracle:claims") == victims * 4)
        heirs = [subprocess.Popen([*command, "1000"]) for _ in range(survivors)]
        _wait(lambda: client.zcard(KEYS.lease("workers")) == victims + survivors)
        killed: dict[str, float] = {}
        for process in doomed:
            time.sleep(random.uniform(0.05, 0.7))
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed[str(process.pid)] = time.monotonic()
        seconds = _watch_claims(client, killed, victims * 4)
        for process in heirs:
            process.kill()
            process.wait()
    return seconds


def _watch_claims(client: redis.Redis, killed: dict[str, float], count: int) -> list[float]:
    first: dict[str, str] = {}
    for claim, pid in client.hgetall("oracle:claims").items():  # type: ignore[union-attr]
        first[claim.rsplit(" ", 1)[0]] = pid if pid in killed else first.get(claim.rsplit(" ", 1)[0], pid)
    again: dict[str, float] = {}

    def look() -> bool:
        for claim, pid in client.hgetall("oracle:claims").items():  # type: ignore[union-attr]
            identity = claim.rsplit(" ", 1)[0]
            if pid not in killed and identity not in again:
                again[identity] = time.monotonic() - killed[first[identity]]
        return len(again) == count

    _wait(look)
    return list(again.values())


def _wait(condition: Callable[[], bool], limit: float = 60.0) -> None:
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > limit:
            raise TimeoutError(f"it did not happen within {limit:.0f} s")
        time.sleep(0.02)


# -- rebuild ------------------------------------------------------------------------------------------------------------------


def measure_rebuild(server: PrivateRedis, count: int = 100_000) -> None:
    with server.client() as client:
        client.flushall()
        seconds, again = push_all(server, count, "r"), push_all(server, count, "r")
        used: dict[str, Any] = client.info("memory")  # type: ignore[assignment]

        async def ask() -> tuple[float, float, float]:
            connection, scripts = open_scripts(server.port)
            async with connection:
                queue = KeywordQueue(scripts, Platform.BOSS)
                times = [time.perf_counter()]
                for question in (queue.status(), queue.audit(), queue.find("keyword 77777")):
                    await question
                    times.append(time.perf_counter())
            return times[1] - times[0], times[2] - times[1], times[3] - times[2]

        status, audit, find = asyncio.run(ask())
    print(f"rebuild: {count:,} keywords into an empty Redis in {seconds:.1f} s, over a full one in {again:.1f} s", end="; ")
    print(f"{used['used_memory'] / count:.0f} bytes a keyword", end="; ")
    print(f"status {status * 1000:.1f} ms, audit {audit * 1000:.0f} ms, find {find * 1000:.0f} ms")


def measure_table(server: PrivateRedis, count: int = 100_000) -> None:
    """The operator's command after a failover to an empty Redis: the control plane's table into the queue, its start included."""
    with server.client() as client, tempfile.TemporaryDirectory() as folder:
        client.flushall()
        url = f"sqlite:///{folder}/control.db"
        write_table(url, count)
        environment = {**os.environ, "REDIS_URL": server.url, "CONTROL_DATABASE_URL": url}
        command = [sys.executable, "-m", "scrapy", "keywords", "rebuild", "boss", "--table"]
        begin = time.perf_counter()
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        seconds = time.perf_counter() - begin
    print(f"scrapy keywords rebuild --table: {count:,} keywords in {seconds:.1f} s; {said.splitlines()[0]}", flush=True)


def write_table(url: str, count: int) -> None:
    """The control plane's keyword table with `count` due keywords of boss."""
    engine = create_engine(url)
    KeywordRow.metadata.create_all(engine)
    now = datetime.now(UTC)
    rows = [
        {"platform": "boss", "text": f"keyword {i}", "city_code": "101010100", "rank": -(i % 3), "available_at": now} for i in range(count)
    ]
    with Session(engine) as session:
        session.execute(insert(KeywordRow), rows)
        session.commit()
    engine.dispose()


def measure_idle(server: PrivateRedis) -> None:
    """A worker with nothing to do, at the default heartbeat."""
    with server.client() as client:
        client.flushall()
        worker = subprocess.Popen([sys.executable, "-m", "benchmarks.lease_worker", server.url])
        _wait(lambda: client.zcard(KEYS.lease("workers")) == 1)
        time.sleep(1)
        before: dict[str, Any] = client.info("commandstats")  # type: ignore[assignment]
        time.sleep(15)
        after: dict[str, Any] = client.info("commandstats")  # type: ignore[assignment]
        worker.kill()
        worker.wait()
    calls = after["cmdstat_evalsha"]["calls"] - before["cmdstat_evalsha"]["calls"]
    print(f"idle: {calls / 15:.2f} Redis operations/s per worker (heartbeat {LeasePolicy().beat_seconds:g} s)", flush=True)


PARTS: dict[str, Callable[[PrivateRedis, argparse.Namespace], None]] = {
    "speed": lambda server, _: measure_speed(server),
    "nodes": lambda server, _: measure_fleet(server),
    "idle": lambda server, _: measure_idle(server),
    "recovery": lambda server, _: measure_recovery(server),
    "rebuild": lambda server, _: measure_rebuild(server),
    "table": lambda server, _: measure_table(server),
    "streams": measure_streams,
    "races": measure_races,
    "pace": measure_pace,
    "outage": measure_outage,
    "crawl-kills": measure_crawl_kills,
    "plain": measure_plain,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; default all")
    parser.add_argument("--keywords", type=int, default=1000, help="crawl-kills, plain: keywords a platform (default 1000)")
    parser.add_argument("--kills", type=int, default=100, help="crawl-kills, plain: SIGKILLs (default 100; plain takes a third)")
    parser.add_argument("--workers", type=int, default=4, help="crawl-kills, plain: processes (default 4)")
    parser.add_argument("--hands", type=int, default=1, help="crawl-kills: keywords a spider holds at once (default 1; 0: as by default)")
    parser.add_argument("--races", type=int, default=1000, help="races: at least so many (default 1000)")
    parser.add_argument("--seconds", type=float, default=60.0, help="outage: how long Redis is away (default 60)")
    parser.add_argument("--rounds", type=int, default=5, help="pace: alternated rounds (default 5)")
    parser.add_argument("--seed", type=int, default=4711, help="of the killer's dice")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; valid are {', '.join(PARTS)}")
    for part in options.parts or list(PARTS):
        with PrivateRedis() as server:
            PARTS[part](server, options)


if __name__ == "__main__":
    main()
