"""Room on the disk: refuse early, keep a reserve for deletes.

Edge maps files that grow when they are written to; on a full disk that write is a SIGBUS. So writes stop while there is
still room for everything that a group can touch.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import apsw

from headwater.catalog.database import BUSY_MILLISECONDS
from headwater.errors import InsufficientStorageError
from headwater.settings import Settings

RESERVE = "reserve"
_LOOK_SECONDS = 0.2
#: A group's bytes are written to SQLite's log, to its database and to the index.
_COPIES = 6
_OPENING_BYTES = 1024 * 1024
#: Pages given back in a turn: what moving them writes to SQLite's log fits into the reserve.
_SLICE_PAGES = 256


class Space:
    def __init__(self, directory: Path, settings: Settings) -> None:
        self._directory = directory
        self._reserve = directory / RESERVE
        self._settings = settings
        self._looked_at = -1.0
        self._free = 0
        self.restore_reserve()

    def free_bytes(self) -> int:
        if time.monotonic() - self._looked_at > _LOOK_SECONDS:
            self.look_again()
        return self._free

    def look_again(self) -> None:
        status = os.statvfs(self._directory)
        self._free = status.f_bavail * status.f_frsize
        self._looked_at = time.monotonic()

    def enough(self, size_bytes: int = 0) -> bool:
        return self.free_bytes() >= self._settings.free_space_bytes + _COPIES * size_bytes

    def error(self) -> InsufficientStorageError:
        return InsufficientStorageError(
            f"the disk of the data directory has {self.free_bytes()} bytes free, less than"
            f" HEADWATER_FREE_SPACE_BYTES={self._settings.free_space_bytes} and what this write needs;"
            " nothing was stored. Delete documents or make room",
            details={"free_bytes": self.free_bytes(), "required_bytes": self._settings.free_space_bytes},
        )

    def _is_reserved(self, size: int) -> bool:
        return self._reserve.exists() and self._reserve.stat().st_size >= size

    def make_room_to_open(self) -> None:
        """SQLite cannot open a database, not even to read it, without room for its log and for what coordinates it."""
        if self.free_bytes() >= _OPENING_BYTES or not self._reserve.exists():
            return
        # A part of the reserve only: the next start may come before there is room again.
        os.truncate(self._reserve, max(0, self._reserve.stat().st_size - _OPENING_BYTES))
        self.look_again()

    def release_reserve(self) -> bool:
        """Give the reserve to the deletes that are about to run, if they need it. Whether there was one to give."""
        # Whoever fills the disk may have done so since the last look.
        self.look_again()
        if self._free >= self._settings.reserve_bytes or not self._reserve.exists():
            return False
        self._reserve.unlink()
        self.look_again()
        return True

    def restore_reserve(self) -> None:
        """Take the reserve again when there is room for it and for writes."""
        size = self._settings.reserve_bytes
        if not size or self._is_reserved(size) or self.free_bytes() < self._settings.free_space_bytes + 2 * size:
            return
        descriptor = os.open(self._reserve, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError:
            # Another process was quicker with the last free blocks; there is no reserve until there is room again.
            self._reserve.unlink(missing_ok=True)
        finally:
            os.close(descriptor)
        self.look_again()


def give_back(connection: apsw.Connection) -> bool:
    """Cut some of the pages that deleted documents left off the database file. False when there were none."""
    if not connection.pragma("freelist_count"):
        return False
    # The pragma frees a page a step, so it must be read to its end.
    connection.execute(f"PRAGMA incremental_vacuum({_SLICE_PAGES})").fetchall()
    empty_log(connection)
    return True


def empty_log(connection: apsw.Connection) -> bool:
    """Move SQLite's log into the database file, cut that to its length, and empty the log.

    False when a reader in the middle of a statement stands in the way. Writes wait behind this, so it does not wait.
    """
    connection.set_busy_timeout(0)
    try:
        busy, _pages, _moved = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").get
    except apsw.BusyError:
        return False
    finally:
        connection.set_busy_timeout(BUSY_MILLISECONDS)
    return not busy
