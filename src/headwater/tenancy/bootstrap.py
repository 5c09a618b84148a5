"""The first start: an organization, its admin user and the key ``admin-key``, once and only once.

The order makes it safe to die anywhere. The key's file is on the disk before the row that makes the key valid, so a
key never exists that nobody has; a start that finds the file but no organization goes on with the key in the file.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import apsw

from headwater import ids
from headwater.catalog.database import open_reader
from headwater.catalog.tables.api_keys import has_keys
from headwater.catalog.tables.organizations import has_organizations
from headwater.errors import HeadwaterError
from headwater.kit.secrets import Secret, write_private
from headwater.settings import Settings
from headwater.store.commands.api_keys import PROTECTED_KEY, NewApiKey
from headwater.store.commands.organizations import CreateOrganization
from headwater.store.commands.users import NewUser
from headwater.store.interface import Store
from headwater.tenancy.access import PRIVATE_TOKEN
from headwater.tenancy.keys import MAX_TOKEN_LENGTH, digest_of, is_mistyped, new_secret, prefix_of
from headwater.tenancy.permissions import PERMISSIONS

__all__ = ["ADMIN_KEY", "BootstrapKeyError", "bootstrap", "has_keys", "new_organization"]

#: The file that keeps the first key for the operator.
ADMIN_KEY = "admin-key"
_DEFAULT_RATE_LIMITS = {"metadata": 1000, "data": 1000, "search": 1000, "upload": 1000, "compute": 1000}


class BootstrapKeyError(HeadwaterError):
    """``HEADWATER_BOOTSTRAP_KEY`` cannot be used as a key. Correct it, or unset it to have one made."""


async def bootstrap(store: Store, settings: Settings, directory: Path) -> str | None:
    """The secret of the key that this start made, to be shown once; None when there is an organization already.

    ``DIR/admin-key`` and ``DIR/private-token`` are written with mode 0600. The store must be running.
    """
    if not (directory / PRIVATE_TOKEN).exists():
        write_private(directory / PRIVATE_TOKEN, secrets.token_urlsafe(32).encode() + b"\n")
    if _started_before(directory):
        return None
    secret = _first_secret(settings, directory)
    command, _ = new_organization(
        Secret.load(directory), settings.organization_name, email=settings.admin_email, secret_key=secret, first=True
    )
    return None if await store.execute(command) is None else secret


def new_organization(
    secret: Secret,
    name: str,
    *,
    email: str,
    users: list[NewUser] | None = None,
    body: dict[str, Any] | None = None,
    secret_key: str | None = None,
    first: bool = False,
) -> tuple[CreateOrganization, str]:
    """The command for an organization with the users, or an admin with that e-mail, and an ``admin-key`` for the
    first of them; and that key's secret."""
    api_secret = secret_key or new_secret()
    people = users or [_admin(email)]
    command = CreateOrganization(
        organization_id=ids.new_organization_id(),
        organization_name=name,
        body=organization_body(body or {}),
        users=people,
        key=admin_key(secret, api_secret, created_by=people[0].user_id),
        first=first,
    )
    return command, api_secret


def organization_body(given: dict[str, Any]) -> dict[str, Any]:
    """An organization's stored body: the defaults of a self-hosted one, under what was given."""
    defaults = {"account_type": "enterprise", "credit_count": 0, "metadata": {}, "rate_limits": _DEFAULT_RATE_LIMITS}
    return defaults | given


def admin_key(secret: Secret, api_secret: str, *, created_by: str, name: str = PROTECTED_KEY) -> NewApiKey:
    """A key with every permission and no scopes."""
    return NewApiKey(
        key_id=ids.new_key_id(),
        name=name,
        digest=digest_of(secret, api_secret),
        body={
            "key_prefix": prefix_of(api_secret),
            "key_type": "standard",
            "description": "Made for the organization's first administrator",
            "permissions": list(PERMISSIONS),
            "scopes": [],
            "created_by": created_by,
        },
    )


def _admin(email: str) -> NewUser:
    return NewUser(
        user_id=ids.new_user_id(),
        email=email,
        role="admin",
        status="active",
        body={"user_name": "Administrator", "metadata": {}},
    )


def _started_before(directory: Path) -> bool:
    connection: apsw.Connection = open_reader(directory)
    try:
        return has_organizations(connection)
    finally:
        connection.close()


def _first_secret(settings: Settings, directory: Path) -> str:
    """The first key's secret, with ``DIR/admin-key`` holding it."""
    path = directory / ADMIN_KEY
    if settings.bootstrap_key is not None:
        secret = _checked(settings.bootstrap_key)
    elif path.exists() and path.read_text().strip():
        return _checked(path.read_text().strip())
    else:
        secret = new_secret()
    write_private(path, secret.encode() + b"\n")
    return secret


def _checked(key: str) -> str:
    # Whatever the form, it has to travel in a header, and nobody could log in with a mistyped key of ours.
    if not key.isascii() or not key.isprintable() or " " in key or not 0 < len(key) <= MAX_TOKEN_LENGTH:
        raise BootstrapKeyError(
            "HEADWATER_BOOTSTRAP_KEY must be 1 to 512 visible ASCII characters without spaces; choose another key"
        )
    if is_mistyped(key):
        raise BootstrapKeyError(
            "HEADWATER_BOOTSTRAP_KEY looks like a key made by Headwater, but its checksum is wrong; copy it again"
        )
    return key
