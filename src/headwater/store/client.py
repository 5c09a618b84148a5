"""A worker's end of the socket to the storage process.

When the storage process dies, requests in flight wait for its successor, ask what became of their operation, and send
it again only if it never happened. So a caller sees a slow write, not a lost or doubled one.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec

from headwater.errors import InternalServerError, ServiceUnavailableError
from headwater.settings import Settings
from headwater.store.commands.base import Command
from headwater.store.link import Link, LostError, Stream
from headwater.store.protocol import new_operation_id, pack


class StoreClient:
    """See ``Store``. Connects at first use, and again whenever it has to."""

    def __init__(self, socket_path: Path, settings: Settings) -> None:
        self._link = Link(socket_path)
        self._wait_seconds = settings.outcome_wait_seconds

    async def execute(self, command: Command) -> Any:
        operation_id = new_operation_id()
        body = pack(command)
        sent = False
        deadline = time.monotonic() + self._wait_seconds
        while True:
            try:
                stream = await self._link.connected(deadline)
            except TimeoutError:
                raise self._gone(sent) from None
            try:
                if sent:
                    found = await self._ask(stream, "outcome", operation_id, pack(None))
                    if found["found"]:
                        return found["outcome"]
                sent = True
                return await self._ask(stream, "execute", operation_id, body)
            except LostError:
                # The time to wait starts when the connection is lost, however long the write took before.
                deadline = time.monotonic() + self._wait_seconds

    async def query(self, kind: str, body: Any = None) -> Any:
        deadline = time.monotonic() + self._wait_seconds
        while True:
            try:
                stream = await self._link.connected(deadline)
                return await self._ask(stream, kind, 0, pack(body))
            except LostError:
                continue
            except TimeoutError:
                raise self._gone(sent=False) from None

    async def close(self) -> None:
        await self._link.close()

    async def _ask(self, stream: Stream, kind: str, operation_id: int, body: msgspec.Raw) -> Any:
        return msgspec.msgpack.decode(await self._link.ask(stream, kind, operation_id, body))

    def _gone(self, sent: bool) -> Exception:
        if not sent:
            return ServiceUnavailableError(
                "the storage process is not running; nothing was stored, repeat the request",
                details={"retryable": True, "retry_after_seconds": 2},
                retry_after_seconds=2,
            )
        return InternalServerError(
            "the storage process ended while this was written and did not come back; its outcome is not known,"
            " read before you repeat it",
            details={"retryable": False},
        )
