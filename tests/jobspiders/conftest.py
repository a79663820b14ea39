"""A platform of our own making, for the parts that must not know any real one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from jobschema import Platform, Verdict
from jobspiders.platforms.base import Answer, Call, CallKind, RawJob, Reading, SearchQuery, SignedCall, SigningContext


class FakePlatform:
    """Pages of two postings; the body of an answer is a verdict's name; the signature is the token and the time."""

    name = Platform.BOSS
    needs_token = True
    page_size = 2
    max_pages = 3
    filter_names = frozenset({"degree", "salary"})

    def __init__(self, batch_size: int = 3) -> None:
        self.batch_size = batch_size
        self.retry_after: float | None = None
        self.inner: list[tuple[Verdict, str]] = []

    def city_code(self, city: str) -> str:
        codes = {"北京": "1", "上海": "2", "全国": "0"}
        if city.isdigit():
            return city
        if city not in codes:
            raise ValueError(f"city {city!r} is not known; valid are {', '.join(codes)}, or a code")
        return codes[city]

    def search(self, query: SearchQuery) -> Call:
        return Call(CallKind.SEARCH, "GET", f"http://fake.example/search?q={query.text}&page={query.page}", query=query)

    def next_queries(self, query: SearchQuery, reading: Reading) -> list[SearchQuery]:
        return []

    def detail_calls(self, jobs: Sequence[RawJob]) -> list[Call]:
        lacking = [job for job in jobs if job.description is None]
        chunks = [lacking[i : i + self.batch_size] for i in range(0, len(lacking), self.batch_size)]
        return [Call(CallKind.BATCH, "GET", "http://fake.example/batch", jobs=tuple(chunk)) for chunk in chunks]

    def company_call(self, company_id: str) -> Call | None:
        return None

    def sign(self, call: Call, context: SigningContext) -> SignedCall:
        signed = f"{call.url}&at={context.now:.6f}&secret={context.token}"
        return SignedCall(call.method, signed, {"x-token": context.token}, call.body)

    def read(self, call: Call, answer: Answer) -> Reading:
        verdict = Verdict(answer.body.decode())
        return Reading(verdict=verdict, reason="said so", retry_after=self.retry_after, inner=self.inner)


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform()


@pytest.fixture
def raw_job() -> Any:
    def make(job_id: str, **values: Any) -> RawJob:
        return RawJob(job_id=job_id, title=f"job {job_id}", **values)

    return make
