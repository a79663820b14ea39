"""One connection to a ClickHouse engine, in this process or behind HTTP: the only module that talks to the driver.

Every insert carries its token and is synchronous, so that sending it again is harmless; every error of the driver leaves as one
of ours, told apart by whether trying again can help.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

import clickhouse_connect
from clickhouse_connect.datatypes.base import ClickHouseType
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver import options
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, Error, OperationalError

from jobstore.blocks import Block
from jobstore.clients import ClientPool, PoolClosedError
from jobstore.dsn import StoreDsn
from jobstore.errors import (
    AccessRefusedError,
    DsnInvalidError,
    SchemaMismatchError,
    StatementRefusedError,
    StoreBusyError,
    StoreClosedError,
    StoreError,
    StoreForkedError,
    StoreUnavailableError,
)
from jobstore.folder import folder_in_use
from jobstore.tables import Table

Parameters = Mapping[str, Any]

# ClickHouse's error codes, as src/Common/ErrorCodes.cpp numbers them.
_BUSY = frozenset(
    {159, 164, 173, 202, 203, 209, 210, 225, 236, 241, 242, 243, 252, 253, 285, 286, 287, 290, 319, 394, 425, 439, 473, 574, 999}
)
_ACCESS = frozenset({192, 193, 194, 195, 497, 516})
_SCHEMA = frozenset({16, 44, 47, 60})
_UNKNOWN_DATABASE = 81
_PIECE = 256 * 1024  # bytes of a streamed answer
_AT_ONCE = 2  # statements of readers, and as many of writers, that the engine of a folder works on at the same time
_DROPPED = "SELECT value FROM system.events WHERE event = 'DuplicatedInsertedBlocks'"
_GATEWAY_STATUS = re.compile(r"HTTP status (429|502|503|504)\b")


class Connection:
    """A connection that belongs to the process that opened it. Thread-safe."""

    def __init__(self, dsn: StoreDsn) -> None:
        """Connect; the database of a server is created when it is missing and the user may."""
        self.dsn = dsn
        self._pid = os.getpid()
        self._types: dict[str, list[ClickHouseType]] = {}
        # A folder's client works on one statement at a time: who reads does not wait for who writes, nor the other way round.
        self._readers = ClientPool(self._connect(), self._connect_again, _AT_ONCE if dsn.folder else None)
        self._writers = ClientPool(self._connect_again(), self._connect_again, _AT_ONCE) if dsn.folder else self._readers
        # The driver would import both, where they are there, in the middle of the first insert, to see whether a block of lists is one
        # of theirs. pandas alone takes as long as storing 2,000 postings, and nothing here reads or writes a data frame.
        vars(options).setdefault("pd", None)
        with suppress(ImportError):
            import_module("numpy")

    def __repr__(self) -> str:
        return f"<Connection {self.dsn}>"

    def _connect(self) -> Client:
        try:
            with self._translated():
                return _make_client(self.dsn, self.dsn.database)
        except StatementRefusedError as error:
            if error.code != _UNKNOWN_DATABASE:
                raise
        with self._translated():
            client = _make_client(self.dsn, "default")
            client.command(f"CREATE DATABASE IF NOT EXISTS {_quote_name(self.dsn.database)}")
            client.close()
            return _make_client(self.dsn, self.dsn.database)

    def _connect_again(self) -> Client:
        try:
            return self._connect()
        except StoreError as error:  # the folder is ours: nobody else has it
            raise StoreBusyError(
                f"The store {self.dsn} has no means for another client now: memory, threads or files are short."
            ) from error

    def run(self, statement: str, parameters: Parameters | None = None) -> None:
        """Run a statement that answers nothing."""
        with self._client(self._readers) as client:
            client.command(statement, parameters=dict(parameters or {}))

    def read(self, query: str, parameters: Parameters | None = None) -> list[dict[str, Any]]:
        """The rows of a query, each as column name -> value; times are aware and in UTC."""
        with self._client(self._readers) as client:
            return list(client.query(query, parameters=dict(parameters or {})).named_results())

    def read_tuples(self, query: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """The same with each row as a tuple, for who is about to write."""
        with self._client(self._writers) as client:
            return [tuple(row) for row in client.query(query, parameters=dict(parameters or {})).result_rows]

    def stream(self, query: str, parameters: Parameters | None, form: str) -> Iterator[bytes]:
        """The answer to a query in one of the engine's output formats (CSVWithNames, Parquet), in pieces. Raises before the first piece."""
        with self._client(self._readers) as client:
            if self.dsn.folder is not None:  # its client would be lent for as long as the reader reads
                return _read_pieces(io.BytesIO(client.raw_query(query, parameters=dict(parameters or {}), fmt=form)))
            return _read_pieces(client.raw_stream(query, parameters=dict(parameters or {}), fmt=form))

    def insert(self, table: Table, block: Block, token: str) -> bool:
        """Insert a block as a whole, its keys distinct; a block whose `token` the table knows is dropped by the engine.

        Answers whether that may have happened: the engine dropped something, this block or another, meanwhile.
        """
        types = self._types.setdefault(table.name, [get_from_name(column.type) for column in table.columns])
        columns = list(block.columns)
        try:
            with self._client(self._writers) as client:
                dropped = client.query(_DROPPED).result_rows
                client.insert(
                    table.name,
                    columns,
                    column_names=table.names,
                    column_types=types,
                    column_oriented=True,
                    # Nothing in the block is to be replaced: looking for it takes the engine as long as the rest of the insert.
                    settings={"insert_deduplication_token": token, "async_insert": 0, "optimize_on_insert": 0},
                )
                return bool(client.query(_DROPPED).result_rows != dropped)
        finally:
            # The driver's context refers to them and to itself: a batch would stay in memory until the garbage collector comes.
            columns.clear()

    def close(self) -> None:
        """Close; harmless when done twice. In a forked child nothing happens: even letting go of the engine would hang there."""
        if self._pid == os.getpid():
            self._readers.close()
            self._writers.close()

    @contextmanager
    def _client(self, pool: ClientPool) -> Iterator[Client]:
        """A client for one statement, its errors translated."""
        if self._pid != os.getpid():
            raise StoreForkedError(
                f"The store {self.dsn} was opened by process {self._pid} and is used in its child {os.getpid()}. Open it after the fork."
            )
        try:
            with pool.lend() as client, self._translated():
                yield client
        except (PoolClosedError, StatementRefusedError):
            if not pool.is_closed:
                raise
            raise StoreClosedError(f"The store {self.dsn} is closed. Open it again, or close it later.") from None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ClickHouseError as error:
            raise _translate(error, self.dsn) from _without_secret(error, self.dsn)
        except ImportError as error:
            raise DsnInvalidError(
                f"{self.dsn} needs the in-process engine: pip install chdb-core, or name a clickhouse:// server."
            ) from error
        except OSError as error:
            # The in-process engine takes inserts through a temporary file.
            raise StoreBusyError(f"The store {self.dsn} cannot do it now: {error}. Check the space in the temporary folder.") from error


def _read_pieces(source: Any) -> Iterator[bytes]:
    try:
        while piece := source.read(_PIECE):
            yield piece
    finally:
        source.close()


def _make_client(dsn: StoreDsn, database: str) -> Client:
    if dsn.folder is not None:
        # Opened before anything else may fork or bind the engine: chDB serves one folder per process.
        return clickhouse_connect.get_client(interface="chdb", path=str(dsn.folder), tz_mode="aware", settings={"async_insert": 0})
    return clickhouse_connect.get_client(
        host=dsn.host,
        port=dsn.port,
        interface="https" if dsn.secure else "http",
        username=dsn.user,
        password=dsn.password,
        database=database,
        tz_mode="aware",
        autogenerate_session_id=False,
    )


def _translate(error: ClickHouseError, dsn: StoreDsn) -> StoreError:
    text = _scrub(str(error), dsn)
    code = error.code if isinstance(error, Error) else None
    if dsn.folder is not None and ("EmbeddedServer" in text or "Unable to open the chdb engine" in text):
        return folder_in_use(dsn.folder)
    if code in _BUSY:
        return StoreBusyError(f"The store {dsn} cannot do it now: {text}")
    if code in _ACCESS:
        return AccessRefusedError(f"The store {dsn} refuses access: {text}. Check user, password and rights in CLICKHOUSE_DSN.")
    if code in _SCHEMA:
        return SchemaMismatchError(
            f"The store {dsn} lacks a table or column: {text}. Call ensure_schema() first, or give CLICKHOUSE_DSN another database."
        )
    if code is None and (isinstance(error, OperationalError) or _GATEWAY_STATUS.search(text)):
        return StoreUnavailableError(
            f"The store {dsn} does not answer: {text}. Check that the server runs and that CLICKHOUSE_DSN names it."
        )
    return StatementRefusedError(f"The store {dsn} refuses a statement: {text}", code)


def _scrub(text: str, dsn: StoreDsn) -> str:
    text = text.replace(dsn.password, "***") if dsn.password else text
    return text if len(text) <= 600 else text[:600] + "..."


def _without_secret(error: ClickHouseError, dsn: StoreDsn) -> ClickHouseError | None:
    # A traceback prints the cause too.
    return None if dsn.password and dsn.password in str(error) else error


def _quote_name(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
