"""Deleting documents together with what was made from them, a slice at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from headwater.scope import DocumentScope
from headwater.store.commands.base import Command, handles
from headwater.store.commands.documents import check_version, collection_of, existing
from headwater.store.documents.acl import require_writable
from headwater.store.documents.cascade import Walk, check_removable, walk_object
from headwater.store.documents.records import DocumentRow, delete_document
from headwater.store.transaction import Transaction


class Reach(msgspec.Struct, array_like=True):
    """A ``DocumentScope`` on its way to the writer."""

    namespace_row: int
    collection_rows: list[int] | None = None
    principal: str | None = None

    @classmethod
    def of(cls, scope: DocumentScope) -> Reach:
        rows = None if scope.collection_rows is None else sorted(scope.collection_rows)
        return cls(scope.namespace_row, rows, scope.principal)

    @property
    def scope(self) -> DocumentScope:
        rows = None if self.collection_rows is None else frozenset(self.collection_rows)
        return DocumentScope(self.namespace_row, rows, self.principal)


class DeleteTree(Command):
    """Delete the document and what was made from it: up to ``limit`` documents, it itself the last of all.

    Answers ``{"removed": {collection_id: documents}, "more"}``. Deletes nothing when the document has another version
    or one of the slice must stay; see ``check_removable``.
    """

    reach: Reach
    collection_row: int
    document_id: str
    limit: int
    if_match: list[str] | None = None


class DeleteOfObject(Command):
    """Delete up to ``limit`` documents with that root object. Answers and refuses like ``DeleteTree``."""

    reach: Reach
    object_id: str
    limit: int


@handles(DeleteTree, frees_space=True)
def delete_tree(tx: Transaction, command: DeleteTree) -> dict[str, Any]:
    scope = command.reach.scope
    document = existing(tx, scope.namespace_row, command.collection_row, command.document_id)
    require_writable(document, command.document_id, scope.principal)
    check_version(document, command.if_match)
    walk = Walk(tx.connection, scope.namespace_row, command.limit)
    complete = walk.add(document)
    return {"removed": _remove(tx, scope, walk.found.values()), "more": not complete}


@handles(DeleteOfObject, frees_space=True)
def delete_of_object(tx: Transaction, command: DeleteOfObject) -> dict[str, Any]:
    scope = command.reach.scope
    documents, complete = walk_object(tx.connection, scope.namespace_row, command.object_id, command.limit)
    return {"removed": _remove(tx, scope, documents), "more": not complete}


def _remove(tx: Transaction, scope: DocumentScope, documents: Iterable[DocumentRow]) -> dict[str, int]:
    for document in documents:
        check_removable(scope, document, collection_of(tx, scope.namespace_row, document.collection_row))
    for document in documents:
        delete_document(tx, document)
    return Counter(document.collection_id for document in documents)
