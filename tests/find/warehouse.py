"""A database with one collection or two, documents put into it row by row, and any paths indexed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from headwater.catalog.database import open_writer
from headwater.store.commands.fields import FillFieldPaths, fill_field_paths
from headwater.store.documents.records import (
    DocumentRow,
    delete_document,
    insert_document,
    load_document,
    update_document,
)
from headwater.store.fields.paths import add_paths, drop_paths
from headwater.store.find import Budget, Query, fields_of
from headwater.store.transaction import Transaction

NAMESPACE_ROW = 1
START = 1_700_000_000_000


class Warehouse:
    """One transaction that is never committed. Every other document shares its time of creation with the one before."""

    def __init__(self, directory: Path) -> None:
        self.connection = open_writer(directory, synchronous="OFF")
        self.connection.execute("BEGIN")
        self.tx = Transaction(self.connection, now=START, sequence=100)
        execute = self.connection.execute
        execute("INSERT INTO organizations VALUES ('org_a', 'A', '{}', 0, 0)")
        execute("INSERT INTO namespaces VALUES (1, 'org_a', 'ns_a', 'a', 'active', '{}', 0, 0, NULL)")
        for row in (1, 2):
            execute(f"INSERT INTO collections VALUES ({row}, 1, 'col_{row}', 'c{row}', 'active', '{{}}', 0, 0)")
        self.documents: dict[str, DocumentRow] = {}

    def put(self, document_id: str, body: dict[str, Any], collection_row: int = 1, **internal: Any) -> None:
        """Insert the document or, if it is there, write it under its row."""
        known = self.documents.get(document_id)
        sequence = self.tx.next_sequence()
        created_at = known.created_at if known else START + len(self.documents) // 2
        document = DocumentRow(
            document_row=known.document_row if known else sequence,
            namespace_row=NAMESPACE_ROW,
            collection_row=known.collection_row if known else collection_row,
            document_id=document_id,
            sequence=sequence,
            created_at=created_at,
            updated_at=created_at,
            body=msgspec.json.encode(body),
            derived=None,
            internal=msgspec.json.encode({"document_id": document_id, "lineage": {}, **internal}),
            blobs=None,
            lineage_sent=None,
            root_object_id=None,
            parent_document_id=None,
            collection_id=f"col_{known.collection_row if known else collection_row}",
        )
        if known:
            update_document(self.tx, document)
        else:
            insert_document(self.tx, document, ())
            self._count(collection_row, 1)
        self.documents[document_id] = document

    def delete(self, document_id: str) -> None:
        document = load_document(self.connection, NAMESPACE_ROW, document_id)
        assert document is not None
        delete_document(self.tx, document)
        self._count(document.collection_row, -1)
        del self.documents[document_id]

    def _count(self, collection_row: int, delta: int) -> None:
        # The writer does this at the end of a group.
        self.connection.execute(
            "INSERT INTO collection_counts VALUES (?1, ?2) ON CONFLICT DO UPDATE SET documents = documents + ?2",
            (collection_row, delta),
        )

    def index(self, paths: list[str], collection_row: int = 1) -> None:
        """Start to index the paths; ``fill`` goes on with it."""
        add_paths(self.tx, collection_row, paths, "declared")

    def drop(self, paths: list[str], collection_row: int = 1) -> None:
        drop_paths(self.tx, collection_row, paths)

    def fill(self, limit: int, collection_row: int = 1) -> bool:
        """Index some more documents; says whether there are more to do."""
        return bool(fill_field_paths(self.tx, FillFieldPaths(collection_row=collection_row, limit=limit))["more"])

    def fill_all(self) -> None:
        for row in (1, 2):
            while self.fill(3, row):
                pass

    def matching(self, query: Query) -> list[DocumentRow]:
        """What matches by the plain meaning of the query, in the order of creation."""
        from headwater.store.find.fields import compile_query

        accepts = compile_query(query)
        found = [
            document
            for document in self.documents.values()
            if document.collection_row in query.collection_rows and (accepts is None or accepts(fields_of(document)))
        ]
        return sorted(found, key=lambda document: (document.created_at, document.document_id))

    def close(self) -> None:
        self.connection.execute("ROLLBACK")
        self.connection.close()


def plenty() -> Budget:
    return Budget(seconds=60)
