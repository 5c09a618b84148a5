"""Routes of objects: what a bucket holds, each with its fields and its files."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from headwater.http.dependencies import Ctx
from headwater.http.responses import JSONBytes
from headwater.http.route import Route
from headwater.resources.objects import service_read, service_write
from headwater.resources.objects.schemas import (
    CreateObjectRequest,
    ObjectResponse,
    PatchObjectRequest,
    UpdateObjectRequest,
)
from headwater.store.buckets.unique_key import Policy

router = APIRouter(route_class=Route, tags=["Bucket Objects"])

_OBJECTS = "/v1/buckets/{bucket_identifier}/objects"
_ONE = _OBJECTS + "/{object_id}"
AutoProcess = Annotated[bool, Query(description="Make documents of it at once. Not part of this deployment yet.")]


@router.post(_OBJECTS, summary="Create object", operation_id="create_object_buckets", response_model=ObjectResponse)
async def create_object_buckets(
    ctx: Ctx,
    bucket_identifier: str,
    body: CreateObjectRequest,
    policy: Annotated[
        Policy | None, Query(description="What to do when the bucket's unique key is taken, or not.")
    ] = None,
    auto_process: AutoProcess = False,
) -> JSONBytes:
    """Store an object: fields of your own at the root of the body, files in `blobs`. It must fit the bucket's schema.

    With a unique key, `insert` refuses a key that is taken (409), `update` one that is free (404), `upsert` does
    whichever is possible. When the answer arrives, the object and its files are durable.
    """
    content = await service_write.create_object(ctx, bucket_identifier, body, policy=policy, auto_process=auto_process)
    return JSONBytes(content)


@router.get(_ONE, summary="Get object", operation_id="get_object_buckets", response_model=ObjectResponse)
async def get_object_buckets(
    ctx: Ctx,
    bucket_identifier: str,
    object_id: str,
    return_presigned_urls: Annotated[bool, Query(description="Add links to the files, good for an hour.")] = False,
    return_url: Annotated[bool, Query(description="The same as `return_presigned_urls`.")] = False,
    include_document_count: Annotated[bool, Query(description="Count the documents that were made of it.")] = True,
) -> JSONBytes:
    """The object with that id in the bucket."""
    content = await service_read.get_object(
        ctx,
        bucket_identifier,
        object_id,
        with_urls=return_presigned_urls or return_url,
        include_document_count=include_document_count,
    )
    return JSONBytes(content)


@router.put(_ONE, summary="Update object", operation_id="update_object_buckets", response_model=ObjectResponse)
async def update_object_buckets(
    ctx: Ctx, bucket_identifier: str, object_id: str, body: UpdateObjectRequest
) -> JSONBytes:
    """Set fields; `null` takes one away. What is inside `metadata` is set key by key: in the object's own `metadata`
    where that has the key, else at its root. Files and the fields of the unique key never change.
    """
    return JSONBytes(await service_write.update_object(ctx, bucket_identifier, object_id, body))


@router.patch(_ONE, summary="Patch object", operation_id="patch_object_buckets", response_model=ObjectResponse)
async def patch_object_buckets(ctx: Ctx, bucket_identifier: str, object_id: str, body: PatchObjectRequest) -> JSONBytes:
    """Set fields at the root of the object; `null` takes one away."""
    return JSONBytes(await service_write.update_object(ctx, bucket_identifier, object_id, body))


@router.delete(_ONE, status_code=204, summary="Delete object", operation_id="delete_object_buckets")
async def delete_object_buckets(
    ctx: Ctx,
    bucket_identifier: str,
    object_id: str,
    cascade: Annotated[bool, Query(description="Delete the documents that were made of it, too.")] = False,
) -> Response:
    """Delete an object and its files. Documents that were made of it stay, unless `cascade` is set."""
    await service_write.delete_object(ctx, bucket_identifier, object_id, cascade=cascade)
    return Response(status_code=204)
