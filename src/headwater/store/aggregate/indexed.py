"""Aggregations from the field index alone, where it holds all that they look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import apsw

from headwater.catalog.tables.collections import document_count
from headwater.query.aggregate import Aggregation, Metric, Plan
from headwater.query.aggregate.keys import Key, key_of
from headwater.store.aggregate.columns import Column, Scalar, counts, rows_by_value
from headwater.store.fields.entries import SHAPE_NESTED, SHAPE_OVERFLOW
from headwater.store.fields.paths import FieldPath, live_paths
from headwater.store.find.budget import Budget
from headwater.store.find.located import SQL, Place, locate
from headwater.store.find.query import Query
from headwater.store.find.rendering import select

#: Functions that do not look at values as they were written, nor at their order.
_FUNCTIONS = frozenset({"count", "count_distinct", "sum", "avg", "min", "max", "add_to_set"})
#: Functions that count a value as often as it stands there.
_ADDING = frozenset({"sum", "avg"})


#: A column of more documents would take too much memory; a scan needs none.
MAX_DOCUMENTS = 2_000_000


def add_indexed(
    connection: apsw.Connection, query: Query, plan: Plan, aggregation: Aggregation, budget: Budget
) -> bool:
    """Feed the aggregation from the index, or answer False, and the documents must be looked at.

    Raises ``NotWholeError`` when the index turns out to lack something; the aggregation is then good for nothing.
    """
    if not could_be_indexed(plan) or query.search is not None or query.partition is not None:
        return False
    sources = [_Source.of(connection, query, row, plan) for row in query.collection_rows]
    if None in sources:
        return False
    for source in sources:
        if source is not None:
            source.feed(aggregation, budget)
    return True


def could_be_indexed(plan: Plan) -> bool:
    """Whether an index of all its paths may be enough for the plan."""
    functions = {metric.function for metric in plan.metrics}
    return bool(plan.groups) and plan.unwind is None and functions <= _FUNCTIONS


class _Source:
    """The index of one collection, which holds all that the plan looks at."""

    def __init__(
        self, connection: apsw.Connection, plan: Plan, documents: int, paths: dict[str, FieldPath], only: SQL | None
    ) -> None:
        self._connection = connection
        self._documents = documents
        self._paths = paths
        self._only = only
        self._groups = list(dict.fromkeys(group.path for group in plan.groups))
        self._metrics = list(dict.fromkeys(metric.path for metric in plan.metrics if metric.path is not None))

    @classmethod
    def of(cls, connection: apsw.Connection, query: Query, collection_row: int, plan: Plan) -> _Source | None:
        paths = live_paths(connection, collection_row)
        documents = document_count(connection, collection_row)
        if not _holds(plan, paths) or documents > MAX_DOCUMENTS:
            return None
        filters = query.whole_filter
        if filters is None:
            return cls(connection, plan, documents, paths, None)
        place = Place(query.namespace_row, collection_row, paths)
        located = locate(filters, place)
        if located is None or not located.exact:
            return None
        return cls(connection, plan, documents, paths, select(located, place))

    def feed(self, aggregation: Aggregation, budget: Budget) -> None:
        if len(self._groups) == 1 and not self._metrics:
            self._feed_counts(self._paths[self._groups[0]], aggregation, budget)
        else:
            self._feed_columns(aggregation, budget)

    def _feed_counts(self, path: FieldPath, aggregation: Aggregation, budget: Budget) -> None:
        for value, documents in counts(self._connection, path, self._only):
            budget.spend(1)
            aggregation.add({path.path: [value]}, documents)

    def _feed_columns(self, aggregation: Aggregation, budget: Budget) -> None:
        # An entry is much less work than a record, but a column has one for every document.
        budget.spend(self._documents)
        columns = {path: Column(self._connection, self._paths[path]) for path in self._needed_columns()}
        further = [columns[path] for path in self._groups[1:]]
        for value, rows in rows_by_value(self._connection, self._paths[self._groups[0]], self._only):
            budget.check_time()
            for values, members in _refined((value,), rows, further):
                row = {path: columns[path].of_all(members) for path in self._metrics}
                row |= self._group_values(values, len(members))
                aggregation.add(row, len(members))

    def _needed_columns(self) -> set[str]:
        return {*self._groups[1:], *self._metrics}

    def _group_values(self, values: Sequence[Scalar], documents: int) -> dict[str, list[Scalar]]:
        """The value that the documents share, as often as a metric wants to see it."""
        return {
            path: [value] * (documents if path in self._metrics else 1)
            for path, value in zip(self._groups, values, strict=True)
        }


def _holds(plan: Plan, paths: dict[str, FieldPath]) -> bool:
    used = plan.paths
    if not all(path in paths and not paths[path].shape & SHAPE_OVERFLOW for path in used):
        return False
    nested = {path for path in used if paths[path].shape & SHAPE_NESTED}
    grouped = [group.path for group in plan.groups]
    looked_at = [*grouped, *(metric.path for metric in plan.metrics)]
    return all(_is_held(metric, metric.path in nested) for metric in plan.metrics) and not any(
        # Values of one document must neither fall together nor be told apart by another part of the plan.
        group.path in nested and (not group.plain or looked_at.count(group.path) > 1)
        for group in plan.groups
    )


def _is_held(metric: Metric, nested: bool) -> bool:
    return metric.function in _FUNCTIONS and not (nested and metric.function in _ADDING)


def _refined(
    values: tuple[Scalar, ...], rows: list[int], columns: Sequence[Column]
) -> Iterator[tuple[tuple[Scalar, ...], list[int]]]:
    """The rows apart by their values in the columns; a row with several is in several parts."""
    if not columns:
        yield values, rows
        return
    parts: dict[Key, tuple[Scalar, list[int]]] = {}
    for row in rows:
        for value in columns[0].of(row) or (None,):
            parts.setdefault(key_of(value), (value, []))[1].append(row)
    for value, members in parts.values():
        yield from _refined((*values, value), members, columns[1:])
