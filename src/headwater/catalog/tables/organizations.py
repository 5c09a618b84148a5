"""The ``organizations`` table: an organization as the code sees it, and the query that loads one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import apsw
import msgspec

_COLUMNS = "organization_id, organization_name, body, created_at, updated_at"


@dataclass(frozen=True)
class Organization:
    organization_id: str
    organization_name: str
    #: account_type, credit_count, metadata, rate_limits, billing_email, logo_url, ...
    body: dict[str, Any]
    created_at: int
    updated_at: int


def organization_of(row: tuple[Any, ...]) -> Organization:
    organization_id, name, body, created_at, updated_at = row
    return Organization(organization_id, name, msgspec.json.decode(body), created_at, updated_at)


def organization_row(connection: apsw.Connection, organization_id: str) -> tuple[Any, ...] | None:
    """The row for ``organization_of``, as it also travels from the storage process to a worker."""
    return connection.execute(
        f"SELECT {_COLUMNS} FROM organizations WHERE organization_id = ?", (organization_id,)
    ).fetchone()


def load_organization(connection: apsw.Connection, organization_id: str) -> Organization | None:
    row = organization_row(connection, organization_id)
    return None if row is None else organization_of(row)


def has_organizations(connection: apsw.Connection) -> bool:
    """Whether the first start has happened."""
    return connection.execute("SELECT 1 FROM organizations LIMIT 1").fetchone() is not None
