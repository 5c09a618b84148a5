"""Read-only access to the database for a process that serves requests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from headwater.catalog.database import open_reader

T = TypeVar("T")


class Reader:
    """``connection`` serves look-ups by key in the caller's thread (some 30 µs); ``run`` gives anything that may read
    many rows a connection in another thread, so that it does not hold up the event loop."""

    def __init__(self, directory: Path, *, threads: int = 4, cache_bytes: int = 0) -> None:
        self._directory = directory
        self._cache_bytes = cache_bytes
        self.connection = open_reader(directory, cache_bytes=cache_bytes)
        self._local = threading.local()
        self._opened: list[apsw.Connection] = []
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="reader")

    async def run(self, function: Callable[[apsw.Connection], T]) -> T:
        """``function(connection)`` in a reader thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._with_connection, function)

    def _with_connection(self, function: Callable[[apsw.Connection], T]) -> T:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = open_reader(self._directory, cache_bytes=self._cache_bytes)
            self._opened.append(connection)
        return function(connection)

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        for connection in (*self._opened, self.connection):
            connection.close()
