"""Reading many documents: lists, counts, batches. Included before the routes with ids."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from headwater.http.dependencies import Ctx
from headwater.http.pagination import PageParameters
from headwater.http.responses import JSONBytes
from headwater.http.route import Route
from headwater.resources.documents import batch_get, listing
from headwater.resources.documents.batch_get import BatchGetBody
from headwater.resources.documents.listing import CountParameters, ListDocumentsBody, ListParameters
from headwater.resources.documents.options import OPTION_PARAMETERS, Options
from headwater.resources.documents.schemas_read import BatchGetResponse, DocumentCount, DocumentList

router = APIRouter(route_class=Route, tags=["Documents"])

_COLLECTION = "/v1/collections/{collection_identifier}/documents"
_GET = {"parameters": OPTION_PARAMETERS}
_LIST_EXAMPLES = {
    "first page": {"value": {"limit": 100, "include_total": True}},
    "next page": {"value": {"limit": 100, "cursor": "next_cursor of the page before"}},
}


@router.get(
    _COLLECTION,
    summary="List documents",
    operation_id="list_documents_get",
    response_model=DocumentList,
    openapi_extra=_GET,
)
async def list_documents_get(
    collection_identifier: str, ctx: Ctx, page: PageParameters, options: Options, query: ListParameters
) -> JSONBytes:
    """The collection's documents, oldest first. Walk a long list with `cursor`: it shows every document that is there
    throughout exactly once, whatever is written meanwhile."""
    return JSONBytes(await listing.list_documents(ctx, collection_identifier, page, options, query))


@router.post(
    _COLLECTION + "/list",
    summary="List documents",
    operation_id="list_documents",
    response_model=DocumentList,
    openapi_extra=_GET,
)
async def list_documents(
    collection_identifier: str,
    ctx: Ctx,
    page: PageParameters,
    options: Options,
    query: ListParameters,
    body: Annotated[ListDocumentsBody | None, Body(openapi_examples=_LIST_EXAMPLES)] = None,
) -> JSONBytes:
    """The same as the GET, with the parameters in a body, which may be empty. The body outranks the query string."""
    return JSONBytes(await listing.list_documents(ctx, collection_identifier, page, options, query, body))


@router.get(
    _COLLECTION + "/count",
    summary="Count documents",
    operation_id="count_documents",
    response_model=DocumentCount,
)
async def count_documents(collection_identifier: str, ctx: Ctx, query: CountParameters) -> DocumentCount:
    """How many documents the collection has."""
    return listing.count_documents(ctx, collection_identifier, query)


@router.post(
    "/v1/documents/batch-get",
    summary="Get many documents",
    operation_id="batch_get_documents",
    response_model=BatchGetResponse,
    openapi_extra=_GET,
)
async def batch_get_documents(
    ctx: Ctx,
    options: Options,
    body: Annotated[
        BatchGetBody,
        Body(openapi_examples={"two": {"value": {"document_ids": ["doc_5b1e0c7a9d2f4e6b8a0c1d2e", "doc_abc123"]}}}),
    ],
) -> JSONBytes:
    """Up to 1000 documents of the namespace by their ids, from whichever collections, in the order of the ids."""
    return JSONBytes(await batch_get.batch_get_documents(ctx, body, options))
