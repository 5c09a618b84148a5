"""Searching for documents. Included before the routes with ids: ``/documents/search`` is none."""

from __future__ import annotations

from fastapi import APIRouter

from headwater.http.dependencies import Ctx
from headwater.http.responses import JSONBytes, json_response
from headwater.http.route import Route
from headwater.resources.retrievers.schemas_execute import ExecutionResponse
from headwater.resources.search import service
from headwater.resources.search.schemas import FeatureSearchBody

router = APIRouter(route_class=Route)


@router.post(
    "/v1/features/search",
    tags=["Feature Search"],
    summary="Search documents",
    operation_id="feature_search",
    response_model=ExecutionResponse,
)
async def feature_search(ctx: Ctx, body: FeatureSearchBody) -> JSONBytes:
    """The documents nearest to a text, a vector or another document, among those that match `filters`.

    A text is embedded by the model of the index, or looked for word by word with `lexical: true`. Several `searches`
    become one ranking by `fusion`. Without `collection_identifiers`, every collection that the key reaches is
    searched. `facets` counts values over all matches, `group_by` and `rollup` gather them. `explain: true` says why
    each document stands where it does.
    """
    return json_response(await service.search(ctx, body))


@router.post(
    "/v1/documents/search",
    tags=["Documents"],
    summary="Search documents",
    operation_id="search_documents",
    response_model=ExecutionResponse,
)
async def search_documents(ctx: Ctx, body: FeatureSearchBody) -> JSONBytes:
    """The same as `POST /v1/features/search`, with `collection_ids` and `page_size` as the convenience client sends
    them."""
    return json_response(await service.search(ctx, body))
