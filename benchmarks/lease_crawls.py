"""Real spiders over leases: killed by the hundred, beside plain scrapy-redis, through a Redis outage, and as fast as by arguments?

Parts of `python -m benchmarks.leases`; the fleet itself is benchmarks/lease_fleet.py.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable

from benchmarks.lease_fleet import PAGE_SIZE, PAGES, Fleet, Verdict, Worker, wait_for, whole_country
from benchmarks.lease_plain import REDIS_KEY
from benchmarks.redis_server import PrivateRedis
from jobschema import Platform

POSTINGS = 6000  # in the sandbox: enough for a thousand texts of five pages
PATIENCE = 3600.0


def describe(verdict: Verdict) -> str:
    return (
        f"of {verdict.keywords} keywords lost {len(verdict.keywords_lost)}, pages lost {verdict.pages_lost}, "
        f"rows lost {verdict.rows_lost}, rows doubled {verdict.rows_doubled}, completed twice {verdict.completed_twice}"
    )


# -- kills --------------------------------------------------------------------------------------------------------------------


def run_kills(fleet: Fleet, kills: int, dice: random.Random, *, total: int) -> tuple[int, int]:
    """Kill a worker that holds leases each time that a share of the keywords is complete; (kills, leases that the killed held)."""
    done = held = 0
    due = [dice.uniform(0.01, 0.97) * total for _ in range(kills)]
    due.sort()
    begin = time.monotonic()
    while fleet.count_open():
        if done < kills and fleet.count_complete() >= due[done]:
            lost = fleet.kill_one(dice)
            done, held = done + bool(lost), held + lost
        time.sleep(0.05)
        if time.monotonic() - begin > PATIENCE:
            raise TimeoutError(f"{fleet.count_open()} keywords are open after {PATIENCE:.0f} s:\n{fleet.logs()[-4000:]}")
    return done, held


def measure_crawl_kills(_: PrivateRedis, options: Namespace) -> None:
    """Three spiders in each of four processes, killed again and again; then everything stored is compared with what the platforms hold."""
    with Fleet(size=POSTINGS) as fleet:
        hands = {"CONCURRENT_REQUESTS": str(options.hands), "LEASE_MAX_HELD": str(options.hands)} if options.hands else {}
        fleet.extra = {"LEASE_MAX_ATTEMPTS": "20", "LOG_LEVEL": "WARNING", **hands}
        fleet.push(options.keywords)
        fleet.start(options.workers)
        total = options.keywords * len(fleet.platforms)
        begin = time.monotonic()
        kills, held = run_kills(fleet, options.kills, random.Random(options.seed), total=total)
        seconds = time.monotonic() - begin
        codes = fleet.stop()
        verdict = fleet.judge()
        again = fleet.pages_served() - total * PAGES
    said = f"{options.hands} keyword a spider at once" if options.hands else "as many keywords at once as by default"
    print(f"crawl-kills ({said}): {kills} kills in {seconds:.0f} s, {describe(verdict)}", flush=True)
    print(f"  pages fetched again per kill {again / max(1, kills):.1f}, leases held per kill {held / max(1, kills):.1f}, exits {codes}")


# -- plain scrapy-redis -------------------------------------------------------------------------------------------------------


def read_plain_pages(fleet: Fleet) -> list[tuple[str, int]]:
    lines = [line for worker in fleet.workers for line in _lines(worker)]
    return [(one["text"], one["page"]) for one in map(json.loads, lines)]


def _lines(worker: Worker) -> list[str]:
    pages = worker.folder / "pages.jsonl"
    return [line for line in pages.read_text("utf-8").splitlines() if line.endswith("}")] if pages.exists() else []


def measure_plain(_: PrivateRedis, options: Namespace) -> None:
    """The same keywords on one platform through stock scrapy-redis, killed as often per keyword as ours."""
    kills = max(1, options.kills // 3)
    with Fleet([Platform.QCWY], size=POSTINGS) as fleet:
        fleet.choose_texts(options.keywords)
        texts = fleet.texts[Platform.QCWY]
        with fleet.redis.client() as client:
            city = whole_country(Platform.QCWY)
            client.rpush(REDIS_KEY, *[json.dumps({"text": text, "city": city}) for text in texts])
            for _ in range(options.workers):
                folder = str(fleet.folder / f"worker{len(fleet.workers)}")
                words = [folder, fleet.sandbox.base_url, fleet.sandbox.secrets["qcwy_sign_key"]]
                fleet.start(1, [sys.executable, "-m", "benchmarks.lease_plain", *words])
            done = _kill_plain(fleet, kills, random.Random(options.seed), lambda: len(texts) - int(client.llen(REDIS_KEY)))  # type: ignore[arg-type]
            _wait_for_silence(fleet)
        pages = set(read_plain_pages(fleet))
    lost = [text for text in texts if any((text, page) not in pages for page in range(1, PAGES + 1))]
    missing = len(texts) * PAGES - len(pages)
    said = f"of {len(texts)} keywords lost {len(lost)} ({len(lost) / max(1, done):.1f} a kill), pages lost {missing}"
    print(f"plain scrapy-redis: {done} kills, {said}")
    print(f"  (about {missing * PAGE_SIZE:,} rows, without a word in the log)", flush=True)


def _kill_plain(fleet: Fleet, kills: int, dice: random.Random, count_taken: Callable[[], int]) -> int:
    total = len(fleet.texts[Platform.QCWY])
    due = sorted(dice.uniform(0.02, 0.9) * total for _ in range(kills))
    done = 0
    grown = {id(worker): 0 for worker in fleet.workers}
    while done < kills and count_taken() < total:
        busy = [worker for worker in fleet.workers if len(_lines(worker)) > grown[id(worker)]]
        if count_taken() >= due[done] and busy:
            victim = dice.choice(busy)
            fleet.kill(victim)
            grown[id(victim)] = len(_lines(victim))
            fleet.restart(victim)
            done += 1
        time.sleep(0.05)
    return done


def _wait_for_silence(fleet: Fleet, seconds: float = 12.0) -> None:
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < seconds:  # an idle scrapy-redis spider looks for work every 5 s
        count = len(read_plain_pages(fleet))
        if count != seen:
            seen, since = count, time.monotonic()
        time.sleep(0.5)


# -- outage -------------------------------------------------------------------------------------------------------------------


def run_outage(fleet: Fleet, count: int, seconds: float) -> float:
    """Kill Redis in the middle of a crawl, bring it back after `seconds` (empty unless it has an AOF: rebuilt). Seconds of the rebuild."""
    fleet.push(count)
    fleet.start(2)
    third = count * len(fleet.platforms) // 3
    wait_for(lambda: fleet.count_complete() >= third, "a third of the keywords", PATIENCE)
    fleet.redis.kill()
    time.sleep(seconds)
    begin = time.monotonic()
    if fleet.redis.append_only:
        fleet.redis.start()
    else:
        fleet.redis.restart_empty()
        fleet.push_again()
    spent = time.monotonic() - begin
    wait_for(lambda: not fleet.count_open(), "the end of the crawl", PATIENCE)
    return spent


def measure_outage(_: PrivateRedis, options: Namespace) -> None:
    """Redis killed and away for a minute, with an append-only file and without."""
    for append_only in (True, False):
        with Fleet(size=POSTINGS, append_only=append_only) as fleet:
            fleet.extra = {"LOG_LEVEL": "WARNING"}
            spent = run_outage(fleet, min(options.keywords, 100), options.seconds)
            codes = fleet.stop()
            verdict = fleet.judge()
        kind = "with AOF" if append_only else "empty afterwards, rebuilt"
        print(f"outage ({kind}): Redis away {options.seconds:.0f} s, back in {spent:.1f} s, {describe(verdict)}, exits {codes}", flush=True)


# -- pace ---------------------------------------------------------------------------------------------------------------------


def measure_pace(_: PrivateRedis, options: Namespace) -> None:
    """The same crawl by arguments and by leases, alternated: pages a second, and pages a second of the crawler's own CPU time.

    Whoever else uses the machine spoils the first ratio; the second stands.
    """
    ratios: list[tuple[float, float]] = []
    with Fleet([Platform.QCWY], size=POSTINGS) as fleet:
        fleet.extra = {"CONCURRENT_REQUESTS": "16", "LOG_LEVEL": "WARNING", "LEASE_BEAT_SECONDS": "3", "LEASE_SECONDS": "9"}
        fleet.choose_texts(min(options.keywords, 150))
        for number in range(options.rounds):
            paces = {}
            for way in ("arguments", "leases") if number % 2 else ("leases", "arguments"):
                with fleet.redis.client() as client:
                    client.flushall()
                fleet.push_again()
                paces[way] = _run_pace(fleet, way, f"{number}-{way}")
            ratios.append((paces["leases"][0] / paces["arguments"][0], paces["leases"][1] / paces["arguments"][1]))
            said = ", ".join(f"{way} {pace:.0f} pages/s ({cpu_pace:.0f} a CPU second)" for way, (pace, cpu_pace) in sorted(paces.items()))
            print(f"  round {number + 1}: {said}: {ratios[-1][0]:.2f} ({ratios[-1][1]:.2f})", flush=True)
    by_clock, by_cpu = (statistics.median(kind) for kind in zip(*ratios, strict=True))
    print(f"pace: crawl fed by leases / fed by arguments = {by_clock:.2f}, by CPU time {by_cpu:.2f} (medians of {len(ratios)})")


def _run_pace(fleet: Fleet, way: str, name: str) -> tuple[float, float]:
    """Pages a second, and pages a CPU second."""
    command = [sys.executable, "-m", "benchmarks.lease_pace", way, str(fleet.folder / name), ",".join(fleet.texts[Platform.QCWY])]
    environment = fleet.environment()
    if way == "arguments":
        environment.pop("REDIS_URL")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)[:200]} failed:\n{done.stderr[-3000:]}")
    figures = json.loads(done.stdout.splitlines()[-1])
    pages: int = figures["pages"] - 1
    return pages / figures["seconds"], pages / figures["cpu_seconds"]
