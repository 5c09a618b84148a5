"""The field index read by columns: which document has which values at a path.

What comes back is what a scan would have found, or ``NotWholeError``: the index cuts long strings and stops counting
at some number of values, and of an array it does not know how often a value stands there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apsw
import msgspec

from headwater.query import MAX_SORTED_LENGTH
from headwater.store.fields.entries import SHAPE_NESTED, TYPE_BOOLEAN, TYPE_LAST, TYPE_NUMBER, TYPE_STRING
from headwater.store.fields.paths import FieldPath
from headwater.store.find.located import SQL

#: The value of a document that has none.
Scalar = str | int | float | bool | None

#: Entries that stand for a value of a document, or for its having none.
_VALUES = f"FROM field_values WHERE path_row = ? AND type <= {TYPE_LAST}"
_COLUMN = "SELECT document_row, value FROM field_values WHERE path_row = ? AND type = ?"

_decode_rows = msgspec.json.Decoder(list[int]).decode


class NotWholeError(Exception):
    """The index does not hold everything that is asked for. Look at the documents."""


def counts(connection: apsw.Connection, path: FieldPath, only: SQL | None) -> Iterator[tuple[Scalar, int]]:
    """Every distinct value at the path and how many documents have it."""
    where, parameters = _only(only)
    # MISSING, NULL and OTHER are all "no value".
    sql = f"SELECT type, value, count(*) {_VALUES}{where} GROUP BY type, value"
    for kind, value, count in connection.execute(sql, (path.path_row, *parameters)):
        yield _scalar(kind, value), count


def rows_by_value(connection: apsw.Connection, path: FieldPath, only: SQL | None) -> Iterator[tuple[Scalar, list[int]]]:
    """Every distinct value at the path and the rows of the documents that have it."""
    where, parameters = _only(only)
    # One row of the statement for each value costs much less than one for each document.
    sql = f"SELECT type, value, json_group_array(document_row) {_VALUES}{where} GROUP BY type, value"
    for kind, value, rows in connection.execute(sql, (path.path_row, *parameters)):
        yield _scalar(kind, value), _decode_rows(rows)


class Column:
    """The values of every document at a path, by the documents' rows."""

    def __init__(self, connection: apsw.Connection, path: FieldPath) -> None:
        self._one: dict[int, Scalar] = {}
        self._many: dict[int, list[Scalar]] = {}
        for kind in (TYPE_NUMBER, TYPE_STRING, TYPE_BOOLEAN):
            rows = connection.execute(_COLUMN, (path.path_row, kind))
            if path.shape & SHAPE_NESTED:
                for row, value in rows:
                    self._many.setdefault(row, []).append(_scalar(kind, value))
            elif kind == TYPE_NUMBER:
                self._one = dict(rows)
            else:
                self._one.update((row, _scalar(kind, value)) for row, value in rows)

    def of(self, row: int) -> Sequence[Scalar]:
        """The values of one document."""
        if row in self._one:
            return (self._one[row],)
        return self._many.get(row, ())

    def of_all(self, rows: Iterable[int]) -> list[Scalar]:
        """The values of all these documents together."""
        one = self._one
        if one:
            return [one[row] for row in rows if row in one]
        return [value for row in rows for value in self.of(row)]


def _only(only: SQL | None) -> SQL:
    if only is None:
        return "", ()
    sql, parameters = only
    return f" AND document_row IN (SELECT document_row FROM ({sql}))", parameters


def _scalar(kind: int, value: Any) -> Scalar:
    if kind == TYPE_STRING and len(value) >= MAX_SORTED_LENGTH:
        raise NotWholeError
    if kind == TYPE_BOOLEAN:
        return bool(value)
    return None if kind == TYPE_LAST else value
