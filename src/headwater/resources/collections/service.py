"""The rules of collections: create, change, clone, freeze, delete."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from headwater import ids
from headwater.catalog.tables.collections import Collection
from headwater.catalog.tables.namespaces import Namespace
from headwater.context import Context
from headwater.errors import NotEnabledError, ValidationError
from headwater.resources.collections import repository
from headwater.resources.collections.extractors import extractor_warnings
from headwater.resources.collections.render import collection_response, feature_descriptors
from headwater.resources.collections.repository import State
from headwater.resources.collections.schemas import (
    CloneCollectionRequest,
    CreateCollectionRequest,
    Source,
    UpdateCollectionRequest,
)
from headwater.store.collections.feature_uris import feature_uri
from headwater.store.commands.collections import (
    PASSTHROUGH_EXTRACTOR,
    CreateCollection,
    SetLifecycle,
    UpdateCollection,
)
from headwater.store.commands.purge import DeleteCollection
from headwater.store.documents.schema_validation import check_document_schema
from headwater.tenancy.access import access_collection

#: Worked out anew for each collection, so a clone does not take them over.
_NOT_CLONED = frozenset(
    {"vectors", "output_schema", "source_lineage", "lifecycle_state", "last_lifecycle_transition",
     "disabled_reason", "system", "index_map"}
)  # fmt: skip
#: Here null takes the value away; anywhere else it is the same as leaving the key out.
_CLEARED_BY_NULL = ("schedule", "tiering", "index_map", "document_schema")
_SOURCES_OF_LATER_STAGES = ("taxonomy", "cluster", "signals")


def _namespace(ctx: Context) -> Namespace:
    assert ctx.namespace is not None, "the access table gives these routes a namespace"
    return ctx.namespace


def _state(ctx: Context, collection: Collection) -> State:
    return repository.state(ctx.runtime.reader.connection, ctx.scope, collection.collection_row)


def _shown(ctx: Context, collection: Collection, warnings: list[str] | None = None) -> dict[str, Any]:
    return collection_response(collection, _namespace(ctx), _state(ctx, collection), warnings=warnings)


async def create_collection(ctx: Context, request: CreateCollectionRequest) -> dict[str, Any]:
    if request.features:
        raise NotEnabledError(
            f"Feature {request.features[0]!r} is not part of this deployment; bring your own vectors",
            details={"feature": request.features[0]},
        )
    _check_source(request.source)
    _check_document_schema(request.document_schema)
    extractor = request.feature_extractor
    body = _set_fields(request, exclude={"collection_name", "features"}) | {
        "source": request.source.stored(),
        "feature_extractor": dict(PASSTHROUGH_EXTRACTOR) if extractor is None else extractor.stored(),
    }
    return await _create(ctx, request.collection_name, body)


def _set_fields(request: BaseModel, exclude: set[str]) -> dict[str, Any]:
    return {name: value for name, value in request.model_dump(exclude=exclude).items() if value is not None}


def _check_source(source: Source) -> None:
    if source.type in _SOURCES_OF_LATER_STAGES:
        raise NotEnabledError(
            f"Sources of type {source.type!r} are not part of this deployment; use bucket, collection or none",
            details={"feature": f"{source.type}_source"},
        )


def _check_document_schema(schema: dict[str, Any] | None) -> None:
    if schema is not None:
        check_document_schema(schema)


async def _create(ctx: Context, name: str, body: dict[str, Any]) -> dict[str, Any]:
    outcome = await ctx.execute(
        CreateCollection(
            organization_id=ctx.scope.organization_id,
            namespace_row=ctx.scope.namespace_row,
            collection_id=ids.new_collection_id(),
            collection_name=name,
            body=body,
        )
    )
    collection = Collection(**outcome)
    warnings = extractor_warnings(collection.body["feature_extractor"]["feature_extractor_id"])
    return collection_response(collection, _namespace(ctx), State(), warnings=warnings)


async def get_collection(ctx: Context, identifier: str) -> dict[str, Any]:
    return _shown(ctx, access_collection(ctx, identifier))


async def update_collection(ctx: Context, identifier: str, request: UpdateCollectionRequest) -> dict[str, Any]:
    collection = access_collection(ctx, identifier)
    _check_document_schema(request.document_schema)
    _check_index_map(collection, request.index_map)
    changes = _set_fields(request, exclude={"collection_name"})
    changes |= {name: None for name in _CLEARED_BY_NULL if _sent_null(request, name)}
    outcome = await ctx.execute(
        UpdateCollection(
            organization_id=ctx.scope.organization_id,
            namespace_row=ctx.scope.namespace_row,
            collection_row=collection.collection_row,
            collection_name=request.collection_name,
            changes=changes,
        )
    )
    return _shown(ctx, Collection(**outcome))


def _sent_null(request: BaseModel, name: str) -> bool:
    return name in request.model_fields_set and getattr(request, name) is None


def _check_index_map(collection: Collection, index_map: dict[str, str] | None) -> None:
    known = [feature_uri(vector) for vector in collection.body.get("vectors", ())]
    for uri in {uri for pair in (index_map or {}).items() for uri in pair}:
        if uri not in known:
            raise ValidationError.at(
                ["body", "index_map"],
                f"index_map: {uri!r} is not a feature of this collection; it has {', '.join(known) or 'none'}",
                "unknown_feature_uri",
            )


async def clone_collection(ctx: Context, identifier: str, request: CloneCollectionRequest) -> dict[str, Any]:
    original = access_collection(ctx, identifier)
    body = {name: value for name, value in original.body.items() if name not in _NOT_CLONED}
    body |= _set_fields(request, exclude={"collection_name", "source", "feature_extractor"})
    if request.source is not None:
        _check_source(request.source)
        body["source"] = request.source.stored()
        # Known from the old source only; the new one brings its own.
        body.pop("input_schema", None)
    if request.feature_extractor is not None:
        body["feature_extractor"] = request.feature_extractor.stored()
        body.pop("retriever_transform", None)
    made = await _create(ctx, request.collection_name, body)
    return {"collection": made, "source_collection_id": original.collection_id}


async def delete_collection(ctx: Context, identifier: str) -> dict[str, Any]:
    collection = access_collection(ctx, identifier)
    outcome = await ctx.execute(
        DeleteCollection(
            organization_id=ctx.scope.organization_id,
            namespace_row=ctx.scope.namespace_row,
            collection_row=collection.collection_row,
        )
    )
    return {
        "message": "Successfully deleted",
        "success": True,
        "collection_id": collection.collection_id,
        "deleted_documents": outcome["deleted_documents"],
        "task_id": outcome["task_id"],
    }


async def describe_collection_features(ctx: Context, identifier: str) -> dict[str, Any]:
    return {"features": feature_descriptors(access_collection(ctx, identifier))}


async def get_lifecycle(ctx: Context, identifier: str) -> dict[str, Any]:
    return await _lifecycle(ctx, access_collection(ctx, identifier))


async def _lifecycle(ctx: Context, collection: Collection) -> dict[str, Any]:
    scope = ctx.scope
    count = await ctx.runtime.reader.run(
        lambda connection: repository.documents_with_vectors(connection, scope, collection.collection_row)
    )
    return {
        "collection_id": collection.collection_id,
        "lifecycle_state": collection.lifecycle_state,
        "s3_vector_index": None,
        "vector_document_count": count,
        "s3_vector_count": 0,
        "last_transitioned_at": collection.body.get("last_lifecycle_transition"),
        "task_id": None,
        "warning": None,
    }


async def transition_lifecycle(ctx: Context, identifier: str, lifecycle_state: str) -> dict[str, Any]:
    collection = access_collection(ctx, identifier)
    if lifecycle_state in ("cold", "archived"):
        raise NotEnabledError(
            f"The lifecycle state {lifecycle_state!r} is not part of this deployment; use active or frozen",
            details={"feature": f"lifecycle_{lifecycle_state}"},
        )
    outcome = await ctx.execute(
        SetLifecycle(
            organization_id=ctx.scope.organization_id,
            namespace_row=ctx.scope.namespace_row,
            collection_row=collection.collection_row,
            lifecycle_state=lifecycle_state,
        )
    )
    return await _lifecycle(ctx, Collection(**outcome))
