"""The rows of a document: loaded with their checksums verified, written with everything that must move with them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import msgspec

from headwater.errors import AlreadyExistsError, StorageCorruptedError
from headwater.kit.clock import to_text
from headwater.store.blobs.references import keep_references, referred_keys
from headwater.store.blobs.uses import drop_uses
from headwater.store.documents.vector_forms import NO_VECTORS, decode_vectors, encode_vectors
from headwater.store.fields import maintain
from headwater.store.text.weights import unpacked, weights_of
from headwater.store.transaction import Transaction
from headwater.vectors.interface import PointChange, VectorData

#: A row of ``COLUMNS``: what a ``DocumentRow`` is made of, for those who look at many and want few.
Record = tuple[Any, ...]
#: For a query of ``DOCUMENTS``.
COLUMNS = (
    "d.document_row, d.namespace_row, d.collection_row, d.document_id, d.sequence, d.created_at, d.updated_at,"
    " d.body, d.derived, d.internal, d.blobs, d.lineage_sent, d.root_object_id, d.parent_document_id, d.checksum,"
    " c.collection_id, EXISTS (SELECT 1 FROM generations g"
    " WHERE g.collection_row = d.collection_row AND g.state = 'damaged')"
)
#: Documents that can be seen: those of a collection that is being deleted are gone for everybody.
DOCUMENTS = "documents d JOIN collections c ON c.collection_row = d.collection_row AND c.state = 'active'"


@dataclass(slots=True)
class DocumentRow:
    document_row: int
    namespace_row: int
    collection_row: int
    document_id: str
    #: Moves with every change; the document's version and ETag.
    sequence: int
    created_at: int
    updated_at: int
    #: JSON object: the projection's root members.
    body: bytes
    #: JSON list: those members of ``body`` that the projection added; None when there are none.
    derived: bytes | None
    #: JSON object: ``_internal``.
    internal: bytes
    #: JSON list: root ``document_blobs``; None when there are none.
    blobs: bytes | None
    lineage_sent: bytes | None
    root_object_id: str | None
    parent_document_id: str | None
    collection_id: str
    #: False while the collection's index is known to lack some of what was acknowledged.
    searchable: bool = True

    @property
    def checksum(self) -> int:
        return zlib.crc32(self.blobs or b"", zlib.crc32(self.internal, zlib.crc32(self.body)))

    @property
    def etag(self) -> str:
        return f'"{self.sequence}"'

    @property
    def searchable_at(self) -> str | None:
        return to_text(self.updated_at) if self.searchable else None

    @property
    def derived_names(self) -> list[str]:
        return [] if self.derived is None else msgspec.json.decode(self.derived, type=list[str])


def new_document(
    tx: Transaction, namespace_row: int, collection_row: int, collection_id: str, document_id: str
) -> DocumentRow:
    """A document without content, under a row of its own; to be filled and inserted."""
    sequence = tx.next_sequence()
    return DocumentRow(
        document_row=sequence,
        namespace_row=namespace_row,
        collection_row=collection_row,
        document_id=document_id,
        sequence=sequence,
        created_at=tx.now,
        updated_at=tx.now,
        body=b"{}",
        derived=None,
        internal=b"{}",
        blobs=None,
        lineage_sent=None,
        root_object_id=None,
        parent_document_id=None,
        collection_id=collection_id,
    )


def document_of(row: Record) -> DocumentRow:
    """The document of a record. Raises ``StorageCorruptedError`` when its bytes have changed on disk."""
    check(row)
    return build_document(row)


def build_document(row: Record) -> DocumentRow:
    """The document of a record that has been checked."""
    columns: list[Any] = [*row[:14], row[15], not row[16]]
    return DocumentRow(*columns)


def check(row: Record) -> None:
    """Raises ``StorageCorruptedError`` when the record's bytes have changed on disk."""
    body, internal, blobs, checksum = row[7], row[9], row[10], row[14]
    found = zlib.crc32(internal, zlib.crc32(body))
    if (found if blobs is None else zlib.crc32(blobs, found)) != checksum:
        raise _corrupted("document", row[3])


def _corrupted(what: str, document_id: object) -> StorageCorruptedError:
    return StorageCorruptedError(
        f"the stored {what} {document_id} fails its checksum; run `headwater verify`, then restore a backup",
        details={"document": document_id},
    )


_BY_ID = f"SELECT {COLUMNS} FROM {DOCUMENTS} WHERE d.namespace_row = ? AND d.document_id = ?"


def load_document(connection: apsw.Connection, namespace_row: int, document_id: str) -> DocumentRow | None:
    """The namespace's document with that id, in whichever collection."""
    row = connection.execute(_BY_ID, (namespace_row, document_id)).fetchone()
    return None if row is None else document_of(row)


def load_by_collection(
    connection: apsw.Connection, namespace_row: int, collection_row: int, document_id: str
) -> DocumentRow | None:
    """The collection's document with that id."""
    document = load_document(connection, namespace_row, document_id)
    return document if document is not None and document.collection_row == collection_row else None


def load_by_row(connection: apsw.Connection, collection_row: int, document_row: int) -> DocumentRow | None:
    """The collection's document with that row."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM {DOCUMENTS} WHERE d.document_row = ? AND d.collection_row = ?",
        (document_row, collection_row),
    ).fetchone()
    return None if row is None else document_of(row)


def load_vectors(connection: apsw.Connection, document_row: int) -> list[VectorData]:
    """The document's vectors, ``[]`` when it has none. Raises ``StorageCorruptedError``."""
    row = connection.execute("SELECT data, checksum FROM vectors WHERE document_row = ?", (document_row,)).fetchone()
    return [] if row is None else checked_vectors(f"document row {document_row}", *row)


def load_vectors_of(connection: apsw.Connection, document_rows: Sequence[int]) -> dict[int, list[VectorData]]:
    """The vectors of those documents that have any."""
    rows = connection.execute(
        "SELECT document_row, data, checksum FROM vectors WHERE document_row IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(document_rows).decode(),),
    )
    return {row: checked_vectors(f"document row {row}", data, checksum) for row, data, checksum in rows}


def checked_vectors(document: str, data: bytes, checksum: int) -> list[VectorData]:
    """What the two columns hold. Raises ``StorageCorruptedError`` when it has changed on disk."""
    if zlib.crc32(data) != checksum:
        raise _corrupted("vectors of", document)
    return decode_vectors(data)


_INSERT = (
    "INSERT INTO documents (document_row, namespace_row, collection_row, document_id, sequence, created_at, updated_at,"
    " body, derived, internal, blobs, lineage_sent, root_object_id, parent_document_id, checksum)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def insert_document(tx: Transaction, document: DocumentRow, vectors: Sequence[VectorData]) -> None:
    """Write a new document. Its id must be free: see ``claim_id``."""
    tx.execute(
        _INSERT,
        (
            document.document_row,
            document.namespace_row,
            document.collection_row,
            document.document_id,
            document.sequence,
            document.created_at,
            document.updated_at,
            document.body,
            document.derived,
            document.internal,
            document.blobs,
            document.lineage_sent,
            document.root_object_id,
            document.parent_document_id,
            document.checksum,
        ),
    )
    maintain.add(tx, document)
    if referred := _referred_keys(document):
        keep_references(tx, document.namespace_row, document.document_row, referred)
    tx.count_documents(document.collection_row, 1)
    weights = _weights(tx, document)
    if vectors or weights:
        _put_point(tx, document, document.sequence, vectors, weights)


def _referred_keys(document: DocumentRow) -> list[str]:
    return referred_keys((document.body, document.internal, document.blobs))


def claim_id(tx: Transaction, namespace_row: int, document_id: str) -> None:
    """Make sure that a new document can have the id. Raises ``AlreadyExistsError``.

    A document of a collection that is being deleted still has its row, but must not keep its id from anybody.
    """
    row = tx.one(
        "SELECT d.document_row, c.collection_row FROM documents d LEFT JOIN collections c"
        " ON c.collection_row = d.collection_row AND c.state = 'active'"
        " WHERE d.namespace_row = ? AND d.document_id = ?",
        (namespace_row, document_id),
    )
    if row is None:
        return
    if row[1] is not None:
        raise id_taken(document_id)
    remove_rows(tx, row[0])


def remove_rows(tx: Transaction, document_row: int) -> None:
    """Remove what a document of a collection that is being deleted has besides its place in the indexes."""
    drop_uses(tx, "document", document_row)
    tx.execute("DELETE FROM documents WHERE document_row = ?", (document_row,))
    tx.execute("DELETE FROM vectors WHERE document_row = ?", (document_row,))


def id_taken(document_id: str) -> AlreadyExistsError:
    """The refusal of an id. It says nothing about the document that has it: the caller may not be allowed to see it."""
    return AlreadyExistsError(
        f"the document {document_id} exists already; PATCH it, or create it under another id",
        details={"resource": "document", "name": document_id},
        code="document_id_taken",
    )


def update_document(tx: Transaction, document: DocumentRow, vectors: Sequence[VectorData] | None = None) -> None:
    """Write a changed document under its row. ``vectors`` replaces all its vectors; None leaves them alone."""
    maintain.change(tx, document)
    keep_references(tx, document.namespace_row, document.document_row, _referred_keys(document))
    tx.execute(
        "UPDATE documents SET sequence = ?, updated_at = ?, body = ?, derived = ?, internal = ?, blobs = ?,"
        " lineage_sent = ?, root_object_id = ?, parent_document_id = ?, checksum = ? WHERE document_row = ?",
        (
            document.sequence,
            document.updated_at,
            document.body,
            document.derived,
            document.internal,
            document.blobs,
            document.lineage_sent,
            document.root_object_id,
            document.parent_document_id,
            document.checksum,
            document.document_row,
        ),
    )
    if vectors is not None:
        _set_point(tx, document, document.sequence, vectors, _weights(tx, document))
    elif tx.text_paths(document.collection_row):
        refresh_weights(tx, document, document.sequence)


def refresh_weights(tx: Transaction, document: DocumentRow, sequence: int | None = None) -> None:
    """Bring what the document's text weighs to its fields. A change gets ``sequence``, or else one of its own."""
    weights = _weights(tx, document)
    row = tx.one("SELECT data, lexical FROM vectors WHERE document_row = ?", (document.document_row,))
    data, before = row or (NO_VECTORS, None)
    if weights != before:
        _set_point(tx, document, sequence or tx.next_sequence(), decode_vectors(data), weights)


def _weights(tx: Transaction, document: DocumentRow) -> bytes | None:
    paths = tx.text_paths(document.collection_row)
    return weights_of(document, paths) if paths else None


def _set_point(
    tx: Transaction, document: DocumentRow, sequence: int, vectors: Sequence[VectorData], weights: bytes | None
) -> None:
    if vectors or weights:
        _put_point(tx, document, sequence, vectors, weights)
    else:
        _remove_point(tx, document.collection_row, document.document_row)


def _put_point(
    tx: Transaction, document: DocumentRow, sequence: int, vectors: Sequence[VectorData], weights: bytes | None
) -> None:
    data = encode_vectors(vectors)
    tx.execute(
        "INSERT OR REPLACE INTO vectors (document_row, collection_row, sequence, data, checksum, lexical)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (document.document_row, document.collection_row, sequence, data, zlib.crc32(data), weights),
    )
    indexed = vectors if weights is None else [*vectors, unpacked(weights)]
    tx.point_changed(document.collection_row, PointChange(document.document_row, sequence, indexed))


def _remove_point(tx: Transaction, collection_row: int, document_row: int) -> None:
    tx.execute("DELETE FROM vectors WHERE document_row = ?", (document_row,))
    if tx.connection.changes() == 0:
        return
    # The point goes out of every generation that has not seen this number yet.
    sequence = tx.next_sequence()
    tx.execute(
        "INSERT INTO tombstones (collection_row, sequence, document_row) VALUES (?, ?, ?)",
        (collection_row, sequence, document_row),
    )
    tx.point_changed(collection_row, PointChange(document_row, sequence, None))


def delete_document(tx: Transaction, document: DocumentRow) -> None:
    """Remove a document, its vectors and its point."""
    maintain.remove(tx, document)
    drop_uses(tx, "document", document.document_row)
    tx.execute("DELETE FROM documents WHERE document_row = ?", (document.document_row,))
    _remove_point(tx, document.collection_row, document.document_row)
    tx.count_documents(document.collection_row, -1)
