"""Creating, changing and deleting objects: bytes are stored first, then a command writes the row that names them."""

from __future__ import annotations

from typing import Any

from headwater import ids
from headwater.catalog.tables.buckets import Bucket
from headwater.context import Context
from headwater.errors import InternalServerError, NotFoundError, ValidationError
from headwater.resources.documents.service_cascade import delete_of_object
from headwater.resources.objects import repository
from headwater.resources.objects.ingest import ingest
from headwater.resources.objects.render import consistency, with_members
from headwater.resources.objects.schemas import CreateObjectRequest, PatchObjectRequest, UpdateObjectRequest
from headwater.store.buckets.content import ObjectChanges
from headwater.store.buckets.unique_key import Policy
from headwater.store.commands.objects import CreateObject, DeleteObject, UpdateObject
from headwater.tenancy.access import access_bucket

_NOT_PROCESSED = "auto_process was ignored: this deployment does not make documents of objects by itself yet"


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
    outcome = await ctx.execute(
        CreateObject(
            organization_id=ctx.scope.organization_id,
            namespace_row=ctx.scope.namespace_row,
            bucket_row=bucket.bucket_row,
            object_id=ids.new_object_id(),
            content=await ingest(ctx, bucket, request),
            policy=policy,
        )
    )
    return with_members(
        _document(ctx, bucket, outcome),
        consistency=consistency(bucket, outcome["object_id"]),
        warnings=[_NOT_PROCESSED] if auto_process else None,
    )


def refuse_auto_process(bucket: Bucket, fields: dict[str, Any], location: list[str | int]) -> None:
    """It is a query parameter; in a body it would silently become a field."""
    if "auto_process" in fields and "auto_process" not in bucket.properties:
        message = "auto_process is a query parameter; a field of that name has to be in the bucket's schema"
        raise ValidationError.at([*location, "auto_process"], message, "extra_forbidden")


def _document(ctx: Context, bucket: Bucket, outcome: dict[str, Any]) -> bytes:
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
    return _document(ctx, bucket, outcome)


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
