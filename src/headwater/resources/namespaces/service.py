"""The rules of namespaces: create, change, delete, list, count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import apsw
from pydantic import BaseModel

from headwater import ids
from headwater.catalog.tables.namespaces import Namespace
from headwater.context import Context
from headwater.errors import NotEnabledError, ValidationError
from headwater.http.pagination import Page, pagination_envelope
from headwater.kit.clock import now_milliseconds, to_text
from headwater.resources.collections import object_page
from headwater.resources.namespaces import repository
from headwater.resources.namespaces.repository import Counts
from headwater.resources.namespaces.schemas import (
    CreateNamespaceRequest,
    CreateStandaloneNamespaceRequest,
    FeatureExtractorReference,
    ListNamespacesRequest,
    PatchNamespaceRequest,
    UpdateNamespaceRequest,
    VectorConfig,
)
from headwater.store.commands.clone import CLONE
from headwater.store.commands.collections import PASSTHROUGH_EXTRACTOR
from headwater.store.commands.fields import EnsureFieldPaths
from headwater.store.commands.namespaces import CreateNamespace, UpdateNamespace
from headwater.store.commands.purge import DeleteNamespace
from headwater.tenancy.access import access_namespace

View = Literal["full", "summary"]
#: Long members that a list with ``view=summary`` leaves out.
_LEFT_OUT_OF_SUMMARY = ("payload_indexes", "feature_extractors", "vector_inference_map", "vector_configs")
#: Fields of the body that are stored and shown as they were sent.
_STORED_AS_SENT = ("infrastructure", "trusted_issuers", "tiering", "spend_budget", "cost_cap_override")


async def create_namespace(ctx: Context, request: CreateNamespaceRequest) -> dict[str, Any]:
    if request.scope == "system":
        raise NotEnabledError(
            "System namespaces are not part of this deployment; leave scope out",
            details={"feature": "system_namespaces"},
        )
    if request.features:
        raise NotEnabledError(
            f"Feature {request.features[0]!r} is not part of this deployment; name feature_extractors or none",
            details={"feature": request.features[0]},
        )
    check_widths(ctx, request.vector_configs)
    body = _body_of(request)
    return await _create(ctx, request.namespace_id, request.namespace_name, body)


async def _create(ctx: Context, namespace_id: str | None, name: str, body: dict[str, Any]) -> dict[str, Any]:
    outcome = await ctx.execute(
        CreateNamespace(
            organization_id=ctx.organization.organization_id,
            namespace_id=namespace_id or ids.new_namespace_id(),
            namespace_name=name,
            body=body,
        )
    )
    return namespace_response(Namespace(**outcome), Counts())


def check_widths(ctx: Context, vector_configs: Sequence[VectorConfig] | None, place: str = "vector_configs") -> None:
    """Raise ``ValidationError`` for a vector wider than this server takes."""
    widest = ctx.runtime.settings.max_vector_width
    for index, config in enumerate(vector_configs or ()):
        if config.dimension > widest:
            raise ValidationError.at(
                ["body", place, index, "dimension"],
                f"dimension must be <= {widest}, got {config.dimension}",
                "less_than_equal",
            )


def _body_of(request: CreateNamespaceRequest) -> dict[str, Any]:
    # Generated clients send ``mode: managed`` whenever their caller said nothing, so it decides nothing here.
    own_vectors_only = bool(request.vector_configs) and request.feature_extractors is None
    standalone = request.mode == "standalone" or own_vectors_only
    extractors = request.feature_extractors
    body: dict[str, Any] = {
        "description": request.description,
        "namespace_type": request.namespace_type,
        "adaptive_indexing": request.adaptive_indexing,
        "payload_indexes": _dumped(request.payload_indexes),
        "feature_extractors": _extractors(extractors, default=not standalone),
        "expires_at": expiry(request.ttl_seconds),
        **{name: getattr(request, name) for name in _STORED_AS_SENT},
    }
    return body | _vector_mode(standalone, request.vector_configs, request.auto_create_indexes)


def _vector_mode(
    standalone: bool, vector_configs: list[VectorConfig] | None, auto_create_indexes: bool | None
) -> dict[str, Any]:
    return {
        "mode": "standalone" if standalone else "managed",
        "vector_configs": _dumped(vector_configs) if vector_configs or standalone else None,
        # With declared vectors a name that is not among them is refused, see ``DocumentUpsert``.
        "dynamic_vector_indexes": not vector_configs if standalone else None,
        "auto_create_indexes": standalone if auto_create_indexes is None else auto_create_indexes,
    }


def _dumped(items: list[Any] | None) -> list[dict[str, Any]]:
    return [item.model_dump() if isinstance(item, BaseModel) else item for item in items or ()]


def _extractors(references: list[FeatureExtractorReference] | None, *, default: bool = False) -> list[dict[str, Any]]:
    if references is None:
        return [dict(PASSTHROUGH_EXTRACTOR)] if default else []
    return [_extractor(reference) for reference in references]


def _extractor(reference: FeatureExtractorReference) -> dict[str, Any]:
    stored = {name: value for name, value in reference.model_dump().items() if value is not None}
    identifier = f"{reference.feature_extractor_name}_{reference.version}"
    return stored | {"feature_extractor_id": identifier}


def expiry(ttl_seconds: int | None) -> str | None:
    """When a namespace that is made now expires."""
    return None if ttl_seconds is None else to_text(now_milliseconds() + ttl_seconds * 1000)


async def create_standalone_namespace(ctx: Context, request: CreateStandaloneNamespaceRequest) -> dict[str, Any]:
    check_widths(ctx, request.vector_configs)
    body: dict[str, Any] = {
        "description": request.description,
        "namespace_type": "standard",
        "payload_indexes": [],
        "feature_extractors": [],
        "storage": request.storage,
        "config": request.config,
    } | _vector_mode(True, request.vector_configs, request.auto_create_indexes)
    name = request.namespace_name or request.namespace_id
    assert name is not None
    made = await _create(ctx, request.namespace_id, name, body)
    return {
        "namespace_id": made["namespace_id"],
        "namespace_name": made["namespace_name"],
        "mode": "standalone",
        "status": "active",
        "vector_configs": made["vector_configs"],
        "tiering": "auto",
        "document_count": 0,
    }


async def get_namespace(ctx: Context, identifier: str) -> dict[str, Any]:
    return _with_counts(ctx, access_namespace(ctx, identifier))


def _with_counts(ctx: Context, namespace: Namespace) -> dict[str, Any]:
    return namespace_response(namespace, _counts(ctx, namespace))


def _counts(ctx: Context, namespace: Namespace) -> Counts:
    return repository.counts(ctx.runtime.reader.connection, ctx.organization, namespace.namespace_row)


async def update_namespace(ctx: Context, identifier: str, request: UpdateNamespaceRequest) -> dict[str, Any]:
    changes = {} if request.payload_indexes is None else {"payload_indexes": _dumped(request.payload_indexes)}
    return await _update(ctx, identifier, request.namespace_name, changes)


async def patch_namespace(ctx: Context, identifier: str, request: PatchNamespaceRequest) -> dict[str, Any]:
    plain = ("description", "auto_create_indexes", "adaptive_indexing", *_STORED_AS_SENT)
    changes = {name: getattr(request, name) for name in plain if getattr(request, name) is not None}
    if request.payload_indexes is not None:
        changes["payload_indexes"] = _dumped(request.payload_indexes)
    if request.pinned is not None:
        changes["pinned"] = request.pinned if isinstance(request.pinned, dict) else {"enabled": request.pinned}
    if "cost_cap_override" in request.model_fields_set:
        changes["cost_cap_override"] = request.cost_cap_override
    changes |= _changed_expiry(request)
    return await _update(ctx, identifier, request.namespace_name, changes, request.feature_extractors)


def _changed_expiry(request: PatchNamespaceRequest) -> dict[str, Any]:
    if request.ttl_seconds is not None:
        return {"expires_at": expiry(request.ttl_seconds)}
    if request.expires_at is not None:
        return {"expires_at": _time_text(request.expires_at)}
    # Here null has a meaning: no expiry any more.
    return {"expires_at": None} if request.model_fields_set & {"expires_at", "ttl_seconds"} else {}


def _time_text(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return to_text(int(aware.timestamp() * 1000))


async def _update(
    ctx: Context,
    identifier: str,
    name: str | None,
    changes: dict[str, Any],
    extractors: list[FeatureExtractorReference] | None = None,
) -> dict[str, Any]:
    namespace = access_namespace(ctx, identifier)
    outcome = await ctx.execute(
        UpdateNamespace(
            organization_id=namespace.organization_id,
            namespace_row=namespace.namespace_row,
            namespace_name=name,
            changes=changes,
            added_feature_extractors=_extractors(extractors),
        )
    )
    return _with_counts(ctx, Namespace(**outcome))


async def delete_namespace(ctx: Context, identifier: str) -> dict[str, Any]:
    namespace = access_namespace(ctx, identifier)
    outcome = await ctx.execute(
        DeleteNamespace(organization_id=namespace.organization_id, namespace_row=namespace.namespace_row)
    )
    return {
        "message": "Successfully deleted",
        "success": True,
        "namespace_id": namespace.namespace_id,
        "deleted_documents": outcome["deleted_documents"],
        "task_id": outcome["task_id"],
    }


async def namespace_stats(ctx: Context, identifier: str) -> dict[str, Any]:
    namespace = access_namespace(ctx, identifier)
    return _stats(namespace, _counts(ctx, namespace))


def _stats(namespace: Namespace, counts: Counts) -> dict[str, Any]:
    return {
        "namespace_id": namespace.namespace_id,
        "document_count": counts.documents,
        "document_count_complete": True,
        "bucket_count": counts.buckets,
        "collection_count": counts.collections,
        "object_count": counts.objects,
    }


async def namespace_stats_batch(ctx: Context, namespace_ids: list[str]) -> dict[str, Any]:
    namespaces, counts = await _all_with_counts(ctx)
    wanted = set(namespace_ids)
    return {
        "stats": {
            namespace.namespace_id: _stats(namespace, counts.get(namespace.namespace_row, Counts()))
            for namespace in namespaces
            if namespace.namespace_id in wanted
        }
    }


async def _all_with_counts(ctx: Context) -> tuple[list[Namespace], dict[int, Counts]]:
    scope = ctx.organization

    def read(connection: apsw.Connection) -> tuple[list[Namespace], dict[int, Counts]]:
        return repository.all_with_counts(connection, scope)

    return await ctx.runtime.reader.run(read)


async def list_namespaces(ctx: Context, request: ListNamespacesRequest, page: Page, view: View) -> dict[str, Any]:
    selection = _selection(request, f"namespaces:{ctx.organization.organization_id}")
    scope, key = ctx.organization, ctx.runtime.secret.derive("cursors")

    # All of it in the reader's thread: there may be thousands of namespaces.
    def read(connection: apsw.Connection) -> tuple[list[dict[str, Any]], object_page.Slice]:
        namespaces, counts = repository.all_with_counts(connection, scope)
        objects = [namespace_response(item, counts.get(item.namespace_row, Counts())) for item in namespaces]
        matching = object_page.select(objects, selection)
        return matching, object_page.cut(matching, selection, page, key)

    matching, cut = await ctx.runtime.reader.run(read)
    return {
        "results": [_viewed(item, view) for item in cut.rows],
        "pagination": pagination_envelope(
            page,
            path="/v1/namespaces",
            has_more=cut.next_cursor is not None,
            next_cursor=cut.next_cursor,
            total=cut.total,
        ),
        "total_count": cut.total,
        "stats": _list_stats(matching),
    }


def _selection(request: ListNamespacesRequest, scope: str) -> object_page.Selection:
    return object_page.Selection(
        scope=scope,
        id_field="namespace_id",
        searched=("namespace_id", "namespace_name", "description"),
        filters=request.filters,
        sort=object_page.sort_of(request.sort, request.sorts),
        search=request.search,
        case_sensitive=request.case_sensitive,
    )


def _viewed(item: dict[str, Any], view: View) -> dict[str, Any]:
    if view == "full":
        return item
    return {name: value for name, value in item.items() if name not in _LEFT_OUT_OF_SUMMARY}


def _list_stats(matching: list[dict[str, Any]]) -> dict[str, Any]:
    sums = {
        "feature_extractors": sum(len(item["feature_extractors"]) for item in matching),
        "payload_indexes": sum(item["payload_index_count"] for item in matching),
        "documents": sum(item["document_count"] for item in matching),
        "buckets": sum(item["bucket_count"] for item in matching),
        "collections": sum(item["collection_count"] for item in matching),
        "objects": sum(item["object_count"] for item in matching),
    }
    totals: dict[str, Any] = {f"total_{name}": total for name, total in sums.items()}
    averages = {f"avg_{name}_per_namespace": total / max(1, len(matching)) for name, total in sums.items()}
    return totals | averages | {"total_documents_complete": True}


def namespace_response(namespace: Namespace, counts: Counts) -> dict[str, Any]:
    """A namespace as it is shown."""
    body = namespace.body
    clone = body.get(CLONE) or {}
    indexes = body.get("payload_indexes") or []
    return {
        "object": "namespace",
        "namespace_id": namespace.namespace_id,
        "namespace_name": namespace.namespace_name,
        "namespace_type": body.get("namespace_type", "standard"),
        "scope": "org",
        "description": body.get("description"),
        "feature_extractors": body.get("feature_extractors") or [],
        "payload_indexes": indexes,
        "payload_index_count": len(indexes),
        "document_count": counts.documents,
        "document_count_complete": True,
        "bucket_count": counts.buckets,
        "collection_count": counts.collections,
        "object_count": counts.objects,
        "auto_create_indexes": body.get("auto_create_indexes", False),
        "adaptive_indexing": body.get("adaptive_indexing", False),
        "vector_inference_map": {},
        "dynamic_vector_indexes": body.get("dynamic_vector_indexes"),
        "mode": body.get("mode", "managed"),
        "vector_configs": body.get("vector_configs"),
        "clone_status": clone.get("status"),
        "clone_error": clone.get("error"),
        "source_namespace_id": clone.get("source_namespace_id"),
        "namespace_ready": clone.get("status", "ready") == "ready",
        "cluster_id": None,
        "pinned": body.get("pinned"),
        **{name: body.get(name) for name in _STORED_AS_SENT},
        "created_at": to_text(namespace.created_at),
        "updated_at": to_text(namespace.updated_at),
        "expires_at": body.get("expires_at"),
    }


async def ensure_indexes(ctx: Context, identifier: str, *, rebuild: bool) -> dict[str, Any]:
    """Index what the namespace declares in each of its collections. Existing documents are done by a job."""
    namespace = access_namespace(ctx, identifier)
    outcome: dict[str, Any] = await ctx.execute(
        EnsureFieldPaths(
            organization_id=namespace.organization_id, namespace_row=namespace.namespace_row, rebuild=rebuild
        )
    )
    return outcome
