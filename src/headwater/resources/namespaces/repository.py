"""Every query about namespaces. A scope is part of each."""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from headwater.catalog.tables.namespaces import Namespace, list_namespaces
from headwater.scope import OrganizationScope


@dataclass(frozen=True)
class Counts:
    documents: int = 0
    #: Without the system collection, which lists hide too.
    collections: int = 0
    objects: int = 0
    buckets: int = 0


#: What is in the namespace itself, and what is in its companion.
_COUNTS = """
SELECT
    n.namespace_row,
    coalesce(sum(k.documents) FILTER (WHERE c.namespace_row = n.namespace_row), 0),
    count(*) FILTER (WHERE c.namespace_row = n.namespace_row AND c.collection_name <> '_direct_upsert'),
    coalesce(sum(k.documents) FILTER (WHERE c.namespace_row = n.objects_row), 0),
    count(*) FILTER (WHERE c.namespace_row = n.objects_row)
FROM namespaces n
JOIN collections c ON c.namespace_row IN (n.namespace_row, n.objects_row) AND c.state = 'active'
LEFT JOIN collection_counts k USING (collection_row)
WHERE n.organization_id = ?1 AND n.state = 'active'
"""


def counts(connection: apsw.Connection, scope: OrganizationScope, namespace_row: int) -> Counts:
    """What is in one of the organization's namespaces."""
    row = connection.execute(
        f"{_COUNTS} AND n.namespace_row = ?2 GROUP BY 1", (scope.organization_id, namespace_row)
    ).fetchone()
    return Counts() if row is None else Counts(*row[1:])


def all_with_counts(connection: apsw.Connection, scope: OrganizationScope) -> tuple[list[Namespace], dict[int, Counts]]:
    """The organization's namespaces, newest first, and what is in them; one with nothing in it has no counts."""
    rows = connection.execute(f"{_COUNTS} GROUP BY 1", (scope.organization_id,))
    found = {row: Counts(*inside) for row, *inside in rows}
    return list_namespaces(connection, scope.organization_id), found
