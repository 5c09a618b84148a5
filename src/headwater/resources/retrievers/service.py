"""The rules of retrievers: create, change, clone, delete."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from headwater import ids
from headwater.catalog.tables.retrievers import Retriever
from headwater.context import Context
from headwater.errors import NotFoundError
from headwater.http.models import unknown_key_warnings
from headwater.resources.retrievers import repository
from headwater.resources.retrievers.definitions import (
    check_compatible,
    checked_schema,
    checked_stages,
    reached_collections,
)
from headwater.resources.retrievers.render import retriever_response
from headwater.resources.retrievers.schemas import (
    CloneRetrieverRequest,
    CreateRetrieverRequest,
    UpdateRetrieverRequest,
)
from headwater.store.commands.retrievers import CreateRetriever, DeleteRetriever, UpdateRetriever
from headwater.tenancy.access import access_collections

#: What is taken over as it was sent.
_KEPT = (
    "description",
    "tags",
    "metadata",
    "display_config",
    "visibility",
    "marketplace_listing_id",
    "requires_subscription",
    "cache_config",
)


def access_retriever(ctx: Context, identifier: str) -> Retriever:
    """The retriever with that id or name in the request's namespace."""
    found = repository.find_retriever(ctx.runtime.reader.connection, ctx.scope, identifier)
    if found is None:
        raise NotFoundError.of("retriever", identifier)
    return found


async def create_retriever(ctx: Context, request: CreateRetrieverRequest) -> dict[str, Any]:
    body = _checked(ctx, request, request.collections or [], request.stages)
    body["input_schema"] = checked_schema(request.input_schema)
    created = await _create(ctx, request.retriever_name, body)
    shown = retriever_response(created, unknown_key_warnings(request))
    return shown | {"retriever": shown}


async def _create(ctx: Context, name: str, body: dict[str, Any]) -> Retriever:
    author = {"created_by": ctx.key.user_id, "updated_by": ctx.key.user_id}
    outcome = await ctx.execute(
        CreateRetriever(
            organization_id=ctx.scope.organization_id,
            namespace_row=ctx.scope.namespace_row,
            retriever_id=ids.new_retriever_id(),
            retriever_name=name,
            body=body | author,
        )
    )
    return Retriever(**outcome)


def _checked(ctx: Context, request: BaseModel, identifiers: list[str], stages: Any) -> dict[str, Any]:
    """What is stored of the request, its collections by id and its stages in their one form."""
    collections = reached_collections(ctx, identifiers)
    forms = checked_stages(ctx, stages, collections or access_collections(ctx))
    return _kept(request) | {
        "collection_ids": [collection.collection_id for collection in collections],
        "stages": [stage.stored() for stage in forms],
    }


def _kept(request: BaseModel) -> dict[str, Any]:
    kept = {name: value for name in _KEPT if (value := getattr(request, name)) is not None}
    limits = getattr(request, "budget_limits", None)
    if limits is not None:
        kept["budget_limits"] = limits.model_dump(exclude_none=True)
    return kept


async def get_retriever(ctx: Context, identifier: str) -> dict[str, Any]:
    return retriever_response(access_retriever(ctx, identifier))


async def update_retriever(ctx: Context, identifier: str, request: UpdateRetrieverRequest) -> dict[str, Any]:
    retriever = access_retriever(ctx, identifier)
    outcome = await ctx.execute(
        UpdateRetriever(
            organization_id=ctx.scope.organization_id,
            namespace_row=ctx.scope.namespace_row,
            retriever_row=retriever.retriever_row,
            version=retriever.version,
            retriever_name=request.retriever_name,
            changes=_changes(ctx, retriever, request),
        )
    )
    return {"retriever": retriever_response(Retriever(**outcome))}


def _changes(ctx: Context, retriever: Retriever, request: UpdateRetrieverRequest) -> dict[str, Any]:
    # Null takes a value away.
    changes = {name: getattr(request, name) for name in _KEPT if name in request.model_fields_set}
    sent = request.collection_ids if request.collection_identifiers is None else request.collection_identifiers
    if sent is not None or request.stages is not None:
        collections = reached_collections(ctx, retriever.body["collection_ids"] if sent is None else sent)
        stages = retriever.body["stages"] if request.stages is None else request.stages
        forms = checked_stages(ctx, stages, collections or access_collections(ctx))
        changes["stages"] = [stage.stored() for stage in forms]
        changes["collection_ids"] = [collection.collection_id for collection in collections]
    if request.input_schema is not None:
        changes["input_schema"] = checked_schema(request.input_schema)
        check_compatible(retriever.body.get("input_schema") or {}, changes["input_schema"])
    return changes | {"updated_by": ctx.key.user_id}


async def delete_retriever(ctx: Context, identifier: str) -> dict[str, Any]:
    retriever = access_retriever(ctx, identifier)
    outcome = await ctx.execute(
        DeleteRetriever(
            organization_id=ctx.scope.organization_id,
            namespace_row=ctx.scope.namespace_row,
            retriever_row=retriever.retriever_row,
        )
    )
    return {"message": "Successfully deleted", "success": True, **outcome}


async def clone_retriever(ctx: Context, identifier: str, request: CloneRetrieverRequest) -> dict[str, Any]:
    original = access_retriever(ctx, identifier)
    collections = original.body["collection_ids"] if request.collections is None else request.collections
    stages = original.body["stages"] if request.stages is None else request.stages
    body = original.body | _checked(ctx, request, collections, stages)
    if request.input_schema is not None:
        body["input_schema"] = checked_schema(request.input_schema)
    created = await _create(ctx, request.retriever_name, body)
    shown = retriever_response(created, unknown_key_warnings(request))
    return {"retriever": shown, "source_retriever_id": original.retriever_id}
