"""Candidates: documents in order that may match, from whatever is the cheapest to read."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import apsw

from headwater.store.documents.records import COLUMNS, DOCUMENTS, DocumentRow, Record, build_document, document_of
from headwater.store.fields.entries import TYPE_LAST
from headwater.store.fields.paths import live_paths
from headwater.store.find.located import Both, Leaf, Located, Place, by_value, is_known, locate
from headwater.store.find.query import Explain, Position, Query
from headwater.store.find.rendering import COLLECTED, arranged, estimate, is_distinct, select

#: A set of so many documents is collected and put in order within some milliseconds.
_DIRECT = 4096


@dataclass(frozen=True)
class Driver:
    """What a search in one collection is driven by: a set of the index, or None for all documents."""

    place: Place
    located: Located | None
    #: About how many documents the set has, at most ``COLLECTED``.
    size: int = COLLECTED

    @property
    def small(self) -> bool:
        return self.located is not None and self.size < COLLECTED

    @property
    def exact(self) -> bool:
        """The set is the answer: no record needs to be looked at to count it."""
        return self.located is not None and self.located.exact

    @property
    def streams(self) -> bool:
        """The index gives the set in the order of creation, so its first documents cost no more than themselves."""
        first = self.located.parts[0] if isinstance(self.located, Both) else self.located
        return isinstance(first, Leaf) and bool(first.ranges) and all(item.single for item in first.ranges)


def choose_driver(
    connection: apsw.Connection, query: Query, collection_row: int, explain: Explain, *, sized: bool
) -> Driver:
    """The smallest set that the index has for the query in that collection. ``sized``: its size matters even where the
    index has it in the order of creation."""
    place = place_of(connection, query, collection_row)
    filters = query.whole_filter
    explain.note(query.paths, _Known(place))
    located = None if filters is None else locate(filters, place)
    driver = Driver(place, located)
    if located is not None and (sized or not driver.streams or isinstance(located, Both)):
        driver = _led(connection, place, located)
    if filters is not None:
        explain.plan.append(_described(driver))
    return driver


def place_of(connection: apsw.Connection, query: Query, collection_row: int) -> Place:
    """The collection and what is indexed in it."""
    return Place(query.namespace_row, collection_row, live_paths(connection, collection_row))


class _Known:
    def __init__(self, place: Place) -> None:
        self._place = place

    def __contains__(self, path: str) -> bool:
        return is_known(path, self._place)


def _led(connection: apsw.Connection, place: Place, located: Located) -> Driver:
    leading, size = arranged(connection, located, place)
    if not isinstance(leading, Both) or size == COLLECTED:
        return Driver(place, leading, size)
    first, *others = leading.parts
    # To ask about a large set that is no single value would mean to collect it; the record knows as well.
    kept = [part for part in others if _is_cheap(part) or estimate(connection, part, place, size + 1) <= size]
    return Driver(place, Both((first, *kept), leading.exact and len(kept) == len(others)), size)


def _is_cheap(part: Located) -> bool:
    return isinstance(part, Leaf) and all(item.single for item in part.ranges)


def _described(driver: Driver) -> str:
    if driver.located is None:
        return "all documents are looked at"
    size = f"about {driver.size}" if driver.size < COLLECTED else "many"
    exact = "exactly the matches" if driver.exact else "each is looked at"
    return f"the index names {size} documents, {exact}"


# --- in the order of creation -------------------------------------------------


def in_creation_order(
    connection: apsw.Connection, driver: Driver, *, descending: bool, after: Position | None
) -> Iterator[Record]:
    """Every candidate once, after the position. Records are read when they are asked for."""
    if driver.located is None:
        return _walk_documents(connection, driver.place.collection_row, descending, after)
    if driver.streams or driver.size <= _DIRECT:
        return _walk_set(connection, driver, descending, after)
    return _walk_awhile(connection, driver, descending, after)


def _walk_awhile(
    connection: apsw.Connection, driver: Driver, descending: bool, after: Position | None
) -> Iterator[Record]:
    """A page of a large set is found sooner by looking at every document, unless its documents are all far away, as
    the latest ones are from the oldest. So look for a while, and collect the set only then."""
    patience = 1 + driver.size // 8
    record = None
    for record in islice(_walk_documents(connection, driver.place.collection_row, descending, after), patience):
        yield record
    if record is not None:
        document = build_document(record)
        after = Position(TYPE_LAST, None, document.created_at, document.document_id)
    yield from _walk_set(connection, driver, descending, after)


def _walk_documents(
    connection: apsw.Connection, collection_row: int, descending: bool, after: Position | None
) -> Iterator[Record]:
    behind, parameters = _behind("d.", descending, after)
    return connection.execute(
        f"SELECT {COLUMNS} FROM {DOCUMENTS} WHERE d.collection_row = ?{behind}"
        f" ORDER BY d.created_at {'DESC' if descending else 'ASC'}, d.document_id",
        (collection_row, *parameters),
    )


def _walk_set(
    connection: apsw.Connection, driver: Driver, descending: bool, after: Position | None
) -> Iterator[Record]:
    assert driver.located is not None
    # The index has each value's documents in order, so several values are merged: their first documents come first.
    parts = by_value(driver.located) if driver.streams else [driver.located]
    rows = [_in_order(connection, part, driver.place, descending, after) for part in parts]
    last = None
    for row in rows[0] if len(rows) == 1 else heapq.merge(*rows, key=lambda row: _place_of(row, descending)):
        record = read_record(connection, row[0])
        if record is not None and row[0] != last:
            yield record
        # A document with two of the values comes twice in a row.
        last = row[0]


def _in_order(
    connection: apsw.Connection, located: Located, place: Place, descending: bool, after: Position | None
) -> Iterator[tuple[Any, ...]]:
    sql, parameters = select(located, place)
    behind, further = _behind("", descending, after)
    distinct = "" if is_distinct(located) else "DISTINCT "
    return connection.execute(
        f"SELECT {distinct}document_row, created_at, document_id FROM ({sql}) WHERE 1{behind}"
        f" ORDER BY created_at {'DESC' if descending else 'ASC'}, document_id",
        (*parameters, *further),
    )


def _place_of(row: tuple[Any, ...], descending: bool) -> tuple[int, str]:
    return -row[1] if descending else row[1], row[2]


def _behind(prefix: str, descending: bool, after: Position | None) -> tuple[str, tuple[int | str, ...]]:
    if after is None:
        return "", ()
    created_at, document_id = f"{prefix}created_at", f"{prefix}document_id"
    if not descending:
        return f" AND ({created_at}, {document_id}) > (?, ?)", (after.created_at, after.document_id)
    return (
        f" AND {created_at} <= ? AND ({created_at} < ? OR {document_id} > ?)",
        (after.created_at, after.created_at, after.document_id),
    )


_BY_ROW = f"SELECT {COLUMNS} FROM {DOCUMENTS} WHERE d.document_row = ?"


def read_record(connection: apsw.Connection, document_row: int) -> Record | None:
    """The record of a row, None when its collection is being deleted."""
    return connection.execute(_BY_ROW, (document_row,)).fetchone()


def read_document(connection: apsw.Connection, document_row: int) -> DocumentRow | None:
    """The document of a row, None when its collection is being deleted."""
    record = read_record(connection, document_row)
    return None if record is None else document_of(record)
