"""Routes that make a namespace of another, or another kind of namespace of one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from headwater.http.dependencies import Ctx
from headwater.http.route import Route
from headwater.resources.namespaces import copies
from headwater.resources.namespaces.schemas_copies import (
    CloneNamespaceRequest,
    CloneNamespaceResponse,
    PromoteRequest,
    PromoteResponse,
    PromoteValidation,
)

router = APIRouter(route_class=Route, tags=["Namespaces"])

_NAMESPACE = "/v1/namespaces/{namespace_identifier}"


@router.post(
    _NAMESPACE + "/clone",
    summary="Clone namespace",
    operation_id="clone_namespace",
    response_model=CloneNamespaceResponse,
)
async def clone_namespace(ctx: Ctx, namespace_identifier: str, body: CloneNamespaceRequest) -> dict[str, Any]:
    """Make a namespace like this one under another name, with its collections, their documents and vectors, and its
    retrievers.

    The collections are there with the answer, under new ids and their old names; a task copies the documents that were
    there at that time. `clone_status` of the namespace says when it is done: `cloning`, then `ready` or `failed`.
    Documents keep ids, vectors, lineage and times.
    """
    return await copies.clone_namespace(ctx, namespace_identifier, body)


@router.post(
    _NAMESPACE + "/promote",
    summary="Promote a standalone namespace",
    operation_id="promote_namespace",
    response_model=PromoteResponse,
)
async def promote_namespace(ctx: Ctx, namespace_identifier: str, body: PromoteRequest) -> dict[str, Any]:
    """Make a standalone namespace a managed one. It keeps its collections, documents and vectors; `add_vectors`
    declares further indexes in all its collections.

    Models that compute vectors are not part of this deployment, so an `inference_service` is refused (403).
    """
    return await copies.promote_namespace(ctx, namespace_identifier, body)


@router.post(
    _NAMESPACE + "/promote/validate",
    summary="Validate a promotion",
    operation_id="validate_promote_namespace",
    response_model=PromoteValidation,
)
async def validate_promote_namespace(ctx: Ctx, namespace_identifier: str, body: PromoteRequest) -> dict[str, Any]:
    """What a promotion would do and what stands in its way. Nothing is changed."""
    return await copies.validate_promotion(ctx, namespace_identifier, body)
