"""Reading a request's body: bounded by size, in sum over all requests of the worker, and strict about its JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from starlette.types import Receive, Scope

from headwater.errors import (
    BadRequestError,
    HeadwaterError,
    PayloadTooLargeError,
    ServiceUnavailableError,
    UnsupportedMediaTypeError,
    ValidationError,
)
from headwater.kit import strict_json
from headwater.settings import Settings

#: Key of the ASGI scope, set when nothing of the request is left to read.
BODY_COMPLETE = "headwater.body_complete"


class ClientDisconnected(Exception):
    """The client went away before its body was complete. Nobody is left to answer."""


class BodyBudget:
    """The bytes of request bodies that a worker holds at once."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.held_bytes = 0

    @contextmanager
    def hold(self) -> Iterator[Held]:
        """Give back all that was taken when the request is done."""
        held = Held(self)
        try:
            yield held
        finally:
            held.release()


class Held:
    """One request's part of the budget."""

    __slots__ = ("_budget", "_bytes")

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._bytes = 0

    def take(self, size_bytes: int) -> None:
        if self._budget.held_bytes + size_bytes > self._budget.limit_bytes:
            raise ServiceUnavailableError(
                "the bodies of the requests in flight are too large together; nothing was stored, try again",
                retry_after_seconds=1,
            )
        self._budget.held_bytes += size_bytes
        self._bytes += size_bytes

    def release(self) -> None:
        self._budget.held_bytes -= self._bytes
        self._bytes = 0


async def read_body(scope: Scope, receive: Receive, settings: Settings, held: Held) -> bytes:
    """The whole body. The declared length is judged before anything is read."""
    headers = _body_headers(scope)
    _check_encoding(headers)
    declared = int(headers.get(b"content-length", 0))
    if declared > settings.max_body_bytes:
        raise _too_large(settings)
    held.take(declared)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > settings.max_body_bytes:
            raise _too_large(settings)
        if size > declared:
            held.take(min(len(chunk), size - declared))
        chunks.append(chunk)
        if not message.get("more_body", False):
            break
    scope[BODY_COMPLETE] = True
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if body:
        _check_type(headers)
    return body


async def stream_body(scope: Scope, receive: Receive) -> AsyncIterator[bytes]:
    """The body as it arrives, of any type and length. Raises ``ClientDisconnected`` when it breaks off."""
    _check_encoding(_body_headers(scope))
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        more = message.get("more_body", False)
        if chunk := message.get("body", b""):
            yield chunk
    scope[BODY_COMPLETE] = True


def decode_json(body: bytes, settings: Settings) -> Any:
    """The strict JSON value of the body."""
    try:
        return strict_json.decode(body, settings.max_json_depth)
    except strict_json.InvalidJSONError as error:
        raise _json_problem(error) from None


def _json_problem(error: strict_json.InvalidJSONError) -> HeadwaterError:
    if isinstance(error, strict_json.DuplicateKeyError):
        return BadRequestError(error.message, code=error.kind)
    location: list[str | int] = ["body"] if error.position is None else ["body", error.position]
    return ValidationError.at(location, error.message, error.kind)


_BODY_HEADERS = frozenset({b"content-length", b"content-encoding", b"content-type", b"transfer-encoding"})


def _body_headers(scope: Scope) -> dict[bytes, bytes]:
    return {name: value for name, value in scope["headers"] if name in _BODY_HEADERS}


def has_body(scope: Scope) -> bool:
    """Whether the request announces a body."""
    headers = _body_headers(scope)
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0").strip(b"0") != b""


def _check_encoding(headers: dict[bytes, bytes]) -> None:
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in (b"", b"identity"):
        raise UnsupportedMediaTypeError(f"Content-Encoding {_text(encoding)!r} is not read; send the body uncompressed")


def _check_type(headers: dict[bytes, bytes]) -> None:
    full = headers.get(b"content-type")
    if full is None:
        return
    kind = full.partition(b";")[0].strip().lower()
    if kind != b"application/json" and not (kind.startswith(b"application/") and kind.endswith(b"+json")):
        raise UnsupportedMediaTypeError(
            f"Content-Type {_text(kind)!r} is not read; send JSON with Content-Type: application/json"
        )


def _text(value: bytes) -> str:
    return value[:100].decode("latin-1")


def _too_large(settings: Settings) -> PayloadTooLargeError:
    return PayloadTooLargeError(
        f"the body is larger than {settings.max_body_bytes} bytes; split the request",
        details={"limit_bytes": settings.max_body_bytes},
    )
