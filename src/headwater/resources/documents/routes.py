"""``/v1/collections/{collection}/documents`` and ``/v1/documents``. Static segments come before ids."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from headwater.http.dependencies import Ctx, JsonObject
from headwater.http.responses import JSONBytes, json_response
from headwater.http.route import Route
from headwater.resources.documents import service_cascade, service_get, service_write
from headwater.resources.documents.options import (
    CASCADE_PARAMETERS,
    EXPAND_PARAMETER,
    OPTION_PARAMETERS,
    Cascade,
    Expand,
    Options,
)
from headwater.resources.documents.schemas import (
    DocumentCreate,
    DocumentDeleted,
    DocumentResponse,
    DocumentsDeleted,
    DocumentUpdate,
    request_body,
)
from headwater.resources.documents.service_get import Rendered

router = APIRouter(route_class=Route, tags=["Documents"])

_COLLECTION = "/v1/collections/{collection_identifier}/documents"
_ONE = _COLLECTION + "/{document_id}"
_OF_NAMESPACE = "/v1/documents/{document_id}"
_DELETED = b'{"message":"Successfully deleted","success":true}'


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, "description": description}


IDEMPOTENCY_KEY = _header(
    "Idempotency-Key",
    "A repeated request with the same key and body gets the first one's answer for 24 hours; another body is 409.",
)
IF_MATCH = _header("If-Match", "The `ETag` of the version to change. When the document has another, the answer is 412.")
_CREATE = {"parameters": [*OPTION_PARAMETERS, IDEMPOTENCY_KEY], **request_body(DocumentCreate)}
_GET = {"parameters": [*OPTION_PARAMETERS, EXPAND_PARAMETER]}
_UPDATE = {"parameters": [*OPTION_PARAMETERS, IF_MATCH], **request_body(DocumentUpdate)}
_DELETE = {"parameters": [*CASCADE_PARAMETERS, IF_MATCH]}


def _document(rendered: Rendered) -> JSONBytes:
    return JSONBytes(rendered.content, headers=rendered.headers)


@router.post(
    _COLLECTION,
    summary="Create a document",
    operation_id="create_document",
    response_model=DocumentResponse,
    openapi_extra=_CREATE,
)
async def create_document(
    collection_identifier: str, ctx: Ctx, body: JsonObject, options: Options, request: Request
) -> JSONBytes:
    """Store a document: user fields (any key that has no meaning of its own), features with payloads and vectors, and
    where it came from.

    When the answer arrives the document is durable, listed and searchable. A vector name that is used for the first
    time becomes an index of the collection; its kind and width are fixed from then on. Lineage that is not sent is
    taken from the parent.
    """
    key = request.headers.get("idempotency-key")
    return _document(await service_write.create_document(ctx, collection_identifier, body, options, key))


@router.get(
    _ONE, summary="Get a document", operation_id="get_document", response_model=DocumentResponse, openapi_extra=_GET
)
async def get_document(
    collection_identifier: str, document_id: str, ctx: Ctx, options: Options, expand: Expand
) -> JSONBytes:
    """The document with that id in the collection. Its `ETag` is its version, for `If-Match`.

    `expand` shows its parent, ancestors, children or the documents that its fields refer to inside of it.
    """
    return _document(await service_get.get_document(ctx, collection_identifier, document_id, options, expand))


@router.put(
    _ONE,
    summary="Update a document",
    operation_id="update_document",
    response_model=DocumentResponse,
    openapi_extra=_UPDATE,
)
async def update_document(
    collection_identifier: str, document_id: str, ctx: Ctx, body: JsonObject, options: Options, request: Request
) -> JSONBytes:
    """Change a document. Omitted fields keep their values, so a document that was read can be sent back with changes.

    Inside `metadata`, sent keys are set and `null` removes one; any other key is set whole, `null` removes it and
    `a.b` sets one nested field. `features` replaces all features and their vectors.
    """
    rendered = await service_write.update_document(
        ctx, collection_identifier, document_id, body, options, if_match=request.headers.get("if-match"), repeats=True
    )
    return _document(rendered)


@router.patch(
    _ONE,
    summary="Patch a document",
    operation_id="patch_document",
    response_model=DocumentResponse,
    openapi_extra=_UPDATE,
)
async def patch_document(
    collection_identifier: str, document_id: str, ctx: Ctx, body: JsonObject, options: Options, request: Request
) -> JSONBytes:
    """Change some fields of a document; the rules are those of the update. An empty body changes nothing."""
    rendered = await service_write.update_document(
        ctx, collection_identifier, document_id, body, options, if_match=request.headers.get("if-match")
    )
    return _document(rendered)


@router.delete(
    _ONE,
    summary="Delete a document",
    operation_id="delete_document",
    response_model=DocumentDeleted | DocumentsDeleted,
    openapi_extra=_DELETE,
)
async def delete_document(
    collection_identifier: str, document_id: str, ctx: Ctx, request: Request, options: Cascade
) -> JSONBytes:
    """Delete a document and its vectors. Documents that were made from it stay, with their lineage.

    With `cascade` they go as well, in whichever collections they are, and the answer counts them. Nothing is deleted
    when one of them is in a frozen collection, or may not be deleted with this key. `dry_run` only counts.
    """
    cascade, dry_run = options
    if_match = request.headers.get("if-match")
    if cascade:
        deleted = await service_cascade.delete_tree(
            ctx, collection_identifier, document_id, if_match=if_match, dry_run=dry_run
        )
        return json_response(deleted)
    await service_write.delete_document(ctx, collection_identifier, document_id, if_match=if_match)
    return JSONBytes(_DELETED)


@router.get(
    _OF_NAMESPACE,
    summary="Get a document of the namespace",
    operation_id="get_document_ns",
    response_model=DocumentResponse,
    openapi_extra=_GET,
)
async def get_document_ns(document_id: str, ctx: Ctx, options: Options, expand: Expand) -> JSONBytes:
    """The document with that id in whichever collection of the namespace. Vectors go by their full names here."""
    return _document(await service_get.get_document_of_namespace(ctx, document_id, options, expand))


@router.put(
    _OF_NAMESPACE,
    summary="Update a document of the namespace",
    operation_id="update_document_ns",
    response_model=DocumentResponse,
    openapi_extra=_UPDATE,
)
async def update_document_ns(
    document_id: str, ctx: Ctx, body: JsonObject, options: Options, request: Request
) -> JSONBytes:
    """Change a document in whichever collection of the namespace; the rules are those of the collection's route."""
    rendered = await service_write.update_document_of_namespace(
        ctx, document_id, body, options, if_match=request.headers.get("if-match"), repeats=True
    )
    return _document(rendered)


@router.patch(
    _OF_NAMESPACE,
    summary="Patch a document of the namespace",
    operation_id="patch_document_ns",
    response_model=DocumentResponse,
    openapi_extra=_UPDATE,
)
async def patch_document_ns(
    document_id: str, ctx: Ctx, body: JsonObject, options: Options, request: Request
) -> JSONBytes:
    """Change some fields of a document in whichever collection of the namespace."""
    rendered = await service_write.update_document_of_namespace(
        ctx, document_id, body, options, if_match=request.headers.get("if-match")
    )
    return _document(rendered)
