"""Hashes of files, taken while their bytes pass, and the checks of what was announced."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

from headwater.blobs.interface import BlobInfo, BlobStore, Expected
from headwater.errors import BadRequestError, PayloadTooLargeError


class Digests:
    """Size, SHA-256 and MD5 of what went through ``update``."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self._sha256 = hashlib.sha256()
        # The protocol of S3 calls a file by this; nothing is believed because of it.
        self._md5 = hashlib.md5(usedforsecurity=False)

    def update(self, chunk: bytes | bytearray) -> None:
        self.size_bytes += len(chunk)
        self._sha256.update(chunk)
        self._md5.update(chunk)

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        return self._md5.hexdigest()

    def check_size(self, expected: Expected) -> None:
        """Refuse more than was announced as soon as it is seen."""
        if expected.size_bytes is not None and self.size_bytes > expected.size_bytes:
            raise _wrong_size(self.size_bytes, expected.size_bytes)
        if expected.max_bytes is not None and self.size_bytes > expected.max_bytes:
            raise PayloadTooLargeError(
                f"the file is larger than {expected.max_bytes} bytes; nothing was stored",
                details={"limit_bytes": expected.max_bytes},
            )

    def check_whole(self, expected: Expected) -> None:
        """Refuse a complete file that is not what was announced."""
        self.check_size(expected)
        if expected.size_bytes is not None and self.size_bytes != expected.size_bytes:
            raise _wrong_size(self.size_bytes, expected.size_bytes)
        if expected.sha256 is not None and self.sha256 != expected.sha256:
            raise BadRequestError(
                f"the file's SHA-256 is {self.sha256}, not {expected.sha256}; nothing was stored, send the file again",
                details={"sha256": self.sha256, "expected_sha256": expected.sha256},
                code="hash_mismatch",
            )


def _wrong_size(size_bytes: int, expected: int) -> BadRequestError:
    # It is not read further than to where it is too long.
    more = "at least " if size_bytes > expected else ""
    return BadRequestError(
        f"the file has {more}{size_bytes} bytes, not {expected}; nothing was stored, send the file again",
        details={"size_bytes": size_bytes, "expected_size_bytes": expected},
        code="size_mismatch",
    )


async def digest(store: BlobStore, key: str) -> BlobInfo:
    """The file with its hashes, for which all of it is read. ``NotFoundError`` when there is none."""
    digests = Digests()
    async with store.open(key) as content:
        async for chunk in content.chunks:
            await asyncio.to_thread(digests.update, chunk)
    return replace(content.info, sha256=digests.sha256, etag=digests.md5)


async def chunks_of(content: bytes) -> AsyncIterator[bytes]:
    """A stream of what is in memory already."""
    yield content
