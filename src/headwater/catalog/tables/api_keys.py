"""The ``api_keys`` table: a key as the code sees it, and the queries that load one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import apsw
import msgspec

_COLUMNS = (
    "k.key_id, k.organization_id, k.user_id, k.name, k.digest, k.status, k.expires_at, k.last_used_at,"
    " k.created_at, k.updated_at, u.email, u.status, k.body"
)
_FROM = "FROM api_keys k JOIN users u USING (user_id)"


@dataclass(frozen=True)
class ApiKey:
    key_id: str
    organization_id: str
    user_id: str
    name: str
    digest: bytes
    #: active, revoked or expired; an active one may also be past ``expires_at``
    status: str
    expires_at: int | None
    last_used_at: int | None
    created_at: int
    updated_at: int
    user_email: str
    user_status: str
    #: key_prefix, description, permissions, scopes, allowed_origins, principal_id, rate_limit_override, ...
    body: dict[str, Any]

    @property
    def principal_id(self) -> str | None:
        """The end user that the key stands for; None is a key of the organization itself."""
        principal: str | None = self.body.get("principal_id")
        return principal

    @property
    def scopes(self) -> list[dict[str, Any]]:
        """What the key is confined to; nothing confines one without scopes."""
        return self.body.get("scopes") or []

    def status_at(self, now: int) -> str:
        """What the key's owner is told: a key past its time is expired, whatever the row says."""
        if self.status == "active" and self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return self.status


def api_key_of(row: tuple[Any, ...]) -> ApiKey:
    values: list[Any] = [*row[:-1], msgspec.json.decode(row[-1])]
    return ApiKey(*values)


def find_api_key_by_digest(connection: apsw.Connection, digest: bytes) -> ApiKey | None:
    """The key whose secret has this digest, whatever its status."""
    row = connection.execute(f"SELECT {_COLUMNS} {_FROM} WHERE k.digest = ?", (digest,)).fetchone()
    return None if row is None else api_key_of(row)


def find_api_key_by_id(connection: apsw.Connection, key_id: str) -> ApiKey | None:
    """The key of any organization with this id, whatever its status."""
    row = connection.execute(f"SELECT {_COLUMNS} {_FROM} WHERE k.key_id = ?", (key_id,)).fetchone()
    return None if row is None else api_key_of(row)


def api_key_row(connection: apsw.Connection, organization_id: str, key_id: str) -> tuple[Any, ...] | None:
    """The row for ``api_key_of``, as it also travels from the storage process to a worker."""
    return connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE k.organization_id = ? AND k.key_id = ?", (organization_id, key_id)
    ).fetchone()


def load_api_key(connection: apsw.Connection, organization_id: str, key_id: str) -> ApiKey | None:
    row = api_key_row(connection, organization_id, key_id)
    return None if row is None else api_key_of(row)


def find_api_key(connection: apsw.Connection, user_id: str, identifier: str) -> ApiKey | None:
    """The user's key with this id or, failing that, this name: the active one, else the latest of them."""
    row = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE k.user_id = ?1 AND (k.key_id = ?2 OR k.name = ?2)"
        " ORDER BY k.key_id = ?2 DESC, k.status = 'active' DESC, k.created_at DESC LIMIT 1",
        (user_id, identifier),
    ).fetchone()
    return None if row is None else api_key_of(row)


def find_named_key(connection: apsw.Connection, organization_id: str | None, name: str) -> ApiKey | None:
    """The oldest active key with that name, in that organization or, without one, in the oldest."""
    row = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} JOIN organizations o ON o.organization_id = k.organization_id"
        " WHERE (?1 IS NULL OR k.organization_id = ?1) AND k.name = ?2 AND k.status = 'active'"
        " ORDER BY o.created_at, k.created_at LIMIT 1",
        (organization_id, name),
    ).fetchone()
    return None if row is None else api_key_of(row)


def list_api_keys(connection: apsw.Connection, user_id: str, *, include_revoked: bool = False) -> list[ApiKey]:
    """The user's keys, oldest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE k.user_id = ?1 AND (?2 OR k.status != 'revoked')"
        " ORDER BY k.created_at, k.key_id",
        (user_id, include_revoked),
    )
    return [api_key_of(row) for row in rows]


def has_keys(connection: apsw.Connection) -> bool:
    """Whether any key exists that could still open something."""
    return connection.execute("SELECT 1 FROM api_keys WHERE status = 'active' LIMIT 1").fetchone() is not None
