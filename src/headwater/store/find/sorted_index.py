"""Walking the field index in the order of its values.

Inside a value the index has the order of creation and a sort wants that of the ids, so the documents of one value at a
time are put in order: nothing for prices, some milliseconds for a hundred thousand documents with the same status.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apsw

from headwater.store.fields.entries import LARGEST, SMALLEST, TYPE_BOOLEAN, TYPE_LAST
from headwater.store.fields.paths import FieldPath
from headwater.store.find.query import Position

#: ``(created_at, document_id, document_row)``
Row = tuple[Position, int]

_ASCENDING = (
    "SELECT type, value, created_at, document_id, document_row FROM field_values"
    f" WHERE path_row = ? AND ends & {SMALLEST} AND type < {TYPE_LAST}"
    " AND (type, value, document_id) > (?, ?, ?) ORDER BY type, value, document_id"
)
_NEXT_BELOW = (
    "SELECT type, value FROM field_values WHERE path_row = ? AND ends <> 0 AND (type, value) < (?, ?)"
    " ORDER BY type DESC, value DESC LIMIT 1"
)
_OF_VALUE = (
    "SELECT type, value, created_at, document_id, document_row FROM field_values"
    " WHERE path_row = ? AND type = ? AND value = ? AND document_id > ? AND ends & ? ORDER BY document_id"
)
_LAST = (
    "SELECT created_at, document_id, document_row FROM field_values"
    f" WHERE path_row = ?1 AND type = {TYPE_LAST} AND value = {{value}} AND document_id > ?2"
)


def in_value_order(
    connection: apsw.Connection, path: FieldPath, *, descending: bool, after: Position | None
) -> Iterator[Row]:
    """Every document of the collection once, after the position."""
    if after is None or after.rank != TYPE_LAST:
        yield from _descending(connection, path, after) if descending else _ascending(connection, path, after)
    behind = after.document_id if after is not None and after.rank == TYPE_LAST else ""
    # Nothing, null and what cannot be put in order are ties.
    sql = " UNION ALL ".join(_LAST.format(value=value) for value in range(3)) + " ORDER BY document_id"
    for created_at, document_id, row in connection.execute(sql, (path.path_row, behind)):
        yield Position(TYPE_LAST, None, _int(created_at), str(document_id)), _int(row)


def _ascending(connection: apsw.Connection, path: FieldPath, after: Position | None) -> Iterator[Row]:
    start = (0, 0, "") if after is None else (after.rank, after.value, after.document_id)
    for row in connection.execute(_ASCENDING, (path.path_row, *start)):
        yield _row(row)


def _descending(connection: apsw.Connection, path: FieldPath, after: Position | None) -> Iterator[Row]:
    """Value by value from the largest down, for inside a value the ids ascend."""
    here: tuple[Any, Any] = (TYPE_LAST, 0) if after is None else (after.rank, after.value)
    if after is not None:
        yield from _of_value(connection, path, here, after.document_id)
    while (below := connection.execute(_NEXT_BELOW, (path.path_row, *here)).fetchone()) is not None:
        here = below
        yield from _of_value(connection, path, here, "")


def _of_value(connection: apsw.Connection, path: FieldPath, value: tuple[Any, Any], behind: str) -> Iterator[Row]:
    for row in connection.execute(_OF_VALUE, (path.path_row, *value, behind, LARGEST)):
        yield _row(row)


def _row(row: tuple[Any, ...]) -> Row:
    kind, value, created_at, document_id, document_row = row
    return Position(kind, bool(value) if kind == TYPE_BOOLEAN else value, created_at, document_id), document_row


def _int(value: Any) -> int:
    return int(value)
