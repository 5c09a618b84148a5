"""Reading many objects: lists and aggregates. Their static segments come before the ids of objects."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict

from headwater.http.dependencies import Ctx
from headwater.http.pagination import PageParameters
from headwater.http.responses import JSONBytes
from headwater.http.route import Route
from headwater.resources.documents.schemas_aggregate import AggregateBody, AggregationResult
from headwater.resources.objects import listing, service_aggregate
from headwater.resources.objects.schemas_list import ListObjectsRequest, ObjectList

router = APIRouter(route_class=Route, tags=["Bucket Objects"])

_OBJECTS = "/v1/buckets/{bucket_identifier}/objects"
_AGGREGATE_EXAMPLES: dict[str, Any] = {
    "by category": {
        "value": {
            "group_by": [{"field": "metadata.category", "alias": "category"}],
            "aggregations": [{"function": "count", "alias": "n"}],
            "sort_by": "n",
        }
    },
    "bytes by type of file": {
        "value": {
            "unwind": "blobs",
            "group_by": [{"field": "blobs.type", "alias": "type"}],
            "aggregations": [{"function": "sum", "field": "blobs.details.size_bytes", "alias": "bytes"}],
        }
    },
}


class ObjectAggregation(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "results": [{"group": {"category": "footwear"}, "metrics": {"n": 4}}],
                    "total_groups": 1,
                    "query_info": {"bucket_id": "bkt_a1b2c3d4", "execution_time_ms": 3, "pipeline_stages": 2},
                }
            ]
        }
    )

    results: list[AggregationResult]
    total_groups: int
    query_info: dict[str, Any]


@router.get(_OBJECTS, summary="List objects", operation_id="list_objects_get_buckets", response_model=ObjectList)
async def list_objects_get_buckets(ctx: Ctx, bucket_identifier: str, page: PageParameters) -> JSONBytes:
    """The bucket's objects, oldest first. `POST …/objects/list` can filter, search and sort them."""
    return JSONBytes(await listing.list_objects(ctx, bucket_identifier, page, ListObjectsRequest()))


@router.post(
    _OBJECTS + "/list",
    summary="List objects with filters",
    operation_id="list_objects_buckets",
    response_model=ObjectList,
)
async def list_objects_buckets(
    ctx: Ctx, bucket_identifier: str, page: PageParameters, body: ListObjectsRequest | None = None
) -> JSONBytes:
    """The bucket's objects that match `filters` and `search`, by `sort`, else oldest first.

    Objects that were soft-deleted are left out, unless the filter names `lifecycle_state`.
    """
    return JSONBytes(await listing.list_objects(ctx, bucket_identifier, page, body or ListObjectsRequest()))


@router.post(
    _OBJECTS + "/aggregate",
    summary="Aggregate objects",
    operation_id="aggregate_objects_buckets",
    response_model=ObjectAggregation,
)
async def aggregate_objects_buckets(
    ctx: Ctx, bucket_identifier: str, body: Annotated[AggregateBody, Body(openapi_examples=_AGGREGATE_EXAMPLES)]
) -> JSONBytes:
    """Group the objects that match `filters` by their values, and compute functions over each group.

    `having`, `sort_by` and `limit` are applied to the groups, in this order.
    """
    return JSONBytes(await service_aggregate.aggregate_objects(ctx, bucket_identifier, body))
