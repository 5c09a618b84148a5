"""Where an aggregation gets its documents from.

All functions here are for ``Runtime.find``: called with a connection and a budget, over one snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import apsw

from headwater.query.aggregate import Aggregation, Group, Metric, Order, Plan, ResultRow, Row
from headwater.store.aggregate.columns import NotWholeError
from headwater.store.aggregate.indexed import add_indexed, could_be_indexed
from headwater.store.fields.paths import live_paths
from headwater.store.find import Budget, Explain, Query, count
from headwater.store.find.query import CREATION
from headwater.store.find.streams import Stream


class Aggregated(NamedTuple):
    rows: list[ResultRow]
    explain: Explain


def aggregate_documents(connection: apsw.Connection, budget: Budget, query: Query, plan: Plan) -> Aggregated:
    """The plan's answer over the documents of the query.

    Raises ``BudgetExceededError``, ``QueryTimeoutError``, and ``ValidationError`` with the code
    ``aggregation_too_large``.
    """
    if not plan.paths:
        return _counted(connection, budget, query, plan)
    explain = Explain()
    aggregation = _from_index(connection, budget, query, plan, explain)
    if aggregation is None:
        aggregation = Aggregation(plan)
        _note_paths(connection, query, plan, explain)
        for row in _scan(connection, query, plan.paths, budget, explain):
            aggregation.add(row)
    return Aggregated(aggregation.answer(), explain)


def _counted(connection: apsw.Connection, budget: Budget, query: Query, plan: Plan) -> Aggregated:
    total, explain = count(connection, query, budget=budget)
    aggregation = Aggregation(plan)
    aggregation.add({}, total)
    return Aggregated(aggregation.answer(), explain)


def _from_index(
    connection: apsw.Connection, budget: Budget, query: Query, plan: Plan, explain: Explain
) -> Aggregation | None:
    aggregation = Aggregation(plan)
    try:
        if not add_indexed(connection, query, plan, aggregation, budget):
            return None
    except NotWholeError:
        return None
    used = [*query.paths, *plan.paths]
    explain.note(used, used)
    explain.plan.append("the index holds all that the aggregation looks at")
    return aggregation


def _scan(
    connection: apsw.Connection, query: Query, paths: Sequence[str], budget: Budget, explain: Explain
) -> Iterator[Row]:
    """The values at the paths of each matching document, in the order of creation, collection by collection."""
    for collection_row in query.collection_rows:
        stream = Stream(connection, collection_row, query, CREATION, budget, explain, paths)
        for _, fields in stream.records():
            yield {path: fields.values_at(path) for path in paths}


def _note_paths(connection: apsw.Connection, query: Query, plan: Plan, explain: Explain) -> None:
    """Say which paths to index would help. Where the records have to be read whatever is indexed, none would."""
    if could_be_indexed(plan):
        for row in query.collection_rows:
            explain.note(list(plan.paths), live_paths(connection, row))


class ValueCount(NamedTuple):
    value: str | int | float | bool
    #: How many have the value.
    documents: int


class Facets(NamedTuple):
    """The most frequent values at each path, then in the order of values."""

    values: dict[str, list[ValueCount]]
    explain: Explain


def facets(
    connection: apsw.Connection, budget: Budget, query: Query, paths: Sequence[str], limit: int | None
) -> Facets:
    """Up to ``limit`` values at each path among the documents of the query, each element of an array by itself. All
    paths that the index does not hold take one scan together."""
    explain = Explain()
    plans = {path: _values_plan(path) for path in paths}
    found = {path: _from_index(connection, budget, query, plan, explain) for path, plan in plans.items()}
    scanned = {path: Aggregation(plans[path]) for path, aggregation in found.items() if aggregation is None}
    for path in scanned:
        _note_paths(connection, query, plans[path], explain)
    for row in _scan(connection, query, tuple(scanned), budget, explain) if scanned else ():
        for aggregation in scanned.values():
            aggregation.add(row)
    answers = {path: (found[path] or scanned[path]).answer() for path in plans}
    return Facets({path: _values_of(rows)[:limit] for path, rows in answers.items()}, explain)


def _values_plan(path: str) -> Plan:
    return Plan((Group("value", path),), (Metric("count", "count"),), order=Order("count"))


def _values_of(rows: Sequence[ResultRow]) -> list[ValueCount]:
    """Documents without a value count for none."""
    return [ValueCount(row.group["value"], row.metrics["count"]) for row in rows if row.group["value"] is not None]
