"""Removing the files that nobody needs any more while the server runs: in the job lane, beside its jobs."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import apsw
import structlog

from headwater.blobs.interface import BlobStore
from headwater.catalog.database import fetch_one
from headwater.errors import HeadwaterError
from headwater.kit.clock import now_milliseconds
from headwater.store.blobs.removal import ORPHAN_SECONDS, remove_orphans, remove_unused
from headwater.store.commands.uploads import ExpireUploads, ForgetUploads
from headwater.store.interface import Store

log = structlog.get_logger("headwater.jobs")

_POLL_SECONDS = 1.0
_PAUSE_SECONDS = 5.0
_HOUR = 3600.0
#: Uploads that failed, or that no object was made of, are kept for so long.
KEPT_MILLISECONDS = 30 * 24 * 3_600_000


class FileUpkeep:
    def __init__(self, directory: Path, connection: apsw.Connection, store: Store, blobs: BlobStore) -> None:
        self._directory = directory
        self._connection = connection
        self._store = store
        self._blobs = blobs

    async def run(self, started_at: float | None) -> None:
        """Work until cancelled. ``started_at``: since then all processes of this server are new, so a file without a
        row from before is of one that died."""
        latest = started_at or 0.0
        while True:
            try:
                await remove_orphans(self._connection, self._blobs, max(latest, time.time() - ORPHAN_SECONDS))
                latest, swept_at = 0.0, time.monotonic()
                while time.monotonic() < swept_at + _HOUR:
                    await self.tidy()
                    await asyncio.sleep(_POLL_SECONDS)
                await self._forget()
            except HeadwaterError as error:
                log.warning("the upkeep of files waits", reason=error.message)
                await asyncio.sleep(_PAUSE_SECONDS)

    async def tidy(self) -> None:
        """Give up uploads that were not confirmed in time, and remove blobs that nothing refers to."""
        expired = "SELECT 1 FROM uploads WHERE state = 'PENDING' AND expires_at <= ? LIMIT 1"
        while fetch_one(self._connection, expired, (now_milliseconds(),)):
            for key in (await self._store.execute(ExpireUploads()))["staged_keys"]:
                await self._blobs.delete(key)
        removed = await remove_unused(self._connection, self._store, self._blobs, self._directory)
        if removed:
            log.info("blobs are removed", count=removed)

    async def _forget(self) -> None:
        command = ForgetUploads(age_milliseconds=KEPT_MILLISECONDS)
        while (await self._store.execute(command))["forgotten"] == command.limit:
            pass
