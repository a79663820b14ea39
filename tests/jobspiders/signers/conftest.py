"""Scripts and requests that the signing tests share."""

from __future__ import annotations

import asyncio
import hmac
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import execjs
import pytest

from jobspiders.signers.node_runtime import NodeRuntime
from jobspiders.signers.per_call_runtime import PerCallRuntime
from jobspiders.signers.quickjs_runtime import QuickjsRuntime
from jobspiders.signers.script import ScriptSigner
from jobspiders.signers.signature import signing_request

HMAC_SCRIPT = Path(__file__).with_name("hmac_md5.js")


@pytest.fixture
def hmac_script() -> Path:
    """A plain ECMAScript HMAC-MD5 whose sign() puts hmac(secret, body) into the header x-sign."""
    return HMAC_SCRIPT


@pytest.fixture
def make_request() -> Callable[..., dict[str, Any]]:
    def make(body: str = "hello", secret: str = "key", **changes: Any) -> dict[str, Any]:
        request = signing_request("POST", "https://example.org/a/b?c=d%20e&f=", body.encode(), timestamp=1, nonce="n", secret=secret)
        return {**request, **changes}

    return make


@pytest.fixture
def expected() -> Callable[[str, str], str]:
    return lambda secret, body: hmac.new(secret.encode(), body.encode(), "md5").hexdigest()


@pytest.fixture
def with_signer(hmac_script: Path) -> Callable[..., Any]:
    """Runs `use(signer)` on an event loop, closes the signer, and sees to it that its thread is gone."""

    def run(use: Callable[[ScriptSigner], Awaitable[Any]], source: str | None = None, **options: Any) -> Any:
        async def within() -> Any:
            signer = ScriptSigner(hmac_script if source is None else None, source=source, **options)
            try:
                return await use(signer)
            finally:
                await signer.close()

        found = asyncio.run(within())
        give_up = time.monotonic() + 20
        while any(thread.name.startswith("signer") for thread in threading.enumerate()) and time.monotonic() < give_up:
            time.sleep(0.01)  # an engine left behind on a starved machine ends by itself
        assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("signer")]
        return found

    return run


@pytest.fixture
def find_without() -> Callable[..., Callable[[str], Any]]:
    """Finds runtimes by name on a machine that lacks some of them, as registered_runtime() does on a real one."""

    def missing(module: str) -> Any:
        raise ImportError(module)

    def lacking(*absent: str) -> Callable[[str], Any]:
        runtimes = {
            "quickjs": QuickjsRuntime(load=missing) if "quickjs" in absent else QuickjsRuntime(),
            "node": NodeRuntime(find=lambda: None) if "node" in absent else NodeRuntime(),
            "node-per-call": PerCallRuntime(find=lambda: None) if "node-per-call" in absent or "node" in absent else PerCallRuntime(),
        }

        def find(name: str) -> Any:
            if not runtimes[name].is_available():
                raise execjs.RuntimeUnavailableError(f"{name} is not available on this system")
            return runtimes[name]

        return find

    return lacking
