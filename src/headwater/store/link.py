"""Both ends of a local socket on which framed requests are answered in any order (``store.protocol``)."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec

from headwater.errors import HeadwaterError, from_wire, to_wire
from headwater.store.protocol import Answer, FrameReader, Request, frame, pack

_RETRY_SECONDS = 0.05


class LostError(Exception):
    """The connection ended before the answer."""


class Stream(asyncio.Protocol):
    """An open connection of a client."""

    def __init__(self) -> None:
        self._frames = FrameReader()
        self._decode = msgspec.msgpack.Decoder(Answer).decode
        self.waiting: dict[int, asyncio.Future[Answer]] = {}
        self.transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []

    def send(self, data: bytes) -> None:
        """Write at the end of this turn of the loop: requests that come together wake the server once."""
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
                future.set_exception(LostError())
        self.waiting.clear()

    def data_received(self, data: bytes) -> None:
        for payload in self._frames.feed(data):
            answer = self._decode(payload)
            future = self.waiting.pop(answer.request_id, None)
            if future is not None and not future.done():
                future.set_result(answer)


class Link:
    """Asks the process behind a socket. Connects at first use, and again whenever it has to."""

    def __init__(self, socket_path: Path) -> None:
        self._socket_path = socket_path
        self._stream: Stream | None = None
        self._connecting = asyncio.Lock()
        self._next_request = 0

    async def connected(self, deadline: float) -> Stream:
        """The open stream. Raises ``TimeoutError`` when there is none until the deadline (monotonic seconds)."""
        if self._stream is not None and self._stream.transport is not None:
            return self._stream
        async with self._connecting:
            while self._stream is None or self._stream.transport is None:
                try:
                    _, self._stream = await asyncio.get_running_loop().create_unix_connection(
                        Stream, str(self._socket_path)
                    )
                except (FileNotFoundError, ConnectionRefusedError):
                    if time.monotonic() >= deadline:
                        raise TimeoutError from None
                    await asyncio.sleep(_RETRY_SECONDS)
            return self._stream

    async def ask(self, stream: Stream, kind: str, operation_id: int, body: msgspec.Raw) -> msgspec.Raw:
        """The packed answer. Raises the error that the other side answered with, and ``LostError``."""
        if stream.transport is None:
            raise LostError
        self._next_request += 1
        request_id = self._next_request
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        stream.waiting[request_id] = future
        stream.send(frame(Request(request_id, kind, operation_id, body)))
        answer = await future
        if not answer.ok:
            raise from_wire(msgspec.msgpack.decode(answer.body))
        return answer.body

    async def close(self) -> None:
        if self._stream is not None and self._stream.transport is not None:
            self._stream.transport.close()
        self._stream = None


class Receiver(Protocol):
    """What stands behind a listening socket."""

    connections: set[Connection]

    def receive(self, connection: Connection, payload: bytes) -> None: ...


class Connection(asyncio.Protocol):
    """A server's end. Frames are cut from the stream and handed to the receiver, which answers with ``send``."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._frames = FrameReader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._receiver.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._receiver.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        for payload in self._frames.feed(data):
            self._receiver.receive(self, payload)

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def answer_frame(request_id: int, outcome: Any, error: HeadwaterError | None) -> bytes:
    body = pack(outcome) if error is None else pack(to_wire(error))
    return frame(Answer(request_id, error is None, body))


def remove_socket(socket_path: Path) -> None:
    socket_path.unlink(missing_ok=True)


async def listen(receiver: Receiver, socket_path: Path) -> asyncio.Server:
    """Listen there, open to the owner alone. What a predecessor that was killed left there is taken away."""
    remove_socket(socket_path)
    mask = os.umask(0o177)
    try:
        return await asyncio.get_running_loop().create_unix_server(lambda: Connection(receiver), str(socket_path))
    finally:
        os.umask(mask)
