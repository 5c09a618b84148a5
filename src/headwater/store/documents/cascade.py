"""Deleting documents together with everything that was made from them.

``planned_tree`` and ``planned_object`` count what would go, and refuse the whole of it when a part must stay. ``Walk``
finds what goes next, children before their parents: wherever a deletion is cut short, what is left still hangs from
what it was made from, and the same deletion finds it again.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

import apsw

from headwater.catalog.database import fetch_all
from headwater.catalog.tables.collections import Collection, load_collection
from headwater.errors import ForbiddenError
from headwater.scope import DocumentScope
from headwater.store.documents import tree
from headwater.store.documents.acl import acl_of, readable_by, writable_by
from headwater.store.documents.records import COLUMNS, DOCUMENTS, DocumentRow, document_of
from headwater.store.documents.write import require_writable
from headwater.store.find import Budget

_TREE = f"""
WITH RECURSIVE below (document_id, document_row, collection_row) AS (
    SELECT d.document_id, d.document_row, d.collection_row FROM {DOCUMENTS}
    WHERE d.namespace_row = ?1 AND d.document_id = ?2
    UNION
    SELECT d.document_id, d.document_row, d.collection_row FROM below CROSS JOIN {DOCUMENTS}
    WHERE d.namespace_row = ?1 AND d.parent_document_id = below.document_id
)
"""
_TREE_COUNTS = _TREE + "SELECT collection_row, count(*) FROM below GROUP BY collection_row"
_TREE_ACLS = _TREE + "SELECT d.internal FROM below CROSS JOIN documents d ON d.document_row = below.document_row"
_OF_OBJECT = f"FROM {DOCUMENTS} WHERE d.namespace_row = ?1 AND d.root_object_id = ?2"
_OBJECT_COUNTS = f"SELECT d.collection_row, count(*) {_OF_OBJECT} GROUP BY d.collection_row"
_OBJECT_ACLS = f"SELECT d.internal {_OF_OBJECT}"
_OBJECT_DOCUMENTS = f"SELECT {COLUMNS} {_OF_OBJECT} LIMIT ?3"


def planned_tree(connection: apsw.Connection, budget: Budget, scope: DocumentScope, document_id: str) -> Counter[str]:
    """How many documents of each collection go with that one, itself among them.

    Raises ``ForbiddenError`` when the scope does not reach one of them or its principal may not write one,
    ``ConflictError`` when one is in a frozen collection.
    """
    return _planned(connection, budget, scope, (_TREE_COUNTS, _TREE_ACLS), document_id)


def planned_object(connection: apsw.Connection, budget: Budget, scope: DocumentScope, object_id: str) -> Counter[str]:
    """The same of all documents with that root object: none when the scope shows none of them."""
    return _planned(connection, budget, scope, (_OBJECT_COUNTS, _OBJECT_ACLS), object_id)


def _planned(
    connection: apsw.Connection, budget: Budget, scope: DocumentScope, queries: tuple[str, str], identifier: str
) -> Counter[str]:
    counts, acls = queries
    parameters = (scope.namespace_row, identifier)
    if scope.principal is not None:
        internals = []
        for (internal,) in connection.execute(acls, parameters):
            budget.spend(1)
            internals.append(internal)
        if not any(readable_by(acl_of(internal), scope.principal) for internal in internals):
            return Counter()
        _require_rights(scope, internals)
    found: Counter[str] = Counter()
    for collection_row, count in fetch_all(connection, counts, parameters):
        _require_reach(scope, collection_row)
        collection = load_collection(connection, collection_row)
        assert collection is not None, "the query shows documents of active collections only"
        require_writable(collection)
        found[collection.collection_id] = count
    return found


def check_removable(scope: DocumentScope, document: DocumentRow, collection: Collection) -> None:
    """Raises what ``planned_tree`` raises, for a document of that collection: it may have changed since."""
    _require_reach(scope, document.collection_row)
    _require_rights(scope, [document.internal])
    require_writable(collection)


def _require_reach(scope: DocumentScope, collection_row: int) -> None:
    if not scope.reaches(collection_row):
        raise ForbiddenError(
            "The scopes of this API key do not cover all that would be deleted; nothing of it was",
            details={"required_permission": "delete"},
            code="scope_required",
        )


def _require_rights(scope: DocumentScope, internals: Sequence[bytes]) -> None:
    principal = scope.principal
    if principal is not None and not all(writable_by(acl_of(internal), principal) for internal in internals):
        # Which of them is not told: it may be hidden from the principal.
        raise ForbiddenError(
            f"The principal {principal!r} may not delete all that would be deleted; nothing of it was",
            details={"required_right": "write"},
            code="document_acl",
        )


@dataclass
class _Step:
    """A document on the way down, and the last of its children that was looked at."""

    document: DocumentRow
    after_row: int = 0


class Walk:
    """Up to ``limit`` documents, each after everything below it. With ``object_id``, only those with that root."""

    def __init__(
        self, connection: apsw.Connection, namespace_row: int, limit: int, object_id: str | None = None
    ) -> None:
        self._connection = connection
        self._namespace_row = namespace_row
        self._limit = limit
        self._object_id = object_id
        #: By ``document_row``, in the order in which they may be deleted.
        self.found: dict[int, DocumentRow] = {}

    def add(self, start: DocumentRow) -> bool:
        """Find the document and what is below it. False when that is more than there was room for."""
        # Of a longer way down, the upper part is not kept: it will not be reached in this slice.
        way = deque([_Step(start)], maxlen=self._limit)
        rows = {start.document_row}
        whole = True
        while way and len(self.found) < self._limit:
            child = self._next_child(way[-1], rows)
            if child is not None:
                whole = whole and len(way) < self._limit
                way.append(_Step(child))
                rows.add(child.document_row)
                continue
            document = way.pop().document
            self.found[document.document_row] = document
        return whole and not way

    def _next_child(self, step: _Step, rows: set[int]) -> DocumentRow | None:
        """The next child that was not seen: one that was would lead around in a circle."""
        while True:
            page = tree.children_after(
                self._connection, self._namespace_row, step.document.document_id, step.after_row, 1
            )
            if not page:
                return None
            (child,) = page
            step.after_row = child.document_row
            if child.document_row not in rows and child.document_row not in self.found and self._wanted(child):
                return child

    def _wanted(self, document: DocumentRow) -> bool:
        return self._object_id is None or document.root_object_id == self._object_id


def walk_object(
    connection: apsw.Connection, namespace_row: int, object_id: str, limit: int
) -> tuple[list[DocumentRow], bool]:
    """Documents with that root object for the next slice, and whether they are the last ones."""
    rows = connection.execute(_OBJECT_DOCUMENTS, (namespace_row, object_id, limit + 1)).fetchall()
    walk = Walk(connection, namespace_row, limit, object_id)
    for document in map(document_of, rows):
        if document.document_row not in walk.found:
            walk.add(document)
    return list(walk.found.values()), len(rows) <= limit
