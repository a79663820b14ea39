"""The demo's control plane goes with the demo, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jobspiders.demo.control import ControlPlane

HOLD = """
import sys, time
from pathlib import Path
from jobspiders.demo.control import ControlPlane
with ControlPlane(Path(sys.argv[1])) as plane:
    print(plane._process.pid, flush=True)
    time.sleep(60)
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked at in /proc")
def test_control_plane_goes_with_a_demo_that_is_killed(tmp_path: Path) -> None:
    demo = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "control")], stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    with demo, demo.stdout:
        server = int(demo.stdout.readline())
        demo.kill()
    deadline = time.monotonic() + 30
    try:
        while is_running(server):
            assert time.monotonic() < deadline, "the control plane is left behind"
            time.sleep(0.05)
    finally:
        if is_running(server):
            os.kill(server, signal.SIGKILL)


def test_control_plane_that_is_not_waited_for_to_the_end_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> bool:
        raise KeyboardInterrupt

    plane = ControlPlane(tmp_path / "control")
    monkeypatch.setattr(plane, "_is_ready", interrupt)
    with pytest.raises(KeyboardInterrupt):
        plane.__enter__()
    try:
        assert plane._process is not None
        assert plane._process.poll() is not None, "the control plane is left behind"
    finally:
        plane.__exit__()
