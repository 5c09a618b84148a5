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


_COUNTS = """
SELECT n.namespace_row, coalesce(sum(k.documents), 0), count(*) FILTER (WHERE c.collection_name <> '_direct_upsert')
FROM namespaces n
JOIN collections c ON c.namespace_row = n.namespace_row AND c.state = 'active'
LEFT JOIN collection_counts k USING (collection_row)
WHERE n.organization_id = ?1 AND n.state = 'active' AND (?2 IS NULL OR n.namespace_row = ?2)
GROUP BY n.namespace_row
"""


def counts(
    connection: apsw.Connection, scope: OrganizationScope, namespace_row: int | None = None
) -> dict[int, Counts]:
    """What is in the organization's namespaces, or in one of them; one without collections is absent."""
    rows = connection.execute(_COUNTS, (scope.organization_id, namespace_row))
    return {row: Counts(documents, collections) for row, documents, collections in rows}


def all_with_counts(connection: apsw.Connection, scope: OrganizationScope) -> tuple[list[Namespace], dict[int, Counts]]:
    """The organization's namespaces, newest first, and what is in them."""
    return list_namespaces(connection, scope.organization_id), counts(connection, scope)
