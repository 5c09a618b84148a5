"""Several objects at once: each is stored, or refused, whatever becomes of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pydantic

from headwater import ids
from headwater.catalog.tables.buckets import Bucket
from headwater.context import Context
from headwater.errors import HeadwaterError, ValidationError, from_wire
from headwater.http.envelope import validation_items
from headwater.resources.objects.ingest import discard, ingest
from headwater.resources.objects.render import with_members
from headwater.resources.objects.schemas import CreateObjectRequest
from headwater.resources.objects.schemas_batch import CreateObjectsRequest, SoftDeleteRequest
from headwater.resources.objects.service_write import NOT_PROCESSED, NOTHING_STORED, document_of, refuse_auto_process
from headwater.store.blobs.uses import BLOB_GONE
from headwater.store.buckets.content import ObjectContent
from headwater.store.commands.objects import CreateObjects, NewObject, SoftDeleteObjects
from headwater.tenancy.access import access_bucket

#: Objects whose bytes are on their way at a time.
_AT_A_TIME = 8
_SOFT_DELETED_AT_A_TIME = 500


@dataclass
class _Item:
    """One object of the request, and what became of it so far."""

    index: int
    request: CreateObjectRequest | None = None
    content: ObjectContent | None = None
    outcome: dict[str, Any] | None = None
    error: HeadwaterError | None = None


async def create_objects(
    ctx: Context, bucket_identifier: str, request: CreateObjectsRequest, *, auto_process: bool
) -> tuple[int, bytes]:
    """The status and the JSON of the answer: 422 when no object could be stored."""
    bucket = access_bucket(ctx, bucket_identifier)
    _refuse_unique_key(bucket)
    items = [_parsed(bucket, index, body) for index, body in enumerate(request.objects)]
    await _store(ctx, bucket, items, reuse=True)
    gone = [item for item in items if item.error is not None and item.error.code == BLOB_GONE]
    if gone:
        # Bytes that the namespace had were removed while these counted on them.
        await _store(ctx, bucket, gone, reuse=False)
    status = 200 if any(item.error is None for item in items) else 422
    return status, _answer(ctx, bucket, items, [NOT_PROCESSED] if auto_process else None)


def _refuse_unique_key(bucket: Bucket) -> None:
    if bucket.key_fields:
        message = f"bucket {bucket.bucket_name!r} has a unique key, so its objects are created one at a time"
        raise ValidationError.at(["body", "objects"], message, "unique_key", code="batch_with_unique_key")


def _parsed(bucket: Bucket, index: int, body: Any) -> _Item:
    item = _Item(index)
    try:
        item.request = CreateObjectRequest.model_validate(body)
        refuse_auto_process(bucket, item.request.fields, ["body", "objects", index])
    except pydantic.ValidationError as error:
        item.error = ValidationError(validation_items(error.errors(), "body"))
    except ValidationError as error:
        item.error = error
    return item


async def _store(ctx: Context, bucket: Bucket, items: Sequence[_Item], *, reuse: bool) -> None:
    """Store the bytes of all that are right so far, then those objects in one transaction."""
    room = asyncio.Semaphore(_AT_A_TIME)

    async def take(item: _Item, request: CreateObjectRequest) -> None:
        async with room:
            try:
                item.content, item.error = await ingest(ctx, bucket, request, reuse=reuse), None
            except HeadwaterError as error:
                item.content, item.error = None, error

    await asyncio.gather(*(take(item, item.request) for item in items if item.request is not None and _is_open(item)))
    ready = [item for item in items if item.content is not None and item.error is None]
    if ready:
        await _create(ctx, bucket, ready)


def _is_open(item: _Item) -> bool:
    return item.error is None or item.error.code == BLOB_GONE


async def _create(ctx: Context, bucket: Bucket, items: Sequence[_Item]) -> None:
    command = CreateObjects(
        organization_id=ctx.scope.organization_id,
        namespace_row=ctx.scope.namespace_row,
        bucket_row=bucket.bucket_row,
        objects=[NewObject(ids.new_object_id(), item.content) for item in items if item.content is not None],
    )
    try:
        answer = await ctx.execute(command)
    except HeadwaterError as error:
        if error.status < 500 or error.status in NOTHING_STORED:
            await _discard(ctx, items)
        raise
    # Without documents the answer was lost on the way, and they are read again.
    documents = answer.get("document") or [None] * len(items)
    for item, row, document in zip(items, answer["rows"], documents, strict=True):
        if "error" in row:
            item.error = from_wire(row["error"])
        else:
            item.outcome = row if document is None else {**row, "document": document}
    await _discard(ctx, [item for item in items if item.error is not None or _is_replayed(item)])


def _is_replayed(item: _Item) -> bool:
    return item.outcome is not None and item.outcome["replayed_by"] is not None


async def _discard(ctx: Context, items: Sequence[_Item]) -> None:
    for item in items:
        if item.content is not None:
            await discard(ctx, item.content.stored)


def _answer(ctx: Context, bucket: Bucket, items: Sequence[_Item], warnings: list[str] | None) -> bytes:
    succeeded = [_shown(ctx, bucket, item.index, item.outcome) for item in items if item.outcome is not None]
    failed = [
        {"object_index": item.index, "error": item.error.message, "error_type": item.error.type}
        for item in items
        if item.error is not None
    ]
    rest = {
        "failed": failed,
        "total_requested": len(items),
        "succeeded_count": len(succeeded),
        "failed_count": len(failed),
        "warnings": warnings,
    }
    return b'{"succeeded":[' + b",".join(succeeded) + b"]," + orjson.dumps(rest)[1:]


def _shown(ctx: Context, bucket: Bucket, index: int, outcome: dict[str, Any]) -> bytes:
    replayed_by = outcome["replayed_by"]
    return with_members(
        document_of(ctx, bucket, outcome),
        object_index=index,
        replayed=replayed_by is not None,
        replayed_by=replayed_by,
    )


async def soft_delete_objects(ctx: Context, bucket_identifier: str, request: SoftDeleteRequest) -> dict[str, Any]:
    """Hide the objects, a slice a transaction. Repeating it hides what an interruption left."""
    bucket = access_bucket(ctx, bucket_identifier)
    hidden = 0
    for start in range(0, len(request.object_ids), _SOFT_DELETED_AT_A_TIME):
        outcome = await ctx.execute(
            SoftDeleteObjects(
                organization_id=ctx.scope.organization_id,
                namespace_row=ctx.scope.namespace_row,
                bucket_row=bucket.bucket_row,
                object_ids=request.object_ids[start : start + _SOFT_DELETED_AT_A_TIME],
                lifecycle_state=request.lifecycle_state,
                reason=request.reason,
                source=request.source,
            )
        )
        hidden += outcome["soft_deleted"]
    return {
        "soft_deleted": hidden,
        "requested": len(request.object_ids),
        "collections": _collections_of(ctx, bucket),
    }


def _collections_of(ctx: Context, bucket: Bucket) -> int:
    names = {bucket.bucket_id, bucket.bucket_name}
    collections = ctx.runtime.catalogue.collections(ctx.scope.namespace_row)
    return sum(not names.isdisjoint(collection.body["source"].get("bucket_ids") or ()) for collection in collections)
