"""Which documents a change is for: read in the order of creation, which no change moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import apsw

from headwater.store.bulk.change import BulkChange, Slice
from headwater.store.find import Budget, Position, Query, count, position_in_creation, walk

#: Records in memory at a time.
_BATCH = 50


class Found(NamedTuple):
    """A document to change."""

    row: int
    place: Position


def find_matching(
    connection: apsw.Connection, budget: Budget, change: BulkChange, after: Position | None, limit: int
) -> list[Found]:
    """Up to ``limit`` documents after the place, in the order of creation. Call inside ``budget.watch``."""
    found: list[Found] = []
    for documents in walk(connection, query_of(change), budget=budget, after=after, batch=min(limit, _BATCH)):
        for document in documents:
            # What comes after the request was made would keep a long change from ever ending.
            if len(found) == limit or (change.until and document.created_at > change.until):
                return found
            found.append(Found(document.document_row, position_in_creation(document)))
    return found


def count_matching(connection: apsw.Connection, budget: Budget, change: BulkChange) -> int:
    """How many documents there are to change. Call inside ``budget.watch``."""
    return count(connection, query_of(change), budget=budget).total


def query_of(change: BulkChange) -> Query:
    return Query(change.namespace_row, (change.collection_row,), change.whole_filter)


def slices_of(change: BulkChange, found: list[Found], after: Position | None) -> Iterator[Slice]:
    """The documents in slices of one transaction each; the first begins at ``after``."""
    size = change.slice_documents
    for start in range(0, len(found), size):
        part = found[start : start + size]
        yield Slice(after, part[-1].place, [document.row for document in part])
        after = part[-1].place
