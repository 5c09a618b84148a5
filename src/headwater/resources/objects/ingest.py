"""From what a request says of an object to what is stored of it."""

from __future__ import annotations

from typing import Any

from headwater import ids
from headwater.catalog.tables.buckets import Bucket
from headwater.context import Context
from headwater.errors import NotEnabledError
from headwater.resources.objects.schemas import BlobRequest, CreateObjectRequest
from headwater.store.buckets.content import NewBlob, ObjectContent
from headwater.store.buckets.schema import METADATA_TYPES, RESERVED
from headwater.store.buckets.values import checked_defaults


async def ingest(ctx: Context, bucket: Bucket, request: CreateObjectRequest) -> ObjectContent:
    """Store the bytes of the object's files. Raises ``ValidationError`` before that if the object does not fit."""
    fields = _with_promoted(request)
    blobs = [_blob(blob) for blob in request.blobs]
    checked_defaults(bucket.properties, fields, blobs)
    if any(blob.type not in METADATA_TYPES for blob in blobs):
        raise NotEnabledError("Files are not part of this deployment yet", details={"feature": "blobs"})
    return ObjectContent(
        fields=fields,
        blobs=blobs,
        key_prefix=request.key_prefix,
        edges=None if request.edges is None else [edge.model_dump() for edge in request.edges],
        idempotency_key=request.idempotency_key,
        skip_duplicates=request.skip_duplicates,
    )


def _with_promoted(request: CreateObjectRequest) -> dict[str, Any]:
    """The object's fields, then the metadata of its blobs where nothing has the name."""
    promoted: dict[str, Any] = {}
    for blob in request.blobs:
        promoted = {**(blob.metadata or {}), **promoted}
    return {name: value for name, value in promoted.items() if name not in RESERVED} | request.fields


def _blob(blob: BlobRequest) -> NewBlob:
    return NewBlob(ids.new_blob_id(), blob.property, blob.type, blob.key_prefix, value=blob.data)
