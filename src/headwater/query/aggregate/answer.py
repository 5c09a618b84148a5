"""From groups to the rows of an answer: ``having``, order, limit.

Rows are in the order of their groups' values (numbers, strings, booleans, null; the first group field decides first).
A plan's own order comes before that one, null and objects last in both directions.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from headwater.query.aggregate.keys import rank
from headwater.query.aggregate.plan import Having, Order, Plan
from headwater.query.dates import instant
from headwater.query.ordering import sort_rank


class ResultRow(NamedTuple):
    """A group: its values and its metrics, by their names."""

    group: dict[str, Any]
    metrics: dict[str, Any]


_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def answer_rows(plan: Plan, rows: Iterable[ResultRow]) -> list[ResultRow]:
    """The rows that meet every condition, in order, as many as the plan wants."""
    kept = [row for row in rows if all(_meets(condition, row) for condition in plan.having)]
    kept.sort(key=lambda row: [rank(value) for value in row.group.values()])
    if plan.order is not None:
        kept = _ordered(kept, plan.order)
    return kept[: plan.limit]


def _ordered(rows: list[ResultRow], order: Order) -> list[ResultRow]:
    ranked = [(sort_rank([_value(row, order.name)], order.descending), row) for row in rows]
    placed = [(found, row) for found, row in ranked if found is not None]
    # Sorting keeps the order of equals, in reverse as well.
    placed.sort(key=lambda pair: pair[0], reverse=order.descending)
    return [row for _, row in placed] + [row for found, row in ranked if found is None]


def _value(row: ResultRow, name: str) -> Any:
    return (row.metrics if name in row.metrics else row.group)[name]


def _meets(condition: Having, row: ResultRow) -> bool:
    found = row.metrics[condition.metric]
    if condition.operator == "eq":
        return _equal(found, condition.value)
    if condition.operator == "ne":
        return not _equal(found, condition.value)
    return _in_order(_ORDERED[condition.operator], found, condition.value)


def _in_order(compare: Callable[[Any, Any], bool], found: Any, bound: Any) -> bool:
    """Numbers with numbers, texts with texts, and with a date only dates, as instants."""
    if rank(found)[0] != rank(bound)[0] or rank(found)[0] > 1:
        return False
    moment = instant(bound) if isinstance(bound, str) else None
    if moment is None:
        return compare(found, bound)
    other = instant(found)
    return other is not None and compare(other, moment)


def _equal(found: Any, wanted: Any) -> bool:
    return type(found) is not list and type(found) is not dict and rank(found) == rank(wanted)
