"""Aggregations and distinct values of a collection's documents."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import orjson

from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.http.models import LenientModel, unknown_key_warnings
from headwater.query import parse_filter
from headwater.resources.documents.aggregate_plan import plan_of
from headwater.resources.documents.schemas_aggregate import AggregateBody, DistinctBody
from headwater.store.aggregate import EncodedRows, encoded_groups, encoded_values
from headwater.store.find import Query
from headwater.tenancy.access import access_collection
from headwater.tenancy.document_acl import principal_of


async def aggregate(ctx: Context, collection_identifier: str, body: AggregateBody) -> bytes:
    """The groups of the documents that match, as the JSON of the whole answer."""
    collection = access_collection(ctx, collection_identifier)
    query = _query(ctx, collection, body.filters)
    return await aggregate_matches(ctx, query, body, {"collection_id": collection.collection_id})


async def aggregate_matches(ctx: Context, query: Query, body: AggregateBody, about: dict[str, str]) -> bytes:
    """The same for whatever the query finds. ``about`` says in the answer what was looked at."""
    plan = plan_of(body)
    started = time.monotonic()
    found = await ctx.runtime.find(encoded_groups, query, plan)
    ctx.runtime.learner.note(query, found.explain)
    # Grouping is the one step that there always is.
    stages = 1 + sum(map(bool, (query.filter, plan.unwind, plan.having, plan.order, plan.limit)))
    parts = (body, *body.group_by, *body.aggregations, *body.having, *body.range_buckets)
    info = about | _query_info(query, started, stages, found, parts)
    return b'{"results":' + found.rows + b"," + orjson.dumps({"total_groups": found.total, "query_info": info})[1:]


async def distinct(ctx: Context, collection_identifier: str, body: DistinctBody) -> bytes:
    """The values of a field and how many documents have each, as the JSON of the whole answer."""
    collection = access_collection(ctx, collection_identifier)
    query = _query(ctx, collection, body.filters)
    started = time.monotonic()
    found = await ctx.runtime.find(encoded_values, query, body.field, body.limit)
    ctx.runtime.learner.note(query, found.explain)
    # Grouping, and sorting by count.
    stages = 2 + sum(map(bool, (query.filter, body.limit)))
    info = {"collection_id": collection.collection_id} | _query_info(query, started, stages, found, (body,))
    rest = {"field": body.field, "total_distinct": found.total, "query_info": info}
    return b'{"values":' + found.rows + b"," + orjson.dumps(rest)[1:]


def _query(ctx: Context, collection: Collection, filters: Any) -> Query:
    parsed = parse_filter(filters, ["body", "filters"])
    return Query(collection.namespace_row, (collection.collection_row,), parsed, principal_of(ctx))


def _query_info(
    query: Query,
    started: float,
    stages: int,
    found: EncodedRows,
    parts: Iterable[LenientModel],
) -> dict[str, Any]:
    warnings = [warning for part in parts for warning in unknown_key_warnings(part)]
    # An end user must not learn how many documents there are besides their own.
    explain = None if query.principal is not None else found.explain
    return {
        "execution_time_ms": round((time.monotonic() - started) * 1000),
        "pipeline_stages": stages,
        "indexed_paths": explain and explain.indexed,
        "unindexed_paths": explain and explain.unindexed,
        "documents_read": explain and explain.rows_read,
        "warnings": warnings or None,
    }
