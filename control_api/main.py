"""Puts the control plane together: settings, database, routers, the one shape of errors. Uvicorn calls `create_app`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from threading import BoundedSemaphore
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware

from control_api import migrations
from control_api.config import Settings, load_settings
from control_api.db import Database, open_database
from control_api.deps import Control
from control_api.docs_page import install_docs
from control_api.edge import EdgeMiddleware
from control_api.ingest_writer import IngestWriter, WriterOptions
from control_api.logs import set_up_logs
from control_api.metrics import Metrics
from control_api.principal import PrincipalMemory
from control_api.problems import MEDIA_TYPE, ProblemDetails, install_problems
from control_api.rights import RouteRight, read_route_rights
from control_api.routers import ROUTERS
from control_api.routers.ingest import INGEST_PATH
from control_api.row_store import RowStore, StoreOpeners
from control_api.security import TokenCipher, TokenSigner
from control_api.services import roles

VERSION = "0.1.0"
DESCRIPTION = (
    "Users, rights, keywords, tokens and nodes of jobspiders. Log in with **Authorize**; nodes send theirs in the header `token`. "
    "Errors are RFC 9457 problem details; lists are read part by part: pass `next` as `cursor`."
)


def create_app(settings: Settings | None = None, openers: StoreOpeners | None = None) -> FastAPI:
    """The application. Without `settings` they are read from the environment. Raises SettingsInvalidError, LookupError.

    `openers` open the stores of rows; tests give others.
    """
    is_served = settings is None
    settings = settings or load_settings()
    if is_served:
        set_up_logs(settings.log_level, settings.secrets())
    app = FastAPI(
        title="jobspiders control plane",
        version=VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json" if settings.docs else None,
        redirect_slashes=False,
        lifespan=_live,
        responses={code: {"model": ProblemDetails, "description": text} for code, text in _ALWAYS.items()},
    )
    for router in ROUTERS:
        app.include_router(router)
    if settings.docs:
        install_docs(app)
    install_problems(app)
    _describe(app)
    app.state.control = _make_parts(settings, openers)
    _wrap(app, app.state.control)
    return app


def _describe(app: FastAPI) -> None:
    """Problems have their own media type in the OpenAPI document, as they have on the wire."""
    make = app.openapi

    def describe() -> dict[str, Any]:
        is_new = app.openapi_schema is None
        document = make()
        for operation in (operation for path in document["paths"].values() for operation in path.values()) if is_new else ():
            for answer in operation["responses"].values():
                content = answer.get("content", {})
                if content.get("application/json", {}).get("schema") == _PROBLEM:
                    content[MEDIA_TYPE] = content.pop("application/json")
        return document

    app.openapi = describe  # type: ignore[method-assign]  # FastAPI's own way to extend it


_PROBLEM = {"$ref": "#/components/schemas/ProblemDetails"}


_ALWAYS: dict[int | str, str] = {413: "Content Too Large", 503: "Service Unavailable"}


@cache
def _read_rights() -> tuple[RouteRight, ...]:
    # The same for every application of a process: reading the document takes a while.
    bare = FastAPI()
    for router in ROUTERS:
        bare.include_router(router)
    return tuple(read_route_rights(bare.openapi()))


def _make_parts(settings: Settings, openers: StoreOpeners | None) -> Control:
    database = open_database(settings.database_dsn, settings.database_pool)
    memory = PrincipalMemory(settings.session_cache_seconds)
    database.access_listeners.append(memory.forget)
    rows = RowStore(settings.rows_dsn, settings.current_rows_dsn, openers, passes_to_delist=settings.delist_after_passes)
    return Control(
        settings=settings,
        database=database,
        signer=TokenSigner(settings.secret_key.get_secret_value(), settings.audience),
        cipher=TokenCipher(settings.token_key_list),
        memory=memory,
        metrics=Metrics(),
        routes=list(_read_rights()),
        rows=rows,
        writer=IngestWriter(
            database, rows, WriterOptions(settings.workers == 1, settings.ingest_unpacked_bytes, settings.ingest_book_days)
        ),
        ingest_slots=BoundedSemaphore(settings.ingest_at_once),
    )


def _wrap(app: FastAPI, control: Control) -> None:
    settings = control.settings
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(settings.cors_origins), allow_methods=["*"], allow_headers=["Authorization", "Content-Type"]
        )
    app.add_middleware(
        EdgeMiddleware,
        metrics=control.metrics,
        max_body_bytes=settings.max_body_bytes,
        larger_bodies={INGEST_PATH: settings.ingest_body_bytes},
        body_seconds=settings.body_seconds,
        is_https_only=not settings.is_development,
    )


@asynccontextmanager
async def _live(app: FastAPI) -> AsyncIterator[None]:
    control: Control = app.state.control
    await run_in_threadpool(prepare_database, control.settings, control.database, control)
    control.writer.start()
    yield
    await run_in_threadpool(_close, control)


def _close(control: Control) -> None:
    control.writer.stop()
    control.rows.close()
    control.database.close()


def prepare_database(settings: Settings, database: Database, control: Control) -> None:
    """What the start-up flags ask for; without them, only a look. Raises DatabaseNotReadyError."""
    if settings.run_migrations_on_startup:
        migrations.upgrade(database.engine)
    migrations.check_revision(database.engine)
    if settings.initialize_seed_data_on_startup:
        with database.write() as unit:
            roles.seed(unit, control.routes)
