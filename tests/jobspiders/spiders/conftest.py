"""Cassettes: answers of the sandbox, recorded once by a `requests` session and played to the spiders' callback.

Remove the cassettes and run `RECORD_CASSETTES=1 pytest tests/jobspiders/spiders` to record them again, from made-up postings.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import time
from typing import Any

import pytest
import requests
from betamax import Betamax
from betamax.cassette.cassette import Placeholder
from scrapy import Request
from scrapy.http import JsonResponse, Response
from scrapy.settings import Settings
from scrapy.utils.test import get_crawler

from jobschema import Platform
from jobschema.messages import Keyword, Lease
from jobspiders.ledger import KeywordRun
from jobspiders.platforms.base import Answer, Call, SearchQuery, SigningContext
from jobspiders.spiders.base import KeywordSpider
from jobspiders.spiders.boss import BossSpider
from jobspiders.spiders.qcwy import QcwySpider
from jobspiders.spiders.zhilian import ZhilianSpider
from sandbox.process import SandboxProcess

CASSETTES = Path(__file__).with_name("cassettes")
IS_RECORDING = os.environ.get("RECORD_CASSETTES") == "1"
SPIDERS: dict[str, type[KeywordSpider]] = {"boss": BossSpider, "qcwy": QcwySpider, "zhilian": ZhilianSpider}
NOWHERE = "http://127.0.0.1:9"  # where a played cassette's platform is said to be: nobody listens there
SECRETS: dict[str, Any] = {
    "boss_tokens": ["played-token"],
    "qcwy_sign_key": "played-key",
    "zhilian_at": "played-at",
    "zhilian_rt": "played-rt",
}


@dataclass
class Theatre:
    """A spider of one platform, made as Scrapy makes it, and the way to get a call's recorded answer to its callback."""

    spider: KeywordSpider
    secrets: dict[str, Any]
    base_url: str

    def begin(self, text: str, city: str) -> tuple[Call, KeywordRun]:
        """A run with its first search page open."""
        spider = self.spider
        code = spider.platform.city_code(city)
        run = spider.ledger.begin(Lease("played", Keyword(spider.platform_name, text, code)))
        spider.running[run] = set()
        request = next(spider.search(SearchQuery(text, code), run))
        call: Call = request.meta["call"]
        return call, run

    def answer(self, call: Call, run: KeywordRun, cassette: str) -> Response:
        """The recorded answer as the downloader middlewares would hand it to the callback."""
        platform = self.spider.platform
        context = SigningContext(now=time(), random=Random(7), token=self.secrets["boss_tokens"][0])
        signed = platform.sign(call, context)
        session = requests.Session()
        session.trust_env = False
        recorder = Betamax(session, cassette_library_dir=str(CASSETTES), default_cassette_options={"match_requests_on": ["method", "path"]})
        name = f"{platform.name}_{cassette}"
        with session, recorder.use_cassette(name, record="once" if IS_RECORDING else "none", allow_playback_repeats=True):
            recorder.current_cassette.placeholders = [*self.placeholders()]
            told = session.request(signed.method, signed.url, headers=dict(signed.headers), data=signed.body or None, timeout=10)
        headers = {name.lower(): value for name, value in told.headers.items()}
        reading = platform.read(call, Answer(told.status_code, headers, told.content))
        request = Request(call.url, method=call.method, body=call.body, meta={"call": call, "run": run, "reading": reading})
        return JsonResponse(call.url, status=told.status_code, headers=dict(told.headers), body=told.content, request=request)

    def placeholders(self) -> Iterator[Placeholder]:
        """What of a recording is not kept: where the sandbox was and what it had to be told."""
        for name, value in self.secrets.items():
            for number, secret in enumerate([value] if isinstance(value, str) else value):
                yield Placeholder(placeholder=f"<{name}-{number}>", replace=secret)
        yield Placeholder(placeholder=NOWHERE, replace=self.base_url)


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[str, dict[str, Any]]]:
    """Where the platforms are, and the operator's secrets: the sandbox's while recording."""
    if not IS_RECORDING:
        yield NOWHERE, SECRETS
        return
    with SandboxProcess(seed=5, size=700) as sandbox:
        yield sandbox.base_url, {name: sandbox.secrets[name] for name in SECRETS}


@pytest.fixture
def theatre(stage: tuple[str, dict[str, Any]]) -> Any:
    """`theatre("boss")`: a spider ready to be played to."""
    base_url, secrets = stage

    def open_theatre(name: str, **settings: Any) -> Theatre:
        project = Settings()
        project.setmodule("jobspiders.settings")
        ours = {key: project[key] for key in project if key.startswith(("VERDICT_", "SCHEMA_", "SIGNING_TIMEOUT", "PROXY_", "LEASE_"))}
        told = {
            **ours,
            **{f"{platform.upper()}_BASE_URL": base_url for platform in Platform},
            "BOSS_TOKENS": ",".join(secrets["boss_tokens"]),
            "QCWY_SIGN_KEY": secrets["qcwy_sign_key"],
            "ZHILIAN_AT": secrets["zhilian_at"],
            "ZHILIAN_RT": secrets["zhilian_rt"],
            "BOSS_PAGE_SIZE": 10,
            "QCWY_PAGE_SIZE": 3,
            "ZHILIAN_PAGE_SIZE": 3,
            **settings,
        }
        crawler = get_crawler(SPIDERS[name], told)
        crawler.spider = crawler._create_spider()
        assert isinstance(crawler.spider, KeywordSpider)
        return Theatre(crawler.spider, secrets, base_url)

    return open_theatre
