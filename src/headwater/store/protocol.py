"""What crosses the local socket between a worker and the storage process.

A frame is a 4-byte big-endian length and that many bytes of msgpack. A request is ``[id, kind, body]``, its answer
``[id, ok, body]``; answers come in any order.
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterator
from typing import Any

import msgspec

from headwater.kit.clock import now_milliseconds

LENGTH = struct.Struct(">I")
MAX_FRAME_BYTES = 512 * 1024 * 1024
_TURN_BITS = 10
_PROCESS_BITS = 11
#: An operation id is the worker's milliseconds shifted by this, plus what makes it unique: ids of one time stand
#: together.
OPERATION_SHIFT = _PROCESS_BITS + _TURN_BITS


class Request(msgspec.Struct, array_like=True):
    """``kind`` is ``execute`` (a command), ``outcome`` (of an operation id), or a query of the storage process."""

    request_id: int
    kind: str
    operation_id: int
    body: msgspec.Raw


class Answer(msgspec.Struct, array_like=True):
    request_id: int
    ok: bool
    body: msgspec.Raw


_encoder = msgspec.msgpack.Encoder()


def frame(message: Request | Answer) -> bytes:
    """The message with its length in front."""
    payload = _encoder.encode(message)
    return LENGTH.pack(len(payload)) + payload


def pack(value: Any) -> msgspec.Raw:
    return msgspec.Raw(_encoder.encode(value))


class FrameReader:
    """Cuts a stream of bytes into the payloads of its frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The payloads that are complete now. Raises ``ValueError`` for a frame that nobody of ours sends."""
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._buffer, start)
            if length > MAX_FRAME_BYTES:
                raise ValueError(f"a frame of {length} bytes")
            end = start + LENGTH.size + length
            if len(self._buffer) < end:
                break
            yield bytes(self._buffer[start + LENGTH.size : end])
            start = end
        if start:
            del self._buffer[:start]


_minting = threading.Lock()
_latest_turn = 0


def new_operation_id() -> int:
    """63 bits, unique, and in the order of time: a worker mints one for each write, and the write stores it.

    Milliseconds, then who mints, then a turn. Random bits instead would meet every few ten thousand writes, and the
    second of two that do would fail. The processes of a server live at the same time, so their pids tell them apart.
    """
    global _latest_turn
    with _minting:
        _latest_turn = max(_latest_turn + 1, now_milliseconds() << _TURN_BITS)
        moment, turn = divmod(_latest_turn, 1 << _TURN_BITS)
    return moment << OPERATION_SHIFT | os.getpid() % (1 << _PROCESS_BITS) << _TURN_BITS | turn
