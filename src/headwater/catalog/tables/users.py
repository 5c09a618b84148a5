"""The ``users`` table: a user as the code sees it, and the queries that load some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import apsw
import msgspec

_COLUMNS = "user_id, organization_id, email, role, status, body, created_at, updated_at"


@dataclass(frozen=True)
class User:
    user_id: str
    organization_id: str
    email: str
    #: admin, member or viewer
    role: str
    #: active, suspended or pending; keys of a user who is not active do not work
    status: str
    #: user_name, avatar_url, metadata
    body: dict[str, Any]
    created_at: int
    updated_at: int


def user_of(row: tuple[Any, ...]) -> User:
    user_id, organization_id, email, role, status, body, created_at, updated_at = row
    return User(user_id, organization_id, email, role, status, msgspec.json.decode(body), created_at, updated_at)


def user_row(connection: apsw.Connection, organization_id: str, user_id: str) -> tuple[Any, ...] | None:
    """The row for ``user_of``, as it also travels from the storage process to a worker."""
    return connection.execute(
        f"SELECT {_COLUMNS} FROM users WHERE organization_id = ? AND user_id = ?", (organization_id, user_id)
    ).fetchone()


def load_user(connection: apsw.Connection, organization_id: str, user_id: str) -> User | None:
    row = user_row(connection, organization_id, user_id)
    return None if row is None else user_of(row)


def find_user(connection: apsw.Connection, organization_id: str, email: str) -> User | None:
    """The organization's user with exactly this e-mail."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM users WHERE organization_id = ? AND email = ?", (organization_id, email)
    ).fetchone()
    return None if row is None else user_of(row)


def list_users(
    connection: apsw.Connection,
    organization_id: str,
    *,
    skip: int = 0,
    limit: int = 50,
    role: str | None = None,
    status: str | None = None,
) -> tuple[list[User], int]:
    """A page of the organization's users, oldest first, and how many there are on all pages."""
    where = "organization_id = ?1 AND (?2 IS NULL OR role = ?2) AND (?3 IS NULL OR status = ?3)"
    parameters = (organization_id, role, status)
    total = connection.execute(f"SELECT count(*) FROM users WHERE {where}", parameters).get
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM users WHERE {where} ORDER BY created_at, user_id LIMIT ?4 OFFSET ?5",
        (*parameters, limit, skip),
    )
    return [user_of(row) for row in rows], int(total)
