"""What a store of files promises, and what makes links to them. ``local.py`` and ``s3.py`` keep it.

Keys are those of ``keys.py``. A key is written once; only at the key of an upload that is not confirmed yet may bytes
be replaced, whole files by whole files.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from headwater.blobs.keys import References

#: How long a link in an answer is good for, and the bounds of what a caller may ask for.
LINK_SECONDS = 3600
MIN_LINK_SECONDS = 60
MAX_LINK_SECONDS = 86_400
#: What streams are cut into: one hop to a thread each, and what a transfer holds in memory is a few of them.
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A file in the store. The digests are known to whoever has just written it, or read it with ``digest``."""

    key: str
    size_bytes: int
    #: Without quotes. Of a new file, its MD5.
    etag: str
    #: Seconds since 1970.
    modified_at: float
    #: 64 hexadecimal digits.
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file has to be for it to be stored."""

    size_bytes: int | None = None
    sha256: str | None = None
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """A part of a file, read as it is asked for. ``info`` is about the whole."""

    info: BlobInfo
    chunks: AsyncIterator[bytes | bytearray]


class Signer(Protocol):
    """Makes links that need no API key. Plain data: it may be pickled for a lane, and does no input or output."""

    @property
    def references(self) -> References: ...

    def download(self, key: str, *, expires_seconds: int = ..., content_type: str = ..., filename: str = ...) -> str:
        """A link that answers GET with the file, shown in the browser where ``content_type`` cannot harm anybody,
        else saved under ``filename``."""
        ...

    def upload(self, key: str, *, expires_seconds: int = ..., content_type: str, size_bytes: int | None = None) -> str:
        """A link that takes one file by PUT, of that type and, if it is given, exactly that size. What is put there
        twice is replaced, so confirm an upload by ``copy`` to a key that no link leads to."""
        ...


class BlobStore(Protocol):
    """All calls may raise ``ServiceUnavailableError`` when the store is away; nothing is stored then."""

    @property
    def references(self) -> References: ...

    async def put(
        self, key: str, chunks: AsyncIterator[bytes], expected: Expected = ..., *, content_type: str = ...
    ) -> BlobInfo:
        """Store the file; when this returns, its bytes are on the disk. It appears whole or not at all.

        ``BadRequestError`` when size or hash are not as expected, ``PayloadTooLargeError`` beyond ``max_bytes``,
        ``InsufficientStorageError`` when there is no room for it.
        """
        ...

    def open(self, key: str, start: int = 0, stop: int | None = None) -> AbstractAsyncContextManager[Content]:
        """The bytes from ``start`` up to ``stop``, which must lie within the file. ``NotFoundError`` without one."""
        ...

    async def stat(self, key: str) -> BlobInfo | None:
        """What is known without reading the file; None when there is none."""
        ...

    async def copy(self, source: str, target: str) -> BlobInfo:
        """The file of ``source`` under ``target`` too, durably; later changes of one leave the other alone.

        ``NotFoundError`` when there is no ``source``.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove the file, durably. No file is no error."""
        ...

    def files(self, folder: str | None = None) -> AsyncIterator[BlobInfo]:
        """Every whole file, or those of a namespace (``folder_of``), in no order. Half-written ones are not seen."""
        ...

    def signer(self, public_url: str, key_id: str) -> Signer:
        """Makes links for whoever reaches this server at ``public_url`` and came with that API key."""
        ...

    async def close(self) -> None: ...


def checked_seconds(seconds: int) -> int:
    """The time that a link is to be good for; ``ValueError`` when no caller may ask for it."""
    if not MIN_LINK_SECONDS <= seconds <= MAX_LINK_SECONDS:
        raise ValueError(f"a link is good for {MIN_LINK_SECONDS} to {MAX_LINK_SECONDS} seconds, not for {seconds}")
    return seconds
