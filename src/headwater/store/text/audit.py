"""Does the text index weigh what the records say? For ``headwater verify``."""

from __future__ import annotations

from collections.abc import Iterator

import apsw

from headwater.catalog.database import fetch_all
from headwater.store.documents.records import COLUMNS, DOCUMENTS, document_of
from headwater.store.text.indexes import load_text_index
from headwater.store.text.weights import weights_of

_SLICE = 500
_ROWS = (
    f"SELECT {COLUMNS}, v.lexical FROM {DOCUMENTS} LEFT JOIN vectors v ON v.document_row = d.document_row"
    " WHERE d.collection_row = ? AND (d.created_at, d.document_id) > (?, ?) ORDER BY d.created_at, d.document_id"
    " LIMIT ?"
)


def text_differences(connection: apsw.Connection, collection_row: int) -> Iterator[tuple[str, str]]:
    """``(document_id, problem)`` for each document whose text weighs something else. Reads one snapshot.

    While an index is being filled, what the older documents weigh is no difference.
    """
    with connection:
        index = load_text_index(connection, collection_row)
        if index is None or index.state != "live":
            return
        after: tuple[int, str] = (-1, "")
        while rows := fetch_all(connection, _ROWS, (collection_row, *after, _SLICE)):
            for *columns, stored in rows:
                document = document_of(tuple(columns))
                if weights_of(document, index.paths) != stored:
                    yield document.document_id, "its text is not what the index was given"
            after = (document.created_at, document.document_id)
