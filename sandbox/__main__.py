"""`python -m sandbox`: start the fake world on loopback and print one JSON line that says where it is and what its secrets are."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from sandbox.catalogue import Catalogue, load_catalogue
from sandbox.manual import MANUAL
from sandbox.seals import Secrets, make_secret
from sandbox.server import LOOPBACK, make_app, start_server
from sandbox.switches import SwitchError, parse_switch
from sandbox.world import World

SIGN_SCRIPT = Path(__file__).with_name("boss_sign.js")


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", epilog=MANUAL, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.description = (
        "A loopback stand-in for Boss Zhipin, 51job and Zhilian: real paths and shapes, made-up data, its own checks and blocks."
    )
    parser.add_argument("--host", default=LOOPBACK, help="only 127.0.0.1 is accepted; the sandbox is never served to a network")
    parser.add_argument("--port", type=int, default=0, help="0 = a free one (default)")
    parser.add_argument("--seed", type=int, default=7, help="everything made up follows from it (default 7)")
    parser.add_argument("--size", type=int, default=600, help="postings per platform in the synthetic catalogue (default 600)")
    parser.add_argument("--catalogue", type=Path, help="a folder of captured responses to serve instead (boss/, qcwy/, zhilian/)")
    parser.add_argument("--switch", action="append", default=[], metavar="PLATFORM.NAME=VALUE", help="set a switch at start; repeatable")
    parser.add_argument("--boss-tokens", type=int, default=5, help="how many mpt tokens to issue (default 5)")
    parser.add_argument("--boss-sign-secret", help="instead of the seeded one")
    parser.add_argument("--qcwy-sign-key", help="instead of the seeded one")
    parser.add_argument("--zhilian-at", help="instead of the seeded one")
    parser.add_argument("--zhilian-rt", help="instead of the seeded one")
    parser.add_argument("--control-token", help="instead of the seeded one")
    parser.add_argument("--exit-with-parent", action="store_true", help="exit when stdin closes")
    return parser


def read_options(arguments: list[str]) -> tuple[argparse.Namespace, dict[str, dict[str, Any]]]:
    """The options and the switches set by them; exits with a message when one is wrong."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.host != LOOPBACK:
        parser.error(f"--host {options.host}: the sandbox binds {LOOPBACK} only")
    if options.size < 1 or options.boss_tokens < 1:
        parser.error(f"--size {options.size} and --boss-tokens {options.boss_tokens} must be at least 1")
    if options.catalogue and not options.catalogue.is_dir():
        parser.error(f"--catalogue {options.catalogue}: no such folder")
    changes: dict[str, dict[str, Any]] = {}
    for text in options.switch:
        try:
            platform, name, value = parse_switch(text)
        except SwitchError as error:
            parser.error(f"--switch {text}: {error}")
        changes.setdefault(platform, {})[name] = value
    return options, changes


def make_secrets(options: argparse.Namespace) -> Secrets:
    """The secrets of this start: from the seed, or as the options give them."""
    seed = options.seed
    return Secrets(
        boss_tokens=tuple(make_secret(seed, f"mpt-{number}", 32) for number in range(1, options.boss_tokens + 1)),
        boss_sign_secret=options.boss_sign_secret or make_secret(seed, "boss-sign", 32),
        qcwy_sign_key=options.qcwy_sign_key or make_secret(seed, "qcwy-sign", 64),
        zhilian_at=options.zhilian_at or make_secret(seed, "zhilian-at", 32),
        zhilian_rt=options.zhilian_rt or make_secret(seed, "zhilian-rt", 32),
    )


def ready_line(port: int, control_token: str, secrets: Secrets, counts: dict[str, Any]) -> str:
    """The one JSON line printed when the server listens."""
    base = f"http://{LOOPBACK}:{port}"
    told = {
        "base_url": base,
        "control_url": f"{base}/_sandbox",
        "control_token": control_token,
        "secrets": {
            "boss_tokens": list(secrets.boss_tokens),
            "boss_sign_secret": secrets.boss_sign_secret,
            "boss_sign_script": str(SIGN_SCRIPT),
            "qcwy_sign_key": secrets.qcwy_sign_key,
            "zhilian_at": secrets.zhilian_at,
            "zhilian_rt": secrets.zhilian_rt,
        },
        "catalogue": counts,
    }
    return json.dumps(told)


async def serve(options: argparse.Namespace, changes: dict[str, dict[str, Any]], catalogue: Catalogue) -> None:
    """Run until SIGTERM, SIGINT or, when asked so, until stdin closes."""
    secrets = make_secrets(options)
    control_token = options.control_token or make_secret(options.seed, "control", 32)
    world = World(catalogue, secrets, options.seed, changes)
    runner, port = await start_server(make_app(world, control_token), options.port)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    if options.exit_with_parent:
        threading.Thread(target=watch_stdin, args=(loop, stop), daemon=True).start()
    print(ready_line(port, control_token, secrets, catalogue.counts()), flush=True)
    await stop.wait()
    await runner.cleanup()


def watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Read stdin to its end, then stop the server: a killed parent leaves no sandbox behind."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    loop.call_soon_threadsafe(stop.set)


def main() -> None:
    """The entry of `python -m sandbox`."""
    options, changes = read_options(sys.argv[1:])
    try:
        catalogue = load_catalogue(options.catalogue, options.seed, options.size)
    except FileNotFoundError as error:
        sys.exit(f"python -m sandbox: {error}")
    try:
        from uvloop import run
    except ImportError:
        asyncio.run(serve(options, changes, catalogue))
    else:
        run(serve(options, changes, catalogue))


if __name__ == "__main__":
    main()
