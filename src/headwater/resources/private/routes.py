"""For the operator of the server: more organizations. The token is in `DIR/private-token`."""

from __future__ import annotations

from fastapi import APIRouter

from headwater.http.dependencies import CurrentRuntime
from headwater.http.route import Route
from headwater.resources.api_keys.schemas import ApiKeySecretResponse
from headwater.resources.private import service
from headwater.resources.private.schemas import (
    BootstrapKeyCreate,
    PrivateOrganizationCreate,
    PrivateOrganizationResponse,
)

router = APIRouter(route_class=Route, prefix="/v1/private/organizations", tags=["Private"])


@router.post("", summary="Create an organization", operation_id="create_private_organization")
async def create_private_organization(
    runtime: CurrentRuntime, body: PrivateOrganizationCreate
) -> PrivateOrganizationResponse:
    """Make an organization with its users and an `admin-key` for the first of them, all or nothing.

    `Authorization: Bearer` takes the operator's token, not an API key. The answer holds the key's secret this once.
    """
    return await service.create_organization(runtime, body)


@router.post(
    "/{organization_id}/users/{user_email}/bootstrap-key",
    summary="Create a bootstrap key",
    operation_id="create_bootstrap_key",
)
async def create_bootstrap_key(
    runtime: CurrentRuntime,
    organization_id: str,
    user_email: str,
    body: BootstrapKeyCreate | None = None,
) -> ApiKeySecretResponse:
    """Make one more key with every permission for a user, such as when the first one was lost.

    `Authorization: Bearer` takes the operator's token, not an API key.
    """
    return await service.create_bootstrap_key(runtime, organization_id, user_email, body or BootstrapKeyCreate())
