"""Issuing, showing and deleting uploads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from headwater import ids
from headwater.catalog.tables.buckets import Bucket
from headwater.context import Context
from headwater.errors import ValidationError
from headwater.resources.uploads import repository
from headwater.resources.uploads.fitting import Place, moved, place_in, stem_of, unplaced_type
from headwater.resources.uploads.render import download_link, upload_response
from headwater.resources.uploads.schemas import BatchUploadRequest, CreateUploadRequest
from headwater.store.buckets.content import NewBlob
from headwater.store.buckets.schema import RESERVED, SENT_MEMBERS, Location
from headwater.store.buckets.values import checked_defaults
from headwater.store.commands.uploads import CreateUploads, DeleteUpload, NewUpload
from headwater.store.uploads.rows import UploadBody, UploadRow, staged_key
from headwater.tenancy.access import access_bucket


async def create_upload(ctx: Context, bucket_identifier: str, request: CreateUploadRequest) -> dict[str, Any]:
    bucket = access_bucket(ctx, bucket_identifier)
    (made,) = await _create(ctx, bucket, [_new(ctx, bucket, request, ["body"])])
    return made


async def create_uploads(ctx: Context, bucket_identifier: str, request: BatchUploadRequest) -> dict[str, Any]:
    """All of them or, when one is refused, none."""
    bucket = access_bucket(ctx, bucket_identifier)
    uploads = [
        _new(ctx, bucket, _with_shared(request, upload), ["body", "uploads", number])
        for number, upload in enumerate(request.uploads)
    ]
    made = await _create(ctx, bucket, uploads)
    return {"uploads": made, "total": len(made)}


def _with_shared(request: BatchUploadRequest, upload: CreateUploadRequest) -> CreateUploadRequest:
    metadata = (request.shared_metadata or {}) | upload.metadata
    fields = (request.shared_object_metadata or {}) | (upload.object_metadata or {})
    return upload.model_copy(update={"metadata": metadata, "object_metadata": fields or upload.object_metadata})


def _new(ctx: Context, bucket: Bucket, request: CreateUploadRequest, location: Location) -> NewUpload:
    _check_size(ctx, request, location)
    place = _place(bucket, request, location)
    if request.create_object_on_confirm:
        _check_fields(bucket, request, place, location)
    upload_id = ids.new_upload_id()
    return NewUpload(
        upload_id=upload_id,
        staged_key=staged_key(ctx.scope, upload_id),
        sha256=None if request.file_hash is None else bytes.fromhex(request.file_hash),
        body=UploadBody(
            filename=request.filename,
            content_type=request.content_type,
            file_size_bytes=request.file_size_bytes,
            expiration_seconds=request.presigned_url_expiration,
            metadata=request.metadata,
            create_object=request.create_object_on_confirm,
            object_metadata=request.object_metadata,
            blob_property=place.blob_property,
            blob_type=place.blob_type,
            skip_duplicates=request.skip_duplicates,
        ),
    )


def _check_size(ctx: Context, request: CreateUploadRequest, location: Location) -> None:
    limit = ctx.runtime.settings.blobs_max_bytes
    if request.file_size_bytes is not None and request.file_size_bytes > limit:
        message = f"a file has up to {limit} bytes (HEADWATER_BLOBS_MAX_BYTES), not {request.file_size_bytes}"
        raise ValidationError.at([*location, "file_size_bytes"], message, "less_than_equal")


def _place(bucket: Bucket, request: CreateUploadRequest, location: Location) -> Place:
    name, kind = request.blob_property, request.blob_type
    if request.create_object_on_confirm:
        return place_in(bucket.properties, request.filename, request.content_type, name, kind, location)
    # The object that it will be for says where in it.
    return Place(name or stem_of(request.filename), unplaced_type(request.content_type, kind, location))


def _check_fields(bucket: Bucket, request: CreateUploadRequest, place: Place, location: Location) -> None:
    """Raise ``ValidationError`` now for what the bucket would refuse when the file is there."""
    blob = NewBlob(blob_id="", property_name=place.blob_property, type=str(place.blob_type))
    fields = request.object_metadata or {}
    at: Location = [*location, "object_metadata"]
    for name in fields.keys() & (RESERVED | SENT_MEMBERS):
        raise ValidationError.at([*at, name], f"{name!r} is a member of every object; choose another name", "reserved")
    try:
        checked_defaults(bucket.properties, fields, [blob])
    except ValidationError as error:
        raise moved(error, at) from None


async def _create(ctx: Context, bucket: Bucket, uploads: Sequence[NewUpload]) -> list[dict[str, Any]]:
    made = await ctx.execute(
        CreateUploads(
            organization_id=ctx.scope.organization_id,
            namespace_row=ctx.scope.namespace_row,
            bucket_row=bucket.bucket_row,
            uploads=list(uploads),
        )
    )
    return [_issued(ctx, bucket, outcome) for outcome in made]


def _issued(ctx: Context, bucket: Bucket, outcome: dict[str, Any]) -> dict[str, Any]:
    upload = repository.get_upload(ctx.runtime.reader.connection, bucket, outcome["upload_id"])
    if outcome["duplicate"]:
        message = f"The upload {upload.upload_id} has the same content; there is nothing to send"
        body = msgspec.structs.replace(upload.body, duplicate_of=upload.upload_id, message=message)
        return upload_response(bucket, replace(upload, body=body))
    link = _upload_link(ctx, upload) if upload.is_open(upload.created_at) else None
    return upload_response(bucket, upload, presigned_url=link)


def _upload_link(ctx: Context, upload: UploadRow) -> str:
    return ctx.signer.upload(
        upload.staged_key,
        expires_seconds=upload.body.expiration_seconds,
        content_type=upload.body.content_type,
        size_bytes=upload.body.file_size_bytes,
    )


def get_upload(ctx: Context, bucket_identifier: str, upload_id: str, *, return_presigned_urls: bool) -> dict[str, Any]:
    bucket = access_bucket(ctx, bucket_identifier)
    upload = repository.get_upload(ctx.runtime.reader.connection, bucket, upload_id)
    link = download_link(ctx.file_links, upload) if return_presigned_urls else None
    return upload_response(bucket, upload, presigned_url=link)


async def delete_upload(ctx: Context, bucket_identifier: str, upload_id: str, *, delete_file: bool) -> None:
    """Delete an upload that is not confirmed. Bytes that are left are removed with time, as no row names them."""
    bucket = access_bucket(ctx, bucket_identifier)
    outcome = await ctx.execute(DeleteUpload(bucket_row=bucket.bucket_row, upload_id=upload_id))
    if delete_file:
        await ctx.runtime.blobs.delete(outcome["staged_key"])
