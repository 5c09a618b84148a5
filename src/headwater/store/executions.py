"""What became of executions: noted in the worker, written together a moment later, so that none waits for the disk.

A crash forgets the last second of them, and of each retriever only the newest are kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque

from headwater.errors import HeadwaterError
from headwater.store.commands.retrievers import Executed, RecordExecutions
from headwater.store.interface import Store

_log = logging.getLogger(__name__)
#: Beyond it the oldest are forgotten: the store is down, or slower than the requests.
_MAX_WAITING = 1000
_AT_ONCE = 100


class ExecutionLog:
    """``delay_seconds`` is also how long a reader in another worker may have to wait for an execution."""

    def __init__(self, store: Store, kept: int, *, delay_seconds: float = 1.0) -> None:
        self.delay_seconds = delay_seconds
        self._store = store
        self._kept = kept
        self._waiting: deque[Executed] = deque(maxlen=_MAX_WAITING)
        self._task: asyncio.Task[None] | None = None

    def note(self, executed: Executed) -> None:
        """Needs a running event loop."""
        if not self._kept:
            return
        self._waiting.append(executed)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write_soon())

    async def _write_soon(self) -> None:
        await asyncio.sleep(self.delay_seconds)
        await self.write()

    async def write(self) -> None:
        """Hand over what waits. What the store does not take is lost: nothing depends on it."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            try:
                await self._store.execute(RecordExecutions(executions=batch, kept=self._kept))
            except HeadwaterError as error:
                _log.warning("%d executions could not be recorded: %s", len(batch), error.message)

    async def close(self) -> None:
        """Write what is left, while the store is still there."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.write()
