"""When each key was last used: remembered in the worker, written at most once a minute.

A read must not cost a disk sync, so ``last_used_at`` may lag by that minute, and a crash forgets it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from headwater.errors import HeadwaterError
from headwater.kit.clock import now_milliseconds
from headwater.store.commands.api_keys import TouchApiKeys
from headwater.store.interface import Store

_log = logging.getLogger(__name__)


class LastUsed:
    """``used`` is called by every request, ``start`` and ``stop`` by the app."""

    def __init__(self, store: Store, *, interval_seconds: float = 60.0) -> None:
        self._store = store
        self._interval_seconds = interval_seconds
        self._used: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    def used(self, key_id: str) -> None:
        self._used[key_id] = now_milliseconds()

    def start(self) -> None:
        """Begin to write in the background. Needs a running event loop."""
        self._task = asyncio.create_task(self._write_forever())

    async def stop(self) -> None:
        """Write what is left, while the store is still there."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self.write()

    async def write(self) -> None:
        """Hand over what was noted since the last time. What the store does not take is kept for the next time."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            await self._store.execute(TouchApiKeys(used=used))
        except HeadwaterError as error:
            self._used = used | self._used
            _log.warning("last_used_at of %d keys could not be written yet: %s", len(used), error.message)

    async def _write_forever(self) -> None:
        while True:
            await asyncio.sleep(self._interval_seconds)
            await self.write()
