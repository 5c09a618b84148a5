"""Commands about the text index: bring the documents that are older than it to its fields."""

from __future__ import annotations

from typing import Any

from headwater.store.commands.base import Command, handles
from headwater.store.documents.records import COLUMNS, DOCUMENTS, DocumentRow, document_of, refresh_weights
from headwater.store.transaction import Transaction


class FillTextIndex(Command):
    """Weigh the text of up to ``limit`` more documents of the collection, or forget it when no field is text any more.

    Answers ``{"filled", "more"}``. Whatever is written meanwhile is weighed by its own write.
    """

    collection_row: int
    limit: int


_SLICE = (
    f"SELECT {COLUMNS} FROM {DOCUMENTS} WHERE d.collection_row = ? AND (d.created_at, d.document_id) > (?, ?)"
    " ORDER BY d.created_at, d.document_id LIMIT ?"
)


@handles(FillTextIndex)
def fill_text_index(tx: Transaction, command: FillTextIndex) -> dict[str, Any]:
    position = tx.one(
        "SELECT filled_created_at, filled_document_id FROM text_indexes WHERE collection_row = ? AND state = 'filling'",
        (command.collection_row,),
    )
    if position is None:
        return {"filled": 0, "more": False}
    rows = tx.execute(_SLICE, (command.collection_row, *position, command.limit)).fetchall()
    documents = [document_of(row) for row in rows]
    for document in documents:
        refresh_weights(tx, document)
    more = len(documents) == command.limit
    if more:
        _advance(tx, documents[-1])
    else:
        _finish(tx, command.collection_row)
    return {"filled": len(documents), "more": more}


def _advance(tx: Transaction, last: DocumentRow) -> None:
    tx.execute(
        "UPDATE text_indexes SET filled_created_at = ?, filled_document_id = ? WHERE collection_row = ?",
        (last.created_at, last.document_id, last.collection_row),
    )


def _finish(tx: Transaction, collection_row: int) -> None:
    tx.execute("UPDATE text_indexes SET state = 'live' WHERE collection_row = ?", (collection_row,))
    # The last weights are gone, and nothing is left to remember.
    tx.execute("DELETE FROM text_indexes WHERE collection_row = ? AND paths = x'5b5d'", (collection_row,))
    tx.forget_text_paths(collection_row)
