"""Routes of namespaces: the compartments that collections and documents live in."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from headwater.http.dependencies import Ctx
from headwater.http.models import unknown_key_warnings
from headwater.http.pagination import PageParameters, resolve_page
from headwater.http.route import Route
from headwater.resources.namespaces import service
from headwater.resources.namespaces.schemas import (
    CreateNamespaceRequest,
    CreateStandaloneNamespaceRequest,
    IndexesEnsured,
    ListNamespacesRequest,
    NamespaceDeleted,
    NamespaceList,
    NamespaceResponse,
    NamespaceStats,
    NamespaceStatsBatch,
    NamespaceStatsBatchRequest,
    PatchNamespaceRequest,
    StandaloneNamespaceResponse,
    UpdateNamespaceRequest,
)

router = APIRouter(route_class=Route, tags=["Namespaces"])

View = Annotated[Literal["full", "summary"] | None, Query(description="`summary` leaves the long members out.")]


@router.post(
    "/v1/namespaces",
    summary="Create namespace",
    operation_id="create_namespace",
    response_model=NamespaceResponse,
)
async def create_namespace(ctx: Ctx, body: CreateNamespaceRequest) -> dict[str, Any]:
    """Make a namespace. Its name is unique in the organization; an id may be chosen, otherwise one is made.

    With only `vector_configs` it is a *standalone* namespace: you bring the vectors, and every collection starts with
    these indexes.
    """
    return await service.create_namespace(ctx, body)


@router.get(
    "/v1/namespaces",
    summary="List namespaces",
    operation_id="list_namespaces_get",
    response_model=NamespaceList,
)
async def list_namespaces_get(
    ctx: Ctx,
    page: PageParameters,
    search: str | None = None,
    view: View = None,
    include_system: bool = False,
) -> dict[str, Any]:
    """The organization's namespaces, newest first. `POST /v1/namespaces/list` can filter and sort them."""
    request = ListNamespacesRequest(search=search, include_system=include_system)
    answer = await service.list_namespaces(ctx, request, resolve_page(page), view or "full")
    return answer | {"warnings": []}


@router.post(
    "/v1/namespaces/list",
    summary="List namespaces with filters",
    operation_id="list_namespaces",
    response_model=NamespaceList,
)
async def list_namespaces(
    ctx: Ctx,
    page: PageParameters,
    body: ListNamespacesRequest | None = None,
    view: View = None,
    include_system: bool = False,
) -> dict[str, Any]:
    """The organization's namespaces that match `filters` and `search`, by `sorts` or `sort`, else newest first."""
    request = body or ListNamespacesRequest()
    shown = request.view or view or "full"
    answer = await service.list_namespaces(ctx, request, resolve_page(page, request), shown)
    return answer | {"warnings": unknown_key_warnings(request)}


@router.post(
    "/v1/namespaces/standalone",
    summary="Create standalone namespace",
    operation_id="create_standalone_namespace",
    response_model=StandaloneNamespaceResponse,
)
async def create_standalone_namespace(ctx: Ctx, body: CreateStandaloneNamespaceRequest) -> dict[str, Any]:
    """Make a namespace for vectors of your own. Without `vector_configs`, indexes are learned from the documents."""
    return await service.create_standalone_namespace(ctx, body)


@router.post(
    "/v1/namespaces/stats/batch",
    summary="Statistics of several namespaces",
    operation_id="get_namespace_stats_batch",
    response_model=NamespaceStatsBatch,
)
async def get_namespace_stats_batch(ctx: Ctx, body: NamespaceStatsBatchRequest) -> dict[str, Any]:
    """Counts of up to 100 namespaces by id. Those that you cannot see are left out."""
    return await service.namespace_stats_batch(ctx, body.namespace_ids)


@router.get(
    "/v1/namespaces/{namespace_identifier}",
    summary="Get namespace",
    operation_id="get_namespace",
    response_model=NamespaceResponse,
)
async def get_namespace(ctx: Ctx, namespace_identifier: str) -> dict[str, Any]:
    """A namespace by id or name, with how much is in it."""
    return await service.get_namespace(ctx, namespace_identifier)


@router.put(
    "/v1/namespaces/{namespace_identifier}",
    summary="Replace a namespace's payload indexes",
    operation_id="update_namespace",
    response_model=NamespaceResponse,
)
async def update_namespace(ctx: Ctx, namespace_identifier: str, body: UpdateNamespaceRequest) -> dict[str, Any]:
    """Rename the namespace, or replace its whole list of payload indexes."""
    return await service.update_namespace(ctx, namespace_identifier, body)


@router.patch(
    "/v1/namespaces/{namespace_identifier}",
    summary="Change namespace",
    operation_id="patch_namespace",
    response_model=NamespaceResponse,
)
async def patch_namespace(ctx: Ctx, namespace_identifier: str, body: PatchNamespaceRequest) -> dict[str, Any]:
    """Change what is sent. `feature_extractors` are added to those there; null clears `expires_at` or `ttl_seconds`.

    The expiry is kept and shown; this version deletes nothing by itself.
    """
    return await service.patch_namespace(ctx, namespace_identifier, body)


@router.post(
    "/v1/namespaces/{namespace_identifier}/ensure-indexes",
    summary="Ensure payload indexes",
    operation_id="ensure_namespace_indexes",
    response_model=IndexesEnsured,
)
async def ensure_namespace_indexes(
    ctx: Ctx,
    namespace_identifier: str,
    force_rebuild: Annotated[bool, Query(description="Make all of them again from the documents.")] = False,
) -> dict[str, Any]:
    """Make sure that every collection of the namespace has its `payload_indexes`.

    Lists, counts and groups give the same answers with and without; with them they need not look at each document.
    Documents that are there already are indexed in the background while everything goes on.
    """
    return await service.ensure_indexes(ctx, namespace_identifier, rebuild=force_rebuild)


@router.delete(
    "/v1/namespaces/{namespace_identifier}",
    summary="Delete namespace",
    operation_id="delete_namespace",
    response_model=NamespaceDeleted,
)
async def delete_namespace(ctx: Ctx, namespace_identifier: str, force: bool = False) -> dict[str, Any]:
    """Delete a namespace with all its collections and documents. It is gone, and its id and name are free, with the
    answer; a background job then gives the disk space back.

    `force` is accepted for clients that send it: nothing in this version could refuse without it.
    """
    return await service.delete_namespace(ctx, namespace_identifier)


@router.get(
    "/v1/namespaces/{namespace_identifier}/stats",
    summary="Namespace statistics",
    operation_id="get_namespace_stats",
    response_model=NamespaceStats,
)
async def get_namespace_stats(ctx: Ctx, namespace_identifier: str) -> dict[str, Any]:
    """How many documents and collections are in the namespace."""
    return await service.namespace_stats(ctx, namespace_identifier)
