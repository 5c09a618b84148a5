"""Rows: checksums, and ids that a dying collection still holds."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec
import pytest

from headwater.catalog.database import open_writer
from headwater.errors import AlreadyExistsError, NotFoundError, StorageCorruptedError
from headwater.store.commands.documents import CreateDocument, DeleteDocument, create_document, remove_document
from headwater.store.documents.content import content_of, parse
from headwater.store.documents.records import load_document, load_vectors
from headwater.store.transaction import Transaction

BODY = {"brand": "Acme", "features": [{"feature_extractor_id": "f", "vectors": {"e": [1, 2]}}]}


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Transaction]:
    """A transaction over one namespace with two collections, rows 1 and 2."""
    connection = open_writer(tmp_path, synchronous="OFF")
    connection.execute("BEGIN")
    connection.execute("INSERT INTO organizations VALUES ('org_a', 'A', '{}', 0, 0)")
    connection.execute("INSERT INTO namespaces VALUES (1, 'org_a', 'ns_a', 'a', 'active', '{}', 0, 0, NULL)")
    for row in (1, 2):
        values = (row, f"col_{row}", f"collection {row}")
        connection.execute("INSERT INTO collections VALUES (?, 1, ?, ?, 'active', '{}', 0, 0)", values)
    yield Transaction(connection, now=1_700_000_000_000, sequence=10)
    connection.close()


def create(tx: Transaction, document_id: str = "d", collection_row: int = 1) -> None:
    content = content_of(parse(BODY, indexes=[], max_width=8))
    create_document(
        tx,
        CreateDocument(
            namespace_row=1,
            collection_row=collection_row,
            document_id=document_id,
            id_given=True,
            content=content,
        ),
    )


@pytest.mark.parametrize("column", ["body", "internal", "blobs"])
def test_a_changed_byte_of_a_document_is_noticed(tx: Transaction, column: str) -> None:
    create(tx)
    assert load_document(tx.connection, 1, "d") is not None
    tx.execute(f"UPDATE documents SET {column} = CAST(coalesce({column}, '') || ' ' AS BLOB)")
    with pytest.raises(StorageCorruptedError, match="headwater verify"):
        load_document(tx.connection, 1, "d")


def test_a_changed_byte_of_vectors_is_noticed(tx: Transaction) -> None:
    create(tx)
    [row, data, checksum] = tx.execute("SELECT document_row, data, checksum FROM vectors").fetchone()
    assert zlib.crc32(data) == checksum
    tx.execute("UPDATE vectors SET data = ?", (data[:-1] + b"\x01",))
    with pytest.raises(StorageCorruptedError):
        load_vectors(tx.connection, row)


def test_the_row_is_the_sequence_of_the_creation(tx: Transaction) -> None:
    create(tx)
    document = load_document(tx.connection, 1, "d")
    assert document is not None
    assert document.document_row == document.sequence == 11
    assert tx.execute("SELECT document_row, sequence FROM vectors").fetchall() == [(11, 11)]
    [change] = tx.effects.points[1]
    assert (change.document_row, change.sequence) == (11, 11)
    assert change.vectors == load_vectors(tx.connection, 11)
    assert tx.effects.counts[1] == 1


def test_an_id_of_a_collection_that_is_being_deleted_is_free(tx: Transaction) -> None:
    create(tx, collection_row=1)
    tx.execute("UPDATE collections SET state = 'deleting' WHERE collection_row = 1")
    tx.catalogue_changed()
    assert load_document(tx.connection, 1, "d") is None
    with pytest.raises(NotFoundError):
        remove_document(tx, DeleteDocument(namespace_row=1, collection_row=1, document_id="d"))
    create(tx, collection_row=2)
    document = load_document(tx.connection, 1, "d")
    assert document is not None and document.collection_row == 2
    assert tx.execute("SELECT count(*) FROM vectors").fetchone() == (1,)


def test_an_id_of_another_collection_is_taken(tx: Transaction) -> None:
    create(tx, collection_row=1)
    with pytest.raises(AlreadyExistsError):
        create(tx, collection_row=2)


def test_a_collection_of_another_namespace_is_not_written_to(tx: Transaction) -> None:
    tx.execute("INSERT INTO namespaces VALUES (2, 'org_a', 'ns_b', 'b', 'active', '{}', 0, 0, NULL)")
    tx.execute("UPDATE collections SET namespace_row = 2 WHERE collection_row = 2")
    with pytest.raises(NotFoundError):
        create(tx, collection_row=2)


def test_a_deleted_namespace_is_not_written_to(tx: Transaction) -> None:
    tx.execute("UPDATE namespaces SET state = 'deleting'")
    with pytest.raises(NotFoundError):
        create(tx)


def test_a_document_without_vectors_leaves_no_tombstone(tx: Transaction) -> None:
    content = content_of(parse({"a": 1}, indexes=[], max_width=8))
    command = CreateDocument(namespace_row=1, collection_row=1, document_id="d", id_given=True, content=content)
    create_document(tx, command)
    remove_document(tx, DeleteDocument(namespace_row=1, collection_row=1, document_id="d"))
    assert tx.execute("SELECT count(*) FROM tombstones").fetchone() == (0,)
    assert tx.effects.points == {}
    assert tx.effects.counts[1] == 0


def test_commands_survive_the_wire(tx: Transaction) -> None:
    content = content_of(parse(BODY, indexes=[], max_width=8))
    command = CreateDocument(namespace_row=1, collection_row=1, document_id="d", id_given=True, content=content)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=CreateDocument) == command


def test_a_damaged_index_makes_documents_unsearchable(tx: Transaction) -> None:
    create(tx)
    tx.execute(
        "INSERT INTO generations (collection_row, generation, state, sequence, created_at)"
        " VALUES (1, 1, 'damaged', 0, 0)"
    )
    document = load_document(tx.connection, 1, "d")
    assert document is not None and document.searchable_at is None
    tx.execute("UPDATE generations SET state = 'live'")
    document = load_document(tx.connection, 1, "d")
    assert document is not None and document.searchable_at == "2023-11-14T22:13:20.000Z"


def test_the_database_itself_refuses_a_second_document_with_one_id(tx: Transaction) -> None:
    create(tx)
    with pytest.raises(apsw.ConstraintError):
        tx.execute(
            "INSERT INTO documents SELECT 99, namespace_row, collection_row, document_id, 99, created_at,"
            " updated_at, body, derived, internal, blobs, lineage_sent, root_object_id, parent_document_id,"
            " checksum FROM documents"
        )
