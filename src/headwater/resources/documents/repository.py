"""Reads of many documents. Each is one statement, so what it reads is of one moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import apsw
import msgspec

from headwater.scope import DocumentScope
from headwater.store.documents.acl import acl_of, readable_by
from headwater.store.documents.lineage import origin_of
from headwater.store.documents.records import COLUMNS, DOCUMENTS, DocumentRow, checked_vectors, document_of
from headwater.store.find import Budget
from headwater.vectors.interface import VectorData


class Found(NamedTuple):
    """A document and, if they were asked for, all its vectors."""

    document: DocumentRow
    vectors: list[VectorData]


_NO_VECTORS = "NULL, NULL"
_VECTORS = "v.data, v.checksum"
_JOIN = " LEFT JOIN vectors v ON v.document_row = d.document_row"


def _select(with_vectors: bool) -> str:
    columns = _VECTORS if with_vectors else _NO_VECTORS
    return f"SELECT {COLUMNS}, {columns} FROM {DOCUMENTS}{_JOIN if with_vectors else ''}"


def _found(rows: apsw.Cursor) -> list[Found]:
    found = []
    for *columns, data, checksum in rows:
        document = document_of(tuple(columns))
        vectors = [] if data is None else checked_vectors(document.document_id, data, checksum)
        found.append(Found(document, vectors))
    return found


def find_documents(
    connection: apsw.Connection, namespace_row: int, document_ids: Sequence[str], *, with_vectors: bool
) -> dict[str, Found]:
    """The documents with those ids, in whichever collection of the namespace."""
    rows = connection.execute(
        _select(with_vectors) + " WHERE d.namespace_row = ? AND d.document_id IN (SELECT value FROM json_each(?))",
        (namespace_row, msgspec.json.encode(document_ids).decode()),
    )
    return {found.document.document_id: found for found in _found(rows)}


class Member(NamedTuple):
    """A document of an object, with what one must know of it to find its place among the others."""

    document_row: int
    document_id: str
    collection_row: int
    collection_id: str
    parent_document_id: str | None
    #: The collection that it says it was made from.
    source_collection_id: str | None
    root_bucket_id: str | None


def _is_readable(internal: bytes, scope: DocumentScope) -> bool:
    return scope.principal is None or readable_by(acl_of(internal), scope.principal)


def rows_of_object(
    connection: apsw.Connection, budget: Budget, scope: DocumentScope, object_id: str
) -> list[tuple[int, str]]:
    """``document_row`` and ``collection_id`` of the same documents as ``members_of_object``, in the same order."""
    # Without a principal the index tells all, and no document is read.
    internal = "NULL" if scope.principal is None else "d.internal"
    rows = connection.execute(
        f"SELECT d.document_row, c.collection_id, d.collection_row, {internal} FROM {DOCUMENTS}"
        " WHERE d.namespace_row = ? AND d.root_object_id = ?",
        (scope.namespace_row, object_id),
    )
    found = []
    for document_row, collection_id, collection_row, internal_json in rows:
        budget.spend(1)
        if scope.reaches(collection_row) and _is_readable(internal_json, scope):
            found.append((document_row, collection_id))
    return sorted(found)


def members_of_object(
    connection: apsw.Connection, budget: Budget, scope: DocumentScope, object_id: str
) -> list[Member]:
    """Every document that names the object as its root and that the scope shows, in the order of their creation."""
    rows = connection.execute(
        "SELECT d.document_row, d.document_id, d.collection_row, c.collection_id, d.parent_document_id, d.internal"
        f" FROM {DOCUMENTS} WHERE d.namespace_row = ? AND d.root_object_id = ?",
        (scope.namespace_row, object_id),
    )
    found = []
    for row in rows:
        budget.spend(1)
        if scope.reaches(row[2]) and _is_readable(row[5], scope):
            found.append(_member(*row))
    # Sorted here: SQLite would carry all of ``internal`` through its sorter.
    return sorted(found)


def _member(
    document_row: int, document_id: str, collection_row: int, collection_id: str, parent: str | None, internal: bytes
) -> Member:
    origin = origin_of(internal)
    return Member(
        document_row,
        document_id,
        collection_row,
        collection_id,
        parent,
        origin.source_collection_id,
        origin.root_bucket_id,
    )


def load_rows(connection: apsw.Connection, document_rows: Sequence[int]) -> list[DocumentRow]:
    """The documents with those rows, in the order of their creation."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM {DOCUMENTS} WHERE d.document_row IN (SELECT value FROM json_each(?))"
        " ORDER BY d.document_row",
        (msgspec.json.encode(document_rows).decode(),),
    )
    return [document_of(row) for row in rows]
