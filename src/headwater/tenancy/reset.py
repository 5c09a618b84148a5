"""The operator's way out when the protected key leaked or is lost: a new secret for it, from the server's machine."""

from __future__ import annotations

import hmac
from pathlib import Path

from headwater.catalog.database import open_reader
from headwater.catalog.tables.api_keys import ApiKey, api_key_of, find_named_key
from headwater.errors import NotFoundError
from headwater.kit.secrets import Secret, write_private
from headwater.store.commands.api_keys import PROTECTED_KEY, RotateApiKey
from headwater.store.interface import Store
from headwater.tenancy.bootstrap import ADMIN_KEY
from headwater.tenancy.keys import digest_of, new_secret, prefix_of


async def reset_admin_key(store: Store, directory: Path, organization_id: str | None) -> tuple[ApiKey, str]:
    """The organization's ``admin-key`` and its new secret; without an organization, that of the first start.

    ``DIR/admin-key`` follows when it holds that key. Dying half-way leaves a key to be reset again.
    """
    secret, api_secret = Secret.load(directory), new_secret()
    key = _admin_key(directory, organization_id)
    if _kept_in_file(directory, secret, key):
        write_private(directory / ADMIN_KEY, api_secret.encode() + b"\n")
    row = await store.execute(
        RotateApiKey(
            organization_id=key.organization_id,
            key_id=key.key_id,
            digest=digest_of(secret, api_secret),
            key_prefix=prefix_of(api_secret),
            force=True,
        )
    )
    return api_key_of(tuple(row)), api_secret


def _admin_key(directory: Path, organization_id: str | None) -> ApiKey:
    connection = open_reader(directory)
    try:
        key = find_named_key(connection, organization_id, PROTECTED_KEY)
    finally:
        connection.close()
    if key is None:
        raise NotFoundError.of("organization", organization_id or "first")
    return key


def _kept_in_file(directory: Path, secret: Secret, key: ApiKey) -> bool:
    path = directory / ADMIN_KEY
    if not path.exists():
        return False
    return hmac.compare_digest(digest_of(secret, path.read_text().strip()), key.digest)
