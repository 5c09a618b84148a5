"""``headwater organizations``: the tenants of a data directory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from headwater.cli.connection import DEFAULT_CONNECTION, DEFAULT_DATA, Client, Connection, Data, Json, path_of
from headwater.cli.output import CommandError, note, print_object

app = App(name="organizations", help="Organizations: create, get, reset-key.")


@app.command
def create(
    name: str,
    *,
    email: Annotated[str, Parameter(help="E-mail address of its first user, an admin.")],
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Make another organization, with an admin and that admin's key, in a running or stopped data directory.

    Parameters
    ----------
    name
        The organization's name, 1 to 100 characters.
    """
    if not 1 <= len(name) <= 100:
        raise CommandError(f"the name has {len(name)} characters, it may have 1 to 100", exit_code=2)
    if "@" not in email.strip("@"):
        raise CommandError(f"{email!r} is not an e-mail address", exit_code=2)
    print_object(asyncio.run(_create(name, email, data)), as_json=json)
    note("hint: keep the key now; it is not stored and cannot be shown again")


@app.command
def reset_key(organization_id: str | None = None, *, data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Give an organization's `admin-key` a new secret, such as when the old one leaked. The old one is dead at once.

    Parameters
    ----------
    organization_id
        Whose key; that of the first start when absent.
    """
    print_object(asyncio.run(_reset_key(organization_id, data)), as_json=json)
    note("hint: keep the key now; it is not stored and cannot be shown again")


async def _reset_key(organization_id: str | None, data: Path) -> dict[str, Any]:
    from headwater.cli.directory import existing, open_store
    from headwater.tenancy.reset import reset_admin_key

    directory = existing(data)
    async with open_store(directory) as store:
        key, secret = await reset_admin_key(store, directory, organization_id)
    return {
        "organization_id": key.organization_id,
        "user_email": key.user_email,
        "key_name": key.name,
        "key": secret,
    }


async def _create(name: str, email: str, data: Path) -> dict[str, Any]:
    from headwater.cli.directory import existing, open_store
    from headwater.kit.secrets import Secret
    from headwater.tenancy.bootstrap import new_organization

    directory = existing(data)
    command, key = new_organization(Secret.load(directory), name, email=email)
    async with open_store(directory) as store:
        await store.execute(command)
    return {
        "organization_id": command.organization_id,
        "organization_name": name,
        "user_email": email,
        "key_name": command.key.name,
        "key": key,
    }


@app.command
def get(*, connection: Connection = DEFAULT_CONNECTION, json: Json = False) -> None:
    """Show the organization of the key."""
    with Client(connection) as client:
        print_object(client.get(path_of("organizations")), as_json=json)
