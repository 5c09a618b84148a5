"""Who may see and change a document."""

from __future__ import annotations

from fastapi import APIRouter, Request

from headwater.http.dependencies import Ctx, JsonObject
from headwater.http.responses import JSONBytes
from headwater.http.route import Route
from headwater.resources.documents import document_acl
from headwater.resources.documents.routes import IF_MATCH
from headwater.resources.documents.schemas import DocumentResponse, request_body
from headwater.resources.documents.schemas_acl import DocumentAclUpdate

router = APIRouter(route_class=Route, tags=["Documents"])


@router.patch(
    "/v1/collections/{collection_identifier}/documents/{document_id}/acl",
    summary="Change a document's ACL",
    operation_id="update_document_acl",
    response_model=DocumentResponse,
    openapi_extra={"parameters": [IF_MATCH], **request_body(DocumentAclUpdate)},
)
async def update_document_acl(
    collection_identifier: str, document_id: str, ctx: Ctx, body: JsonObject, request: Request
) -> JSONBytes:
    """Say which end users may see and change the document. A list that is sent replaces the old one, what is absent
    stays.

    Only the document's owner, or a key without a principal, may do this. It works in a frozen collection too, so that
    a right can always be taken away.
    """
    rendered = await document_acl.update_document_acl(
        ctx, collection_identifier, document_id, body, if_match=request.headers.get("if-match")
    )
    return JSONBytes(rendered.content, headers=rendered.headers)
