"""API keys, under the user who owns them. A key is found by its name or its `key_id`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from headwater.http.dependencies import Ctx
from headwater.http.route import Route
from headwater.resources.api_keys import service
from headwater.resources.api_keys.schemas import (
    ApiKeyCreate,
    ApiKeyListResponse,
    ApiKeyResponse,
    ApiKeySecretResponse,
    ApiKeyUpdate,
)
from headwater.resources.users.schemas import SuccessResponse

router = APIRouter(route_class=Route, prefix="/v1/organizations/users/{user_email}/api-keys", tags=["API keys"])


@router.post("", summary="Create an API key", operation_id="create_api_key")
async def create_api_key(ctx: Ctx, user_email: str, body: ApiKeyCreate) -> ApiKeySecretResponse:
    """Make a key for a user. The answer holds the secret in `key`, this once.

    Needs a key with `admin`. The name must be new among the user's active keys, else 409.
    """
    return await service.create_api_key(ctx, user_email, body)


@router.get("", summary="List API keys", operation_id="list_api_keys")
async def list_api_keys(
    ctx: Ctx,
    user_email: str,
    include_revoked: Annotated[bool, Query(description="Also those that were revoked.")] = False,
    include_session_keys: Annotated[bool, Query(description="Read and ignored: there are none here.")] = False,
) -> ApiKeyListResponse:
    """A user's keys, oldest first, without their secrets. Other people's keys need `admin`."""
    return await service.list_api_keys(ctx, user_email, include_revoked=include_revoked)


@router.patch("/{key_name}", summary="Change an API key", operation_id="update_api_key")
async def update_api_key(ctx: Ctx, user_email: str, key_name: str, body: ApiKeyUpdate) -> ApiKeyResponse:
    """Change what a key may do, from the next request on. A revoked or expired key stays so (409).

    Needs a key with `admin`. The key named `admin-key` is protected (403).
    """
    return await service.update_api_key(ctx, user_email, key_name, body)


@router.delete("/{key_name}", summary="Revoke an API key", operation_id="delete_api_key")
async def delete_api_key(
    ctx: Ctx,
    user_email: str,
    key_name: str,
    force: Annotated[bool, Query(description="Read and ignored: nothing here embeds keys.")] = False,
) -> SuccessResponse:
    """Revoke a key for good. It is refused from the next request on, in every worker.

    Needs a key with `admin`. The key named `admin-key` is protected (403).
    """
    return await service.delete_api_key(ctx, user_email, key_name)


@router.post("/{key_name}/rotate", summary="Rotate an API key", operation_id="rotate_api_key")
async def rotate_api_key(ctx: Ctx, user_email: str, key_name: str) -> ApiKeySecretResponse:
    """Give a key a new secret, shown this once. The old one is refused from the next request on.

    Needs a key with `admin`. The key named `admin-key` is protected (403).
    """
    return await service.rotate_api_key(ctx, user_email, key_name)
