"""Changing many documents in one request. Included before the routes with ids: ``/documents/batch`` is none."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from headwater.http.dependencies import Ctx, JsonObject
from headwater.http.route import Route
from headwater.resources.documents import changing_many, schema_check
from headwater.resources.documents.schemas import DocumentCreate, request_body
from headwater.resources.documents.schemas_batch import (
    BatchDeleteBody,
    BatchDeleteResponse,
    BatchUpdateBody,
    BatchUpdateResponse,
    BulkUpdateBody,
    BulkUpdateResponse,
    ValidationReport,
)

router = APIRouter(route_class=Route, tags=["Documents"])

_COLLECTION = "/v1/collections/{collection_identifier}/documents"
_UPDATE_EXAMPLES = {
    "one by one": {
        "value": {
            "updates": [
                {"document_id": "doc_5b1e0c7a9d2f4e6b8a0c1d2e", "update_data": {"metadata.status": "live"}},
                {"document_id": "doc_abc123", "update_data": {"brand": "Acme", "note": None}},
            ]
        }
    },
    "by filter": {"value": {"filters": {"brand": "Acme"}, "update_data": {"metadata.reviewed": True}}},
}
_BULK_EXAMPLES = {
    "by filter": {
        "value": {
            "filters": {"AND": [{"field": "metadata.status", "operator": "eq", "value": "pending"}]},
            "update_data": {"metadata.status": "processed"},
        }
    },
    "whole collection": {"value": {"update_data": {"season": "spring"}}},
}
_DELETE_EXAMPLES = {
    "one by one": {"value": {"document_ids": ["doc_5b1e0c7a9d2f4e6b8a0c1d2e", "doc_abc123"]}},
    "by filter": {"value": {"filters": {"metadata.status": "discontinued"}, "reason": "spring cleaning"}},
}


@router.post(
    _COLLECTION + "/batch",
    summary="Update many documents",
    operation_id="batch_update",
    response_model=BatchUpdateResponse,
)
async def batch_update(
    collection_identifier: str, ctx: Ctx, body: Annotated[BatchUpdateBody, Body(openapi_examples=_UPDATE_EXAMPLES)]
) -> dict[str, Any]:
    """Change up to 1000 documents, each in its own way (`updates`), or all that match `filters` in the same way
    (`update_data`). Each is changed or not for itself; `results` says which.

    In `update_data`, `a.b` writes one leaf, a key without dots overwrites its whole value (`metadata` too, unlike in a
    PATCH), and `null` is stored. Vectors cannot be changed here.
    """
    return await changing_many.batch_update(ctx, collection_identifier, body)


@router.delete(
    _COLLECTION + "/batch",
    summary="Delete many documents",
    operation_id="batch_delete",
    response_model=BatchDeleteResponse,
)
async def batch_delete(
    collection_identifier: str, ctx: Ctx, body: Annotated[BatchDeleteBody, Body(openapi_examples=_DELETE_EXAMPLES)]
) -> dict[str, Any]:
    """Delete up to 1000 documents by their ids, or all that match `filters`. An id that no document of the collection
    has fails for itself. Filters that match everything are refused."""
    return await changing_many.batch_delete(ctx, collection_identifier, body)


@router.patch(
    _COLLECTION + "/bulk",
    summary="Update all matching documents",
    operation_id="bulk_update",
    response_model=BulkUpdateResponse,
)
async def bulk_update(
    collection_identifier: str, ctx: Ctx, body: Annotated[BulkUpdateBody, Body(openapi_examples=_BULK_EXAMPLES)]
) -> dict[str, Any]:
    """Write the same `update_data` into every document that matches `filters`; without them, into all of the
    collection. A document is changed once, if it matches when its turn comes; one that comes later is left alone.

    While up to 10,000 match, the answer comes when all are changed. More are changed by a task: the status is
    `PENDING`, and `GET /v1/tasks/{task_id}` tells how far it is.
    """
    return await changing_many.bulk_update(ctx, collection_identifier, body)


@router.post(
    _COLLECTION + "/schema/validate",
    summary="Check a document against the schema",
    operation_id="validate_document_schema",
    response_model=ValidationReport,
    openapi_extra=request_body(DocumentCreate),
)
async def validate_document_schema(collection_identifier: str, ctx: Ctx, body: JsonObject) -> dict[str, Any]:
    """What the collection's `document_schema` says about a document, in the form that a create takes. Nothing is
    stored. A collection without a schema finds every document valid."""
    return schema_check.validate_document(ctx, collection_identifier, body)
