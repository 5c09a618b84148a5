"""The matching documents of one collection, one by one in an order."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import apsw

from headwater.catalog.database import fetch_all
from headwater.query import Fields
from headwater.store.documents.records import DocumentRow, Record, build_document, check
from headwater.store.fields.entries import TYPE_LAST
from headwater.store.fields.paths import FieldPath
from headwater.store.find.budget import Budget
from headwater.store.find.candidates import Driver, choose_driver, in_creation_order, read_document, read_record
from headwater.store.find.fields import compile_query, viewer_of
from headwater.store.find.ordering import compare, in_order, placed, position_of, sort_key
from headwater.store.find.query import Explain, Order, Position, Query
from headwater.store.find.rendering import select
from headwater.store.find.sorted_index import in_value_order

Match = tuple[Position, DocumentRow]
#: Records between two looks at the budget.
_BATCH = 32
#: Of fewer candidates all are read and put in order, rather than looked for along the sorted index.
_FEW = 500


class Stream:
    """The search in one collection: what drives it, what decides, and how much it has read."""

    def __init__(
        self,
        connection: apsw.Connection,
        collection_row: int,
        query: Query,
        order: Order,
        budget: Budget,
        explain: Explain,
        further_paths: Sequence[str] = (),
    ) -> None:
        self._connection = connection
        self._order = order
        self._budget = budget
        self._explain = explain
        self.driver: Driver = choose_driver(connection, query, collection_row, explain, sized=order.path is not None)
        further = [] if order.path is None else [order.path]
        self._fields_of: Callable[[Record], Fields] = viewer_of(query, [*further, *further_paths])
        self._accepts: Callable[[Fields], bool] | None = compile_query(query)
        self._unspent = 0
        if order.path is not None:
            explain.note(further, self.driver.place.paths)

    def matches(self, after: Position | None) -> Iterator[Match]:
        """In order, after the position."""
        path = self._order.path
        if path is None:
            yield from self._by_creation(after)
            return
        indexed = self.driver.place.paths.get(path)
        if indexed is None or (self.driver.located is not None and self.driver.size <= _FEW):
            yield from self._sorted(after)
        else:
            yield from self._by_index(indexed, after)

    def records(self, after: Position | None = None) -> Iterator[tuple[Record, Fields]]:
        """In the order of creation, with what filters see of each: for whoever wants to look at more of its fields."""
        descending = self._order.descending
        for record in in_creation_order(self._connection, self.driver, descending=descending, after=after):
            fields = self._accept(record)
            if fields is not None:
                yield record, fields

    def _by_creation(self, after: Position | None) -> Iterator[Match]:
        for record, _ in self.records(after):
            document = build_document(record)
            yield Position(TYPE_LAST, None, document.created_at, document.document_id), document

    def _by_index(self, path: FieldPath, after: Position | None) -> Iterator[Match]:
        rows = in_value_order(self._connection, path, descending=self._order.descending, after=after)
        named = self._named() if self.driver.small else None
        for position, row in rows:
            if named is not None and row not in named:
                continue
            record = read_record(self._connection, row)
            if record is not None and self._accept(record) is not None:
                yield position, build_document(record)

    def _named(self) -> set[int]:
        """The rows of a small driver: along the sorted index they spare the reading of all others."""
        assert self.driver.located is not None
        sql, parameters = select(self.driver.located, self.driver.place)
        return {int(row[0]) for row in fetch_all(self._connection, f"SELECT document_row FROM ({sql})", parameters)}

    def _sorted(self, after: Position | None) -> Iterator[Match]:
        """Every candidate is read to know where it stands; records themselves are kept for none."""
        path = self._order.path
        assert path is not None
        descending = self._order.descending
        found = [placed(record, fields.values_at(path), descending=descending) for record, fields in self.records()]
        self._budget.check_time()
        before = compare(self._order)
        for item in in_order(found, descending=descending):
            position = position_of(item)
            if after is not None and before(position, after) <= 0:
                continue
            document = read_document(self._connection, item[-1])
            if document is not None:
                yield position, document

    def _accept(self, record: Record) -> Fields | None:
        """What filters see of the record's document if it matches."""
        self._explain.rows_read += 1
        self._unspent += 1
        if self._unspent >= _BATCH:
            self._budget.spend(self._unspent)
            self._unspent = 0
        check(record)
        fields = self._fields_of(record)
        if self._accepts is None or self._accepts(fields):
            return fields
        return None


def matches_in(
    connection: apsw.Connection, query: Query, order: Order, after: Position | None, budget: Budget, explain: Explain
) -> Iterator[Match]:
    """The matching documents of all the query's collections, in order."""
    streams = [Stream(connection, row, query, order, budget, explain).matches(after) for row in query.collection_rows]
    if len(streams) == 1:
        return streams[0]
    return _merged(streams, order)


def _merged(streams: list[Iterator[Match]], order: Order) -> Iterator[Match]:
    key = sort_key(order)

    def by_position(match: Match) -> Any:
        return key(match[0])

    return heapq.merge(*streams, key=by_position)
