"""Documents in groups by the values at a path.

A document is in a group for each distinct number, string and boolean there, and in the null group when it has none.
Groups stand in the sort order of their values, the null group last.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

import apsw

from headwater.catalog.database import fetch_all
from headwater.query import elements
from headwater.query.ordering import MAX_SORTED_LENGTH, Rank, canonical
from headwater.store.documents.records import DocumentRow
from headwater.store.fields.entries import SHAPE_LONG, SHAPE_OVERFLOW, TYPE_BOOLEAN, TYPE_LAST, TYPE_NUMBER, TYPE_STRING
from headwater.store.fields.paths import FieldPath
from headwater.store.find.budget import Budget
from headwater.store.find.candidates import place_of, read_document
from headwater.store.find.located import SQL, Place, locate
from headwater.store.find.query import Explain, Order, Position, Query
from headwater.store.find.rendering import holds
from headwater.store.find.streams import Stream

#: Distinct values of a path beyond which grouping by it makes no sense and would not fit the memory.
MAX_GROUPS = 100_000
_NULL: Rank = (TYPE_LAST, None)


@dataclass(frozen=True)
class Group:
    #: The value, None for documents without one.
    value: Any
    count: int
    #: The first of its documents in the order of creation.
    documents: list[DocumentRow]


class GroupPage(NamedTuple):
    groups: list[Group]
    total_groups: int
    #: The sum of the counts of all groups; a document may be in several.
    memberships: int
    last: Position | None
    has_more: bool
    explain: Explain


#: ``(created_at, document_id, document_row)``
_First = tuple[int, str, int]


@dataclass
class _Tally:
    count: int = 0
    #: Its first documents, where they were met while counting.
    first: list[_First] = field(default_factory=list)


@dataclass
class _Tallies:
    """The groups so far, and the collections whose index has counted them and can name their first documents."""

    most: int
    by_rank: dict[Rank, _Tally] = field(default_factory=dict)
    indexed: list[tuple[FieldPath, SQL]] = field(default_factory=list)

    def of(self, rank: Rank) -> _Tally:
        tally = self.by_rank.get(rank)
        if tally is None:
            if len(self.by_rank) >= MAX_GROUPS:
                raise TooManyGroupsError
            tally = self.by_rank[rank] = _Tally()
        return tally


class TooManyGroupsError(Exception):
    """The path has more distinct values than ``MAX_GROUPS``."""


def group_values(values: list[Any]) -> list[Rank]:
    """The groups that a document with these values at the path is in."""
    if len(values) == 1 and type(values[0]) is not list:
        return [_group_rank(values[0]) or _NULL]
    found = dict.fromkeys(rank for rank in map(_group_rank, elements(values)) if rank is not None)
    return list(found) or [_NULL]


def _group_rank(value: Any) -> Rank | None:
    # Unlike places in a sort order, groups tell long strings apart.
    if isinstance(value, str):
        return TYPE_STRING, value
    if isinstance(value, bool):
        return TYPE_BOOLEAN, value
    if isinstance(value, int | float):
        return TYPE_NUMBER, canonical(value)
    return None


def find_groups(
    connection: apsw.Connection,
    query: Query,
    path: str,
    *,
    budget: Budget,
    after: Position | None = None,
    offset: int = 0,
    limit: int = 10,
    documents_per_group: int = 10,
) -> GroupPage:
    """A page of groups. ``after`` is the ``last`` of the page before. Call inside ``budget.watch(connection)``.

    Raises ``TooManyGroupsError``, ``BudgetExceededError`` and ``QueryTimeoutError``.
    """
    explain = Explain()
    tallies = _Tallies(documents_per_group)
    for row in query.collection_rows:
        _tally(connection, row, query, path, budget, explain, tallies)
    behind = None if after is None else _place(after)
    places = sorted((_place(_position(rank)), rank) for rank in tallies.by_rank)
    waiting = [rank for place, rank in places if behind is None or place > behind][offset:]
    shown = waiting[:limit]
    return GroupPage(
        groups=[_group(connection, rank, tallies) for rank in shown],
        total_groups=len(places),
        memberships=sum(tally.count for tally in tallies.by_rank.values()),
        last=_position(shown[-1]) if shown else None,
        has_more=len(waiting) > limit,
        explain=explain,
    )


def _position(rank: Rank) -> Position:
    """A text too long for a cursor is told by its beginning and a digest, so those that begin alike stand by that."""
    kind, value = rank
    if isinstance(value, str) and len(value) > MAX_SORTED_LENGTH:
        return Position(kind, value[:MAX_SORTED_LENGTH], 0, sha256(value.encode()).hexdigest())
    return Position(kind, value, 0, "")


def _place(position: Position) -> tuple[int, Any, str]:
    return position.rank, 0 if position.value is None else position.value, position.document_id


def _group(connection: apsw.Connection, rank: Rank, tallies: _Tallies) -> Group:
    tally = tallies.by_rank[rank]
    first = list(tally.first)
    for path, condition in tallies.indexed:
        first += _first_rows(connection, path, rank, condition, tallies.most)
    documents = [read_document(connection, row) for _, _, row in sorted(first)[: tallies.most]]
    return Group(rank[1], tally.count, [document for document in documents if document is not None])


def _tally(
    connection: apsw.Connection,
    collection_row: int,
    query: Query,
    path: str,
    budget: Budget,
    explain: Explain,
    tallies: _Tallies,
) -> None:
    place = place_of(connection, query, collection_row)
    indexed = place.paths.get(path)
    condition = _exact_condition(query, place)
    explain.note([path], place.paths)
    if indexed is None or condition is None or indexed.shape & (SHAPE_OVERFLOW | SHAPE_LONG):
        _by_records(Stream(connection, collection_row, query, Order(), budget, explain, [path]), path, tallies)
        return
    explain.note(query.paths, query.paths)
    explain.plan.append("the index counts the groups")
    tallies.indexed.append((indexed, condition))
    _by_index(connection, indexed, condition, tallies)


def _exact_condition(query: Query, place: Place) -> SQL | None:
    """The whole query as a condition about an entry ``r``; None when the index does not know all of it."""
    if query.search is not None or query.partition is not None:
        return None
    if query.whole_filter is None:
        return "1", ()
    located = locate(query.whole_filter, place)
    return holds(located, place) if located is not None and located.exact else None


def _by_index(connection: apsw.Connection, path: FieldPath, condition: SQL, tallies: _Tallies) -> None:
    sql, parameters = condition
    counted = fetch_all(
        connection,
        f"SELECT type, value, count(*) FROM field_values r WHERE path_row = ? AND type <= {TYPE_LAST} AND {sql}"
        " GROUP BY type, value",
        (path.path_row, *parameters),
    )
    for kind, value, number in counted:
        tallies.of(_shown(kind, value)).count += number


def _shown(kind: int, value: Any) -> Rank:
    if kind == TYPE_LAST:
        return _NULL
    return kind, bool(value) if kind == TYPE_BOOLEAN else value


def _first_rows(connection: apsw.Connection, path: FieldPath, rank: Rank, condition: SQL, most: int) -> list[_First]:
    sql, parameters = condition
    kind, value = rank
    # What makes a document one without a value is no matter here.
    of_value, wanted = ("1", ()) if kind == TYPE_LAST else ("value = ?", (value,))
    rows: list[_First] = fetch_all(
        connection,
        "SELECT created_at, document_id, document_row FROM field_values r WHERE path_row = ? AND type = ?"
        f" AND {of_value} AND {sql} ORDER BY created_at, document_id LIMIT ?",
        (path.path_row, kind, *wanted, *parameters, most),
    )
    return rows


def _by_records(stream: Stream, path: str, tallies: _Tallies) -> None:
    # Of each collection the first ones, for those of another may be older.
    kept: Counter[Rank] = Counter()
    for record, fields in stream.records():
        for rank in group_values(fields.values_at(path)):
            tally = tallies.of(rank)
            tally.count += 1
            if kept[rank] < tallies.most:
                kept[rank] += 1
                tally.first.append((record[5], record[3], record[0]))
