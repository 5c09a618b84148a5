"""Groups of documents and distinct values. Included before the routes with ids."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from headwater.http.dependencies import Ctx
from headwater.http.responses import JSONBytes
from headwater.http.route import Route
from headwater.resources.documents import service_aggregate
from headwater.resources.documents.schemas_aggregate import (
    AggregateBody,
    AggregateResponse,
    DistinctBody,
    DistinctResponse,
)

router = APIRouter(route_class=Route, tags=["Documents"])

_COLLECTION = "/v1/collections/{collection_identifier}/documents"
_AGGREGATE_EXAMPLES = {
    "by category and day": {
        "value": {
            "group_by": [
                {"field": "metadata.category", "alias": "category"},
                {"field": "created_at", "date_trunc": "day", "alias": "day"},
            ],
            "aggregations": [
                {"function": "count", "alias": "n"},
                {"function": "avg", "field": "metadata.price", "alias": "avg_price"},
            ],
            "filters": {"metadata.status": "live"},
            "having": [{"field": "n", "operator": "gte", "value": 2}],
            "sort_by": "n",
            "limit": 20,
        }
    },
    "a histogram": {
        "value": {
            "range_buckets": [{"field": "metadata.seconds", "boundaries": [0, 60, 300, 600]}],
            "aggregations": [{"function": "count", "alias": "n"}],
        }
    },
}
_DISTINCT_EXAMPLES = {"most frequent": {"value": {"field": "metadata.brand", "limit": 20}}}


@router.post(
    _COLLECTION + "/aggregate",
    summary="Aggregate documents",
    operation_id="aggregate_documents",
    response_model=AggregateResponse,
)
async def aggregate_documents(
    collection_identifier: str, ctx: Ctx, body: Annotated[AggregateBody, Body(openapi_examples=_AGGREGATE_EXAMPLES)]
) -> JSONBytes:
    """Group the documents that match `filters` by their values, and compute functions over each group.

    `having`, `sort_by` and `limit` are applied to the groups, in this order. Up to 100,000 groups; more are a 422 with
    the code `aggregation_too_large`.
    """
    return JSONBytes(await service_aggregate.aggregate(ctx, collection_identifier, body))


@router.post(
    _COLLECTION + "/distinct",
    summary="List the values of a field",
    operation_id="distinct_document_values",
    response_model=DistinctResponse,
)
async def distinct_document_values(
    collection_identifier: str, ctx: Ctx, body: Annotated[DistinctBody, Body(openapi_examples=_DISTINCT_EXAMPLES)]
) -> JSONBytes:
    """The distinct values of a field and how many documents have each, the most frequent first. Each element of an
    array is a value; null and missing are none."""
    return JSONBytes(await service_aggregate.distinct(ctx, collection_identifier, body))
