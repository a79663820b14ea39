"""Shared by the sandbox's tests: a world without a web server, visitors who do everything right, and one running server a module."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from multidict import CIMultiDict

from sandbox.catalogue import Catalogue, make_synthetic
from sandbox.process import SandboxProcess
from sandbox.seals import Secrets
from sandbox.visits import Outcome, Visit
from sandbox.world import World

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
NOW = 1_800_000_000.0
SECRETS = Secrets(("a" * 32, "b" * 32, "c" * 32), "signing-secret", "0123456789abcdef" * 4, "d" * 32, "e" * 32)


class Visitor:
    """Asks a world as a well-behaved client would; every part can be overridden to misbehave. `now` is its clock."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now = NOW
        self.ip = "127.0.0.1"
        self.token = SECRETS.boss_tokens[0]
        self.random = random.Random(3)
        self.last: Outcome | None = None

    def ask(self, method: str, path: str, query: str, headers: dict[str, str], body: bytes = b"") -> Any:
        """The JSON of the answer (the bytes when it is none); the outcome itself is in `last`."""
        visit = Visit(method, path, query, CIMultiDict(headers), body, self.ip, self.now)
        platform = self.world.by_path[path]
        self.last = self.world.answer(platform, visit)
        try:
            return json.loads(self.last.body)
        except ValueError:
            return self.last.body

    # --- boss
    def boss_headers(self, **changed: str | None) -> dict[str, str]:
        headers = {"mpt": self.token, "wt2": "", "zp_app_id": "10002", "traceid": "F-e155cfYrw1zYwklI"} | changed
        return {name: value for name, value in headers.items() if value is not None}

    def boss_search(self, text: str = "", city: str = "100010000", page: int = 1, size: int = 15, **more: Any) -> Any:
        headers = more.pop("headers", None) or self.boss_headers()
        query = urlencode({"query": text, "city": city, "page": page, "pageSize": size, **more})
        return self.ask("GET", "/wapi/zpgeek/miniapp/search/joblist.json", query, headers)

    def boss_detail(self, item: dict[str, Any], **changed: str) -> Any:
        params = {"securityId": item["securityId"], "jobId": item["encryptJobId"], "lid": item["lid"], "source": "11"} | changed
        return self.ask("GET", "/wapi/zpgeek/miniapp/job/detail.json", urlencode(params), self.boss_headers())

    def boss_signed(self, secret: str = SECRETS.boss_sign_secret, **changed: str) -> dict[str, str]:
        """Headers of a signed GET of page 1 of everything; `changed` header values replace the right ones."""
        path, query = "/wapi/zpgeek/miniapp/search/joblist.json", urlencode({"query": "", "city": "100010000", "page": 1, "pageSize": 15})
        stamp, nonce = changed.get("x-sign-time", str(int(self.now * 1000))), changed.get("x-sign-nonce", self.random.randbytes(8).hex())
        sign = hmac.new(secret.encode(), f"GET\n{path}\n{query}\n{stamp}\n{nonce}".encode(), hashlib.md5).hexdigest()
        return self.boss_headers() | {"x-sign": sign, "x-sign-time": stamp, "x-sign-nonce": nonce} | changed

    # --- qcwy
    def qcwy_open(self, text: str = "", area: str = "000000", page: int = 1, size: int = 20, **filters: Any) -> Any:
        query = urlencode({"api_key": "51job", "keyword": text, "jobArea": area, "pageNum": page, "pageSize": size, **filters})
        return self.ask("GET", "/api/job/search-pc", query, {})

    def qcwy_signed(self, *, key: str = SECRETS.qcwy_sign_key, stamp: float | None = None, sent: str = "", headers: Any = None) -> Any:
        query = f"api_key=51job&timestamp={int(self.now if stamp is None else stamp)}&keyword=%E5%BC%80%E5%8F%91&jobArea=000000&pageNum=1"
        sign = hmac.new(key.encode(), f"/open/noauth/search-pc?{query}".encode(), hashlib.sha256).hexdigest()
        return self.ask("GET", "/open/noauth/search-pc", sent or query, {"sign": sign} if headers is None else headers)

    def qcwy_posted(self, body: bytes, signed_body: bytes | None = None, domain: str = "51job_weixin_wxapp") -> Any:
        path, query = "/open/noauth/recommend/job-tab-dynamic-wx-mini", f"api_key=51job&timestamp={int(self.now)}"
        message = f"{path}?{query}".encode() + (body if signed_body is None else signed_body)
        sign = hmac.new(SECRETS.qcwy_sign_key.encode(), message, hashlib.sha256).hexdigest()
        return self.ask("POST", path, query, {"sign": sign, "From-Domain": domain}, body)

    # --- zhilian
    def zhilian_search(self, text: str = "", city: str = "0", page: int = 1, size: int = 20, **more: Any) -> Any:
        """`params`, `headers` and `body` change (or with None remove) what is sent."""
        action = str(uuid.UUID(int=self.random.getrandbits(128)))
        body = {
            "S_SOU_FULL_INDEX": text, "S_SOU_WORK_CITY": city, "pageIndex": page, "pageSize": size, "actionid": action, "anonymous": 1,
            "eventScenario": "pcSearchedSouSearch", "platform": 13, "version": "0.0.0",
        } | more.get("body", {})  # fmt: skip
        params = {
            "_v": "0.12345678", "x-zp-page-request-id": f"{'f' * 32}-{int(self.now * 1000)}-123456", "platform": "13", "version": "0.0.0",
            "x-zp-client-id": "11111111-2222-3333-4444-555555555555",
        } | more.get("params", {})  # fmt: skip
        headers = {"x-zp-platform": "13", "x-zp-business-system": "1", "x-zp-action-id": action} | more.get("headers", {})
        query = urlencode({name: value for name, value in params.items() if value is not None}, quote_via=quote)
        return self.ask("POST", "/c/i/search/positions", query, headers, json.dumps(body).encode())


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return make_synthetic(seed=11, size=400)


@pytest.fixture
def make_world(catalogue: Catalogue) -> Callable[..., World]:
    """A world over the shared catalogue (or another), with switches such as boss={"ban": "ip_banned"}."""

    def make(other: Catalogue | None = None, **changes: dict[str, Any]) -> World:
        return World(other or catalogue, SECRETS, 11, changes)

    return make


@pytest.fixture
def visit(make_world: Callable[..., World]) -> Callable[..., Visitor]:
    """A visitor to a fresh world with these switches."""
    return lambda other=None, **changes: Visitor(make_world(other, **changes))


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxProcess]:
    """A running sandbox for the module's tests; each resets it."""
    with SandboxProcess(size=300, seed=11) as process:
        yield process


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of captured responses; the test is skipped without it."""
    if not DATA.is_dir():
        pytest.skip(f"no captured responses at {DATA}")
    return DATA
