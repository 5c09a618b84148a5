"""A file as an answer: whole or a part of it, never more than a few chunks of it in memory."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from email.utils import formatdate

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headwater.blobs.presentation import disposition, served_type
from headwater.errors import RangeNotSatisfiableError
from headwater.http.envelope import error_response

_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*")
#: The viewer of browsers for PDF does not start in a sandbox.
_NOT_SANDBOXED = "application/pdf"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file and what is known of it. ``open(start, stop)`` gives its bytes."""

    size_bytes: int
    etag: str
    modified_at: float
    content_type: str
    filename: str
    open: Callable[[int, int], AbstractAsyncContextManager[AsyncIterator[bytes | bytearray]]]
    #: False: browsers save it, whatever its type.
    shown: bool = True

    @property
    def headers(self) -> dict[str, str]:
        headers = {
            "Content-Type": served_type(self.content_type),
            "Content-Disposition": disposition(self.content_type, self.filename, shown=self.shown),
            "ETag": f'"{self.etag}"',
            "Last-Modified": formatdate(self.modified_at, usegmt=True),
            "Accept-Ranges": "bytes",
            # Whoever may read the file asks again each time, so that it is gone when it is deleted.
            "Cache-Control": "private, no-cache",
            # What is in the file is somebody's data: no browser may take it for a page of this server.
            "X-Content-Type-Options": "nosniff",
        }
        if not self.content_type.startswith(_NOT_SANDBOXED):
            headers["Content-Security-Policy"] = "sandbox"
        return headers


def answer(file: StoredFile, request: Headers, *, head: bool) -> Response:
    """The answer to a GET or HEAD with these headers."""
    if _is_known(file, request):
        return Response(status_code=304, headers={"ETag": f'"{file.etag}"', "Cache-Control": "private, no-cache"})
    asked = None if head else request.get("range")
    if asked is None or not _still_the_same(file, request):
        return _Sending(file, 0, file.size_bytes, head=head)
    try:
        part = part_of(asked, file.size_bytes)
    except RangeNotSatisfiableError as error:
        return error_response(error, {"Content-Range": f"bytes */{file.size_bytes}"})
    return _Sending(file, 0, file.size_bytes) if part is None else _Sending(file, *part, partial=True)


def _is_known(file: StoredFile, request: Headers) -> bool:
    known = request.get("if-none-match")
    if known is None:
        return False
    return known.strip() == "*" or f'"{file.etag}"' in (tag.strip().removeprefix("W/") for tag in known.split(","))


def _still_the_same(file: StoredFile, request: Headers) -> bool:
    """Whether a part of the file fits to the parts that the client has."""
    condition = request.get("if-range")
    return condition is None or condition.strip() in (f'"{file.etag}"', file.headers["Last-Modified"])


def part_of(asked: str, size_bytes: int) -> tuple[int, int] | None:
    """Start and stop of the part that a ``Range`` asks for; None when it says nothing that we read.

    ``RangeNotSatisfiableError`` for a part beyond the end and for several parts: each of those would cost an answer.
    """
    if asked.strip().lower().startswith("bytes=") and "," in asked:
        raise RangeNotSatisfiableError("one part of a file at a time; ask for a single range")
    match = _RANGE.fullmatch(asked.strip().lower())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size_bytes - int(last)), size_bytes
    else:
        start, stop = int(first), min(int(last) + 1, size_bytes) if last else size_bytes
        if last and int(last) < start:
            return None
    if start >= stop:
        raise RangeNotSatisfiableError(f"the file has {size_bytes} bytes, so there is nothing at {asked[:80]!r}")
    return start, stop


class _Sending(Response):
    def __init__(self, file: StoredFile, start: int, stop: int, *, partial: bool = False, head: bool = False) -> None:
        self._file = file
        self._start, self._stop = start, stop
        self._head = head
        self.body = b""
        self.background = None
        self.status_code = 206 if partial else 200
        headers = file.headers | {"Content-Length": str(stop - start)}
        if partial:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{file.size_bytes}"
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begin = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        if self._head or self._start == self._stop:
            await send(begin)
            await send({"type": "http.response.body", "body": b""})
            return
        # The file is opened first: one that has just been deleted is still a clean 404.
        async with self._file.open(self._start, self._stop) as chunks:
            await send(begin)
            left = self._stop - self._start
            async for chunk in chunks:
                left -= len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": left > 0})
