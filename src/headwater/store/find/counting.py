"""How many documents match."""

from __future__ import annotations

from typing import NamedTuple

import apsw

from headwater.catalog.tables.collections import document_count
from headwater.store.find.budget import Budget
from headwater.store.find.candidates import place_of
from headwater.store.find.located import Located, Place, Without, locate
from headwater.store.find.query import CREATION, Explain, Query
from headwater.store.find.rendering import arranged, is_distinct, select
from headwater.store.find.streams import Stream


class Counted(NamedTuple):
    total: int
    explain: Explain


def count(connection: apsw.Connection, query: Query, *, budget: Budget) -> Counted:
    """The number of matching documents. Call inside ``budget.watch(connection)``."""
    explain = Explain()
    total = sum(_count_in(connection, row, query, budget, explain) for row in query.collection_rows)
    return Counted(total, explain)


def _count_in(connection: apsw.Connection, row: int, query: Query, budget: Budget, explain: Explain) -> int:
    decided = query.search is not None or query.partition is not None
    if not decided:
        if query.whole_filter is None:
            return document_count(connection, row)
        exact = _count_exactly(connection, row, query, explain)
        if exact is not None:
            return exact
    stream = Stream(connection, row, query, CREATION, budget, explain)
    return sum(1 for _ in stream.records())


def _count_exactly(connection: apsw.Connection, row: int, query: Query, explain: Explain) -> int | None:
    """By the index alone; None where it does not know all of the filter."""
    place = place_of(connection, query, row)
    filters = query.whole_filter
    located = None if filters is None else locate(filters, place)
    if located is None or not located.exact:
        return None
    explain.note(query.paths, query.paths)
    explain.plan.append("the index counts the matches")
    if isinstance(located, Without):
        return document_count(connection, row) - _size(connection, located.part, place)
    return _size(connection, located, place)


def _size(connection: apsw.Connection, located: Located, place: Place) -> int:
    located, _ = arranged(connection, located, place)
    sql, parameters = select(located, place)
    counted = "count(*)" if is_distinct(located) else "count(DISTINCT document_row)"
    row = connection.execute(f"SELECT {counted} FROM ({sql})", parameters).fetchone()
    return int(row[0]) if row else 0
