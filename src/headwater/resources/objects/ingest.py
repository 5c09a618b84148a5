"""From what a request says of an object to what is stored of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import orjson

from headwater import ids
from headwater.blobs.digests import chunks_of
from headwater.blobs.fetch import fetch
from headwater.blobs.interface import BlobInfo, Expected
from headwater.blobs.keys import belongs_to, new_key
from headwater.blobs.presentation import DEFAULT_TYPE
from headwater.catalog.tables.buckets import Bucket
from headwater.context import Context
from headwater.errors import BadRequestError, HeadwaterError, NotFoundError, ValidationError
from headwater.kit.clock import now_milliseconds
from headwater.resources.objects.schemas import BlobRequest, CreateObjectRequest
from headwater.resources.objects.sources import Inline, Link, Source, Upload, Value, default_name, source_of
from headwater.store.blobs.uses import StoredBlob, find_by_content, find_by_key
from headwater.store.buckets.content import NewBlob, ObjectContent
from headwater.store.buckets.schema import RESERVED
from headwater.store.buckets.values import checked_defaults
from headwater.store.uploads.rows import find_upload

#: A text up to this size is shown in its object.
_MAX_SHOWN_TEXT = 64 * 1024
#: Hashing less than this takes less than a hop to a thread.
_SMALL = 256 * 1024


async def ingest(ctx: Context, bucket: Bucket, request: CreateObjectRequest, *, reuse: bool = True) -> ObjectContent:
    """Store the bytes of the object's files. Raises ``ValidationError`` before that if the object does not fit.

    With ``reuse``, bytes that the namespace has already are not stored again.
    """
    fields = _with_promoted(request)
    sources = [source_of(blob, ["body", "blobs", index]) for index, blob in enumerate(request.blobs)]
    blobs = [_blob(blob, source) for blob, source in zip(request.blobs, sources, strict=True)]
    checked_defaults(bucket.properties, fields, blobs)
    content = ObjectContent(
        fields=fields,
        blobs=blobs,
        key_prefix=request.key_prefix,
        edges=None if request.edges is None else [edge.model_dump() for edge in request.edges],
        idempotency_key=request.idempotency_key,
        skip_duplicates=request.skip_duplicates,
    )
    try:
        for index, source in enumerate(sources):
            await _Ingestion(ctx, bucket, request, content, index, reuse).take(source)
    except HeadwaterError:
        await discard(ctx, content.stored)
        raise
    return content


async def discard(ctx: Context, stored: Sequence[StoredBlob]) -> None:
    """Remove bytes that no row will name. What cannot be removed now is swept later, as after a crash."""
    for blob in stored:
        with contextlib.suppress(HeadwaterError):
            await ctx.runtime.blobs.delete(blob.blob_key)


def _with_promoted(request: CreateObjectRequest) -> dict[str, Any]:
    """The object's fields, then the metadata of its blobs where nothing has the name."""
    promoted: dict[str, Any] = {}
    for blob in request.blobs:
        promoted = {**(blob.metadata or {}), **promoted}
    return {name: value for name, value in promoted.items() if name not in RESERVED} | request.fields


def _blob(blob: BlobRequest, source: Source) -> NewBlob:
    value = source.value if isinstance(source, Value) else None
    return NewBlob(ids.new_blob_id(), blob.property, blob.type, blob.key_prefix, value=value)


class _Ingestion:
    """One blob on its way into the store."""

    def __init__(
        self,
        ctx: Context,
        bucket: Bucket,
        request: CreateObjectRequest,
        content: ObjectContent,
        index: int,
        reuse: bool,
    ) -> None:
        self._ctx = ctx
        self._bucket = bucket
        self._request = request
        self._asked = request.blobs[index]
        self._content = content
        self._blob = content.blobs[index]
        self._at: list[str | int] = ["body", "blobs", index]
        self._reuse = reuse and not _first(self._asked.force_remirror, request.force_remirror)

    async def take(self, source: Source) -> None:
        match source:
            case Value():
                self._blob.details = {"hash": self._asked.checksum or _hash_of(sha256(_json(source.value)).digest())}
            case Inline():
                await self._take_inline(source)
            case Link():
                await self._take_link(source)
            case Upload():
                self._take_upload(source.upload_id)

    async def _take_inline(self, source: Inline) -> None:
        digest = await _digest(source.content)
        self._check(digest)
        stored = self._known(digest)
        if stored is None:
            expected = Expected(size_bytes=len(source.content), sha256=digest.hex())
            key = new_key(self._ctx.scope)
            content_type = source.content_type or DEFAULT_TYPE
            info = await self._ctx.runtime.blobs.put(
                key, chunks_of(source.content), expected, content_type=content_type
            )
            stored = self._added(info, content_type, source.filename)
        self._refer(stored, source.content_type or stored.content_type, source.filename)
        if source.text is not None and len(source.content) <= _MAX_SHOWN_TEXT:
            self._blob.properties["text"] = source.text

    def _known(self, digest: bytes) -> StoredBlob | None:
        """The same bytes in the namespace's store, if they may be used."""
        if not self._reuse:
            return None
        connection = self._ctx.runtime.reader.connection
        return find_by_content(connection, self._ctx.scope.namespace_row, digest)

    def _added(self, info: BlobInfo, content_type: str, filename: str) -> StoredBlob:
        assert info.sha256 is not None, "a store knows the hash of what it has just written"
        blob = StoredBlob(info.key, bytes.fromhex(info.sha256), info.size_bytes, content_type, filename)
        self._content.stored.append(blob)
        return blob

    def _refer(self, stored: StoredBlob, content_type: str, filename: str | None) -> None:
        """Let the blob name those bytes."""
        self._blob.blob_key = stored.blob_key
        self._blob.properties["url"] = self._ctx.runtime.blobs.references.of(stored.blob_key)
        self._blob.details = {
            "filename": filename or stored.filename,
            "size_bytes": stored.size_bytes,
            "mime_type": content_type,
            "hash": self._asked.checksum or _hash_of(stored.sha256),
        }

    async def _take_link(self, source: Link) -> None:
        key = self._ctx.runtime.blobs.references.key_of(source.url)
        if key is not None:
            self._take_own(source.url, key)
        elif source.can_be_fetched and _first(self._asked.canonicalize_source, self._request.canonicalize_source):
            await self._take_fetched(source.url)
        else:
            self._blob.properties["url"] = source.url
            self._blob.details = {} if self._asked.checksum is None else {"hash": self._asked.checksum}

    def _take_own(self, url: str, key: str) -> None:
        """A reference to bytes that the namespace has already."""
        scope = self._ctx.scope
        stored = None
        if belongs_to(key, scope):
            stored = find_by_key(self._ctx.runtime.reader.connection, scope.namespace_row, key)
        if stored is None:
            raise NotFoundError.of("blob", url)
        self._check(stored.sha256)
        self._refer(stored, stored.content_type, stored.filename)

    async def _take_fetched(self, url: str) -> None:
        settings = self._ctx.runtime.settings
        async with fetch(settings, url) as fetched:
            content_type = fetched.content_type or DEFAULT_TYPE
            filename = fetched.filename or default_name(self._asked.property, content_type)
            expected = Expected(size_bytes=fetched.size_bytes, max_bytes=settings.fetch_max_bytes)
            key = new_key(self._ctx.scope)
            info = await self._ctx.runtime.blobs.put(key, fetched.chunks, expected, content_type=content_type)
        stored = self._added(info, content_type, filename)
        self._check(stored.sha256)
        known = self._known(stored.sha256)
        if known is not None:
            self._content.stored.remove(stored)
            await discard(self._ctx, [stored])
        self._refer(known or stored, content_type, filename)

    def _take_upload(self, upload_id: str) -> None:
        connection = self._ctx.runtime.reader.connection
        upload = find_upload(connection, self._bucket.bucket_row, upload_id)
        if upload is None:
            raise NotFoundError.of("upload", upload_id)
        if upload.blob_key is None:
            raise BadRequestError(
                f"the upload {upload_id} is not confirmed; confirm it, then create the object",
                details={"upload_id": upload_id, "status": upload.state_at(now_milliseconds())},
                code="upload_not_confirmed",
            )
        stored = find_by_key(connection, self._ctx.scope.namespace_row, upload.blob_key)
        if stored is None:
            # What was made of it is deleted, and its bytes with it.
            raise NotFoundError.of("upload", upload_id)
        self._check(stored.sha256)
        self._refer(stored, upload.body.content_type, upload.body.filename)

    def _check(self, digest: bytes) -> None:
        """Hold the bytes against a SHA-256 that the request gives. Other algorithms are taken at their word."""
        given = self._asked.checksum
        if given is not None and given.startswith("sha256:") and given != _hash_of(digest):
            message = f"the bytes have the checksum {_hash_of(digest)}, not {given}; nothing was stored"
            raise ValidationError.at([*self._at, "checksum"], message, "checksum")


def _first(own: bool | None, of_object: bool) -> bool:
    return of_object if own is None else own


async def _digest(content: bytes) -> bytes:
    if len(content) <= _SMALL:
        return sha256(content).digest()
    return await asyncio.to_thread(lambda: sha256(content).digest())


def _hash_of(digest: bytes) -> str:
    return f"sha256:{digest.hex()}"


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
