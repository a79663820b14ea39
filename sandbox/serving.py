"""What the sandbox's servers share as programs of their own: the ready line, and the end on a signal or with the parent."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from typing import Any


async def announce_and_wait(told: dict[str, Any], *, exit_with_parent: bool) -> None:
    """Print the ready line, then wait for SIGTERM, SIGINT or, when asked so, until stdin closes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    if exit_with_parent:
        threading.Thread(target=_watch_stdin, args=(loop, stop), daemon=True).start()
    print(json.dumps(told), flush=True)
    await stop.wait()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Read stdin to its end, then stop the server: a killed parent leaves no server behind."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    loop.call_soon_threadsafe(stop.set)
