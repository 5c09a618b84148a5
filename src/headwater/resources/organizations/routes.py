"""The caller's own organization."""

from __future__ import annotations

from fastapi import APIRouter

from headwater.http.dependencies import Ctx
from headwater.http.route import Route
from headwater.resources.organizations import service
from headwater.resources.organizations.schemas import CreditsResponse, OrganizationResponse, OrganizationUpdate

router = APIRouter(route_class=Route, prefix="/v1/organizations", tags=["Organizations"])


@router.get("", summary="Get the organization", operation_id="get_organization")
async def get_organization(ctx: Ctx) -> OrganizationResponse:
    """The organization that the API key belongs to."""
    return await service.get_organization(ctx)


@router.patch("", summary="Change the organization", operation_id="update_organization")
async def update_organization(ctx: Ctx, body: OrganizationUpdate) -> OrganizationResponse:
    """Change name, contacts, metadata or the rate limits that are shown. What is absent stays as it is.

    Needs a key with `admin`.
    """
    return await service.update_organization(ctx, body)


@router.get("/credits", summary="Get the credit balance", operation_id="get_credits")
async def get_credits(ctx: Ctx) -> CreditsResponse:
    """The credit balance, for clients that ask. A self-hosted server charges nothing."""
    return await service.get_credits(ctx)
