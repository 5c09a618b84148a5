"""The index follows every write of a document, in the write's own transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from headwater.query.fields import Fields, body_decoder
from headwater.store.fields.entries import Entry, entries_of
from headwater.store.fields.paths import FieldPath

if TYPE_CHECKING:
    from headwater.store.transaction import Transaction


class Record(Protocol):
    """What of a ``DocumentRow`` is indexed."""

    document_row: int
    collection_row: int
    document_id: str
    created_at: int
    body: bytes
    internal: bytes
    blobs: bytes | None
    collection_id: str


_INSERT = (
    "INSERT INTO field_values (path_row, type, value, created_at, document_id, document_row, ends)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
    # Back-filling may come to a document that was written since it began.
    " ON CONFLICT DO UPDATE SET document_row = excluded.document_row, ends = excluded.ends"
)
_DELETE = (
    "DELETE FROM field_values WHERE path_row = ? AND type = ? AND value = ? AND created_at = ? AND document_id = ?"
)


def add(tx: Transaction, document: Record) -> None:
    """A document is new."""
    paths = tx.field_paths(document.collection_row)
    if paths:
        write_entries(tx, document, paths)


def write_entries(tx: Transaction, document: Record, paths: Sequence[FieldPath]) -> None:
    """Put in the document's entries for the paths; those that are there stay."""
    fields = _fields(document, paths)
    for path in paths:
        entries, shape = entries_of(fields.values_at(path.path))
        _note_shape(tx, document.collection_row, path, shape)
        _insert(tx, document, path, entries)


def change(tx: Transaction, document: Record) -> None:
    """A document is about to be written under its row: call before, for what it was is read from the table."""
    paths = tx.field_paths(document.collection_row)
    if not paths:
        return
    old = _stored(tx, document, paths)
    new = _fields(document, paths)
    for path in paths:
        before, _ = entries_of(old.values_at(path.path))
        after, shape = entries_of(new.values_at(path.path))
        if before == after:
            continue
        _note_shape(tx, document.collection_row, path, shape)
        _delete(tx, document, path, before - after)
        _insert(tx, document, path, after - before)


def remove(tx: Transaction, document: Record) -> None:
    """A document is about to be removed: call before, for what it was is read from the table."""
    paths = tx.field_paths(document.collection_row)
    if not paths:
        return
    old = _stored(tx, document, paths)
    for path in paths:
        _delete(tx, document, path, entries_of(old.values_at(path.path))[0])


def _fields(document: Record, paths: Sequence[FieldPath]) -> Fields:
    return fields_of(document, [path.path for path in paths])


def fields_of(document: Record, paths: Sequence[str]) -> Fields:
    """The document as a filter sees it, of which only these paths are going to be asked for."""
    decode = body_decoder(tuple(paths))
    return Fields(
        document.document_id, document.collection_id, document.body, document.internal, document.blobs, decode
    )


def _stored(tx: Transaction, document: Record, paths: Sequence[FieldPath]) -> Fields:
    row = tx.one("SELECT body, internal, blobs FROM documents WHERE document_row = ?", (document.document_row,))
    assert row is not None
    body, internal, blobs = row
    decode = body_decoder(tuple(path.path for path in paths))
    return Fields(document.document_id, document.collection_id, body, internal, blobs, decode)


def _insert(tx: Transaction, document: Record, path: FieldPath, entries: Iterable[Entry]) -> None:
    tx.connection.executemany(
        _INSERT,
        [
            (path.path_row, kind, value, document.created_at, document.document_id, document.document_row, ends)
            for kind, value, ends in entries
        ],
    )


def _delete(tx: Transaction, document: Record, path: FieldPath, entries: Iterable[Entry]) -> None:
    tx.connection.executemany(
        _DELETE,
        [(path.path_row, entry.type, entry.value, document.created_at, document.document_id) for entry in entries],
    )


def _note_shape(tx: Transaction, collection_row: int, path: FieldPath, shape: int) -> None:
    """A bit that is set stays set: it says what some document had there since the path was added."""
    if shape & ~path.shape:
        tx.execute("UPDATE field_paths SET shape = shape | ? WHERE path_row = ?", (shape, path.path_row))
        tx.forget_field_paths(collection_row)
