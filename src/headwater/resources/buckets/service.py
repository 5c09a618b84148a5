"""The rules of buckets: create, change, delete."""

from __future__ import annotations

from typing import Any

from headwater import ids
from headwater.catalog.tables.buckets import Bucket
from headwater.context import Context
from headwater.errors import NotEnabledError
from headwater.resources.buckets import repository
from headwater.resources.buckets.render import bucket_response
from headwater.resources.buckets.schemas import CreateBucketRequest, UpdateBucketRequest
from headwater.store.buckets.schema import Location, normalised_schema
from headwater.store.buckets.stats import BucketStats
from headwater.store.buckets.unique_key import check_unique_key
from headwater.store.buckets.values import check_defaults
from headwater.store.commands.buckets import CreateBucket, DeleteBucket, UpdateBucket
from headwater.tenancy.access import access_bucket

_NOT_BUILT = ("destination", "ingest_filter", "source_adapter")


async def create_bucket(ctx: Context, request: CreateBucketRequest) -> dict[str, Any]:
    _refuse_what_is_not_built(request)
    schema = _checked_schema(request.bucket_schema)
    unique_key = None if request.unique_key is None else request.unique_key.model_dump()
    if unique_key is not None:
        check_unique_key(unique_key["fields"], schema["properties"], ["body", "unique_key"])
    outcome = await ctx.execute(
        CreateBucket(
            organization_id=ctx.scope.organization_id,
            namespace_row=ctx.scope.namespace_row,
            bucket_id=ids.new_bucket_id(),
            bucket_name=request.bucket_name,
            body={
                "bucket_schema": schema,
                "description": request.description,
                "unique_key": unique_key,
                "metadata": request.metadata or {},
            },
        )
    )
    return bucket_response(Bucket(**outcome), BucketStats())


def _checked_schema(sent: Any) -> dict[str, Any]:
    location: Location = ["body", "bucket_schema"]
    schema = normalised_schema(sent, location)
    check_defaults(schema["properties"], [*location, "properties"])
    return schema


def _refuse_what_is_not_built(request: CreateBucketRequest | UpdateBucketRequest) -> None:
    asked = [name for name in _NOT_BUILT if getattr(request, name)]
    if request.storage_class not in (None, "standard"):
        asked.append("storage_class")
    if asked:
        raise NotEnabledError(
            f"{asked[0]} is not part of this deployment; leave it out", details={"feature": f"bucket_{asked[0]}"}
        )


async def get_bucket(ctx: Context, identifier: str) -> dict[str, Any]:
    return _shown(ctx, access_bucket(ctx, identifier))


def _shown(ctx: Context, bucket: Bucket) -> dict[str, Any]:
    return bucket_response(bucket, repository.stats(ctx.runtime.reader.connection, bucket))


async def update_bucket(
    ctx: Context, identifier: str, request: UpdateBucketRequest, *, force_schema_break: bool
) -> dict[str, Any]:
    bucket = access_bucket(ctx, identifier)
    _refuse_what_is_not_built(request)
    changes = {name: value for name in ("description", "metadata") if (value := getattr(request, name)) is not None}
    if request.bucket_schema is not None:
        changes["bucket_schema"] = _checked_schema(request.bucket_schema)
    outcome = await ctx.execute(
        UpdateBucket(
            organization_id=ctx.scope.organization_id,
            namespace_row=ctx.scope.namespace_row,
            bucket_row=bucket.bucket_row,
            bucket_name=request.bucket_name,
            changes=changes,
            unique_key=None if request.unique_key is None else request.unique_key.model_dump(),
            force_schema_break=force_schema_break,
        )
    )
    return _shown(ctx, Bucket(**outcome))


async def delete_bucket(ctx: Context, identifier: str) -> dict[str, Any]:
    bucket = access_bucket(ctx, identifier)
    outcome = await ctx.execute(
        DeleteBucket(
            organization_id=ctx.scope.organization_id,
            namespace_row=ctx.scope.namespace_row,
            bucket_row=bucket.bucket_row,
        )
    )
    return {
        "task_id": outcome["task_id"],
        "status": "PENDING",
        "bucket_id": bucket.bucket_id,
        "bucket_name": bucket.bucket_name,
        "object_count": outcome["object_count"],
    }
