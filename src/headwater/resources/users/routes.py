"""The users of the caller's organization. They own API keys; they do not log in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from headwater.http.dependencies import Ctx
from headwater.http.route import Route
from headwater.resources.users import service
from headwater.resources.users.schemas import (
    Role,
    SuccessResponse,
    UserCreate,
    UserListResponse,
    UserResponse,
    UserStatus,
    UserUpdate,
)

router = APIRouter(route_class=Route, prefix="/v1/organizations/users", tags=["Users"])


@router.post("", summary="Create a user", operation_id="create_user")
async def create_user(ctx: Ctx, body: UserCreate) -> UserResponse:
    """Add a user to the organization. The e-mail must be new to it, else 409.

    Needs a key with `admin`.
    """
    return await service.create_user(ctx, body)


@router.get("", summary="List users", operation_id="list_users")
async def list_users(
    ctx: Ctx,
    skip: Annotated[int, Query(ge=0, le=1_000_000, description="Users to pass over.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="Users on a page.")] = 50,
    role: Annotated[Role | None, Query(description="Only those with this role.")] = None,
    status: Annotated[UserStatus | None, Query(description="Only those with this status.")] = None,
) -> UserListResponse:
    """The organization's users, oldest first. `total` counts all that match."""
    return await service.list_users(ctx, skip=skip, limit=limit, role=role, status=status)


@router.get("/{user_email}", summary="Get a user", operation_id="get_user")
async def get_user(ctx: Ctx, user_email: str) -> UserResponse:
    """One user, by e-mail (`@` may be sent as `%40`)."""
    return await service.get_user(ctx, user_email)


@router.patch("/{user_email}", summary="Change a user", operation_id="update_user")
async def update_user(ctx: Ctx, user_email: str, body: UserUpdate) -> UserResponse:
    """Change a user. Leaving `active` revokes all keys of the user for good: coming back needs new keys.

    Needs a key with `admin`. Who holds the protected `admin-key` has to stay active (403).
    """
    return await service.update_user(ctx, user_email, body)


@router.delete("/{user_email}", summary="Delete a user", operation_id="delete_user")
async def delete_user(ctx: Ctx, user_email: str) -> SuccessResponse:
    """Remove a user with all keys. The keys are refused from the next request on.

    Needs a key with `admin`. Who holds the protected `admin-key` cannot be removed (403).
    """
    return await service.delete_user(ctx, user_email)
