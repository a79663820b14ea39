"""KeywordSpider: keywords from a feed, pages from a platform, raw jobs and companies to the pipelines. The platforms' spiders only name it.

feed -> lease -> run -> search pages -> details -> companies        (every request is counted in the ledger)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Self

from scrapy import Request, Spider, signals
from scrapy.utils.url import url_is_from_any_domain
from scrapy_spider_metadata import Args  # type: ignore[attr-defined]  # re-exported without saying so

from jobschema import Platform
from jobschema.messages import Lease
from jobspiders import statkeys
from jobspiders.control_client import is_control_configured
from jobspiders.errors import ArgumentsInvalidError, PoolExhaustedError, RefusedError, TerminalError
from jobspiders.feeds.arguments import ArgumentFeed
from jobspiders.feeds.base import KeywordFeed
from jobspiders.feeds.control import open_control_feed
from jobspiders.feeds.redis_settings import is_redis_configured, read_limits, read_max_leases, read_policy
from jobspiders.feeds.redis_spider import RedisKeywordMixin
from jobspiders.ledger import KeywordRun, Ledger
from jobspiders.passes import SEARCH_CAPPED, PassNotes, open_passes, read_passes_needed
from jobspiders.platforms.base import Call, CallKind, RawCompany, RawJob, Reading, SearchPlatform, SearchQuery
from jobspiders.session import PlatformSession, open_session, session_of
from jobspiders.signers.errors import SigningError
from jobspiders.spiders.details import DetailDesk
from jobspiders.spiders.params import KeywordParams, plan_keywords, read_params

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.settings import BaseSettings
    from twisted.python.failure import Failure

Output = Iterator[RawJob | RawCompany | Request]
LEASE_LOST = "lease_lost"  # the cause of a run that goes on without a lease
FEED_REFUSED = "feed_refused"  # the finish reason when Redis or the control plane refuses this node
DRAINED = "drained"  # the finish reason of a node that was told to go
DRAIN_LOOK_SECONDS = 0.05
CLOSING_SECONDS = 5.0  # for Redis to take back what is held at the end


class KeywordSpider(RedisKeywordMixin, Args[KeywordParams], Spider):
    """Crawls one platform, whichever `platform_name` says. Keywords come by argument, or from Redis where one is named."""

    platform_name: ClassVar[Platform]
    platform_domains: ClassVar[tuple[str, ...]] = ()  # whose pages `scrapy shell` and `scrapy fetch` give to this spider
    session: PlatformSession
    platform: SearchPlatform
    feed: KeywordFeed
    ledger: Ledger
    passes: PassNotes
    details: DetailDesk
    companies_known: set[str]
    running: dict[KeywordRun, set[tuple[str, bytes]]]  # the runs not ended yet -> the searches each has asked for
    background: set[asyncio.Task[None]]
    started: asyncio.Event  # the engine runs: from now on the spider can be closed in order
    is_over = False
    stopping: asyncio.Task[None] | None = None
    draining: asyncio.Task[None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        read_params(kwargs)  # names every wrong argument; Args would stop at pydantic's words
        super().__init__(*args, **kwargs)

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.session = session_of(crawler)
        spider.session.stop = spider.stop
        spider.session.drain = spider.drain
        spider.session.budget = spider.open_redis(crawler)
        spider.platform = spider.session.platform
        spider.choose_feed(crawler)
        spider.ledger = Ledger(spider.end, spider.end, spider.spawn)
        spider.passes = open_passes(crawler.settings, spider.count)
        spider.details = DetailDesk(spider.platform)
        spider.companies_known = set()
        spider.background = set()
        spider.running = {}
        spider.started = asyncio.Event()
        crawler.signals.connect(spider.on_started, signals.engine_started)
        crawler.signals.connect(spider.on_dropped, signals.request_dropped)
        crawler.signals.connect(spider.on_closing, signals.spider_closed)
        return spider

    @classmethod
    def handles_request(cls, request: Request) -> bool:
        return url_is_from_any_domain(request.url, cls.platform_domains)

    # -- keywords -----------------------------------------------------------------------------------------------------

    @classmethod
    def check(cls, settings: BaseSettings, arguments: dict[str, Any]) -> None:
        """Raise ArgumentsInvalidError (or ValueError for a setting) before anything starts, naming what is wrong and what is valid."""
        session = open_session(cls.platform_name, settings)
        keywords = plan_keywords(session.platform, read_params(arguments))
        read_passes_needed(settings)
        if is_redis_configured(settings):
            read_policy(settings)
            read_limits(settings)
            read_max_leases(settings)
        elif not keywords and not is_control_configured(settings):
            example = f"scrapy crawl {cls.name} -a keywords=Python,Java -a city=北京,上海"
            raise ArgumentsInvalidError(f"no keyword is given. Say what to search: {example}; or set REDIS_URL to wait for keywords there")
        if not len(session.tokens):
            prefix = cls.platform_name.upper()
            raise ArgumentsInvalidError(
                f"{prefix}_TOKENS and {prefix}_TOKENS_FILE are empty: {cls.name} asks nothing without a token. Set one of them"
            )

    def choose_feed(self, crawler: Crawler) -> None:
        """Keywords given by argument are crawled and that is all; without any, the spider waits for the control plane's, or Redis'."""
        keywords = plan_keywords(self.platform, self.args)
        if not keywords and self.session.control is not None:
            self.feed = open_control_feed(self.session.control, self.platform_name, crawler.settings, self.on_leases_lost)
        elif keywords or self.server is None:
            self.feed = ArgumentFeed(keywords)
        else:
            self.setup_redis(crawler)

    async def start(self) -> AsyncIterator[Request]:
        """The first request of every keyword that the feed gives. When it can give no more for good, the spider closes in order."""
        if self.stopping is not None:  # told to while it opened
            return
        try:
            async for lease in self.feed.leases():
                for request in self.begin(lease):
                    yield request
        except TerminalError as error:
            self.logger.error("no further keyword can come: %s", error)
            self.stop(FEED_REFUSED)

    def begin(self, lease: Lease) -> Iterator[Request]:
        run = self.ledger.begin(lease)
        self.running[run] = set()
        self.passes.begin(run, is_narrowed=bool(self.args.filters))
        self.count(statkeys.KEYWORD_OPENED)
        return self.search(SearchQuery(lease.keyword.text, lease.keyword.city_code, filters=self.args.filters), run)

    def search(self, query: SearchQuery, run: KeywordRun) -> Iterator[Request]:
        """A page of a search, once a run. Another run of the same keyword, after a loss, asks for all of its pages again."""
        call = self.platform.search(query)
        asked = self.running.get(run, set())
        if (call.url, call.body) not in asked:
            asked.add((call.url, call.body))
            yield self.request(call, run)

    def request(self, call: Call, run: KeywordRun, **options: Any) -> Request:
        """A Scrapy request for a call, counted as open in its run."""
        self.ledger.opened(run)
        return Request(
            call.url,
            method=call.method,
            headers=dict(call.headers),
            body=call.body,
            callback=self.parse,
            errback=self.on_failure,
            dont_filter=True,  # Scrapy remembers what was asked, not what came of it: it would refuse a keyword that came back
            meta={"call": call, "run": run, **options.pop("meta", {})},
            **options,
        )

    # -- answers ------------------------------------------------------------------------------------------------------

    def parse(self, response: Response) -> Output:
        """
        The one callback: counts the request as closed when everything it opened is handed over.

        @ask 工程师 北京
        """
        run: KeywordRun = response.meta["run"]
        cause: str | None = "callback_failed"
        try:
            yield from self.parse_reading(response.meta["call"], response.meta["reading"], run)
            cause = None
        finally:
            self.close_request(run, cause)

    def parse_reading(self, call: Call, reading: Reading, run: KeywordRun) -> Output:
        if call.kind is CallKind.SEARCH:
            yield from self.parse_search(call, reading, run)
        elif call.kind is CallKind.COMPANY:
            yield from self.take_companies(reading.companies)
        else:
            yield from self.parse_details(call, reading, run)

    def parse_search(self, call: Call, reading: Reading, run: KeywordRun) -> Output:
        """One page of a search: rows that are whole, detail calls for those that are not, the pages or splits it opens."""
        self.count(statkeys.SEARCH_PAGES)
        self.passes.note_search(run, reading)
        for job in reading.jobs:
            job.keyword = run.lease.keyword.text
            if job.job_id in self.details:
                self.count(statkeys.DETAIL_REPEATED)
        yield from self.take_companies(reading.companies)
        whole, calls = self.details.sort(reading.jobs) if self.args.details else (reading.jobs, [])
        self.count(statkeys.ROWS_JOB, len(whole))
        for job in whole:
            yield job
            yield from self.ask_company(job, run)
        for detail in calls:
            yield self.request(detail, run)
        yield from self.open_next(call, reading, run)

    def open_next(self, call: Call, reading: Reading, run: KeywordRun) -> Output:
        assert call.query is not None, "a search call carries its query"
        queries = self.platform.next_queries(call.query, reading) if LEASE_LOST not in run.causes else []
        depth = run.lease.keyword.depth
        if any(query.page == 1 for query in queries):
            self.count(statkeys.SEARCH_SPLIT)
        elif reading.capped:
            self.note_capped(run)
        for query in queries:
            if depth is None or query.page <= depth:
                yield from self.search(query, run)
            else:
                self.passes.note_cut(run)

    def note_capped(self, run: KeywordRun) -> None:
        """The platform holds more than it shows and the search cannot be narrowed: say so once a run, never miss it silently."""
        if SEARCH_CAPPED not in run.causes:
            self.count(statkeys.SEARCH_CAPPED)
            self.ledger.blemish(run, SEARCH_CAPPED)

    def parse_details(self, call: Call, reading: Reading, run: KeywordRun) -> Output:
        """One or several postings' details: merged with what the list said; a batch's missing ones are asked for again."""
        yield from self.take_companies(reading.companies)
        for job in self.details.merge(call.jobs, reading.jobs):
            self.count(statkeys.DETAIL_FETCHED)
            yield from self.take_job(job, run)
        left = self.details.settle(call, reading)
        self.passes.note_details(run, reading, left.gone)
        for detail in left.again:
            self.count(statkeys.DETAIL_ASKED_AGAIN)
            yield self.request(detail, run)
        for job in left.lost:
            yield from self.take_without_detail(job, run, "detail_missing")
        for job in left.gone:
            yield from self.take_without_detail(job, run, None)

    def take_job(self, job: RawJob, run: KeywordRun) -> Output:
        self.count(statkeys.ROWS_JOB)
        yield job
        yield from self.ask_company(job, run)

    def ask_company(self, job: RawJob, run: KeywordRun) -> Output:
        if self.args.companies and job.company_id and job.company_id not in self.companies_known:
            company = self.platform.company_call(job.company_id)
            if company is not None:
                self.companies_known.add(job.company_id)
                yield self.request(company, run)

    def take_without_detail(self, job: RawJob, run: KeywordRun, cause: str | None) -> Output:
        """The posting as the list told it. No cause: the platform itself says that there is nothing more to fetch."""
        self.count(statkeys.DETAIL_MISSING)
        if cause is not None:
            self.ledger.blemish(run, cause)
        yield from self.take_job(job, run)

    def take_companies(self, companies: list[RawCompany]) -> Output:
        for company in companies:
            if company.company_id in self.companies_known:
                continue
            if company.complete:
                self.companies_known.add(company.company_id)
            self.count(statkeys.ROWS_COMPANY)
            yield company

    # -- failures -----------------------------------------------------------------------------------------------------

    def on_failure(self, failure: Failure) -> Output:
        """The one errback: a request ended badly. Its postings are kept as far as the list told them; its run is partial."""
        request: Request = failure.request  # type: ignore[attr-defined]
        call: Call = request.meta["call"]
        run: KeywordRun = request.meta["run"]
        cause = self.name_cause(failure)
        self.companies_known.discard(call.company_id)  # so that the next run asks for it again
        try:
            for job in call.jobs:
                yield from self.take_without_detail(job, run, f"detail_{cause}")
        finally:
            self.close_request(run, f"{call.kind}_{cause}")

    def name_cause(self, failure: Failure) -> str:
        error = failure.value
        if isinstance(error, RefusedError):
            return error.reading.verdict.value
        if isinstance(error, PoolExhaustedError):
            self.logger.error("%s", error)
            self.stop(error.finish_reason)
            return error.finish_reason
        if isinstance(error, SigningError) and not error.is_transient:
            self.logger.error("closing, because requests cannot be signed: %s", error)
            self.stop("signing_failed")
            return "signing_failed"
        self.logger.warning("%s failed: %s: %s", failure.request.url, type(error).__name__, error)  # type: ignore[attr-defined]
        return type(error).__name__

    def on_dropped(self, request: Request) -> None:
        """Scrapy dropped a request (a repeated search, say): it is not open any more."""
        if "run" in request.meta:
            self.close_request(request.meta["run"])

    def close_request(self, run: KeywordRun, cause: str | None = None) -> None:
        self.ledger.closed(run, cause)
        if not run.open_requests:
            self.feed.crawled(run.lease)

    # -- runs ---------------------------------------------------------------------------------------------------------

    async def end(self, run: KeywordRun) -> None:
        """The run is over: its pass is recorded before anybody hears of it, so that none is told "complete" of one that was lost."""
        self.running.pop(run, None)
        cause = await self.passes.record(run)
        if cause is not None:
            self.ledger.blemish(run, cause)
        await (self.give_back(run) if run.causes else self.complete(run))

    async def complete(self, run: KeywordRun) -> None:
        self.count(statkeys.KEYWORD_COMPLETE)
        await self.feed.complete(run.lease)

    async def give_back(self, run: KeywordRun) -> None:
        self.count(statkeys.KEYWORD_PARTIAL)
        await self.feed.give_back(run.lease, run.causes)

    def on_leases_lost(self, leases: list[Lease]) -> None:
        """Another node has these keywords: their runs ask for nothing more, and end as partial."""
        lost = {(lease.lease_id, lease.epoch) for lease in leases}
        for run in self.running:
            if (run.lease.lease_id, run.lease.epoch) in lost:
                self.ledger.blemish(run, LEASE_LOST)

    def on_started(self) -> None:
        self.started.set()

    async def on_closing(self, reason: str) -> None:
        """The crawl is over: runs still open go back, and every report to the feed is heard out, within LEASE_GRACE."""
        grace = self.settings.getfloat("LEASE_GRACE")
        self.started.set()  # no stop() waits for an opening that failed
        self.passes.stop_waiting()
        for _run in self.ledger.cut_off(f"crawl_{reason}"):
            self.count(statkeys.KEYWORD_RETURNED)
        try:
            async with asyncio.timeout(grace):
                for error in await asyncio.gather(*self.background, return_exceptions=True):
                    if isinstance(error, Exception):  # the others are heard, and the feed is closed, all the same
                        self.logger.error("the feed refuses a report: %s: %s", type(error).__name__, error)
        except TimeoutError:
            self.logger.error("the feed did not hear every report within %.0f s; what it did not hear is run again", grace)
        await self.passes.close()
        await self.feed.close(min(grace, CLOSING_SECONDS))
        await self.close_redis()
        self.is_over = True

    def drain(self, seconds: float) -> None:
        """Claim nothing more from this moment. Runs under way may end; what has not ended goes back and the spider closes in time."""
        if self.is_over:  # other spiders of the process go on
            return
        self.spawn(self.feed.drain())
        if self.draining is None:
            self.draining = asyncio.get_running_loop().create_task(self.run_out(seconds))

    async def run_out(self, seconds: float) -> None:
        """Half of the time for the runs, a quarter for answers on their way and the stores; what then is not over is given back."""
        end = asyncio.get_running_loop().time() + seconds / 2
        while any(run.open_requests for run in self.running) and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(DRAIN_LOOK_SECONDS)
        self.stop(DRAINED)
        assert self.stopping is not None, "stop() has just set it"
        done, _ = await asyncio.wait({self.stopping}, timeout=seconds / 4)
        if not done and self.started.is_set():  # one that is still opening holds nothing
            self.logger.error("requests are still on their way: their keywords go back")
            await self.feed.close(seconds / 8)

    def stop(self, reason: str) -> None:
        """Close the spider; the first reason counts. What it has is stored, what is open is reported as partial."""
        if self.stopping is None:  # its end waits for `background`: it must not be in there
            self.stopping = asyncio.get_running_loop().create_task(self.close_when_started(reason))

    async def close_when_started(self, reason: str) -> None:
        """Not while it opens: what opens would be left open, and Scrapy never says that an engine stopped which had not started."""
        await self.started.wait()
        await self.crawler.engine.close_spider_async(reason=reason)

    def spawn(self, work: Awaitable[None]) -> None:
        """Run `work` in the background; the spider's end waits for it."""
        assert isinstance(work, Coroutine)
        task = asyncio.get_running_loop().create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    def count(self, key: str, number: int = 1) -> None:
        self.crawler.stats.inc_value(key, number)
