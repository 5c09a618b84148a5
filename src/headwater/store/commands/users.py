"""Commands that make, change and remove the users of an organization."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.catalog.tables.users import User, find_user, load_user, user_row
from headwater.errors import AlreadyExistsError, ForbiddenError, NotFoundError
from headwater.store.commands.api_keys import PROTECTED_KEY, revoke_keys_of
from headwater.store.commands.base import Command, handles
from headwater.store.transaction import Transaction


class NewUser(msgspec.Struct, kw_only=True):
    user_id: str
    email: str
    role: str
    status: str
    #: user_name, avatar_url, metadata
    body: dict[str, Any]


class CreateUser(Command):
    organization_id: str
    user: NewUser


class UpdateUser(Command):
    """Change a user. Leaving ``active`` revokes the user's keys for good: coming back needs new ones."""

    organization_id: str
    user_id: str
    #: Who does it, for ``revoked_by``.
    actor: str
    role: str | None = None
    status: str | None = None
    #: Members of the user's body to set.
    changes: dict[str, Any] = {}


class DeleteUser(Command):
    """Remove a user with all keys."""

    organization_id: str
    user_id: str


@handles(CreateUser)
def create_user(tx: Transaction, command: CreateUser) -> list[Any]:
    """The new user's row; ``AlreadyExistsError`` when the organization has that e-mail."""
    insert_user(tx, command.organization_id, command.user)
    tx.catalogue_changed()
    return _row(tx, command.organization_id, command.user.user_id)


@handles(UpdateUser)
def update_user(tx: Transaction, command: UpdateUser) -> list[Any]:
    """The user's row as it is now."""
    user = _user(tx, command.organization_id, command.user_id)
    status = command.status or user.status
    if user.status == "active" and status != "active":
        _refuse_for_protected_key(tx, user)
        revoke_keys_of(tx, user.user_id, command.actor)
    tx.execute(
        "UPDATE users SET role = ?, status = ?, body = ?, updated_at = ? WHERE user_id = ?",
        (
            command.role or user.role,
            status,
            msgspec.json.encode(user.body | command.changes),
            tx.now,
            user.user_id,
        ),
    )
    tx.catalogue_changed()
    return _row(tx, command.organization_id, command.user_id)


@handles(DeleteUser, frees_space=True)
def delete_user(tx: Transaction, command: DeleteUser) -> None:
    user = _user(tx, command.organization_id, command.user_id)
    _refuse_for_protected_key(tx, user)
    tx.execute("DELETE FROM api_keys WHERE user_id = ?", (user.user_id,))
    tx.execute("DELETE FROM users WHERE user_id = ?", (user.user_id,))
    tx.catalogue_changed()


def insert_user(tx: Transaction, organization_id: str, user: NewUser) -> None:
    """Add the user's row; ``AlreadyExistsError`` when the organization has that e-mail."""
    if find_user(tx.connection, organization_id, user.email) is not None:
        raise AlreadyExistsError(
            f"A user with the e-mail '{user.email}' exists in this organization",
            details={"resource": "user", "name": user.email},
            code="user_email_taken",
        )
    tx.execute(
        "INSERT INTO users (user_id, organization_id, email, role, status, body, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            user.user_id,
            organization_id,
            user.email,
            user.role,
            user.status,
            msgspec.json.encode(user.body),
            tx.now,
            tx.now,
        ),
    )


def _refuse_for_protected_key(tx: Transaction, user: User) -> None:
    # Revoking it with its owner would be a way around its protection, and could lock everybody out.
    holds = tx.one(
        "SELECT 1 FROM api_keys WHERE user_id = ? AND name = ? AND status = 'active'",
        (user.user_id, PROTECTED_KEY),
    )
    if holds is not None:
        raise ForbiddenError(
            f"The user '{user.email}' holds the protected key '{PROTECTED_KEY}' and has to stay active",
            details={"resource": "api_key", "name": PROTECTED_KEY},
            code="api_key_protected",
        )


def _user(tx: Transaction, organization_id: str, user_id: str) -> User:
    user = load_user(tx.connection, organization_id, user_id)
    if user is None:
        raise NotFoundError.of("user", user_id)
    return user


def _row(tx: Transaction, organization_id: str, user_id: str) -> list[Any]:
    row = user_row(tx.connection, organization_id, user_id)
    if row is None:
        raise NotFoundError.of("user", user_id)
    return list(row)
