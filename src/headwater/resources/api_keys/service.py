"""What can be done with API keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from headwater import ids
from headwater.catalog.tables.api_keys import ApiKey, api_key_of
from headwater.context import Context
from headwater.errors import NotFoundError, ValidationError
from headwater.kit.clock import now_milliseconds, to_text
from headwater.kit.secrets import Secret
from headwater.resources.api_keys.repository import ApiKeys
from headwater.resources.api_keys.schemas import (
    ApiKeyCreate,
    ApiKeyListResponse,
    ApiKeyResponse,
    ApiKeySecretResponse,
    ApiKeyUpdate,
)
from headwater.resources.users import service as users
from headwater.resources.users.schemas import SuccessResponse
from headwater.store.commands.api_keys import CreateApiKey, NewApiKey, RevokeApiKey, RotateApiKey, UpdateApiKey
from headwater.tenancy.access import require_permission
from headwater.tenancy.keys import digest_of, new_secret, prefix_of, public_hash

#: The end of the year 9999, in milliseconds: later moments have no RFC 3339 form.
_LAST_MOMENT = 253_402_300_799_999


async def create_api_key(ctx: Context, email: str, body: ApiKeyCreate) -> ApiKeySecretResponse:
    user = users.find(ctx, email)
    secret = new_secret()
    row = await ctx.execute(
        CreateApiKey(organization_id=ctx.key.organization_id, user_id=user.user_id, key=_new_key(ctx, body, secret))
    )
    return secret_response_of(ctx.runtime.secret, api_key_of(tuple(row)), secret)


async def list_api_keys(ctx: Context, email: str, *, include_revoked: bool) -> ApiKeyListResponse:
    """The user's keys. With ``read`` one sees one's own; other people's need ``admin``."""
    if email != ctx.key.user_email:
        require_permission(ctx.key, "admin")
    user = users.find(ctx, email)
    keys = await ctx.runtime.reader.run(
        lambda connection: ApiKeys(connection, user).all(include_revoked=include_revoked)
    )
    return ApiKeyListResponse(results=[response_of(ctx.runtime.secret, key) for key in keys], total=len(keys))


async def update_api_key(ctx: Context, email: str, identifier: str, body: ApiKeyUpdate) -> ApiKeyResponse:
    key = _find(ctx, email, identifier)
    command = UpdateApiKey(
        organization_id=ctx.key.organization_id,
        key_id=key.key_id,
        actor=ctx.key.user_id,
        name=body.name,
        status=body.status,
        changes=_changes(body),
    )
    if "expires_at" in body.model_fields_set:
        command.expires_at = _milliseconds(body.expires_at)
    return response_of(ctx.runtime.secret, api_key_of(tuple(await ctx.execute(command))))


async def rotate_api_key(ctx: Context, email: str, identifier: str) -> ApiKeySecretResponse:
    key = _find(ctx, email, identifier)
    secret = new_secret()
    row = await ctx.execute(
        RotateApiKey(
            organization_id=ctx.key.organization_id,
            key_id=key.key_id,
            digest=digest_of(ctx.runtime.secret, secret),
            key_prefix=prefix_of(secret),
        )
    )
    return secret_response_of(ctx.runtime.secret, api_key_of(tuple(row)), secret)


async def delete_api_key(ctx: Context, email: str, identifier: str) -> SuccessResponse:
    key = _find(ctx, email, identifier)
    if key.status == "revoked":
        raise NotFoundError.of("api_key", identifier)
    await ctx.execute(RevokeApiKey(organization_id=ctx.key.organization_id, key_id=key.key_id, actor=ctx.key.user_id))
    return SuccessResponse(message="API key revoked")


def response_of(secret: Secret, key: ApiKey) -> ApiKeyResponse:
    return ApiKeyResponse(**_members(secret, key))


def secret_response_of(secret: Secret, key: ApiKey, api_secret: str) -> ApiKeySecretResponse:
    """The one answer that ever holds the secret."""
    return ApiKeySecretResponse(**_members(secret, key), key=api_secret)


def _members(secret: Secret, key: ApiKey) -> dict[str, Any]:
    body = key.body
    return {
        "key_id": key.key_id,
        "key_hash": public_hash(secret, key.digest),
        "key_prefix": body["key_prefix"],
        "key_type": body["key_type"],
        "internal_id": key.organization_id,
        "organization_id": key.organization_id,
        "user_id": key.user_id,
        "name": key.name,
        "description": body.get("description", ""),
        "permissions": body["permissions"],
        "scopes": body.get("scopes") or [],
        "rate_limit_override": body.get("rate_limit_override"),
        "status": key.status_at(now_milliseconds()),
        "expires_at": _text(key.expires_at),
        "last_used_at": _text(key.last_used_at),
        "created_at": to_text(key.created_at),
        "created_by": body.get("created_by"),
        "revoked_at": _text(body.get("revoked_at")),
        "revoked_by": body.get("revoked_by"),
        "allowed_origins": body.get("allowed_origins") or None,
        "principal_id": key.principal_id,
    }


def _find(ctx: Context, email: str, identifier: str) -> ApiKey:
    user = users.find(ctx, email)
    return ApiKeys(ctx.runtime.reader.connection, user).by_identifier(identifier)


def _new_key(ctx: Context, body: ApiKeyCreate, secret: str) -> NewApiKey:
    return NewApiKey(
        key_id=ids.new_key_id(),
        name=body.name,
        digest=digest_of(ctx.runtime.secret, secret),
        expires_at=_milliseconds(body.expires_at),
        body={
            "key_prefix": prefix_of(secret),
            "key_type": "standard",
            "description": body.description,
            "permissions": list(dict.fromkeys(body.permissions)),
            "scopes": [scope.model_dump(exclude_none=True) for scope in body.scopes],
            "rate_limit_override": body.rate_limit_override,
            "allowed_origins": body.allowed_origins,
            "principal_id": body.principal_id,
            "created_by": ctx.key.user_id,
        },
    )


def _changes(body: ApiKeyUpdate) -> dict[str, Any]:
    names = {"description", "permissions", "scopes", "rate_limit_override", "allowed_origins"}
    changes: dict[str, Any] = body.model_dump(exclude_none=True, include=names)
    if body.permissions is not None:
        changes["permissions"] = list(dict.fromkeys(body.permissions))
    return changes


def _milliseconds(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    milliseconds = int(moment.timestamp() * 1000)
    if not 0 <= milliseconds <= _LAST_MOMENT:
        raise ValidationError.at(["body", "expires_at"], "expires_at must be in the years 1970 to 9999", "date_range")
    return milliseconds


def _text(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else to_text(milliseconds)
