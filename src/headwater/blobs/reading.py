"""Reading a file of the disk in chunks, each while the one before is on its way out."""

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


@dataclass(frozen=True, slots=True)
class OpenFile:
    status: os.stat_result
    chunks: AsyncIterator[bytes]


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

    async def chunks(self) -> AsyncIterator[bytes]:
        self._read_ahead()
        while self._ahead is not None:
            chunk = await finish(self._ahead)
            if not chunk:
                raise StorageCorruptedError("a stored file is shorter than it was; run headwater verify")
            self._at += len(chunk)
            self._read_ahead()
            yield chunk

    def _read_ahead(self) -> None:
        size = min(CHUNK_BYTES, self._stop - self._at)
        if size <= 0:
            self._ahead = None
            return
        loop = asyncio.get_running_loop()
        self._ahead = loop.run_in_executor(self._threads, os.pread, self._descriptor, size, self._at)

    async def settle(self) -> None:
        if self._ahead is not None:
            await settle(self._ahead)
