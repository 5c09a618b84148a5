"""Every query about collections. A scope is part of each."""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from headwater.catalog.tables.collections import Collection, list_collections
from headwater.scope import NamespaceScope


@dataclass(frozen=True)
class State:
    """What moves with the documents and the index, and so is not part of a collection's row."""

    documents: int = 0
    #: The index cannot be trusted and is being built again.
    index_damaged: bool = False


_STATES = """
SELECT c.collection_row, coalesce(k.documents, 0), EXISTS (
    SELECT 1 FROM generations g WHERE g.collection_row = c.collection_row AND g.state = 'damaged')
FROM collections c LEFT JOIN collection_counts k USING (collection_row)
WHERE c.namespace_row = ?1 AND c.state = 'active'
"""
_DOCUMENTS_WITH_VECTORS = """
SELECT (SELECT count(*) FROM vectors v WHERE v.collection_row = c.collection_row) - (
    SELECT count(*) FROM vectors v WHERE v.collection_row = c.collection_row AND v.data = x'90')
FROM collections c WHERE c.namespace_row = ? AND c.collection_row = ?
"""


def state(connection: apsw.Connection, scope: NamespaceScope, collection_row: int) -> State:
    row = connection.execute(f"{_STATES} AND c.collection_row = ?2", (scope.namespace_row, collection_row)).fetchone()
    return State() if row is None else State(row[1], bool(row[2]))


def all_with_states(connection: apsw.Connection, scope: NamespaceScope) -> tuple[list[Collection], dict[int, State]]:
    """The namespace's collections, newest first, and their states."""
    rows = connection.execute(_STATES, (scope.namespace_row,))
    states = {row: State(documents, bool(damaged)) for row, documents, damaged in rows}
    return list_collections(connection, scope.namespace_row), states


def documents_with_vectors(connection: apsw.Connection, scope: NamespaceScope, collection_row: int) -> int:
    return int(connection.execute(_DOCUMENTS_WITH_VECTORS, (scope.namespace_row, collection_row)).get or 0)
