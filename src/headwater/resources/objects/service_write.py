"""Creating, changing and deleting objects: bytes are stored first, then a command writes the row that names them."""

from __future__ import annotations

from typing import Any

from headwater import ids
from headwater.catalog.tables.buckets import Bucket
from headwater.context import Context
from headwater.errors import ConflictError, HeadwaterError, InternalServerError, NotFoundError, ValidationError
from headwater.resources.documents.service_cascade import delete_of_object
from headwater.resources.objects import repository
from headwater.resources.objects.ingest import discard, ingest
from headwater.resources.objects.render import consistency, with_members
from headwater.resources.objects.schemas import CreateObjectRequest, PatchObjectRequest, UpdateObjectRequest
from headwater.store.blobs.uses import BLOB_GONE
from headwater.store.buckets.content import ObjectChanges, ObjectContent
from headwater.store.buckets.unique_key import Policy
from headwater.store.commands.objects import CreateObject, DeleteObject, UpdateObject
from headwater.tenancy.access import access_bucket

NOT_PROCESSED = "auto_process was ignored: this deployment does not make documents of objects by itself yet"
#: Refusals of the writer that say that nothing was stored.
NOTHING_STORED = (503, 507)


async def create_object(
    ctx: Context,
    bucket_identifier: str,
    request: CreateObjectRequest,
    *,
    policy: Policy | None,
    auto_process: bool,
) -> bytes:
    """Store an object, or answer with the one that it repeats."""
    bucket = access_bucket(ctx, bucket_identifier)
    refuse_auto_process(bucket, request.fields, ["body"])
    try:
        outcome = await _create(ctx, bucket, await ingest(ctx, bucket, request), policy)
    except ConflictError as error:
        if error.code != BLOB_GONE:
            raise
        # The bytes that the namespace had were removed while we counted on them.
        outcome = await _create(ctx, bucket, await ingest(ctx, bucket, request, reuse=False), policy)
    return with_members(
        document_of(ctx, bucket, outcome),
        consistency=consistency(bucket, outcome["object_id"]),
        warnings=[NOT_PROCESSED] if auto_process else None,
    )


async def _create(ctx: Context, bucket: Bucket, content: ObjectContent, policy: Policy | None) -> dict[str, Any]:
    command = CreateObject(
        organization_id=ctx.scope.organization_id,
        namespace_row=ctx.scope.namespace_row,
        bucket_row=bucket.bucket_row,
        object_id=ids.new_object_id(),
        content=content,
        policy=policy,
    )
    try:
        outcome: dict[str, Any] = await ctx.execute(command)
    except HeadwaterError as error:
        # After any other error the object may be there.
        if error.status < 500 or error.status in NOTHING_STORED:
            await discard(ctx, content.stored)
        raise
    if outcome["replayed_by"] is not None:
        await discard(ctx, content.stored)
    return outcome


def refuse_auto_process(bucket: Bucket, fields: dict[str, Any], location: list[str | int]) -> None:
    """It is a query parameter; in a body it would silently become a field."""
    if "auto_process" in fields and "auto_process" not in bucket.properties:
        message = "auto_process is a query parameter; a field of that name has to be in the bucket's schema"
        raise ValidationError.at([*location, "auto_process"], message, "extra_forbidden")


def document_of(ctx: Context, bucket: Bucket, outcome: dict[str, Any]) -> bytes:
    """The object's JSON, from the outcome of a command."""
    if "document" in outcome:
        return bytes(outcome["document"])
    # The answer was lost on the way: what is stored tells.
    object_id = outcome["object_id"]
    try:
        return repository.get_object(ctx.runtime.reader.connection, bucket, object_id).body
    except NotFoundError as error:
        raise InternalServerError(
            f"the object {object_id} was stored, and deleted before it could be shown",
            details={"retryable": False, "object_id": object_id},
        ) from error


async def update_object(
    ctx: Context, bucket_identifier: str, object_id: str, request: UpdateObjectRequest | PatchObjectRequest
) -> bytes:
    """Change fields of an object. Its files stay, and nothing is processed again."""
    bucket = access_bucket(ctx, bucket_identifier)
    # PATCH knows no nested ``metadata``: there it is a field like any other.
    nested = request.metadata if isinstance(request, UpdateObjectRequest) else None
    outcome = await ctx.execute(
        UpdateObject(
            organization_id=ctx.scope.organization_id,
            namespace_row=ctx.scope.namespace_row,
            bucket_row=bucket.bucket_row,
            object_id=object_id,
            changes=ObjectChanges(request.fields, nested or {}, request.key_prefix),
        )
    )
    return document_of(ctx, bucket, outcome)


async def delete_object(ctx: Context, bucket_identifier: str, object_id: str, *, cascade: bool) -> None:
    """Delete an object; with ``cascade`` first the documents that were made of it."""
    bucket = access_bucket(ctx, bucket_identifier)
    repository.get_object(ctx.runtime.reader.connection, bucket, object_id)
    if cascade:
        await _delete_documents(ctx, object_id)
    await ctx.execute(
        DeleteObject(
            organization_id=ctx.scope.organization_id,
            namespace_row=ctx.scope.namespace_row,
            bucket_row=bucket.bucket_row,
            object_id=object_id,
        )
    )


async def _delete_documents(ctx: Context, object_id: str) -> None:
    try:
        await delete_of_object(ctx, object_id, dry_run=False)
    except NotFoundError:
        # Nothing was made of it that this key may see.
        return
