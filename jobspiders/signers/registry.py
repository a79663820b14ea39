"""Our runtimes in PyExecJS's own registry, so that `execjs.get("jobspiders-quickjs")` and `EXECJS_RUNTIME` find them."""

from __future__ import annotations

import execjs
from execjs._abstract_runtime import AbstractRuntime

from jobspiders.signers.node_runtime import NodeRuntime
from jobspiders.signers.per_call_runtime import PerCallRuntime
from jobspiders.signers.quickjs_runtime import QuickjsRuntime

# What a setting calls a runtime -> its name in PyExecJS's registry, best first: the order in which `auto` tries them.
RUNTIME_NAMES = {"quickjs": "jobspiders-quickjs", "node": "jobspiders-node", "node-per-call": "jobspiders-node-per-call"}


def register_runtimes() -> None:
    """Put our runtimes into PyExecJS's registry; those that are there already stay. Starts nothing."""
    known = execjs.runtimes()
    for name, make in zip(RUNTIME_NAMES.values(), (QuickjsRuntime, NodeRuntime, PerCallRuntime), strict=True):
        if name not in known:
            execjs.register(name, make())


def registered_runtime(name: str) -> AbstractRuntime:
    """The runtime that a setting names, from PyExecJS's registry; execjs.RuntimeUnavailableError when it cannot run here."""
    register_runtimes()
    return execjs.get(RUNTIME_NAMES[name])
