"""Query lanes: niced processes that read many documents, so that the process that answers HTTP never does.

A scan is Python work from end to end and would hold the interpreter of a worker for seconds. In a lane it takes a
core's spare time only. A lane that dies is replaced and the query that it had runs once more; if that one dies too, the
answer is a 503.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Protocol, TypeVar

import apsw

from headwater.catalog.database import open_reader
from headwater.catalog.reader import Reader
from headwater.errors import ServiceUnavailableError
from headwater.kit.process import die_with_parent

T = TypeVar("T")
_NICENESS = 5

#: The connection of this lane, opened by its first query.
_connection: apsw.Connection | None = None


class Lanes(Protocol):
    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """``function(connection, *arguments)``, somewhere that HTTP does not wait for.

        The function is one of a module and its arguments and result can be pickled. Raises what it raises, and
        ``ServiceUnavailableError`` when too much waits already or the lane died.
        """
        ...

    def close(self) -> None: ...


class ProcessLanes:
    """``processes`` lanes, started when they are first needed. At most ``waiting`` queries wait for one."""

    def __init__(self, directory: Path, *, processes: int = 1, cache_bytes: int = 0, waiting: int = 32) -> None:
        self._directory = directory
        self._processes = processes
        self._cache_bytes = cache_bytes
        self._room = processes + waiting
        self._running = 0
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        if self._running >= self._room:
            raise ServiceUnavailableError(
                f"{self._running} large queries are running or waiting; repeat this one later",
                details={"retryable": True, "retry_after_seconds": 2},
                retry_after_seconds=2,
            )
        self._running += 1
        try:
            try:
                return await self._submit(function, arguments)
            except BrokenProcessPool:
                # The lane may have died before this query came, and reading twice does no harm.
                return await self._submit(function, arguments)
        except BrokenProcessPool:
            raise ServiceUnavailableError(
                "the process that ran this query died; repeat it", details={"retryable": True}, retry_after_seconds=1
            ) from None
        finally:
            self._running -= 1

    async def _submit(self, function: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        pool = self._pool = self._pool or self._start()
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, _in_lane, function, arguments)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
            raise

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._processes,
            # Not forked: a worker has threads and an event loop.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_open_lane,
            initargs=(self._directory, self._cache_bytes),
        )

    def close(self) -> None:
        if self._pool is None:
            return
        self._pool.shutdown(wait=False, cancel_futures=True)
        # What still runs has nobody left to answer, and the end of this process would wait for it.
        for process in multiprocessing.active_children():
            process.kill()


class ThreadLanes:
    """The same in the reader's threads: for tests, and where nobody is kept waiting."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        return await self._reader.run(lambda connection: function(connection, *arguments))

    def close(self) -> None:
        """Nothing of its own is open."""


def _open_lane(directory: Path, cache_bytes: int) -> None:
    global _connection
    die_with_parent()
    os.nice(_NICENESS)
    _connection = open_reader(directory, cache_bytes=cache_bytes)


def _in_lane(function: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    assert _connection is not None
    return function(_connection, *arguments)
