"""Does the field index say what the records say? For ``headwater verify``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import apsw

from headwater.catalog.database import fetch_all
from headwater.query import Fields
from headwater.query.fields import body_decoder
from headwater.store.fields.entries import entries_of
from headwater.store.fields.paths import FieldPath, live_paths

_SLICE = 500
_DOCUMENTS = (
    "SELECT created_at, document_id, document_row, body, internal, blobs FROM documents WHERE collection_row = ?"
    " AND (created_at, document_id) > (?, ?) ORDER BY created_at, document_id LIMIT ?"
)
_HAS = (
    "SELECT 1 FROM field_values WHERE path_row = ? AND type = ? AND value = ? AND created_at = ? AND document_id = ?"
    " AND document_row = ? AND ends = ?"
)


def differences(connection: apsw.Connection, collection_row: int, collection_id: str) -> Iterator[tuple[str, str]]:
    """``(path, problem)`` for each path of which the index lacks entries or has too many. Reads one snapshot."""
    with connection:
        paths = tuple(live_paths(connection, collection_row).values())
        if not paths:
            return
        expected, missing = _compare(connection, collection_row, collection_id, paths)
        for path in paths:
            [(found,)] = fetch_all(connection, "SELECT count(*) FROM field_values WHERE path_row = ?", (path.path_row,))
            if missing[path.path]:
                yield path.path, f"lacks {missing[path.path]} of {expected[path.path]} entries"
            elif found != expected[path.path]:
                yield path.path, f"has {found} entries, and the records make {expected[path.path]}"


def _compare(
    connection: apsw.Connection, collection_row: int, collection_id: str, paths: tuple[FieldPath, ...]
) -> tuple[Counter[str], Counter[str]]:
    """How many entries the records make at each path, and how many of them the index lacks."""
    expected: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    decode = body_decoder(tuple(path.path for path in paths))
    after: tuple[int, str] = (-1, "")
    while rows := fetch_all(connection, _DOCUMENTS, (collection_row, *after, _SLICE)):
        for created_at, document_id, document_row, body, internal, blobs in rows:
            fields = Fields(document_id, collection_id, body, internal, blobs, decode)
            for path in paths:
                for kind, value, ends in entries_of(fields.values_at(path.path))[0]:
                    key = (path.path_row, kind, value, created_at, document_id, document_row, ends)
                    expected[path.path] += 1
                    missing[path.path] += connection.execute(_HAS, key).fetchone() is None
        after = (rows[-1][0], rows[-1][1])
    return expected, missing
