"""Positions in an order, and which of two comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cmp_to_key
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

from headwater.query import sort_rank
from headwater.store.documents.records import Record
from headwater.store.fields.entries import TYPE_LAST
from headwater.store.find.query import Order, Position


def compare(order: Order) -> Callable[[Position, Position], int]:
    """Below, at or above zero as the first position comes before, is the same as or comes after the second."""
    sign = -1 if order.descending else 1

    def by_creation(one: Position, other: Position) -> int:
        if one.created_at != other.created_at:
            return sign if one.created_at > other.created_at else -sign
        return _compared(one.document_id, other.document_id)

    def by_value(one: Position, other: Position) -> int:
        if one.rank != other.rank:
            # What has no value comes last either way.
            if TYPE_LAST in (one.rank, other.rank):
                return 1 if one.rank == TYPE_LAST else -1
            return sign if one.rank > other.rank else -sign
        if one.rank != TYPE_LAST and one.value != other.value:
            return sign * _compared(one.value, other.value)
        return _compared(one.document_id, other.document_id)

    return by_creation if order.path is None else by_value


def _compared(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


def sort_key(order: Order) -> Callable[[Position], Any]:
    """A key that sorts positions into the order."""
    return cmp_to_key(compare(order))


#: A record in the order of a path: rank and value of its position, then ``document_id``, ``created_at`` and
#: ``document_row``. Bare, for an order by a path that is not indexed makes one of every record.
Placed: TypeAlias = tuple[int, Any, str, int, int]


def placed(record: Record, values: list[Any], *, descending: bool) -> Placed:
    """The record in the order of the values at a path."""
    kind, value = sort_rank(values, descending) or (TYPE_LAST, None)
    return kind, value, record[3], record[5], record[0]


def position_of(item: Placed) -> Position:
    kind, value, document_id, created_at, _ = item
    return Position(kind, value, created_at, document_id)


def in_order(found: list[Placed], *, descending: bool) -> Iterable[Placed]:
    """What ``sort_key`` would do to the positions, several times as fast for many of them."""
    # Sorting is stable, in reverse too, so equal values keep the order of their ids.
    found.sort(key=itemgetter(2))
    valued = [item for item in found if item[0] != TYPE_LAST]
    valued.sort(key=itemgetter(0, 1), reverse=descending)
    return chain(valued, (item for item in found if item[0] == TYPE_LAST))
