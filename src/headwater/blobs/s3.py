"""Files in a bucket of an S3-compatible store, through obstore. The only place that imports it.

Every request has a time limit and a few tries, so large files go and come in parts. What fails for good in the middle
leaves nothing behind, and the caller hears of it as 503.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import S3Store

from headwater.blobs.digests import Digests
from headwater.blobs.interface import BlobInfo, Content, Expected
from headwater.blobs.keys import References, require_key
from headwater.blobs.presentation import plain_type
from headwater.blobs.s3_signing import S3Signer
from headwater.errors import NotFoundError, ServiceUnavailableError
from headwater.settings import Settings

_log = structlog.get_logger("headwater.blobs")

#: The smallest that S3 takes for a part of a larger file.
_PART_BYTES = 5 * 1024 * 1024
_PARTS_AT_ONCE = 2
_TRIES = 3
_RETRY_AFTER_SECONDS = 5
_AWS = "https://s3.{region}.amazonaws.com"
_ANYTHING = Expected()


class S3Blobs:
    """See ``BlobStore``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = "/".join(filter(None, (settings.s3_bucket, settings.s3_prefix.strip("/"))))
        self.references = References(f"{self._folder}/")
        self._store = _connect(settings)

    async def put(
        self, key: str, chunks: AsyncIterator[bytes], expected: Expected = _ANYTHING, *, content_type: str = ""
    ) -> BlobInfo:
        require_key(key)
        digests = Digests()
        parts = _checked_parts(chunks, expected, digests)
        first = await anext(parts)
        second = await anext(parts, None)
        attributes: Any = {"Content-Type": plain_type(content_type)}
        if second is None:
            with _errors(key):
                # All of it: it was checked before anything is sent.
                await obstore.put_async(self._store, key, first, attributes=attributes, use_multipart=False)
        else:
            await self._put_parts(key, _Noting(first, second, parts), attributes)
        return BlobInfo(key, digests.size_bytes, digests.md5, time.time(), digests.sha256)

    async def _put_parts(self, key: str, parts: _Noting, attributes: Any) -> None:
        try:
            with _errors(key):
                await obstore.put_async(
                    self._store,
                    key,
                    parts.stream(),
                    attributes=attributes,
                    chunk_size=_PART_BYTES,
                    max_concurrency=_PARTS_AT_ONCE,
                )
        except ServiceUnavailableError:
            # obstore gives up the upload and wraps what the stream raised.
            if parts.failure is not None:
                raise parts.failure from None
            raise

    @asynccontextmanager
    async def open(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[Content]:
        info = await self.stat(key)
        if info is None:
            raise NotFoundError.of("file", key)
        yield Content(info, self._chunks(key, start, info.size_bytes if stop is None else stop))

    async def _chunks(self, key: str, start: int, stop: int) -> AsyncIterator[bytes]:
        # A request a part: each is repeated by itself, however long the whole takes.
        for begin in range(start, stop, _PART_BYTES):
            with _errors(key):
                part = await obstore.get_range_async(self._store, key, start=begin, end=min(stop, begin + _PART_BYTES))
            yield part.to_bytes()

    async def stat(self, key: str) -> BlobInfo | None:
        require_key(key)
        try:
            with _errors(key):
                return _info(await obstore.head_async(self._store, key))
        except NotFoundError:
            return None

    async def copy(self, source: str, target: str) -> BlobInfo:
        require_key(source)
        require_key(target)
        with _errors(source):
            await obstore.copy_async(self._store, source, target)
        info = await self.stat(target)
        if info is None:
            raise NotFoundError.of("file", source)
        return info

    async def delete(self, key: str) -> None:
        require_key(key)
        try:
            with _errors(key):
                await obstore.delete_async(self._store, key)
        except NotFoundError:
            return

    async def files(self, folder: str | None = None) -> AsyncIterator[BlobInfo]:
        listed = obstore.list(self._store, prefix=folder)
        with _errors(folder or ""):
            async for page in listed:
                for found in page:
                    yield _info(found)

    def signer(self, public_url: str, key_id: str) -> S3Signer:
        settings = self._settings
        endpoint = settings.s3_public_endpoint or settings.s3_endpoint or _AWS.format(region=settings.s3_region)
        return S3Signer(
            f"{endpoint.rstrip('/')}/{self._folder}",
            settings.s3_region,
            settings.s3_access_key_id,
            settings.s3_secret_access_key,
            self.references,
        )

    async def close(self) -> None:
        """Nothing of it has to be given back."""


def _connect(settings: Settings) -> S3Store:
    tried = timedelta(seconds=settings.s3_timeout_seconds)
    options: dict[str, Any] = {"endpoint": settings.s3_endpoint} if settings.s3_endpoint else {}
    return S3Store(
        settings.s3_bucket,
        prefix=settings.s3_prefix.strip("/") or None,
        region=settings.s3_region,
        access_key_id=settings.s3_access_key_id,
        secret_access_key=settings.s3_secret_access_key,
        client_options={
            "timeout": tried,
            "connect_timeout": tried,
            "allow_http": settings.s3_endpoint.startswith("http://"),
        },
        retry_config={
            "max_retries": _TRIES - 1,
            "retry_timeout": _TRIES * tried,
            "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=1), "base": 2},
        },
        **options,
    )


async def _checked_parts(chunks: AsyncIterator[bytes], expected: Expected, digests: Digests) -> AsyncIterator[bytes]:
    """The stream in parts, the last of which comes only when all of it is as expected. At least one, maybe empty."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        if len(held) > _PART_BYTES:
            part = bytes(held[:_PART_BYTES])
            del held[:_PART_BYTES]
            await asyncio.to_thread(digests.update, part)
            digests.check_size(expected)
            yield part
    last = bytes(held)
    await asyncio.to_thread(digests.update, last)
    digests.check_whole(expected)
    yield last


class _Noting:
    """A stream that remembers what ended it."""

    def __init__(self, first: bytes, second: bytes, rest: AsyncIterator[bytes]) -> None:
        self._begin = (first, second)
        self._rest = rest
        self.failure: BaseException | None = None

    async def stream(self) -> AsyncIterator[bytes]:
        for part in self._begin:
            yield part
        try:
            async for part in self._rest:
                yield part
        except BaseException as error:
            self.failure = error
            raise


@contextmanager
def _errors(key: str) -> Iterator[None]:
    """Ours for those of the store."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError.of("file", key) from error
    except (BaseError, OSError) as error:
        # The first line names the request and the answer, the others repeat it.
        _log.warning("the S3 store failed", reason=str(error).partition("\n")[0])
        raise ServiceUnavailableError(
            "the S3 store of the files does not answer as it should; nothing was stored, try again",
            details={"store": "s3", "reason": type(error).__name__},
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        ) from error


def _info(meta: Any) -> BlobInfo:
    return BlobInfo(meta["path"], meta["size"], (meta["e_tag"] or "").strip('"'), meta["last_modified"].timestamp())
