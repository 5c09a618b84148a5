"""Opening ``headwater.db``: one writer, any number of readers, one migration history.

apsw is the only SQLite library in every process: two libraries in one process would drop each other's POSIX locks,
and its bundled SQLite is the same on every Python that we support.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import apsw

from headwater.errors import HeadwaterError, ServiceUnavailableError, StorageCorruptedError

DATABASE = "headwater.db"
_APPLICATION_ID = 0x48574452  # "HWDR"
BUSY_MILLISECONDS = 5000
_PAGE_SIZE = 8192  # five 384-dimensional vectors fit a page; 4096 holds two and wastes a quarter


class DatabaseVersionError(HeadwaterError):
    """The database was written by a newer Headwater. Install that version, or restore an older backup."""

    status = 500


def _migrations() -> list[str]:
    folder = resources.files("headwater.catalog") / "migrations"
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(folder / name).read_text() for name in files]


def error_of(error: Exception) -> HeadwaterError | None:
    """What a caller is told when SQLite cannot read: damage is never an empty answer. None for other errors."""
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return StorageCorruptedError("the database is damaged; run `headwater verify`, then restore a backup")
    if isinstance(error, apsw.IOError | apsw.CantOpenError):
        return ServiceUnavailableError("the database cannot be read; look at the disk of the data directory")
    return None


def open_writer(directory: Path, *, synchronous: str = "FULL", cache_bytes: int = 0) -> apsw.Connection:
    """The one connection that writes. Makes or migrates the database; the caller holds the directory's lock."""
    # SQLite gives its log the mode of the database: only the owner may read either.
    os.close(os.open(directory / DATABASE, os.O_RDWR | os.O_CREAT, 0o600))
    connection = apsw.Connection(str(directory / DATABASE))
    connection.set_busy_timeout(BUSY_MILLISECONDS)
    _keep_plans(connection)
    connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    if cache_bytes:
        connection.execute(f"PRAGMA cache_size = {-cache_bytes // 1024}")
    connection.execute("PRAGMA temp_store = MEMORY")
    _migrate(connection)
    return connection


def _keep_plans(connection: apsw.Connection) -> None:
    """apsw's SQLite is built with STAT4 and would compile a join anew for every set of bound values: a document by id
    then takes 23 µs instead of 5."""
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def _migrate(connection: apsw.Connection) -> None:
    scripts = _migrations()
    version = connection.pragma("user_version")
    if version > len(scripts):
        raise DatabaseVersionError(
            f"the database has format {version}, this Headwater reads up to {len(scripts)}; install a newer version"
        )
    for number, script in enumerate(scripts[version:], start=version + 1):
        with connection:
            connection.execute(script)
            connection.pragma("user_version", number)
            connection.pragma("application_id", _APPLICATION_ID)


def is_current(connection: apsw.Connection) -> bool:
    """Whether the database has today's format, so that opening it for writing will change nothing."""
    return bool(connection.pragma("user_version") == len(_migrations()))


def open_reader(directory: Path, *, cache_bytes: int = 0) -> apsw.Connection:
    """A read-only connection. It sees every committed write at its next statement."""
    connection = apsw.Connection(
        f"file:{directory / DATABASE}?mode=ro", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    )
    connection.set_busy_timeout(BUSY_MILLISECONDS)
    _keep_plans(connection)
    connection.execute("PRAGMA query_only = ON")
    if cache_bytes:
        connection.execute(f"PRAGMA cache_size = {-cache_bytes // 1024}")
    return connection


def share_snapshot(connection: apsw.Connection) -> None:
    """Let everything that this turn of the event loop reads share one read transaction.

    Taking and giving back SQLite's locks costs more than a look-up by key. The end is queued before anything that
    arrives later can run, so no request reads what was true before it was sent. Without a loop, nothing happens.
    """
    if connection.in_transaction:
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    connection.execute("BEGIN")
    loop.call_soon(_end_snapshot, connection)


def _end_snapshot(connection: apsw.Connection) -> None:
    # A connection that was closed in this very turn has given its locks back already.
    with contextlib.suppress(apsw.ConnectionClosedError):
        if connection.in_transaction:
            # Nothing was written, and a COMMIT would fail once more where a read met damage.
            connection.execute("ROLLBACK")


def fetch_all(connection: apsw.Connection, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return connection.execute(sql, parameters).fetchall()


def fetch_one(connection: apsw.Connection, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
    """The first row of a query, or None."""
    return connection.execute(sql, parameters).fetchone()
