"""The fields whose text is searched, collection by collection: read, brought to what the namespace declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import apsw
import msgspec

from headwater.catalog.database import fetch_all
from headwater.catalog.tables.namespaces import Namespace

if TYPE_CHECKING:
    from headwater.store.transaction import Transaction

FILL_JOB = "text.fill"
#: Moves when the same text would become other weights, such as with another stemmer: all documents are done again.
FORM = "english-1"


class TextIndex(NamedTuple):
    """``state`` is ``filling`` while documents that are older than the index are brought to it."""

    paths: tuple[str, ...]
    form: str
    state: Literal["filling", "live"]


def load_text_index(connection: apsw.Connection, collection_row: int) -> TextIndex | None:
    """The collection's text index, None when its namespace declares no field as text."""
    found = _load(connection, collection_row)
    return found if found is not None and found.paths else None


def _load(connection: apsw.Connection, collection_row: int) -> TextIndex | None:
    row = connection.execute(
        "SELECT paths, form, state FROM text_indexes WHERE collection_row = ?", (collection_row,)
    ).fetchone()
    return None if row is None else TextIndex(msgspec.json.decode(row[0], type=tuple[str, ...]), row[1], row[2])


def declared_text(namespace: Namespace) -> tuple[str, ...]:
    declared = namespace.body.get("payload_indexes") or ()
    return tuple(sorted(index["field_name"] for index in declared if index["type"] == "text"))


def is_as_declared(connection: apsw.Connection, namespace: Namespace, collection_row: int) -> bool:
    found = _load(connection, collection_row)
    declared = declared_text(namespace)
    return not declared if found is None else (found.paths, found.form) == (declared, FORM)


def declare_text(tx: Transaction, namespace: Namespace, collection_row: int, *, rebuild: bool = False) -> None:
    """Bring the collection's text index to what the namespace says. Documents that exist are left to a job."""
    if is_as_declared(tx.connection, namespace, collection_row) and not rebuild:
        return
    declared = declared_text(namespace)
    empty = tx.one("SELECT 1 FROM documents WHERE collection_row = ? LIMIT 1", (collection_row,)) is None
    tx.forget_text_paths(collection_row)
    tx.execute("DELETE FROM text_indexes WHERE collection_row = ?", (collection_row,))
    if empty and not declared:
        return
    tx.execute(
        "INSERT INTO text_indexes (collection_row, paths, form, state) VALUES (?, ?, ?, ?)",
        (collection_row, msgspec.json.encode(declared), FORM, "live" if empty else "filling"),
    )
    if not empty:
        enqueue_filling(tx, collection_row)


def enqueue_filling(tx: Transaction, collection_row: int) -> None:
    tx.enqueue(FILL_JOB, {"collection_row": collection_row}, unique_key=f"{FILL_JOB}:{collection_row}")


def fill_anew(tx: Transaction, collection_row: int) -> None:
    """Have the text of all documents weighed again, if the collection has a text index."""
    tx.execute(
        "UPDATE text_indexes SET state = 'filling', filled_created_at = -1, filled_document_id = ''"
        " WHERE collection_row = ?",
        (collection_row,),
    )
    if tx.connection.changes():
        enqueue_filling(tx, collection_row)


def resume_filling(tx: Transaction) -> None:
    """Go on with every text index that is not filled yet: its job may have failed for good."""
    for (collection_row,) in fetch_all(tx.connection, "SELECT collection_row FROM text_indexes WHERE state='filling'"):
        enqueue_filling(tx, collection_row)
