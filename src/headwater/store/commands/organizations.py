"""Commands that make and change organizations."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.catalog.tables.organizations import has_organizations, organization_row
from headwater.errors import NotFoundError
from headwater.store.commands.api_keys import NewApiKey, insert_api_key
from headwater.store.commands.base import Command, handles
from headwater.store.commands.users import NewUser, insert_user
from headwater.store.transaction import Transaction


class CreateOrganization(Command):
    """An organization, its users and the first user's key, all or nothing.

    With ``first`` it does nothing once there is an organization, so that a first start cannot happen twice.
    """

    organization_id: str
    organization_name: str
    #: account_type, credit_count, metadata, rate_limits, ...
    body: dict[str, Any]
    users: list[NewUser]
    key: NewApiKey
    first: bool = False


class UpdateOrganization(Command):
    organization_id: str
    organization_name: str | None = None
    #: Members of the organization's body to set; each replaces what was there.
    changes: dict[str, Any] = {}
    #: Categories to set; the others stay.
    rate_limits: dict[str, int] = {}


@handles(CreateOrganization)
def create_organization(tx: Transaction, command: CreateOrganization) -> list[Any] | None:
    """The new organization's row, or None when ``first`` came too late."""
    if command.first and has_organizations(tx.connection):
        return None
    tx.execute(
        "INSERT INTO organizations (organization_id, organization_name, body, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (
            command.organization_id,
            command.organization_name,
            msgspec.json.encode(command.body),
            tx.now,
            tx.now,
        ),
    )
    for user in command.users:
        insert_user(tx, command.organization_id, user)
    insert_api_key(tx, command.organization_id, command.users[0].user_id, command.key)
    tx.catalogue_changed()
    return _row(tx, command.organization_id)


@handles(UpdateOrganization)
def update_organization(tx: Transaction, command: UpdateOrganization) -> list[Any]:
    """The organization's row as it is now."""
    _, name, encoded, *_ = _row(tx, command.organization_id)
    body = msgspec.json.decode(encoded)
    limits = {"rate_limits": body["rate_limits"] | command.rate_limits}
    tx.execute(
        "UPDATE organizations SET organization_name = ?, body = ?, updated_at = ? WHERE organization_id = ?",
        (
            command.organization_name or name,
            msgspec.json.encode(body | limits | command.changes),
            tx.now,
            command.organization_id,
        ),
    )
    tx.catalogue_changed()
    return _row(tx, command.organization_id)


def _row(tx: Transaction, organization_id: str) -> list[Any]:
    row = organization_row(tx.connection, organization_id)
    if row is None:
        raise NotFoundError.of("organization", organization_id)
    return list(row)
