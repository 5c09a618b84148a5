"""Commands that make, change and end API keys.

A secret never travels in a command: the worker mints it and hands over its digest and visible prefix only.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.catalog.tables.api_keys import ApiKey, api_key_row, load_api_key
from headwater.catalog.tables.users import load_user
from headwater.errors import AlreadyExistsError, ConflictError, ForbiddenError, NotFoundError
from headwater.store.commands.base import Command, handles
from headwater.store.transaction import Transaction

#: The key of the first start. Nobody who can reach the API may change it; the operator on the machine may.
PROTECTED_KEY = "admin-key"


class NewApiKey(msgspec.Struct, kw_only=True):
    key_id: str
    name: str
    digest: bytes
    #: Milliseconds; None is never.
    expires_at: int | None = None
    #: key_prefix, description, permissions, scopes, ...
    body: dict[str, Any]


class CreateApiKey(Command):
    organization_id: str
    user_id: str
    key: NewApiKey


class UpdateApiKey(Command):
    """Change a key. A key that is revoked or expired stays so."""

    organization_id: str
    key_id: str
    #: Who does it, for ``revoked_by``.
    actor: str
    name: str | None = None
    status: str | None = None
    #: Milliseconds; None removes the expiry; unset leaves it.
    expires_at: int | msgspec.UnsetType | None = msgspec.UNSET
    #: Members of the key's body to set.
    changes: dict[str, Any] = {}


class RotateApiKey(Command):
    """Give a key a new secret. The old one is dead with the commit."""

    organization_id: str
    key_id: str
    digest: bytes
    key_prefix: str
    #: The operator on the machine may rotate the protected key.
    force: bool = False


class RevokeApiKey(Command):
    organization_id: str
    key_id: str
    actor: str
    force: bool = False


class TouchApiKeys(Command):
    """When keys were last used: key ids to milliseconds."""

    used: dict[str, int]


@handles(CreateApiKey)
def create_api_key(tx: Transaction, command: CreateApiKey) -> list[Any]:
    """The new key's row; ``AlreadyExistsError`` when the user has an active key of that name."""
    if command.key.name == PROTECTED_KEY:
        raise _protected()
    user = load_user(tx.connection, command.organization_id, command.user_id)
    if user is None:
        raise NotFoundError.of("user", command.user_id)
    if user.status != "active":
        raise ConflictError(
            f"The user '{user.email}' is {user.status}; a key of theirs would not work",
            details={"resource": "user", "id": user.email, "status": user.status},
        )
    insert_api_key(tx, command.organization_id, command.user_id, command.key)
    tx.catalogue_changed()
    return _row(tx, command.organization_id, command.key.key_id)


@handles(UpdateApiKey)
def update_api_key(tx: Transaction, command: UpdateApiKey) -> list[Any]:
    """The key's row as it is now; ``ConflictError`` for bringing back a dead one."""
    key = _changeable(tx, command.organization_id, command.key_id, force=False)
    if command.name == PROTECTED_KEY:
        raise _protected()
    reviving = command.status == "active" or command.expires_at is not msgspec.UNSET
    if reviving:
        _require_alive(tx, key)
    if command.name is not None and command.name != key.name:
        _claim_name(tx, key.user_id, command.name)
    _write(tx, key, command)
    if command.status in ("revoked", "expired"):
        _end(tx, key, command.status, command.actor)
    tx.catalogue_changed()
    return _row(tx, command.organization_id, command.key_id)


@handles(RotateApiKey)
def rotate_api_key(tx: Transaction, command: RotateApiKey) -> list[Any]:
    """The key's row as it is now; ``ConflictError`` when the key is dead."""
    key = _changeable(tx, command.organization_id, command.key_id, force=command.force)
    _require_alive(tx, key)
    tx.execute(
        "UPDATE api_keys SET digest = ?, body = ?, last_used_at = NULL, updated_at = ? WHERE key_id = ?",
        (
            command.digest,
            msgspec.json.encode(key.body | {"key_prefix": command.key_prefix}),
            tx.now,
            key.key_id,
        ),
    )
    tx.catalogue_changed()
    return _row(tx, command.organization_id, command.key_id)


@handles(RevokeApiKey, frees_space=True)
def revoke_api_key(tx: Transaction, command: RevokeApiKey) -> list[Any]:
    """The key's row as it is now. Revoking a dead key changes nothing. A full disk must not keep a leaked key alive."""
    key = _changeable(tx, command.organization_id, command.key_id, force=command.force)
    _end(tx, key, "revoked", command.actor)
    tx.catalogue_changed()
    return _row(tx, command.organization_id, command.key_id)


@handles(TouchApiKeys)
def touch_api_keys(tx: Transaction, command: TouchApiKeys) -> None:
    # The catalogue's counter stays: nobody decides by this time, and moving it would empty every cache.
    for key_id, used_at in command.used.items():
        tx.execute(
            "UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE key_id = ?",
            (used_at, key_id),
        )


def insert_api_key(tx: Transaction, organization_id: str, user_id: str, key: NewApiKey) -> None:
    """Add the key's row; ``AlreadyExistsError`` when the user has an active key of that name."""
    _claim_name(tx, user_id, key.name)
    tx.execute(
        "INSERT INTO api_keys (key_id, organization_id, user_id, name, digest, status, expires_at, body,"
        " created_at, updated_at) VALUES (?, ?, ?, ?, ?, 'active', ?, ?, ?, ?)",
        (
            key.key_id,
            organization_id,
            user_id,
            key.name,
            key.digest,
            key.expires_at,
            msgspec.json.encode(key.body),
            tx.now,
            tx.now,
        ),
    )


def revoke_keys_of(tx: Transaction, user_id: str, actor: str) -> None:
    """Revoke all of the user's keys, whoever holds them and whatever they are called."""
    rows = tx.execute("SELECT key_id, organization_id FROM api_keys WHERE user_id = ?", (user_id,)).fetchall()
    for key_id, organization_id in rows:
        _end(tx, _key(tx, str(organization_id), str(key_id)), "revoked", actor)


def _claim_name(tx: Transaction, user_id: str, name: str) -> None:
    holder = tx.one(
        "SELECT key_id, expires_at FROM api_keys WHERE user_id = ? AND name = ? AND status = 'active'",
        (user_id, name),
    )
    if holder is None:
        return
    key_id, expires_at = holder
    if expires_at is None or expires_at > tx.now:
        raise AlreadyExistsError(
            f"The user has an active API key named '{name}'; choose another name or rotate that key",
            details={"resource": "api_key", "name": name},
            code="api_key_name_taken",
        )
    # Time has ended that key already; its row follows now, so that the name is free.
    tx.execute("UPDATE api_keys SET status = 'expired' WHERE key_id = ?", (key_id,))


def _write(tx: Transaction, key: ApiKey, command: UpdateApiKey) -> None:
    expires_at = key.expires_at if command.expires_at is msgspec.UNSET else command.expires_at
    tx.execute(
        "UPDATE api_keys SET name = ?, expires_at = ?, body = ?, updated_at = ? WHERE key_id = ?",
        (
            command.name or key.name,
            expires_at,
            msgspec.json.encode(key.body | command.changes),
            tx.now,
            key.key_id,
        ),
    )


def _end(tx: Transaction, key: ApiKey, status: str, actor: str) -> None:
    if key.status != "active":
        return
    ended = {"revoked_at": tx.now, "revoked_by": actor} if status == "revoked" else {}
    body = _key(tx, key.organization_id, key.key_id).body
    tx.execute(
        "UPDATE api_keys SET status = ?, body = ?, updated_at = ? WHERE key_id = ?",
        (status, msgspec.json.encode(body | ended), tx.now, key.key_id),
    )


def _require_alive(tx: Transaction, key: ApiKey) -> None:
    status = key.status_at(tx.now)
    if status != "active":
        raise ConflictError(
            f"The API key '{key.name}' is {status} and stays so; create a new one",
            details={"resource": "api_key", "name": key.name, "status": status},
            code=f"api_key_{status}",
        )


def _changeable(tx: Transaction, organization_id: str, key_id: str, *, force: bool) -> ApiKey:
    key = _key(tx, organization_id, key_id)
    if key.name == PROTECTED_KEY and not force:
        raise _protected()
    return key


def _protected() -> ForbiddenError:
    return ForbiddenError(
        f"The key '{PROTECTED_KEY}' is protected; only 'headwater organizations reset-key' on the server replaces it",
        details={"resource": "api_key", "name": PROTECTED_KEY},
        code="api_key_protected",
    )


def _key(tx: Transaction, organization_id: str, key_id: str) -> ApiKey:
    key = load_api_key(tx.connection, organization_id, key_id)
    if key is None:
        raise NotFoundError.of("api_key", key_id)
    return key


def _row(tx: Transaction, organization_id: str, key_id: str) -> list[Any]:
    row = api_key_row(tx.connection, organization_id, key_id)
    if row is None:
        raise NotFoundError.of("api_key", key_id)
    return list(row)
