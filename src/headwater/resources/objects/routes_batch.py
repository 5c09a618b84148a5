"""Routes about several objects at once. Their static segments come before the ids of objects."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from headwater.http.dependencies import Ctx
from headwater.http.responses import JSONBytes
from headwater.http.route import Route
from headwater.resources.objects import batch
from headwater.resources.objects.routes import AutoProcess
from headwater.resources.objects.schemas_batch import (
    CreateObjectsRequest,
    ObjectsCreated,
    SoftDeleted,
    SoftDeleteRequest,
)

router = APIRouter(route_class=Route, tags=["Bucket Objects"])

_OBJECTS = "/v1/buckets/{bucket_identifier}/objects"


@router.post(
    _OBJECTS + "/batch",
    summary="Create many objects",
    operation_id="create_objects_batch_buckets",
    response_model=ObjectsCreated,
    responses={422: {"model": ObjectsCreated}},
)
async def create_objects_batch_buckets(
    ctx: Ctx, bucket_identifier: str, body: CreateObjectsRequest, auto_process: AutoProcess = False
) -> JSONBytes:
    """Up to 100 objects. Each is stored or refused by itself: `succeeded` and `failed` say which, by their place in the
    request. When none could be stored, the status is 422, with the same answer.

    A bucket with a unique key takes objects one at a time only.
    """
    status, content = await batch.create_objects(ctx, bucket_identifier, body, auto_process=auto_process)
    return JSONBytes(content, status)


@router.post(
    _OBJECTS + "/bulk-soft-delete",
    summary="Hide many objects",
    operation_id="bulk_soft_delete_objects_buckets",
    response_model=SoftDeleted,
)
async def bulk_soft_delete_objects_buckets(ctx: Ctx, bucket_identifier: str, body: SoftDeleteRequest) -> dict[str, Any]:
    """Take up to 5000 objects out of lists and aggregates, for good, without removing them: a filter that names
    `lifecycle_state` still finds them, and so does their id. Ids that name nothing are passed over.
    """
    return await batch.soft_delete_objects(ctx, bucket_identifier, body)
