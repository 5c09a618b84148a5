"""One process at a time owns a data directory: it holds ``DIR/lock`` and says in it who it is."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from headwater.errors import ConflictError

LOCK = "lock"


class DirectoryLock:
    def __init__(self, directory: Path) -> None:
        self._path = directory / LOCK
        self._descriptor: int | None = None

    def acquire(self, **about: Any) -> None:
        """Take the lock or raise ``ConflictError`` naming it and its holder. ``about`` is written into the file."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            holder = holder_of(self._path.parent) or {}
            raise ConflictError(
                f"{self._path} is locked by process {holder.get('pid', '?')}: another Headwater uses this data"
                " directory; stop it, or give --data another directory",
                details={"lock": str(self._path), **holder},
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"pid": os.getpid(), **about}).encode())
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def holder_of(directory: Path) -> dict[str, Any] | None:
    """What the process that holds the lock wrote into it (``pid``, ``socket``), or None when nobody holds it."""
    path = directory / LOCK
    if not path.exists():
        return None
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        # The holder may be between taking the lock and writing.
        text = path.read_text()
        return dict(json.loads(text)) if text else {}
    finally:
        os.close(descriptor)
