"""Pages per second of the whole pipeline against a bare Scrapy spider on the same pages: alternated in one run, medians, ratio.

`python -m benchmarks.pipeline [--rounds 5] [--size 30000] [--feed]`. The sandbox runs on core 0, the crawler on core 1 where the machine
allows pinning. Both fetch the same signed 51job search pages; the yardstick writes the platform's dicts to a JSONL feed with Scrapy's
default settings; the product normalises every posting and stores it, its company and its sighting in ClickHouse.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from sandbox.process import SandboxProcess

CITIES = {"北京": "010000", "上海": "020000", "广州": "030200", "深圳": "040000"}
PASS_LINE = 1.0
PAGE_SIZE = 20  # what 51job's own page asks for


def choose_texts(sandbox: SandboxProcess, count: int = 8) -> list[str]:
    """Texts whose searches stay under the cap, so that nobody splits and both fetch the same pages."""
    texts = dict.fromkeys(keyword["text"] for keyword in sandbox.keywords("qcwy"))
    answer = sandbox.oracle([{"platform": "qcwy", "text": text, "city": city} for text in texts for city in CITIES])
    capped = {one["text"] for one in answer["keywords"] if one["capped"]}
    return [text for text in texts if text not in capped][:count]


def measure(module: str, words: Sequence[str], environment: dict[str, str]) -> dict[str, Any]:
    """Run one crawl in its own process; pages, items and seconds as it counts them, start-up left out."""
    command = [*_pinned(1), sys.executable, "-m", module, *words]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{module} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _pinned(core: int) -> list[str]:
    return ["taskset", "-c", str(core)] if shutil.which("taskset") and (os.cpu_count() or 1) > core else []


def _environment(sandbox: SandboxProcess) -> dict[str, str]:
    return {
        "QCWY_BASE_URL": sandbox.base_url,
        "QCWY_SIGN_KEY": sandbox.secrets["qcwy_sign_key"],
        "QCWY_PAGE_SIZE": str(PAGE_SIZE),
        "SLEEP_MIN_SECONDS": "0",
        "SLEEP_MAX_SECONDS": "0",
        "LOG_LEVEL": "INFO",
    }


def run_rounds(rounds: int, runs: dict[str, Callable[[], dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Alternate the runs, so that the machine's moods hit all of them."""
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in runs}
    for number in range(rounds):
        for name, run in runs.items():
            result = run()
            results[name].append(result)
            pages, jobs = (result[what] / result["seconds"] for what in ("pages", "items"))
            print(f"  round {number + 1}  {name:12} {pages:8.1f} pages/s  {jobs:8.0f} jobs/s", flush=True)
    return results


def report(results: dict[str, list[dict[str, Any]]]) -> float:
    """Print medians and the ratio of each variant to `bare`, paired by round; the ratio of `full`."""
    ratios = {}
    for name, runs in results.items():
        pages = [run["pages"] / run["seconds"] for run in runs]
        bare = [run["pages"] / run["seconds"] for run in results["bare"]]
        ratios[name] = median(mine / theirs for mine, theirs in zip(pages, bare, strict=True))
        print(f"{name:12} median {median(pages):8.1f} pages/s   {ratios[name]:.2f} x bare")
    return ratios["full"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=30_000, help="postings in the sandbox; with few the crawl is over before it is steady")
    parser.add_argument("--feed", action="store_true", help="measure the product with a JSONL feed on top, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, SandboxProcess(size=options.size, seed=3) as sandbox:
        if hasattr(os, "sched_setaffinity") and sandbox.pid:
            os.sched_setaffinity(sandbox.pid, {0})
        texts = choose_texts(sandbox)
        environment = _environment(sandbox)
        bare = [
            sandbox.base_url,
            sandbox.secrets["qcwy_sign_key"],
            f"{folder}/bare.jsonl",
            str(PAGE_SIZE),
            ",".join(texts),
            ",".join(CITIES.values()),
        ]

        def full(**more: str) -> dict[str, Any]:
            rows = Path(tempfile.mkdtemp(dir=folder))
            return measure("benchmarks.full", [str(rows), ",".join(texts), ",".join(CITIES)], {**environment, **more})

        runs = {"bare": lambda: measure("benchmarks.bare", bare, {}), "full": full}
        if options.feed:
            runs["full + feed"] = lambda: full(BENCH_FEED=f"{folder}/full.jsonl")
        print(f"texts: {', '.join(texts)}; cities: {', '.join(CITIES)}; {PAGE_SIZE} postings a page")
        ratio = report(run_rounds(options.rounds, runs))
    print(f"full pipeline / bare Scrapy: {ratio:.2f} (pass line {PASS_LINE})")
    sys.exit(0 if ratio >= PASS_LINE else 1)


if __name__ == "__main__":
    main()
