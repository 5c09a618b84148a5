"""Reading a file in chunks: at once what the system has in memory, in a thread what has to come from the disk."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from headwater.blobs.interface import CHUNK_BYTES
from headwater.errors import StorageCorruptedError
from headwater.kit.threads import finish, settle

#: A tenth of a millisecond; a hop to a thread and back takes longer.
_CACHED_BYTES = 512 * 1024
#: Read only what needs no waiting, where the system knows how.
_NO_WAIT: int | None = getattr(os, "RWF_NOWAIT", None)


@dataclass(frozen=True, slots=True)
class OpenFile:
    status: os.stat_result
    chunks: AsyncIterator[bytes | bytearray]


@asynccontextmanager
async def open_file(
    threads: Executor | None, opening: Callable[[], int], start: int = 0, stop: int | None = None
) -> AsyncIterator[OpenFile]:
    """The bytes from ``start`` up to ``stop`` of the file that ``opening()`` makes a descriptor of, in a thread."""
    loop = asyncio.get_running_loop()
    descriptor = await finish(loop.run_in_executor(threads, opening))
    try:
        status = os.fstat(descriptor)
        reading = _Reading(threads, descriptor, start, status.st_size if stop is None else stop)
        try:
            yield OpenFile(status, reading.chunks())
        finally:
            await reading.settle()
    finally:
        os.close(descriptor)


class _Reading:
    def __init__(self, threads: Executor | None, descriptor: int, start: int, stop: int) -> None:
        self._threads = threads
        self._descriptor = descriptor
        self._at = start
        self._stop = stop
        self._ahead: asyncio.Future[bytes] | None = None

    async def chunks(self) -> AsyncIterator[bytes | bytearray]:
        while self._at < self._stop:
            chunk = self._from_memory() or await self._from_disk()
            if not chunk:
                raise StorageCorruptedError("a stored file is shorter than it was; run headwater verify")
            self._at += len(chunk)
            yield chunk

    def _from_memory(self) -> bytearray | None:
        if _NO_WAIT is None:
            return None
        chunk = bytearray(min(_CACHED_BYTES, self._stop - self._at))
        try:
            size = os.preadv(self._descriptor, [chunk], self._at, _NO_WAIT)
        except OSError:
            return None
        del chunk[size:]
        return chunk

    async def _from_disk(self) -> bytes:
        size = min(CHUNK_BYTES, self._stop - self._at)
        loop = asyncio.get_running_loop()
        self._ahead = loop.run_in_executor(self._threads, os.pread, self._descriptor, size, self._at)
        return await finish(self._ahead)

    async def settle(self) -> None:
        if self._ahead is not None:
            await settle(self._ahead)
