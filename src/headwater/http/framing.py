"""What a request's head may look like. The parser is strict about syntax; this is about everything it lets through."""

from __future__ import annotations

from headwater.errors import BadRequestError, HeadersTooLargeError, HeadwaterError, URITooLongError

MAX_URL_BYTES = 16 * 1024
MAX_HEADER_BYTES = 64 * 1024
MAX_HEADER_FIELDS = 100


class FramingError(Exception):
    """Raised in a parser callback: ``answer`` is what the client is told before the connection closes."""

    def __init__(self, answer: HeadwaterError) -> None:
        super().__init__(answer.message)
        self.answer = answer


class MessageHead:
    """One request's head while it arrives."""

    __slots__ = ("_bytes", "_encodings", "_feeds", "_fields", "_hosts", "_lengths", "_received")

    def __init__(self) -> None:
        self._bytes = 0
        self._fields = 0
        self._feeds = 0
        self._received = 0
        self._hosts: list[bytes] = []
        self._lengths: list[bytes] = []
        self._encodings: list[bytes] = []

    def saw_url(self, size_bytes: int) -> None:
        if size_bytes > MAX_URL_BYTES:
            raise FramingError(URITooLongError(f"the request's target is longer than {MAX_URL_BYTES} bytes"))

    def saw_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        self._bytes += len(name) + len(value) + 4
        if self._fields > MAX_HEADER_FIELDS:
            raise FramingError(HeadersTooLargeError(f"the request has more than {MAX_HEADER_FIELDS} header fields"))
        if self._bytes > MAX_HEADER_BYTES:
            raise _too_large()
        if name == b"host":
            self._hosts.append(value)
        elif name == b"content-length":
            self._lengths.append(value)
        elif name == b"transfer-encoding":
            self._encodings.append(value)

    def saw_bytes(self, size_bytes: int) -> None:
        """So many bytes arrived and the head is still not complete. The first ones may belong to the request before."""
        self._feeds += 1
        if self._feeds > 1:
            self._received += size_bytes
        if self._received > MAX_HEADER_BYTES:
            raise _too_large()

    def check(self, http_version: str) -> None:
        """Refuse a complete head that two readers could understand differently."""
        if len(self._hosts) > 1 or (http_version != "1.0" and not (self._hosts and self._hosts[0].strip())):
            raise _bad(f"HTTP/{http_version} needs exactly one Host header; the request has {len(self._hosts)}")
        if self._encodings and self._lengths:
            raise _bad("the request has both Content-Length and Transfer-Encoding")
        if len(self._lengths) > 1 or any(not length.isdigit() for length in self._lengths):
            raise _bad("Content-Length must be one decimal number")
        if self._encodings and (http_version != "1.1" or [value.lower() for value in self._encodings] != [b"chunked"]):
            raise _bad("Transfer-Encoding must be 'chunked', once, in HTTP/1.1")


def _bad(message: str) -> FramingError:
    return FramingError(BadRequestError(message))


def _too_large() -> FramingError:
    return FramingError(HeadersTooLargeError(f"the request has more than {MAX_HEADER_BYTES} bytes of headers"))
