"""ScriptSigner where it has to work: Scrapy's reactors, a machine without node, a zipped egg, a parent that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
USE = """
import asyncio, sys
from jobspiders.signers.script import ScriptSigner
from jobspiders.signers.signature import signing_request

async def use(runtime):
    source = "function sign(r) { while (r.body === 'loop') {} return { params: { b: r.body } }; }"
    signer = ScriptSigner(source=source, runtime=runtime, timeout=300)
    request = signing_request("POST", "https://example.org/", b"body", timestamp=1, nonce="n")
    answers = await asyncio.gather(*(signer.sign(request) for _ in range(50)))
    assert all(answer.params == {"b": "body"} for answer in answers)
    return signer, request
"""
ON_A_LOOP = """
async def main():
    signer, _ = await use(sys.argv[1])
    print(signer.state().engine)
    await signer.close()
asyncio.run(main())
"""
ON_A_REACTOR = """
import asyncio
from scrapy.utils.reactor import install_reactor
install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor", sys.argv[2] or None)
from twisted.internet import reactor, defer

async def main():
    signer, _ = await defer.Deferred.fromFuture(asyncio.ensure_future(use(sys.argv[1])))
    print(signer.state().engine, type(asyncio.get_event_loop()).__module__.partition(".")[0])
    await defer.Deferred.fromFuture(asyncio.ensure_future(signer.close()))

def begin():
    done = defer.ensureDeferred(main())
    done.addErrback(lambda failure: failure.printTraceback())
    done.addBoth(lambda _: reactor.stop())
reactor.callWhenRunning(begin)
reactor.run()
"""
UNCLOSED = """
signer, _ = asyncio.run(use(sys.argv[1]))
print(signer.state().engine)
"""
IN_FLIGHT = """
async def main():
    signer, request = await use("node")
    print(signer.state().pid, flush=True)
    await signer.sign(request | {"body": sys.argv[1]})
    print("answered", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def run(program: str, *arguments: str, path: Path = ROOT, warnings: str = "error", **environment: str) -> list[str]:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(path), **environment}
    command = [sys.executable, "-W", warnings, "-c", USE + program, *arguments]
    done = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def cpu_ticks(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


@pytest.mark.parametrize("loop", ["", "uvloop.Loop"])
@pytest.mark.parametrize("runtime", ["quickjs", "node"])
def test_signing_under_scrapys_reactor_answers(runtime, loop):
    if loop:
        pytest.importorskip("uvloop")
    # Not our warnings: Scrapy leaves the loop it found before unclosed.
    assert run(ON_A_REACTOR, runtime, loop, warnings="ignore") == [runtime, "uvloop" if loop else "asyncio"]


def test_signing_on_a_machine_without_node_uses_quickjs():
    assert run(ON_A_LOOP, "auto", PATH="/nonexistent") == ["quickjs"]


@pytest.mark.parametrize("runtime", ["quickjs", "node"])
def test_interpreter_ends_cleanly_when_the_signer_was_never_closed(runtime):
    assert run(UNCLOSED, runtime) == [runtime]


@pytest.mark.parametrize("runtime", ["quickjs", "node"])
def test_signing_from_a_zipped_egg_answers(runtime, tmp_path):
    egg = tmp_path / "jobspiders.egg"
    with zipfile.ZipFile(egg, "w") as archive:
        for file in [ROOT / "jobspiders" / "__init__.py", *(ROOT / "jobspiders" / "signers").iterdir()]:
            if file.suffix in (".py", ".js"):
                archive.write(file, file.relative_to(ROOT))
    assert run(ON_A_LOOP, runtime, path=egg) == [runtime]


@pytest.mark.parametrize("body", ["idle", "loop"])
def test_node_ends_when_its_parent_is_killed(body):
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", USE + IN_FLIGHT, body], env=env, stdout=subprocess.PIPE, text=True)
    node = int(parent.stdout.readline())
    if body == "idle":
        assert parent.stdout.readline() == "answered\n"
    else:
        wait_until(lambda: cpu_ticks(node) > 100)  # it spins: a start costs 10-20 ticks of 10 ms
    assert is_alive(node)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not is_alive(node))
