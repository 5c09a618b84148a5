"""The ``namespaces`` table: a namespace as the code sees it, and the queries that load one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import apsw
import msgspec

_COLUMNS = "namespace_row, organization_id, namespace_id, namespace_name, body, created_at, updated_at, objects_row"


@dataclass(frozen=True)
class Namespace:
    namespace_row: int
    organization_id: str
    #: Unique within the organization only: callers may choose it.
    namespace_id: str
    namespace_name: str
    body: dict[str, Any]
    created_at: int
    updated_at: int
    #: The row of the companion that holds its buckets and objects; None before the first bucket.
    objects_row: int | None = None


def namespace_of(row: tuple[Any, ...]) -> Namespace:
    namespace_row, organization_id, namespace_id, name, body, created_at, updated_at, objects_row = row
    body = msgspec.json.decode(body)
    return Namespace(namespace_row, organization_id, namespace_id, name, body, created_at, updated_at, objects_row)


def load_namespace(connection: apsw.Connection, namespace_row: int) -> Namespace | None:
    """The active namespace with that row."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM namespaces WHERE namespace_row = ? AND state = 'active'", (namespace_row,)
    ).fetchone()
    return None if row is None else namespace_of(row)


def find_namespace(connection: apsw.Connection, organization_id: str, identifier: str) -> Namespace | None:
    """The organization's active namespace with this id or, failing that, this exact name."""
    for column in ("namespace_id", "namespace_name"):
        row = connection.execute(
            f"SELECT {_COLUMNS} FROM namespaces WHERE organization_id = ? AND {column} = ? AND state = 'active'",
            (organization_id, identifier),
        ).fetchone()
        if row is not None:
            return namespace_of(row)
    return None


def list_namespaces(connection: apsw.Connection, organization_id: str) -> list[Namespace]:
    """The organization's active namespaces, newest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM namespaces WHERE organization_id = ? AND state = 'active'"
        " ORDER BY created_at DESC, namespace_row DESC",
        (organization_id,),
    )
    return [namespace_of(row) for row in rows]
