"""SIGTERM and the time that it leaves: whatever stands, the process goes."""

from __future__ import annotations

import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

from scrapy.signalmanager import SignalManager

from jobspiders.extensions.drain import DrainOnSignal
from jobspiders.outcome import ExitCode

LOOP_STANDS = """
import asyncio, logging, time
from types import SimpleNamespace
from scrapy.signalmanager import SignalManager
from jobspiders.extensions.drain import DrainOnSignal

async def main():
    drain = DrainOnSignal(SimpleNamespace(signals=SignalManager()), SimpleNamespace(drain=print), 0.1)
    drain.take_signal()
    logging.root.handlers[0].acquire()  # as by a write to a log that nobody reads
    print("ready", flush=True)
    time.sleep(60)

logging.basicConfig()
asyncio.run(main())
"""


def test_process_whose_loop_and_log_stand_goes_all_the_same() -> None:
    process = subprocess.Popen([sys.executable, "-c", LOOP_STANDS], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(30) == ExitCode.PARTIAL
        finally:
            process.kill()


def test_time_counts_on_when_a_second_signal_ends_the_engine_before_the_spider() -> None:
    crawler: Any = SimpleNamespace(signals=SignalManager(), engine=SimpleNamespace(spider="still closing"))
    drain = DrainOnSignal(crawler, SimpleNamespace(), 60.0)  # type: ignore[arg-type]
    drain.end()
    assert not drain.over.is_set()
    crawler.engine.spider = None
    drain.end()
    assert drain.over.is_set()
