"""From settings to a running server: data directory, socket, storage process, first key, workers."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from socket import AF_UNIX, socket
from urllib.parse import urlsplit

from headwater.blobs.opening import check_blobs
from headwater.errors import HeadwaterError
from headwater.models import MODEL_SOCKET
from headwater.settings import Settings
from headwater.supervisor.children import Child, StartError, StopRequested, Supervisor
from headwater.supervisor.directory import has_key, is_settled, prepare, storage_socket, wait_for_lock
from headwater.supervisor.listen import bind, is_loopback, url_of


@dataclass(frozen=True)
class Announcement:
    """What the operator is told once the server answers. ``key`` is there on the very first start only."""

    url: str
    data: Path
    key: str | None


def serve(settings: Settings, announce: Callable[[Announcement], None]) -> None:
    """Run the server until SIGTERM or SIGINT, then drain and return. Raises ``StartError``."""
    directory = prepare(settings.data)
    wait_for_lock(directory)
    refuse_open_door(settings, directory)
    refuse_missing_models(settings)
    refuse_unusable_blobs(settings)
    with (
        bind(settings.host, settings.port) as listener,
        storage_socket(directory) as path,
        _supervisor(settings, directory, listener, path) as supervisor,
    ):
        try:
            key = _start(supervisor, directory, path)
            url = url_of(listener)
            supervisor.keep_alive(until=partial(is_live, url), poll_seconds=0.02)
            announce(Announcement(url, directory, key))
            supervisor.keep_alive()
        except StopRequested:
            # From here on a new connection is refused at once instead of waiting for nobody.
            listener.close()


def _start(supervisor: Supervisor, directory: Path, path: Path) -> str | None:
    """Start all children; the first key's secret, when this start made it."""
    supervisor.start_storage()
    if is_settled(directory):
        # Side by side: after a crash, being back soon counts.
        supervisor.start_workers()
        supervisor.wait_for_storage()
        return None
    supervisor.wait_for_storage()
    key = _make_first_key(directory, path)
    supervisor.start_workers()
    return key


def _make_first_key(directory: Path, path: Path) -> str | None:
    """The secret of the key that was made, or None when the organization was there. Raises ``StartError``."""
    done = subprocess.run(
        [sys.executable, "-m", "headwater.supervisor.first_key", "--data", str(directory), "--socket", str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode != 0:
        # It has said why on standard error.
        raise StartError("the first organization could not be made")
    return done.stdout.strip() or None


def refuse_open_door(settings: Settings, directory: Path) -> None:
    """No listening beyond this machine before a key exists: whoever reads the first key must sit here."""
    if settings.bootstrap_key is None and not is_loopback(settings.host) and not has_key(directory):
        raise StartError(
            f"refusing to listen on {settings.host}: {directory} has no API key yet",
            "start once on 127.0.0.1, or set HEADWATER_BOOTSTRAP_KEY",
        )


def refuse_missing_models(settings: Settings) -> None:
    """A directory that was named and is not there is a typing error: tell it now, not at the first search."""
    if settings.models_dir is not None and not settings.models_dir.is_dir():
        raise StartError(f"there is no directory {settings.models_dir}", "correct HEADWATER_MODELS_DIR, or unset it")


def refuse_unusable_blobs(settings: Settings) -> None:
    """The same for where files are kept: otherwise workers would end at once, again and again."""
    try:
        check_blobs(settings)
    except HeadwaterError as error:
        raise StartError(error.message, "see docs/guides/files.md") from error


def _supervisor(settings: Settings, directory: Path, listener: socket, path: Path) -> Supervisor:
    place = ["--data", str(directory), "--socket", str(path)]
    descriptor = listener.fileno()
    worker = ["headwater.worker", "--fd", str(descriptor), *place]
    return Supervisor(
        storage=Child("storage", ["headwater.store.server", *place]),
        workers=[
            Child(f"worker-{number}", worker, inherited=(descriptor,)) for number in range(1, settings.workers + 1)
        ],
        lane=Child("jobs", ["headwater.jobs.lane", *place, "--started-at", str(time.time())]),
        models=Child("models", ["headwater.models.server", "--socket", str(path.with_name(MODEL_SOCKET))]),
        storage_answers=partial(storage_answers, path),
    )


def storage_answers(path: Path) -> bool:
    """Whether the storage process listens, which it does once it has caught up."""
    with socket(AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def is_live(url: str) -> bool:
    """Whether a worker answers there."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=1)
    try:
        connection.request("GET", "/v1/health/liveness")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
