"""Routes of collections: sets of documents of one kind, with their vector indexes and their schema."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from headwater.http.dependencies import Ctx, CurrentRuntime, UnresolvedNamespace
from headwater.http.pagination import PageParameters, PageQuery, resolve_page
from headwater.http.responses import JSONBytes, json_response
from headwater.http.route import Route
from headwater.models.interface import DEFAULT_TEXT_MODEL, ModelInfo
from headwater.resources.collections import extractors, listing, service
from headwater.resources.collections.schemas import (
    CloneCollectionRequest,
    CollectionCloned,
    CollectionDeleted,
    CollectionFeatures,
    CollectionList,
    CollectionResponse,
    CreateCollectionRequest,
    LifecycleStatus,
    ListCollectionsRequest,
    TransitionLifecycleRequest,
    UpdateCollectionRequest,
)

router = APIRouter(route_class=Route, tags=["Collections"])

_MODELS = [ModelInfo(DEFAULT_TEXT_MODEL, "embed", 384, available=True)]


@router.post(
    "/v1/collections",
    summary="Create collection",
    operation_id="create_collection",
    response_model=CollectionResponse,
)
async def create_collection(ctx: Ctx, body: CreateCollectionRequest) -> dict[str, Any]:
    """Make a collection. Sources of type `none` and `direct_upsert` are filled by hand, with your own vectors.

    A `collection` source must exist. The ids of a `bucket` source are kept as they are, whether there is such a bucket
    or not: nothing is made of its objects yet, and the documents bring their lineage themselves.
    """
    return await service.create_collection(ctx, body)


@router.get(
    "/v1/collections",
    summary="List collections",
    operation_id="list_collections_get",
    response_model=CollectionList,
)
async def list_collections_get(
    ctx: Ctx,
    page: PageParameters,
    unresolved: UnresolvedNamespace,
    search: str | None = None,
    include_system: bool = False,
    namespace_id: Annotated[str | None, Query(description="Ignored; send X-Namespace.")] = None,
) -> JSONBytes:
    """The namespace's collections, newest first. `POST /v1/collections/list` can filter and sort them.

    An `X-Namespace` that names nothing gives an empty page, with the header `X-Namespace-Unresolved` and a warning.
    """
    request = ListCollectionsRequest(search=search, include_system=include_system)
    return await _list(ctx, request, page, unresolved)


@router.post(
    "/v1/collections/list",
    summary="List collections with filters",
    operation_id="list_collections",
    response_model=CollectionList,
)
async def list_collections(
    ctx: Ctx,
    page: PageParameters,
    unresolved: UnresolvedNamespace,
    body: ListCollectionsRequest | None = None,
) -> JSONBytes:
    """The namespace's collections that match `filters` and `search`, by `sorts` or `sort`, else newest first.

    Filters are over the collection as it is shown, such as `{"metadata.team": "search"}`.
    """
    return await _list(ctx, body or ListCollectionsRequest(), page, unresolved)


async def _list(ctx: Ctx, request: ListCollectionsRequest, query: PageQuery, unresolved: str | None) -> JSONBytes:
    page = resolve_page(query, request)
    if unresolved is not None:
        empty = listing.unresolved_namespace_page(page, unresolved)
        return json_response(empty, headers={"X-Namespace-Unresolved": "true"})
    return json_response(await listing.list_collections(ctx, request, page))


@router.get(
    "/v1/collections/features",
    summary="Searchable features of this deployment",
    operation_id="discover_features",
    responses={200: {"content": {"application/json": {"example": extractors.feature_menu(_MODELS)}}}},
)
async def discover_features(runtime: CurrentRuntime) -> dict[str, Any]:
    """What collections of this deployment can be searched by, for each kind of file. Needs no key."""
    return extractors.feature_menu(runtime.models.list())


@router.get(
    "/v1/collections/features/extractors",
    summary="List feature extractors",
    operation_id="list_feature_extractors",
    responses={200: {"content": {"application/json": {"example": extractors.list_extractors()}}}},
)
async def list_feature_extractors() -> list[dict[str, Any]]:
    """The extractors of this deployment. Needs no key."""
    return extractors.list_extractors()


@router.get(
    "/v1/collections/features/extractors/{feature_extractor_id}",
    summary="Get feature extractor",
    operation_id="get_feature_extractor_by_id",
    responses={
        200: {"content": {"application/json": {"example": extractors.get_extractor("passthrough_extractor_v1")}}}
    },
)
async def get_feature_extractor_by_id(feature_extractor_id: str) -> dict[str, Any]:
    """One extractor by its id, such as `passthrough_extractor_v1`. Needs no key."""
    return extractors.get_extractor(feature_extractor_id)


@router.get(
    "/v1/collections/{collection_identifier}",
    summary="Get collection",
    operation_id="get_collection",
    response_model=CollectionResponse,
)
async def get_collection(ctx: Ctx, collection_identifier: str) -> dict[str, Any]:
    """A collection by id or name, with its counts and vector indexes."""
    return await service.get_collection(ctx, collection_identifier)


@router.patch(
    "/v1/collections/{collection_identifier}",
    summary="Change collection",
    operation_id="update_collection",
    response_model=CollectionResponse,
)
async def update_collection(ctx: Ctx, collection_identifier: str, body: UpdateCollectionRequest) -> dict[str, Any]:
    """Change what is sent; `metadata` is replaced as a whole. Source and extractor never change: clone instead.

    `null` takes away `schedule`, `tiering`, `index_map` and `document_schema`; elsewhere it changes nothing.
    """
    return await service.update_collection(ctx, collection_identifier, body)


@router.delete(
    "/v1/collections/{collection_identifier}",
    summary="Delete collection",
    operation_id="delete_collection",
    response_model=CollectionDeleted,
)
async def delete_collection(ctx: Ctx, collection_identifier: str) -> dict[str, Any]:
    """Delete a collection with its documents and vectors. It is gone, and its name is free, with the answer; a
    background job then gives the disk space back.

    Collections sourced from it, directly or further down, lose their documents too and are disabled.
    """
    return await service.delete_collection(ctx, collection_identifier)


@router.post(
    "/v1/collections/{collection_identifier}/clone",
    summary="Clone collection",
    operation_id="clone_collection",
    response_model=CollectionCloned,
)
async def clone_collection(ctx: Ctx, collection_identifier: str, body: CloneCollectionRequest) -> dict[str, Any]:
    """Make a collection like this one under another name, with what is sent in place of what is copied.

    Only the configuration is copied, no documents.
    """
    return await service.clone_collection(ctx, collection_identifier, body)


@router.get(
    "/v1/collections/{collection_identifier}/features",
    summary="Features of a collection",
    operation_id="describe_collection_features",
    response_model=CollectionFeatures,
)
async def describe_collection_features(ctx: Ctx, collection_identifier: str) -> dict[str, Any]:
    """The vectors that the collection can be searched by: those declared, and those learned from its documents."""
    return await service.describe_collection_features(ctx, collection_identifier)


@router.get(
    "/v1/collections/{collection_identifier}/lifecycle",
    summary="Get lifecycle state",
    operation_id="get_lifecycle",
    response_model=LifecycleStatus,
)
async def get_lifecycle(ctx: Ctx, collection_identifier: str) -> dict[str, Any]:
    """The collection's lifecycle state and how many of its documents have vectors."""
    return await service.get_lifecycle(ctx, collection_identifier)


@router.patch(
    "/v1/collections/{collection_identifier}/lifecycle",
    summary="Change lifecycle state",
    operation_id="transition_lifecycle",
    response_model=LifecycleStatus,
)
async def transition_lifecycle(
    ctx: Ctx, collection_identifier: str, body: TransitionLifecycleRequest
) -> dict[str, Any]:
    """`frozen` refuses every document write while reads go on; `active` takes them again. At once, both ways.

    `cold` and `archived` are not part of this deployment (403).
    """
    return await service.transition_lifecycle(ctx, collection_identifier, body.lifecycle_state)
