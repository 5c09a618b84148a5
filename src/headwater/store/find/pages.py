"""A page of documents, and walks over all of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import apsw

from headwater.store.documents.records import DocumentRow
from headwater.store.fields.entries import TYPE_LAST
from headwater.store.find.budget import Budget
from headwater.store.find.query import CREATION, Explain, Order, Position, Query
from headwater.store.find.streams import matches_in


class FoundPage(NamedTuple):
    """``last`` is where to go on after; ``has_more`` says whether anything is there."""

    documents: list[DocumentRow]
    last: Position | None
    has_more: bool
    explain: Explain


def find_page(
    connection: apsw.Connection,
    query: Query,
    order: Order = CREATION,
    *,
    budget: Budget,
    after: Position | None = None,
    offset: int = 0,
    limit: int = 10,
) -> FoundPage:
    """Up to ``limit`` matching documents, ``offset`` of them skipped, or those after a position.

    Call inside ``budget.watch(connection)``. Raises ``BudgetExceededError`` and ``QueryTimeoutError``.
    """
    explain = Explain()
    matches = matches_in(connection, query, order, after, budget, explain)
    # One more than asked for tells whether there are more.
    found = list(islice(matches, offset, offset + limit + 1))
    shown = found[:limit]
    return FoundPage([document for _, document in shown], shown[-1][0] if shown else None, len(found) > limit, explain)


def walk(
    connection: apsw.Connection, query: Query, *, budget: Budget, after: Position | None = None, batch: int = 500
) -> Iterator[list[DocumentRow]]:
    """All matching documents in the order of their creation, in batches. A document's position in that order never
    changes, so a walk that was cut short goes on after the last document it gave: see ``position_in_creation``.

    Call inside ``budget.watch(connection)``; a walk over very many documents better takes several snapshots.
    """
    matches = (document for _, document in matches_in(connection, query, CREATION, after, budget, Explain()))
    while found := list(islice(matches, batch)):
        yield found


def position_in_creation(document: DocumentRow) -> Position:
    """Where the document stands in the order of creation, to go on after it."""
    return Position(TYPE_LAST, None, document.created_at, document.document_id)
