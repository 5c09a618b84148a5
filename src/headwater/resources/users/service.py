"""What can be done with the users of an organization."""

from __future__ import annotations

from headwater import ids
from headwater.catalog.tables.users import User, user_of
from headwater.context import Context
from headwater.kit.clock import to_text
from headwater.resources.users.repository import Users
from headwater.resources.users.schemas import (
    SuccessResponse,
    UserCreate,
    UserListResponse,
    UserResponse,
    UserUpdate,
)
from headwater.store.commands.users import CreateUser, DeleteUser, NewUser, UpdateUser


async def create_user(ctx: Context, body: UserCreate) -> UserResponse:
    row = await ctx.execute(CreateUser(organization_id=ctx.key.organization_id, user=new_user(body)))
    return response_of(user_of(tuple(row)))


async def list_users(ctx: Context, *, skip: int, limit: int, role: str | None, status: str | None) -> UserListResponse:
    scope = ctx.organization
    users, total = await ctx.runtime.reader.run(
        lambda connection: Users(connection, scope).page(skip, limit, role, status)
    )
    return UserListResponse(results=[response_of(user) for user in users], total=total, skip=skip, limit=limit)


async def get_user(ctx: Context, email: str) -> UserResponse:
    return response_of(find(ctx, email))


async def update_user(ctx: Context, email: str, body: UserUpdate) -> UserResponse:
    user = find(ctx, email)
    changes = body.model_dump(exclude_none=True, include={"user_name", "avatar_url", "metadata"})
    row = await ctx.execute(
        UpdateUser(
            organization_id=ctx.key.organization_id,
            user_id=user.user_id,
            actor=ctx.key.user_id,
            role=body.role,
            status=body.status,
            changes=changes,
        )
    )
    return response_of(user_of(tuple(row)))


async def delete_user(ctx: Context, email: str) -> SuccessResponse:
    user = find(ctx, email)
    await ctx.execute(DeleteUser(organization_id=ctx.key.organization_id, user_id=user.user_id))
    return SuccessResponse(message="User deleted, all keys of theirs revoked")


def find(ctx: Context, email: str) -> User:
    """The user with that e-mail in the caller's organization, or ``NotFoundError``."""
    return Users(ctx.runtime.reader.connection, ctx.organization).by_email(email)


def new_user(body: UserCreate) -> NewUser:
    """The row to be, with a fresh id."""
    return NewUser(
        user_id=ids.new_user_id(),
        email=body.email,
        role=body.role,
        status=body.status,
        body=body.model_dump(include={"user_name", "avatar_url", "metadata"}),
    )


def response_of(user: User) -> UserResponse:
    return UserResponse(
        user_id=user.user_id,
        email=user.email,
        user_name=user.body["user_name"],
        avatar_url=user.body.get("avatar_url"),
        role=user.role,
        status=user.status,
        metadata=user.body["metadata"],
        organization_id=user.organization_id,
        created_at=to_text(user.created_at),
        updated_at=to_text(user.updated_at),
    )
