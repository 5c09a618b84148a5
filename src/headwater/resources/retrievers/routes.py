"""Routes of retrievers: pipelines of stages that are kept under a name. Included after those with static segments."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from headwater.http.dependencies import Ctx, UnresolvedNamespace
from headwater.http.pagination import PageParameters, PageQuery, resolve_page
from headwater.http.responses import JSONBytes, json_response
from headwater.http.route import Route
from headwater.resources.retrievers import listing, service
from headwater.resources.retrievers.schemas import (
    CloneRetrieverRequest,
    CreateRetrieverRequest,
    ListRetrieversRequest,
    RetrieverCloned,
    RetrieverCreated,
    RetrieverDeleted,
    RetrieverList,
    RetrieverResponse,
    RetrieverUpdated,
    StageAdvice,
    StageDefinition,
    UpdateRetrieverRequest,
)
from headwater.retrieval import registry
from headwater.retrieval.stage import Category

router = APIRouter(route_class=Route, tags=["Retrievers"])

_ONE = "/v1/retrievers/{retriever_identifier}"
_Category = Annotated[Category | None, Query(description="Only stages of this kind.")]


@router.get(
    "/v1/retrievers/stages",
    summary="List stages",
    operation_id="list_stages_retrievers",
    response_model=list[StageDefinition],
)
async def list_retriever_stages(category: _Category = None) -> JSONBytes:
    """Every stage that the API knows, with the parameters of those that this deployment can run (`available`)."""
    return json_response(registry.list_stages(category))


@router.get(
    "/v1/discovery/stages",
    summary="Choose a stage",
    operation_id="list_stages_with_examples_discovery",
    response_model=list[StageAdvice],
)
async def discover_stages(category: _Category = None) -> JSONBytes:
    """The stages, each with an example of its configuration."""
    return json_response(registry.discover_stages(category))


@router.post(
    "/v1/retrievers",
    summary="Create retriever",
    operation_id="create_retriever",
    response_model=RetrieverCreated,
)
async def create_retriever(ctx: Ctx, body: CreateRetrieverRequest) -> JSONBytes:
    """Keep a pipeline under a name. Its collections must exist, its stages must be `available`, and their parameters
    are checked as far as templates allow it."""
    return json_response(await service.create_retriever(ctx, body))


@router.get(
    "/v1/retrievers",
    summary="List retrievers",
    operation_id="list_retrievers_get",
    response_model=RetrieverList,
)
async def list_retrievers_get(
    ctx: Ctx, page: PageParameters, unresolved: UnresolvedNamespace, search: str | None = None
) -> JSONBytes:
    """The namespace's retrievers, newest first."""
    return await _list(ctx, ListRetrieversRequest(search=search), page, unresolved)


@router.post(
    "/v1/retrievers/list",
    summary="List retrievers with filters",
    operation_id="list_retrievers",
    response_model=RetrieverList,
)
async def list_retrievers(
    ctx: Ctx, page: PageParameters, unresolved: UnresolvedNamespace, body: ListRetrieversRequest | None = None
) -> JSONBytes:
    """The namespace's retrievers that match `filters` and `search`, by `sorts` or `sort`, else newest first."""
    return await _list(ctx, body or ListRetrieversRequest(), page, unresolved)


async def _list(ctx: Ctx, request: ListRetrieversRequest, query: PageQuery, unresolved: str | None) -> JSONBytes:
    page = resolve_page(query, request)
    if unresolved is not None:
        empty = listing.unresolved_namespace_page(page, unresolved)
        return json_response(empty, headers={"X-Namespace-Unresolved": "true"})
    return json_response(await listing.list_retrievers(ctx, request, page))


@router.get(
    _ONE,
    summary="Get retriever",
    operation_id="get_retriever",
    response_model=RetrieverResponse,
)
async def get_retriever(ctx: Ctx, retriever_identifier: str) -> JSONBytes:
    """A retriever by id or name."""
    return json_response(await service.get_retriever(ctx, retriever_identifier))


@router.patch(
    _ONE,
    summary="Change retriever",
    operation_id="patch_retriever",
    response_model=RetrieverUpdated,
)
async def patch_retriever(ctx: Ctx, retriever_identifier: str, body: UpdateRetrieverRequest) -> JSONBytes:
    """Change what is sent, checked like a new retriever. `stages`, `tags` and `metadata` are replaced as a whole;
    `budget_limits` never change, and `input_schema` only so that executions which fit it still do."""
    return json_response(await service.update_retriever(ctx, retriever_identifier, body))


@router.delete(
    _ONE,
    summary="Delete retriever",
    operation_id="delete_retriever",
    response_model=RetrieverDeleted,
)
async def delete_retriever(ctx: Ctx, retriever_identifier: str) -> dict[str, Any]:
    """Delete a retriever and what was recorded of its executions."""
    return await service.delete_retriever(ctx, retriever_identifier)


@router.post(
    _ONE + "/clone",
    summary="Clone retriever",
    operation_id="clone_retriever",
    response_model=RetrieverCloned,
)
async def clone_retriever(ctx: Ctx, retriever_identifier: str, body: CloneRetrieverRequest) -> JSONBytes:
    """Make a retriever like this one under another name, with what is sent in place of what is copied."""
    return json_response(await service.clone_retriever(ctx, retriever_identifier, body))
