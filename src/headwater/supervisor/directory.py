"""The data directory before the storage process has it: made, free, and known for what it is."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from headwater.catalog.database import DATABASE, is_current, open_reader
from headwater.kit.secrets import SECRET
from headwater.store.lock import LOCK, holder_of
from headwater.supervisor.children import StartError

#: A predecessor that was killed takes its children with it within a second; its lock falls then.
_LOCK_PATIENCE_SECONDS = 2.0
#: A Unix socket's path may have 107 bytes; some systems allow 103.
_LONGEST_SOCKET_PATH = 100


def prepare(directory: Path) -> Path:
    """Make the data directory, open to its owner alone, and return its absolute path. Raises ``StartError``."""
    os.umask(0o077)
    directory = directory.expanduser().resolve()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Somebody else's directory with other things in it keeps its mode.
        if (directory / DATABASE).exists() or not any(directory.iterdir()):
            directory.chmod(0o700)
    except OSError as error:
        raise StartError(f"cannot use the data directory {directory}: {error.strerror}") from error
    return directory


def wait_for_lock(directory: Path) -> None:
    """Return when nobody holds the data directory. Raises ``StartError`` naming the lock when somebody keeps it."""
    deadline = time.monotonic() + _LOCK_PATIENCE_SECONDS
    while (holder := holder_of(directory)) is not None:
        if time.monotonic() > deadline:
            raise StartError(
                f"{directory / LOCK} is locked by process {holder.get('pid', '?')}:"
                " another Headwater uses this data directory",
                "stop that one, or choose another directory with --data",
            )
        time.sleep(0.05)


def has_key(directory: Path) -> bool:
    """Whether an API key works here, so that listening to others lets nobody in who has none."""
    return _ask(directory, _active_keys)


def is_settled(directory: Path) -> bool:
    """Whether nothing is left to make or migrate: workers can read the database before the storage process is up."""
    return (directory / SECRET).exists() and _ask(
        directory, lambda connection: is_current(connection) and _active_keys(connection)
    )


def _active_keys(connection: apsw.Connection) -> bool:
    table = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'api_keys'").fetchone()
    return bool(table and connection.execute("SELECT 1 FROM api_keys WHERE status = 'active' LIMIT 1").fetchone())


def _ask(directory: Path, question: Callable[[apsw.Connection], bool]) -> bool:
    """The database's answer; no, when there is none or it cannot be read, which the storage process will explain."""
    if not (directory / DATABASE).exists():
        return False
    try:
        connection = open_reader(directory)
        try:
            return question(connection)
        finally:
            connection.close()
    except apsw.Error:
        return False


@contextmanager
def storage_socket(directory: Path) -> Iterator[Path]:
    """Where the storage process listens: in the data directory, or in a private one when that path is too long."""
    path = directory / "storage.sock"
    if len(os.fsencode(path)) < _LONGEST_SOCKET_PATH:
        yield path
        return
    private = Path(tempfile.mkdtemp(prefix="headwater-"))
    try:
        yield private / "storage.sock"
    finally:
        shutil.rmtree(private, ignore_errors=True)
