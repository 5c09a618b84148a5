"""A worker's end of the socket to the storage process.

When the storage process dies, requests in flight wait for its successor, ask what became of their operation, and send
it again only if it never happened. So a caller sees a slow write, not a lost or doubled one.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, cast

import msgspec

from headwater.errors import InternalServerError, ServiceUnavailableError, from_wire
from headwater.settings import Settings
from headwater.store.commands.base import Command
from headwater.store.protocol import Answer, FrameReader, Request, frame, new_operation_id, pack

_RETRY_SECONDS = 0.05


class _Lost(Exception):
    """The connection ended before the answer."""


class _Stream(asyncio.Protocol):
    def __init__(self) -> None:
        self._frames = FrameReader()
        self._decode = msgspec.msgpack.Decoder(Answer).decode
        self.waiting: dict[int, asyncio.Future[Answer]] = {}
        self.transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []

    def send(self, data: bytes) -> None:
        """Write at the end of this turn of the loop: requests that come together wake the storage process once."""
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outgoing.append(data)

    def _flush(self) -> None:
        if self.transport is not None:
            self.transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(_Lost())
        self.waiting.clear()

    def data_received(self, data: bytes) -> None:
        for payload in self._frames.feed(data):
            answer = self._decode(payload)
            future = self.waiting.pop(answer.request_id, None)
            if future is not None and not future.done():
                future.set_result(answer)


class StoreClient:
    """See ``Store``. Connects at first use, and again whenever it has to."""

    def __init__(self, socket_path: Path, settings: Settings) -> None:
        self._socket_path = socket_path
        self._wait_seconds = settings.outcome_wait_seconds
        self._stream: _Stream | None = None
        self._connecting = asyncio.Lock()
        self._next_request = 0

    async def execute(self, command: Command) -> Any:
        operation_id = new_operation_id()
        body = pack(command)
        sent = False
        deadline = time.monotonic() + self._wait_seconds
        while True:
            try:
                stream = await self._connected(deadline)
            except TimeoutError:
                raise self._gone(sent) from None
            try:
                if sent:
                    found = await self._ask(stream, "outcome", operation_id, pack(None))
                    if found["found"]:
                        return found["outcome"]
                sent = True
                return await self._ask(stream, "execute", operation_id, body)
            except _Lost:
                # The time to wait starts when the connection is lost, however long the write took before.
                deadline = time.monotonic() + self._wait_seconds

    async def query(self, kind: str, body: Any = None) -> Any:
        deadline = time.monotonic() + self._wait_seconds
        while True:
            try:
                stream = await self._connected(deadline)
                return await self._ask(stream, kind, 0, pack(body))
            except _Lost:
                continue
            except TimeoutError:
                raise self._gone(sent=False) from None

    async def close(self) -> None:
        if self._stream is not None and self._stream.transport is not None:
            self._stream.transport.close()
        self._stream = None

    async def _ask(self, stream: _Stream, kind: str, operation_id: int, body: msgspec.Raw) -> Any:
        if stream.transport is None:
            raise _Lost
        self._next_request += 1
        request_id = self._next_request
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        stream.waiting[request_id] = future
        stream.send(frame(Request(request_id, kind, operation_id, body)))
        answer = await future
        value = msgspec.msgpack.decode(answer.body)
        if not answer.ok:
            raise from_wire(value)
        return value

    async def _connected(self, deadline: float) -> _Stream:
        """The open stream. Raises ``TimeoutError`` when there is none until the deadline."""
        if self._stream is not None and self._stream.transport is not None:
            return self._stream
        async with self._connecting:
            while self._stream is None or self._stream.transport is None:
                try:
                    _, self._stream = await asyncio.get_running_loop().create_unix_connection(
                        _Stream, str(self._socket_path)
                    )
                except (FileNotFoundError, ConnectionRefusedError):
                    if time.monotonic() >= deadline:
                        raise TimeoutError from None
                    await asyncio.sleep(_RETRY_SECONDS)
            return self._stream

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
