"""Routes of buckets: where objects and their files are kept, each bucket with a schema."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from headwater.http.dependencies import Ctx, UnresolvedNamespace
from headwater.http.pagination import PageParameters, PageQuery, resolve_page
from headwater.http.responses import JSONBytes, json_response
from headwater.http.route import Route
from headwater.resources.buckets import listing, service
from headwater.resources.buckets.schemas import (
    BucketDeleted,
    BucketList,
    BucketResponse,
    CreateBucketRequest,
    ListBucketsRequest,
    UpdateBucketRequest,
)

router = APIRouter(route_class=Route, tags=["Buckets"])

_ONE = "/v1/buckets/{bucket_identifier}"
ForceSchemaBreak = Annotated[bool, Query(description="Change the schema even if objects may not fit it any more.")]


@router.post("/v1/buckets", summary="Create bucket", operation_id="create_bucket", response_model=BucketResponse)
async def create_bucket(ctx: Ctx, body: CreateBucketRequest) -> dict[str, Any]:
    """Make a bucket. Its schema says which fields its objects have and which files: `text`, `image`, `audio`, `video`,
    `pdf` and `excel` stand for a blob of that name.

    A `unique_key` is fixed from then on; only its `default_policy` can be changed.
    """
    return await service.create_bucket(ctx, body)


@router.get("/v1/buckets", summary="List buckets", operation_id="list_buckets_get", response_model=BucketList)
async def list_buckets_get(
    ctx: Ctx, page: PageParameters, unresolved: UnresolvedNamespace, search: str | None = None
) -> JSONBytes:
    """The namespace's buckets, newest first. `POST /v1/buckets/list` can filter and sort them.

    An `X-Namespace` that names nothing gives an empty page, with the header `X-Namespace-Unresolved` and a warning.
    """
    return await _list(ctx, ListBucketsRequest(search=search), page, unresolved)


@router.post(
    "/v1/buckets/list", summary="List buckets with filters", operation_id="list_buckets", response_model=BucketList
)
async def list_buckets(
    ctx: Ctx, page: PageParameters, unresolved: UnresolvedNamespace, body: ListBucketsRequest | None = None
) -> JSONBytes:
    """The namespace's buckets that match `filters` and `search`, by `sorts` or `sort`, else newest first."""
    return await _list(ctx, body or ListBucketsRequest(), page, unresolved)


async def _list(ctx: Ctx, request: ListBucketsRequest, query: PageQuery, unresolved: str | None) -> JSONBytes:
    page = resolve_page(query, request)
    if unresolved is not None:
        empty = listing.unresolved_namespace_page(page, unresolved)
        return json_response(empty, headers={"X-Namespace-Unresolved": "true"})
    return json_response(await listing.list_buckets(ctx, request, page))


@router.get(_ONE, summary="Get bucket", operation_id="get_bucket", response_model=BucketResponse)
async def get_bucket(ctx: Ctx, bucket_identifier: str) -> dict[str, Any]:
    """A bucket by id or name, with how many objects it has and how large they are."""
    return await service.get_bucket(ctx, bucket_identifier)


@router.put(_ONE, summary="Update bucket", operation_id="update_bucket", response_model=BucketResponse)
async def update_bucket(
    ctx: Ctx, bucket_identifier: str, body: UpdateBucketRequest, force_schema_break: ForceSchemaBreak = False
) -> dict[str, Any]:
    """Change what is sent; `metadata` is replaced as a whole.

    A schema that drops a field, changes its type or requires what was optional is refused with 409, for objects may
    not fit it. `force_schema_break` changes it all the same; objects are held against it when they are next written.
    """
    return await service.update_bucket(ctx, bucket_identifier, body, force_schema_break=force_schema_break)


@router.patch(_ONE, summary="Patch bucket", operation_id="patch_bucket", response_model=BucketResponse)
async def patch_bucket(
    ctx: Ctx, bucket_identifier: str, body: UpdateBucketRequest, force_schema_break: ForceSchemaBreak = False
) -> dict[str, Any]:
    """The same as the update."""
    return await service.update_bucket(ctx, bucket_identifier, body, force_schema_break=force_schema_break)


@router.delete(_ONE, summary="Delete bucket", operation_id="delete_bucket", response_model=BucketDeleted)
async def delete_bucket(
    ctx: Ctx,
    bucket_identifier: str,
    force_foreclose: Annotated[bool, Query(description="Accepted for clients that send it; means nothing.")] = False,
) -> dict[str, Any]:
    """Delete a bucket with its objects and files. It is gone, and its name is free, with the answer; a task then
    removes what it held. Documents that were made of its objects stay.
    """
    return await service.delete_bucket(ctx, bucket_identifier)
