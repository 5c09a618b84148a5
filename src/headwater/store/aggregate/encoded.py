"""Answers as JSON: a hundred thousand rows cross to the worker as bytes, and the worker need not look at them.

Both functions are for ``Runtime.find``.
"""

from __future__ import annotations

from typing import NamedTuple

import apsw
import orjson

from headwater.query.aggregate import Plan
from headwater.store.aggregate.sources import aggregate_documents, facets
from headwater.store.find import Budget, Explain, Query


class EncodedRows(NamedTuple):
    """A JSON list, its length, and how it was found."""

    rows: bytes
    total: int
    explain: Explain


def encoded_groups(connection: apsw.Connection, budget: Budget, query: Query, plan: Plan) -> EncodedRows:
    """The rows of an aggregation."""
    found = aggregate_documents(connection, budget, query, plan)
    rows = orjson.dumps([{"group": row.group, "metrics": row.metrics} for row in found.rows])
    return EncodedRows(rows, len(found.rows), found.explain)


def encoded_values(
    connection: apsw.Connection, budget: Budget, query: Query, path: str, limit: int | None
) -> EncodedRows:
    """The distinct values at a path, with their counts."""
    found = facets(connection, budget, query, [path], limit)
    values = found.values[path]
    rows = orjson.dumps([{"value": value, "count": documents} for value, documents in values])
    return EncodedRows(rows, len(values), found.explain)
