"""The tree that documents form by naming their parents: the way up, and the children of each.

Only ``documents.parent_document_id`` is followed. A parent that is not stored, or that the scope does not show, ends
the way up; writes refuse cycles, and walks end at one all the same.
"""

from __future__ import annotations

from collections.abc import Callable

import apsw

from headwater.scope import DocumentScope
from headwater.store.documents.acl import can_read
from headwater.store.documents.records import COLUMNS, DOCUMENTS, DocumentRow, document_of, load_document

#: Told how many documents are read; raises to stop the reading. See ``store.find.Budget.spend``.
Spend = Callable[[int], None]


def free(rows: int) -> None:
    """For callers that bound by their ``limit`` what is read."""


def is_visible(scope: DocumentScope, document: DocumentRow) -> bool:
    return scope.reaches(document.collection_row) and can_read(document, scope.principal)


def load_visible(connection: apsw.Connection, scope: DocumentScope, document_id: str) -> DocumentRow | None:
    """The document with that id, or None when there is none that the scope shows: the two are one."""
    document = load_document(connection, scope.namespace_row, document_id)
    return document if document is not None and is_visible(scope, document) else None


def ancestors(
    connection: apsw.Connection, scope: DocumentScope, document: DocumentRow, limit: int, spend: Spend = free
) -> list[DocumentRow]:
    """The parent, its parent and so on, up to ``limit`` of them, the topmost first."""
    found: list[DocumentRow] = []
    seen = {document.document_id}
    while document.parent_document_id is not None and document.parent_document_id not in seen and len(found) < limit:
        spend(1)
        parent = load_visible(connection, scope, document.parent_document_id)
        if parent is None:
            break
        seen.add(parent.document_id)
        found.append(parent)
        document = parent
    return found[::-1]


_CHILDREN = (
    f"SELECT {COLUMNS} FROM {DOCUMENTS} WHERE d.namespace_row = ? AND d.parent_document_id = ?"
    " AND d.document_row > ? ORDER BY d.document_row LIMIT ?"
)


def children_after(
    connection: apsw.Connection, namespace_row: int, parent_id: str, after_row: int, limit: int
) -> list[DocumentRow]:
    """Children with a larger ``document_row``, in its order, which is that of their creation."""
    rows = connection.execute(_CHILDREN, (namespace_row, parent_id, after_row, limit)).fetchall()
    return [document_of(row) for row in rows]


def children(
    connection: apsw.Connection, scope: DocumentScope, parent_id: str, limit: int, spend: Spend = free
) -> list[DocumentRow]:
    """The first ``limit`` children that the scope shows, in the order of their creation."""
    found: list[DocumentRow] = []
    after_row = 0
    while len(found) < limit:
        page = children_after(connection, scope.namespace_row, parent_id, after_row, limit)
        spend(len(page))
        found += [child for child in page if is_visible(scope, child)]
        if len(page) < limit:
            break
        after_row = page[-1].document_row
    return found[:limit]
