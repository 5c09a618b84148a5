"""What crosses the local socket between a worker and the storage process.

A frame is a 4-byte big-endian length and that many bytes of msgpack. A request is ``[id, kind, body]``, its answer
``[id, ok, body]``; answers come in any order.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec

LENGTH = struct.Struct(">I")
MAX_FRAME_BYTES = 512 * 1024 * 1024


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
