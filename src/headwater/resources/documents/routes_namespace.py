"""``/v1/namespaces/{namespace}/documents``: documents that bring their own vectors."""

from __future__ import annotations

from fastapi import APIRouter, Request

from headwater.http.dependencies import Ctx, JsonObject
from headwater.http.responses import JSONBytes
from headwater.http.route import Route
from headwater.resources.documents import upsert
from headwater.resources.documents.namespace_path import in_namespace
from headwater.resources.documents.options import EXPAND_PARAMETER, OPTION_PARAMETERS, Expand, Options
from headwater.resources.documents.routes import IDEMPOTENCY_KEY
from headwater.resources.documents.schemas import DocumentResponse, request_body
from headwater.resources.documents.schemas_upsert import UpsertRequest, UpsertResponse
from headwater.resources.documents.service_get import get_document_of_namespace

router = APIRouter(route_class=Route, tags=["Documents"])

_DOCUMENTS = "/v1/namespaces/{namespace_id}/documents"
_GET = {"parameters": [*OPTION_PARAMETERS, EXPAND_PARAMETER]}
_UPSERT = {"parameters": [IDEMPOTENCY_KEY], **request_body(UpsertRequest)}


@router.post(
    _DOCUMENTS + "/upsert",
    summary="Upsert documents with their own vectors",
    operation_id="upsert_documents_byo_namespaces",
    response_model=UpsertResponse,
    openapi_extra=_UPSERT,
)
async def upsert_documents_byo_namespaces(namespace_id: str, ctx: Ctx, body: JsonObject, request: Request) -> JSONBytes:
    """Insert up to 1000 documents, or replace those whose ids exist: all of them or, if one is wrong, none.

    `payload` becomes the fields at the root, `metadata` goes to `_internal.metadata`. Vector names are learned on
    first use unless the namespace declared its own. An id may occur once in a request; one that is in another
    collection of the namespace is refused. Parents may come before or after their children.
    """
    key = request.headers.get("idempotency-key")
    return JSONBytes(await upsert.upsert_documents(ctx, namespace_id, body, key))


@router.get(
    "/v1/namespaces/{namespace_id}/documents/{document_id}",
    summary="Get a document of a namespace in the path",
    operation_id="get_document_byo_namespaces",
    response_model=DocumentResponse,
    openapi_extra=_GET,
)
async def get_document_byo_namespaces(
    namespace_id: str, document_id: str, ctx: Ctx, options: Options, expand: Expand
) -> JSONBytes:
    """The document with that id in the namespace that the path names; `X-Namespace` plays no part."""
    rendered = await get_document_of_namespace(in_namespace(ctx, namespace_id), document_id, options, expand)
    return JSONBytes(rendered.content, headers=rendered.headers)
