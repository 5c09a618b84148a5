"""Positions in an order, and which of two comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cmp_to_key
from itertools import chain
from typing import Any, TypeVar

from headwater.query import sort_rank
from headwater.store.documents.records import DocumentRow
from headwater.store.fields.entries import TYPE_LAST
from headwater.store.find.query import Order, Position

T = TypeVar("T")


def position_of(document: DocumentRow, order: Order, values: list[Any]) -> Position:
    """Where the document stands; ``values`` are those at the order's path."""
    rank = None if order.path is None else sort_rank(values, order.descending)
    kind, value = (TYPE_LAST, None) if rank is None else rank
    return Position(kind, value, document.created_at, document.document_id)


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


def in_order(found: list[tuple[Position, T]], order: Order) -> Iterable[tuple[Position, T]]:
    """What ``sort_key`` would do to documents in the order of a path, several times as fast for many of them."""
    # Sorting is stable, in reverse too, so equal values keep the order of their ids.
    found.sort(key=lambda pair: pair[0].document_id)
    valued = [pair for pair in found if pair[0].rank != TYPE_LAST]
    valued.sort(key=lambda pair: (pair[0].rank, pair[0].value), reverse=order.descending)
    return chain(valued, (pair for pair in found if pair[0].rank == TYPE_LAST))
