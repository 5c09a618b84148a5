"""From settings to a running server: data directory, socket, storage process, first key, workers."""

from __future__ import annotations

import http.client
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from socket import socket
from urllib.parse import urlsplit

from headwater.catalog.database import DATABASE, open_reader
from headwater.settings import Settings
from headwater.supervisor.children import Child, StartError, StopRequested, Supervisor
from headwater.supervisor.first_start import first_start, storage_answers, wait_for_lock
from headwater.supervisor.listen import bind, is_loopback, url_of

#: A Unix socket's path may have 107 bytes; some systems allow 103.
_LONGEST_SOCKET_PATH = 100


@dataclass(frozen=True)
class Announcement:
    """What the operator is told once the server answers. ``key`` is there on the very first start only."""

    url: str
    data: Path
    key: str | None


def serve(settings: Settings, announce: Callable[[Announcement], None]) -> None:
    """Run the server until SIGTERM or SIGINT, then drain and return. Raises ``StartError``."""
    directory = prepare_directory(settings.data)
    wait_for_lock(directory)
    refuse_open_door(settings, directory)
    with (
        bind(settings.host, settings.port) as listener,
        storage_socket(directory) as path,
        _supervisor(settings, directory, listener, path) as supervisor,
    ):
        try:
            _run(supervisor, settings, directory, listener, path, announce)
        except StopRequested:
            # From here on a new connection is refused at once instead of waiting for nobody.
            listener.close()


def _run(
    supervisor: Supervisor,
    settings: Settings,
    directory: Path,
    listener: socket,
    path: Path,
    announce: Callable[[Announcement], None],
) -> None:
    supervisor.start_storage()
    key = first_start(settings, directory, path)
    supervisor.start_workers()
    url = url_of(listener)
    supervisor.keep_alive(until=partial(is_live, url), poll_seconds=0.02)
    announce(Announcement(url, directory, key))
    supervisor.keep_alive()


def _supervisor(settings: Settings, directory: Path, listener: socket, path: Path) -> Supervisor:
    place = ["--data", str(directory), "--socket", str(path)]
    descriptor = listener.fileno()
    worker = ["headwater.worker", "--fd", str(descriptor), *place]
    return Supervisor(
        storage=Child("storage", ["headwater.store.server", *place]),
        workers=[
            Child(f"worker-{number}", worker, inherited=(descriptor,)) for number in range(1, settings.workers + 1)
        ],
        lane=Child("jobs", ["headwater.jobs.lane", *place]),
        storage_answers=partial(storage_answers, path),
    )


def prepare_directory(directory: Path) -> Path:
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


def refuse_open_door(settings: Settings, directory: Path) -> None:
    """No listening beyond this machine before a key exists: whoever reads the first key must sit here."""
    if settings.bootstrap_key is None and not is_loopback(settings.host) and not _has_key(directory):
        raise StartError(
            f"refusing to listen on {settings.host}: {directory} has no API key yet",
            "start once on 127.0.0.1, or set HEADWATER_BOOTSTRAP_KEY",
        )


def _has_key(directory: Path) -> bool:
    if not (directory / DATABASE).exists():
        return False
    connection = open_reader(directory)
    try:
        table = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'api_keys'").fetchone()
        return bool(table and connection.execute("SELECT 1 FROM api_keys WHERE status = 'active'").fetchone())
    finally:
        connection.close()


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


def is_live(url: str) -> bool:
    """Whether a worker answers there."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=0.3)
    try:
        connection.request("GET", "/v1/health/liveness")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
