"""Reading many documents: lists, counts, batches. Included before the routes with ids."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from headwater.http.dependencies import Ctx
from headwater.http.pagination import PageParameters
from headwater.http.responses import JSONBytes
from headwater.http.route import Route
from headwater.resources.documents import batch_get, listing, listing_namespace
from headwater.resources.documents.batch_get import BatchGetBody
from headwater.resources.documents.list_parameters import CountParameters, ListParameters
from headwater.resources.documents.list_request import ListDocumentsBody, NamespaceListBody
from headwater.resources.documents.listing_namespace import BatchListBody
from headwater.resources.documents.options import OPTION_PARAMETERS, Options
from headwater.resources.documents.schemas_read import BatchGetResponse, BatchListResponse, DocumentCount, DocumentList

router = APIRouter(route_class=Route, tags=["Documents"])

_COLLECTION = "/v1/collections/{collection_identifier}/documents"
_GET = {"parameters": OPTION_PARAMETERS}
_FILTERED = {"filters": {"brand": "Acme", "price": {"gte": 5}}, "sort": {"field": "price", "direction": "desc"}}
_LIST_EXAMPLES = {
    "first page": {"value": {"limit": 100, "include_total": True}},
    "filtered and sorted": {"value": _FILTERED},
    "some fields": {"value": {**_FILTERED, "select": ["brand", "metadata.status", "created_at"]}},
    "groups": {"value": {"group_by": "metadata.category"}},
    "next page": {"value": {**_FILTERED, "cursor": "next_cursor of the page before"}},
}
_OVER_TWO = {"collection_ids": ["films", "scenes"], "sort": {"field": "created_at", "direction": "desc"}}
_NAMESPACE_EXAMPLES = {"newest of two collections": {"value": _OVER_TWO}}
_BATCH_EXAMPLES = {
    "two": {"value": {"queries": [{"key": "newest", "request": _OVER_TWO}, {"key": "all", "request": {}}]}}
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
    """The collection's documents, oldest first or by `sort`, those that match `filters` and `search`. Walk a long list
    with `cursor`: it shows every document that is there throughout exactly once, whatever is written meanwhile."""
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
    """The same as the GET, with the parameters in a body, which may be empty. The body outranks the query string.

    With `group_by`, pages are pages of groups: values upwards, the documents without one last. A group counts all of
    its documents and shows the first ten.
    """
    return JSONBytes(await listing.list_documents(ctx, collection_identifier, page, options, query, body))


@router.post(
    "/v1/documents/list",
    summary="List documents of the namespace",
    operation_id="list_documents_ns",
    response_model=DocumentList,
    openapi_extra=_GET,
)
async def list_documents_ns(
    ctx: Ctx,
    page: PageParameters,
    options: Options,
    query: ListParameters,
    body: Annotated[NamespaceListBody | None, Body(openapi_examples=_NAMESPACE_EXAMPLES)] = None,
) -> JSONBytes:
    """The documents of several collections as one list: those that `collection_ids` names, or all of the namespace that
    the key reaches. Unknown names are told in `unknown_collection_ids`; when all are unknown, the answer is 404.
    Unknown keys in the body are refused."""
    body = body or NamespaceListBody()
    return JSONBytes(await listing_namespace.list_documents_of_namespace(ctx, page, options, query, body))


@router.post(
    "/v1/documents/list/batch",
    summary="Run several lists of the namespace",
    operation_id="list_documents_batch",
    response_model=BatchListResponse,
)
async def list_documents_batch(
    ctx: Ctx, body: Annotated[BatchListBody, Body(openapi_examples=_BATCH_EXAMPLES)]
) -> JSONBytes:
    """Up to ten lists over collections, run side by side. A query that fails has `error` instead of `response`; the
    others are answered all the same."""
    return JSONBytes(await listing_namespace.list_documents_batch(ctx, body))


@router.get(
    _COLLECTION + "/count",
    summary="Count documents",
    operation_id="count_documents",
    response_model=DocumentCount,
)
async def count_documents(collection_identifier: str, ctx: Ctx, query: CountParameters) -> DocumentCount:
    """How many documents the collection has, or how many of them match `filters`."""
    return await listing.count_documents(ctx, collection_identifier, query)


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
