"""What one signature costs: the same HMAC-MD5 script over 200 bytes on every engine, side by side, and Python's hmac.

    python benchmarks/signing.py [--rounds 5] [--calls 400] [--slow-calls 4]

Every round runs every variant once, so that the machine's moods meet all of them; figures are medians over the calls of all rounds.
Passes (exit code 0) when the engine that `auto` chooses, awaited end to end, is at least 150 times faster than PyExecJS as it comes.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import execjs

from jobspiders.signers.registry import RUNTIME_NAMES, registered_runtime
from jobspiders.signers.script import ScriptSigner
from jobspiders.signers.signature import signing_request

SCRIPT = Path(__file__).parents[1] / "tests" / "jobspiders" / "signers" / "hmac_md5.js"
KEY, BODY = "benchmark-key", b"x" * 200
REQUEST = signing_request("POST", "https://example.org/api/search?page=1", BODY, timestamp=1_700_000_000_000, nonce="n", secret=KEY)
EXPECTED = hmac.new(KEY.encode(), BODY, "md5").hexdigest()
STOCK, PASS_RATIO = "PyExecJS as it comes (node per call)", 150


def timed(call: Callable[[], Any], count: int) -> list[float]:
    """Seconds of each of `count` calls."""
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def call_context(context: Any) -> None:
    if context.call("sign", REQUEST)["headers"]["x-sign"] != EXPECTED:
        raise SystemExit("an engine computed a wrong HMAC")


def call_python() -> None:
    hmac.digest(KEY.encode(), BODY, "md5").hex()


async def timed_signer(signer: ScriptSigner, count: int) -> list[float]:
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        await signer.sign(REQUEST)
        seconds.append(time.perf_counter() - start)
    return seconds


async def crowd_rate(signer: ScriptSigner, count: int) -> float:
    """Calls/s when `count` callers come at once."""
    start = time.perf_counter()
    await asyncio.gather(*(signer.sign(REQUEST) for _ in range(count)))
    return count / (time.perf_counter() - start)


async def measure(options: argparse.Namespace) -> tuple[dict[str, list[float]], dict[str, float]]:
    source = SCRIPT.read_text(encoding="utf-8")
    contexts: dict[str, Any] = {STOCK: execjs.get("Node").compile(source)}
    contexts |= {f"{RUNTIME_NAMES[name]}, called directly": registered_runtime(name).compile(source) for name in RUNTIME_NAMES}
    signers = {f"ScriptSigner.sign, {runtime}": ScriptSigner(SCRIPT, runtime=runtime) for runtime in ("auto", "node")}
    found: dict[str, list[float]] = {name: [] for name in (*contexts, *signers, "Python hmac")}
    rates: dict[str, list[float]] = {name: [] for name in signers}
    for signer in signers.values():
        await signer.open()
    for _ in range(options.rounds):
        for name, context in contexts.items():
            count = options.slow_calls if "per-call" in name or "per call" in name else options.calls
            found[name] += timed(partial(call_context, context), count)
        for name, signer in signers.items():
            found[name] += await timed_signer(signer, options.calls)
            rates[name].append(await crowd_rate(signer, options.calls))
        found["Python hmac"] += timed(call_python, options.calls)
    chosen = signers["ScriptSigner.sign, auto"].state().engine
    for signer in signers.values():
        await signer.close()
    print(f"auto chose: {chosen}")
    return found, {name: statistics.median(rate) for name, rate in rates.items()}


def report(found: dict[str, list[float]], rates: dict[str, float]) -> float:
    """Prints the table; the ratio that decides."""
    stock = statistics.median(found[STOCK])
    print(f"{'':52}{'median us':>11}{'p99 us':>11}{'calls/s':>11}{'x stock':>10}{'calls':>8}")
    for name, seconds in found.items():
        middle, late = statistics.median(seconds), sorted(seconds)[int(len(seconds) * 0.99)]
        print(f"{name:52}{middle * 1e6:11,.1f}{late * 1e6:11,.1f}{1 / middle:11,.0f}{stock / middle:10,.1f}{len(seconds):8}")
    for name, rate in rates.items():
        print(f"{name + ', many at once':52}{'':11}{'':11}{rate:11,.0f}{stock * rate:10,.1f}")
    return stock / statistics.median(found["ScriptSigner.sign, auto"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=400, help="calls of a fast variant in one round")
    parser.add_argument("--slow-calls", type=int, default=4, help="calls of a process-per-call variant in one round")
    ratio = report(*asyncio.run(measure(parser.parse_args())))
    verdict = "pass" if ratio >= PASS_RATIO else "FAIL"
    print(f"{verdict}: the default is {ratio:,.0f} times faster than node per call, awaited end to end (at least {PASS_RATIO})")
    return 0 if ratio >= PASS_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
