"""`python -m sandbox.fault_proxy`: stands between a client and a server on loopback and breaks connections, by seed or by plan.

Prints one JSON line that says where it listens and where its control endpoint is (see sandbox.fault_proxy_control).
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from aiohttp import web

from sandbox.fault_proxy_control import FaultControl, Gate
from sandbox.fault_proxy_dice import TCP_FAULTS, Fault, FaultDice, FaultInvalidError
from sandbox.fault_proxy_http import HttpRelay
from sandbox.fault_proxy_tcp import LOOPBACK, TcpRelay
from sandbox.serving import announce_and_wait


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.fault_proxy", description=__doc__.partition("\n")[0])
    parser.add_argument("--listen", type=int, default=0, metavar="PORT", help="0 = a free one (default)")
    parser.add_argument("--target", type=read_target, required=True, metavar="HOST:PORT", help="the server; on loopback")
    parser.add_argument("--kind", choices=("http", "tcp"), default="http", help="tcp: any protocol that asks and answers, such as MySQL's")
    parser.add_argument("--seed", type=int, default=7, help="of the dice (default 7)")
    parser.add_argument(
        "--fault", type=read_share, action="append", default=[], metavar="NAME=SHARE", help=f"repeatable; {', '.join(Fault)}; 0 to 1"
    )
    parser.add_argument("--match", default="", help="only requests that hold this text meet faults (URL and first 4 KB)")
    parser.add_argument("--delay-seconds", type=float, default=0.1, help="how long the fault `delay` takes (default 0.1)")
    parser.add_argument("--exit-with-parent", action="store_true", help="exit when stdin closes")
    return parser


def read_target(text: str) -> tuple[str, int]:
    """host:port on loopback."""
    host, _, port = text.rpartition(":")
    if host not in {LOOPBACK, "localhost"} or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}: the target is {LOOPBACK}:PORT; the proxy never leaves the machine")
    return host, int(port)


def read_share(text: str) -> tuple[str, float]:
    """NAME=SHARE."""
    name, _, share = text.partition("=")
    try:
        return name, float(share)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: say NAME=SHARE, such as accept_then_reset=0.1") from None


async def serve(options: argparse.Namespace, dice: FaultDice) -> None:
    """Run until told to stop."""
    relay = HttpRelay(options.target, dice) if options.kind == "http" else TcpRelay(options.target, dice)
    gate = Gate(relay)
    await gate.open(options.listen)
    control = web.AppRunner(FaultControl(dice, gate).make_app(), access_log=None, handle_signals=False)
    await control.setup()
    await web.TCPSite(control, LOOPBACK, 0).start()
    told = {"host": LOOPBACK, "port": gate.port, "control_url": f"http://{LOOPBACK}:{control.addresses[0][1]}"}
    await announce_and_wait(told, exit_with_parent=options.exit_with_parent)
    await control.cleanup()
    await gate.shut()
    await relay.close()


def main() -> None:
    """The entry of `python -m sandbox.fault_proxy`."""
    options = make_parser().parse_args()
    dice = FaultDice(options.seed, Fault if options.kind == "http" else TCP_FAULTS)
    try:
        dice.change({**dict(options.fault), "match": options.match, "delay_seconds": options.delay_seconds})
    except FaultInvalidError as error:
        sys.exit(f"python -m sandbox.fault_proxy: {error}")
    asyncio.run(serve(options, dice))


if __name__ == "__main__":
    main()
