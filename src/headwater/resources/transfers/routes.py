"""Routes that move many documents: exports, the files that they make, and imports."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from headwater.http.dependencies import Ctx
from headwater.http.route import Route
from headwater.resources.transfers import exports, imports
from headwater.resources.transfers.schemas import ExportRequest, ExportResponse
from headwater.resources.transfers.schemas_import import (
    ImportRequest,
    ImportResponse,
    InferenceRequest,
    InferenceResponse,
    ValidationRequest,
    ValidationResponse,
)

router = APIRouter(route_class=Route, tags=["Export and import"])

_COLLECTION = "/v1/collections/{collection_identifier}"


@router.post(
    _COLLECTION + "/export",
    summary="Export a collection",
    operation_id="export_collection",
    response_model=ExportResponse,
)
async def export_collection(ctx: Ctx, collection_identifier: str, body: ExportRequest | None = None) -> dict[str, Any]:
    """Write the documents of this moment into a file, as they are stored, and answer a link that is good for an hour.

    With `include_vectors` and `include_lineage`, the lines of format `json` are complete: an import makes the same
    documents of them again. A large export goes on as a task when it outlasts the request (504): repeat the request.
    """
    return await exports.export_collection(ctx, collection_identifier, body or ExportRequest())


@router.post(
    _COLLECTION + "/import",
    summary="Import into a collection",
    operation_id="import_collection",
    response_model=ImportResponse,
)
async def import_collection(ctx: Ctx, collection_identifier: str, body: ImportRequest) -> dict[str, Any]:
    """Make documents of an export of this server, of rows, or of one object from elsewhere.

    Complete rows of an export become the documents that they were: ids, vectors, lineage and times. Other rows go
    through `mapping`, or are taken for documents as they are when it has no fields. A document that has a row's id is
    replaced. Rows that are refused are told of in `errors` and do not hold up the others; an import that was cut short
    may be repeated.
    """
    return await imports.import_collection(ctx, collection_identifier, body)


@router.post(
    "/v1/collections/import/infer",
    summary="Infer what the fields of rows are",
    operation_id="infer_import_schema",
    response_model=InferenceResponse,
)
async def infer_import_schema(ctx: Ctx, body: InferenceRequest) -> dict[str, Any]:
    """The fields of `sample_rows` by dotted path, with their types and what each could become. Nothing is stored."""
    return imports.infer_schema(body)


@router.post(
    "/v1/collections/import/validate-mapping",
    summary="Validate an import's mapping",
    operation_id="validate_import_mapping",
    response_model=ValidationResponse,
)
async def validate_import_mapping(ctx: Ctx, body: ValidationRequest) -> dict[str, Any]:
    """Everything that is wrong with a mapping, given the source's fields and the dimensions of the indexes."""
    return imports.validate_mapping(body)
