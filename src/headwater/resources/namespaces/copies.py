"""The rules of cloning and promoting namespaces."""

from __future__ import annotations

from typing import Any

from headwater import ids
from headwater.catalog.tables.namespaces import Namespace
from headwater.context import Context
from headwater.errors import NotEnabledError, ValidationError
from headwater.resources.namespaces.repository import Counts
from headwater.resources.namespaces.schemas_copies import CloneNamespaceRequest, PromoteRequest
from headwater.resources.namespaces.service import check_widths, expiry, namespace_response
from headwater.store.commands.clone import CloneNamespace
from headwater.store.commands.promote import PromoteNamespace
from headwater.tenancy.access import access_namespace, authorize


async def clone_namespace(ctx: Context, identifier: str, request: CloneNamespaceRequest) -> dict[str, Any]:
    """Make the clone with its collections; a job then copies the documents."""
    source = access_namespace(ctx, identifier)
    # A key that is confined to one namespace must not make itself another.
    authorize(ctx.key, "write", namespace=None, collection=None)
    _refuse_what_is_not_there(ctx, request)
    changes: dict[str, Any] = {"expires_at": expiry(request.ttl_seconds)}
    if request.description is not None:
        changes["description"] = request.description
    outcome = await ctx.execute(
        CloneNamespace(
            organization_id=source.organization_id,
            source_row=source.namespace_row,
            namespace_id=ids.new_namespace_id(),
            namespace_name=request.namespace_name,
            changes=changes,
            with_collections=request.include_resources.collections,
            with_retrievers=request.include_resources.retrievers,
        )
    )
    namespace = namespace_response(Namespace(**outcome["namespace"]), Counts())
    ready = namespace["clone_status"] == "ready"
    return {
        "namespace": namespace,
        "source_namespace_id": source.namespace_id,
        "status": namespace["clone_status"],
        "task_id": outcome["task_id"],
        "cloned_resources": {"collections": 0, "points": 0} if ready else None,
        "primary_retriever_id": None,
    }


def _refuse_what_is_not_there(ctx: Context, request: CloneNamespaceRequest) -> None:
    if request.mode == "branch":
        raise NotEnabledError(
            "Clones that share their source's storage are not part of this deployment; leave mode out for a copy",
            details={"feature": "clone_branch"},
        )
    if request.source_organization_id not in (None, ctx.organization.organization_id):
        raise NotEnabledError(
            "Cloning from another organization is not part of this deployment; export there and import here",
            details={"feature": "clone_across_organizations"},
        )


async def promote_namespace(ctx: Context, identifier: str, request: PromoteRequest) -> dict[str, Any]:
    """Make a standalone namespace managed. Raises ``NotEnabledError`` for a model that is not there."""
    namespace = access_namespace(ctx, identifier)
    _check(ctx, namespace, request)
    for problem in _unavailable(request):
        raise NotEnabledError(problem["error"], details={"feature": problem["inference_service"]})
    outcome = await ctx.execute(
        PromoteNamespace(
            organization_id=namespace.organization_id,
            namespace_row=namespace.namespace_row,
            added=_added(request),
        )
    )
    return {
        "namespace_id": namespace.namespace_id,
        "previous_mode": "standalone",
        "mode": "managed",
        "status": "active",
        "vector_configs": outcome["body"].get("vector_configs") or [],
        "vector_inference_map": {},
    }


async def validate_promotion(ctx: Context, identifier: str, request: PromoteRequest) -> dict[str, Any]:
    """What a promotion would do, and what stands in its way."""
    namespace = access_namespace(ctx, identifier)
    _check(ctx, namespace, request)
    mode = namespace.body.get("mode", "managed")
    errors = list(_unavailable(request))
    if mode != "standalone":
        errors.append({"error": "the namespace is managed already"})
    return {
        "namespace_id": namespace.namespace_id,
        "current_mode": mode,
        "valid": not errors,
        "vector_configs": [*(namespace.body.get("vector_configs") or ()), *_added(request)],
        "suggestions": [],
        "errors": errors,
        "required_user_action": "correct the request" if errors else "none",
    }


def _check(ctx: Context, namespace: Namespace, request: PromoteRequest) -> None:
    """Raise ``ValidationError`` for what makes no sense in this namespace."""
    names = [config["name"] for config in namespace.body.get("vector_configs") or ()]
    for number, mapping in enumerate(request.vector_mappings or ()):
        if mapping.existing_index not in names:
            raise ValidationError.at(
                ["body", "vector_mappings", number, "existing_index"],
                f"the namespace declares no vector {mapping.existing_index!r}; it has {', '.join(names) or 'none'}",
                "vector_name_unknown",
            )
    for number, vector in enumerate(request.add_vectors or ()):
        if vector.name in names:
            raise ValidationError.at(
                ["body", "add_vectors", number, "name"],
                f"the namespace has a vector {vector.name!r} already; choose another name",
                "vector_name_taken",
            )
    check_widths(ctx, request.add_vectors, "add_vectors")


def _unavailable(request: PromoteRequest) -> list[dict[str, str]]:
    """The models that are asked for: this deployment has none."""
    services = [mapping.inference_service for mapping in request.vector_mappings or ()]
    services += [vector.inference_service for vector in request.add_vectors or () if vector.inference_service]
    return [
        {
            "inference_service": service,
            "error": f"The inference service {service!r} is not part of this deployment; bring your own vectors",
        }
        for service in services
    ]


def _added(request: PromoteRequest) -> list[dict[str, Any]]:
    return [vector.model_dump(include={"name", "dimension", "metric"}) for vector in request.add_vectors or ()]
