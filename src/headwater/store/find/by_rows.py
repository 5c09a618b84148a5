"""Documents that something else has found by their rows: which of them are still there, may be seen, and match.

All functions here are for ``Runtime.find``. ``points`` holds the rows, each with the number of the point that was
found for it, or None: a document whose vectors have changed since is another one than was found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import apsw
import msgspec

from headwater.query import Fields
from headwater.query.ordering import Rank
from headwater.store.documents.records import (
    COLUMNS,
    DOCUMENTS,
    DocumentRow,
    Record,
    build_document,
    check,
    load_vectors_of,
)
from headwater.store.documents.render import PLAIN, RenderOptions, render_document
from headwater.store.find.budget import Budget
from headwater.store.find.fields import compile_query, viewer_of
from headwater.store.find.grouping import group_values
from headwater.store.find.query import Query
from headwater.store.find.room import Room

Points = Mapping[int, int | None]

#: The plus keeps SQLite from walking the whole namespace by its index.
_AMONG = " WHERE d.document_row IN (SELECT value FROM json_each(?)) AND +d.namespace_row = ?"
_POINT = " LEFT JOIN vectors v ON v.document_row = d.document_row"
_RECORDS = f"SELECT {COLUMNS}, v.sequence FROM {DOCUMENTS}{_POINT}{_AMONG}"
_IDENTITIES = f"SELECT d.document_row, d.document_id, c.collection_id, v.sequence FROM {DOCUMENTS}{_POINT}{_AMONG}"


class Identity(NamedTuple):
    document_id: str
    collection_id: str


def identify(connection: apsw.Connection, budget: Budget, query: Query, points: Points) -> dict[int, Identity | None]:
    """Who the documents are that match the query; None for one whose vectors have changed since it was found."""
    if query.whole_filter is None:
        rows = connection.execute(_IDENTITIES, (_json(points), query.namespace_row))
        return {row: Identity(*who) if points[row] in (None, sequence) else None for row, *who, sequence in rows}
    judge = _Judge(query)
    found: dict[int, Identity | None] = {}
    for record, is_current in _records(connection, budget, query, points):
        if not is_current:
            found[record[0]] = None
        elif judge.fields_if_matching(record) is not None:
            found[record[0]] = Identity(record[3], record[15])
    return found


def render_rows(
    connection: apsw.Connection, budget: Budget, query: Query, points: Points, options: RenderOptions = PLAIN
) -> dict[int, bytes]:
    """The documents that match the query, as JSON. ``BadRequestError`` when they are too much to be held in memory."""
    found = list(_bounded(build_document(record) for record, _ in _matching(connection, budget, query, points)))
    vectors = load_vectors_of(connection, list(points)) if options.needs_vectors else {}
    return {
        document.document_row: render_document(document, options, vectors.get(document.document_row, ()))
        for document in found
    }


def _bounded(documents: Iterator[DocumentRow]) -> Iterator[DocumentRow]:
    room = Room()
    for document in documents:
        room.take_document(document)
        yield document


def group_rows(
    connection: apsw.Connection, budget: Budget, query: Query, points: Points, path: str
) -> dict[int, tuple[Identity, list[Rank]]]:
    """The documents that match the query, and the groups by the values at the path that each is in."""
    return {
        record[0]: (Identity(record[3], record[15]), group_values(fields.values_at(path)))
        for record, fields in _matching(connection, budget, query, points, [path])
    }


class _Judge:
    def __init__(self, query: Query, further_paths: Sequence[str] = ()) -> None:
        self._fields_of = viewer_of(query, further_paths)
        self._accepts = compile_query(query)

    def fields_if_matching(self, record: Record) -> Fields | None:
        fields = self._fields_of(record)
        return fields if self._accepts is None or self._accepts(fields) else None


def _records(
    connection: apsw.Connection, budget: Budget, query: Query, points: Points
) -> Iterator[tuple[Record, bool]]:
    """The records that there are, each with whether its vectors are those that were found."""
    budget.spend(len(points))
    for *columns, sequence in connection.execute(_RECORDS, (_json(points), query.namespace_row)):
        record = tuple(columns)
        check(record)
        yield record, points[record[0]] in (None, sequence)


def _matching(
    connection: apsw.Connection, budget: Budget, query: Query, points: Points, further_paths: Sequence[str] = ()
) -> Iterator[tuple[Record, Fields]]:
    judge = _Judge(query, further_paths)
    for record, is_current in _records(connection, budget, query, points):
        fields = judge.fields_if_matching(record) if is_current else None
        if fields is not None:
            yield record, fields


def _json(points: Points) -> str:
    return msgspec.json.encode(list(points)).decode()
