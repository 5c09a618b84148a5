"""The ``api_keys`` table: a key as the code sees it, and the queries that load one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import apsw
import msgspec

_COLUMNS = (
    "k.key_id, k.organization_id, k.user_id, k.name, k.digest, k.status, k.expires_at, k.last_used_at, k.body,"
    " k.created_at, k.updated_at, u.email, u.status"
)


@dataclass(frozen=True)
class ApiKey:
    key_id: str
    organization_id: str
    user_id: str
    name: str
    digest: bytes
    status: str
    expires_at: int | None
    last_used_at: int | None
    #: key_prefix, description, permissions, scopes, allowed_origins, principal_id, rate_limit_override, ...
    body: dict[str, Any]
    created_at: int
    updated_at: int
    user_email: str
    user_status: str


def api_key_of(row: tuple[Any, ...]) -> ApiKey:
    return ApiKey(*row[:8], msgspec.json.decode(row[8]), *row[9:])


def find_api_key_by_digest(connection: apsw.Connection, digest: bytes) -> ApiKey | None:
    """The key whose secret has this digest, whatever its status."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM api_keys k JOIN users u USING (user_id) WHERE k.digest = ?", (digest,)
    ).fetchone()
    return None if row is None else api_key_of(row)
