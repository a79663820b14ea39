"""`db`, `doctor` and `serve`: the schema, the state of things, and the server itself."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from contextlib import closing
from pathlib import Path

from control_api import migrations
from control_api.backup import read_backup, write_backup
from control_api.cli.console import Desk, UsageError, create_private, say, say_table
from control_api.config import Settings, find_weakness, load_settings
from control_api.db import open_database
from control_api.errors import DatabaseNotReadyError, RedisFaultError
from control_api.models.base import now_utc
from control_api.redis_queue import open_redis, ping
from control_api.services import audit, health, nodes, tokens, users


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    actions = commands.add_parser("db", help="upgrade, check, dump, load the database").add_subparsers(required=True)
    actions.add_parser("upgrade", help="bring the schema to the newest revision").set_defaults(run=upgrade)
    actions.add_parser("check", help="is the schema the newest, and what the models say").set_defaults(run=check)
    dump = actions.add_parser("dump", help="every row as JSON lines, with hashes and encrypted tokens: keep the file safe")
    dump.add_argument("file", type=Path)
    dump.set_defaults(run=dump_rows)
    load = actions.add_parser("load", help="what `dump` wrote, into a database that `upgrade` has just made; SQLite or MySQL")
    load.add_argument("file", type=Path)
    load.set_defaults(run=load_rows)
    commands.add_parser("doctor", help="what is there, what is missing, what to do").set_defaults(run=examine)
    server = commands.add_parser("serve", help="start the HTTP server")
    server.add_argument("--host", help="CONTROL_HOST")
    server.add_argument("--port", type=int, help="CONTROL_PORT")
    server.add_argument("--workers", type=int, help="CONTROL_WORKERS")
    server.set_defaults(run=serve)


def upgrade(desk: Desk, _options: argparse.Namespace) -> None:
    """Run the revisions that are missing."""
    _make_folder(desk)
    migrations.upgrade(desk.control.database.engine)
    migrations.check_revision(desk.control.database.engine)
    say("The schema is at the newest revision.")


def _make_folder(desk: Desk) -> None:
    url = desk.control.database.engine.url
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def check(desk: Desk, _options: argparse.Namespace) -> None:
    """Raise DatabaseNotReadyError when the schema is old or differs from the models."""
    engine = desk.control.database.engine
    migrations.check_revision(engine)
    differences = migrations.find_differences(engine)
    if differences:
        raise DatabaseNotReadyError("The tables and the models differ:\n  " + "\n  ".join(differences))
    say("The schema is at the newest revision and equals the models.")


def dump_rows(desk: Desk, options: argparse.Namespace) -> None:
    """Write every row of every table from one moment."""
    database = desk.control.database
    migrations.check_revision(database.engine)
    with create_private(options.file) as file, database.read() as unit:
        if unit.get_bind().dialect.name != "sqlite":
            unit.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        count = -2  # the first and the last line are no rows
        for line in write_backup(unit.connection(), migrations.read_head()):
            file.write(line)
            count += 1
    say(f"{count} rows are in {options.file}, readable by you alone.")


def load_rows(desk: Desk, options: argparse.Namespace) -> None:
    """Fill an empty database with what `dump_rows` wrote: all of it or nothing."""
    database = desk.control.database
    migrations.check_revision(database.engine)
    try:
        with options.file.open("rb") as lines, database.write() as unit:
            count = read_backup(unit.connection(), migrations.read_head(), lines)
            audit.record(unit, desk.actor, "database.load", object_kind="database", after={"rows": count})
    except OSError as error:
        raise UsageError(f"{options.file} cannot be read ({type(error).__name__}).") from None
    say(f"{count} rows are in the database.")


def examine(desk: Desk, _options: argparse.Namespace) -> None:
    """Print the settings without secrets and the state of each part; fail when one is missing."""
    settings = desk.settings
    shown = settings.model_dump(mode="json")
    say_table(("setting", "value"), ((f"CONTROL_{name.upper()}", _show(value)) for name, value in shown.items()))
    say()
    database = open_database(settings.database_dsn, 1)
    found = health.probe(health.list_probes(database))
    rows = [(item.name, "ok" if item.is_ready else "MISSING", item.detail) for item in found]
    if not found[0].is_ready:
        address = database.engine.url.render_as_string(hide_password=True)
        rows.append(
            ("address", "tried", f"{address}: is the server up, the name there, the password right? CONTROL_DATABASE_URL says where")
        )
    is_ready = all(item.is_ready for item in found)
    if is_ready:
        rows += _examine_rows(desk)
    weakness = find_weakness(settings.secret_key.get_secret_value())
    rows += _examine_redis(settings)
    rows.append(("secret key", "weak" if weakness else "ok", f"CONTROL_SECRET_KEY {weakness}" if weakness else ""))
    say_table(("part", "state", "what to do"), rows)
    database.close()
    if not is_ready:
        raise DatabaseNotReadyError("The control plane cannot work yet; see above.")


def _examine_rows(desk: Desk) -> list[tuple[str, str, str]]:
    with desk.control.database.read() as unit:
        admins = users.count_admins(unit)
        states = nodes.count_states(unit, now_utc(), desk.settings.heartbeat_seconds)
        strange = tokens.count_strange(unit, desk.control.cipher)
    lost = states["lost"]
    return [
        ("administrator", "ok" if admins else "MISSING", "" if admins else "run `create-admin`"),
        (
            "token keys",
            "WRONG" if strange else "ok",
            f"CONTROL_TOKEN_KEYS does not decrypt {strange} tokens: add their key" if strange else "",
        ),
        ("nodes", f"{states['alive']} alive", f"{lost} are lost: `nodes list`" if lost else ""),
    ]


def _examine_redis(settings: Settings) -> list[tuple[str, str, str]]:
    """Nothing that the server needs: only `keywords fill` does."""
    address = settings.redis_url.get_secret_value()
    if not address:
        return [("redis", "not used", "nodes take keywords from the API")]
    try:
        with closing(open_redis(address)) as client:
            ping(client)
    except RedisFaultError as error:
        return [("redis", "MISSING", str(error))]
    return [("redis", "ok", "")]


def _show(value: object) -> str:
    return "(not set)" if value in ("", None) else str(value)


def tune_interpreter() -> None:
    """Two habits of Python that a door with several busy threads cannot afford.

    Circular garbage is looked for rarely: a batch of rows is a million objects without one, and each look would walk them all. Threads
    change more often than every 5 ms: the one that receives a body, or comes back from the store, waited that long each time.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
    sys.setswitchinterval(0.001)


def serve(desk: Desk, options: argparse.Namespace) -> None:
    """Start the server; ends on SIGTERM after the requests at work are answered."""
    import uvicorn

    given = {name: getattr(options, name) for name in ("host", "port", "workers") if getattr(options, name) is not None}
    for name, value in given.items():
        os.environ[f"CONTROL_{name.upper()}"] = str(value)  # workers are other processes: they read the environment
    settings = load_settings()
    if not settings.run_migrations_on_startup:
        migrations.check_revision(desk.control.database.engine)
    desk.control.database.close()
    tune_interpreter()
    uvicorn.run(
        "control_api.main:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # `principal.find_client_ip` reads them, as far as CONTROL_TRUSTED_PROXIES says
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=30,
    )
