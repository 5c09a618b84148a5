"""A database with one namespace and some collections, and the few lines that put a document into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from headwater.catalog.database import open_writer
from headwater.catalog.tables.namespaces import Namespace, load_namespace
from headwater.store.documents.lineage import LineageSent, encode_sent, repair_descendants, resolve
from headwater.store.documents.records import DocumentRow, insert_document, load_document
from headwater.store.transaction import Transaction

NAMESPACE_ROW = 1


class World:
    """One transaction that is never committed."""

    def __init__(self, directory: Path) -> None:
        self.connection = open_writer(directory, synchronous="OFF")
        self.connection.execute("BEGIN")
        self.tx = Transaction(self.connection, now=1_700_000_000_000, sequence=0)
        execute = self.connection.execute
        execute("INSERT INTO organizations VALUES ('org_a', 'A', '{}', 0, 0)")
        execute("INSERT INTO namespaces VALUES (1, 'org_a', 'ns_a', 'a', 'active', '{}', 0, 0, NULL)")
        self.rows: dict[str, int] = {}

    @property
    def namespace(self) -> Namespace:
        found = load_namespace(self.connection, NAMESPACE_ROW)
        assert found is not None
        return found

    def collection(self, collection_id: str) -> int:
        if collection_id not in self.rows:
            row = self.rows[collection_id] = len(self.rows) + 1
            body = msgspec.json.encode({"feature_extractor": {"feature_extractor_id": f"{collection_id}_v1"}})
            self.connection.execute(
                "INSERT INTO collections VALUES (?, 1, ?, ?, 'active', ?, 0, 0)",
                (row, collection_id, collection_id, body),
            )
        return self.rows[collection_id]

    def insert(self, document_id: str, collection_id: str = "col_a", **sent: Any) -> DocumentRow:
        """Write a document as a create does: resolve, insert, repair what is below it."""
        collection_row = self.collection(collection_id)
        lineage_sent = LineageSent(**sent)
        created_at = 1_700_000_000_000 + int.from_bytes(document_id.encode()[-2:], "big")
        lineage = resolve(
            self.tx, self.namespace, collection_id, document_id, lineage_sent, f"{collection_id}_v1", created_at
        )
        sequence = self.tx.next_sequence()
        document = DocumentRow(
            document_row=sequence,
            namespace_row=NAMESPACE_ROW,
            collection_row=collection_row,
            document_id=document_id,
            sequence=sequence,
            created_at=created_at,
            updated_at=created_at,
            body=b"{}",
            derived=None,
            internal=msgspec.json.encode({"document_id": document_id, "lineage": lineage.internal}),
            blobs=None,
            lineage_sent=encode_sent(lineage_sent),
            root_object_id=lineage.root_object_id,
            parent_document_id=lineage.parent_document_id,
            collection_id=collection_id,
        )
        insert_document(self.tx, document, ())
        repair_descendants(self.tx, self.namespace, document_id)
        return document

    def load(self, document_id: str) -> DocumentRow:
        found = load_document(self.connection, NAMESPACE_ROW, document_id)
        assert found is not None
        return found

    def lineage(self, document_id: str) -> dict[str, Any]:
        lineage: dict[str, Any] = msgspec.json.decode(self.load(document_id).internal)["lineage"]
        return lineage

    def jobs(self) -> list[dict[str, Any]]:
        """The repair jobs that wait, taken out of the table."""
        rows = self.connection.execute("SELECT arguments FROM jobs WHERE kind = 'lineage.repair'").fetchall()
        self.connection.execute("DELETE FROM jobs")
        return [msgspec.json.decode(row[0]) for row in rows]

    def close(self) -> None:
        self.connection.execute("ROLLBACK")
        self.connection.close()
