"""`python -m sandbox.clickhouse`: open a chDB folder, serve it on loopback, print one JSON line that says where."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from urllib.parse import quote

from sandbox.clickhouse.asks import Credentials
from sandbox.clickhouse.engine import Engine
from sandbox.clickhouse.server import LOOPBACK, Door, start_server
from sandbox.serving import announce_and_wait


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.clickhouse")
    parser.description = "ClickHouse's HTTP protocol over chDB, on loopback: the real engine behind the real client, for several processes."
    parser.add_argument("--port", type=int, default=0, help="0 = a free one (default)")
    parser.add_argument("--folder", type=Path, required=True, help="the chDB data folder; made when missing; one process owns it")
    parser.add_argument("--user", default="default", help="the only user (default: default)")
    parser.add_argument("--password", default="", help="its password (default: none)")
    parser.add_argument("--exit-with-parent", action="store_true", help="exit when stdin closes")
    return parser


async def serve(options: argparse.Namespace, engine: Engine) -> None:
    """Run until told to stop."""
    door = Door(engine, Credentials(options.user, options.password))
    runner, port = await start_server(door, options.port)
    secret = f"{quote(options.user, safe='')}:{quote(options.password, safe='')}"
    told = {"base_url": f"http://{LOOPBACK}:{port}", "port": port, "dsn": f"clickhouse://{secret}@{LOOPBACK}:{port}/default"}
    try:
        await announce_and_wait(told, exit_with_parent=options.exit_with_parent)
    finally:
        await runner.cleanup()
        await asyncio.to_thread(door.close)


def main() -> None:
    """The entry of `python -m sandbox.clickhouse`."""
    options = make_parser().parse_args()
    try:
        engine = Engine(options.folder)
    except (OSError, RuntimeError) as error:
        sys.exit(
            f"python -m sandbox.clickhouse: cannot open {options.folder}: {error}. One process owns a chDB folder; is another one using it?"
        )
    asyncio.run(serve(options, engine))


if __name__ == "__main__":
    main()
