"""Lists of objects: what is asked for becomes a question that a connection can answer, its answer an envelope."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import orjson

from headwater.catalog.tables.buckets import Bucket
from headwater.context import Context
from headwater.http.models import unknown_key_warnings
from headwater.http.pagination import Page, PageQuery, pagination_envelope, resolve_page
from headwater.query import AllOf, Condition, Filter, parse_filter, paths_of
from headwater.resources.documents.cursor import Binding, Cursor, read_cursor, write_cursor
from headwater.resources.documents.list_request import Sort
from headwater.resources.documents.select import Selection
from headwater.resources.objects import list_page
from headwater.resources.objects.list_page import Answer, Question
from headwater.resources.objects.schemas_list import ListObjectsRequest
from headwater.store.buckets.schema import RESERVED
from headwater.store.buckets.stats import hidden_objects
from headwater.store.find import Order, Query
from headwater.store.find.query import CREATION
from headwater.tenancy.access import access_bucket

#: What a filter has to name to see objects that were soft-deleted.
_STATE = "lifecycle_state"
_UNSEARCHED = tuple(sorted(RESERVED))


async def list_objects(ctx: Context, bucket_identifier: str, query: PageQuery, request: ListObjectsRequest) -> bytes:
    """A page of the bucket's objects, as the JSON of the whole answer."""
    bucket = access_bucket(ctx, bucket_identifier)
    page = resolve_page(query, request)
    wanted = query_of(ctx, bucket, request.filters, request.search)
    sort = request.chosen_sort
    binding = _binding(ctx, bucket, request, sort)
    cursor = None if page.cursor is None else read_cursor(ctx.runtime.secret, binding, page.cursor)
    question = Question(
        query=wanted,
        order=_order(sort),
        after=None if cursor is None else cursor.position,
        offset=page.offset,
        limit=page.limit,
        counted=page.include_total,
        select=Selection.of(request.select) if request.select else None,
        links=ctx.file_links if request.return_presigned_urls else None,
    )
    answer = await ctx.runtime.find(list_page.answer, question, shown=page.limit)
    ctx.runtime.learner.note(wanted, answer.explain)
    following = None
    if answer.following is not None:
        following = write_cursor(ctx.runtime.secret, binding, Cursor(answer.following))
    warnings = unknown_key_warnings(request) + _scan_warnings(answer, ctx.runtime.settings.learn_rows)
    return _envelope(bucket, page, request, answer, following, warnings)


def query_of(ctx: Context, bucket: Bucket, filters: Any, search: str | None = None) -> Query:
    """The bucket's objects that match. Those that were soft-deleted are left out, unless the filter is about that."""
    parsed = parse_filter(filters, ["body", "filters"])
    if _STATE not in paths_of(parsed) and hidden_objects(ctx.runtime.reader.connection, bucket.bucket_row):
        parsed = _shown_only(parsed)
    return Query(bucket.objects_row, (bucket.bucket_row,), parsed, search=search or None, unsearched=_UNSEARCHED)


def _shown_only(wanted: Filter | None) -> Filter:
    shown = Condition(_STATE, "eq", "active")
    return shown if wanted is None else AllOf((shown, wanted))


def _order(sort: Sort | None) -> Order:
    if sort is None:
        return CREATION
    # ``created_at`` is reserved for when an object was made, so the order of creation is the same and needs no index.
    return Order(None if sort.field == "created_at" else sort.field, sort.direction == "desc")


def _binding(ctx: Context, bucket: Bucket, request: ListObjectsRequest, sort: Sort | None) -> Binding:
    """What a cursor is good for."""
    order = None if sort is None else (sort.field, sort.direction)
    query = msgspec.json.encode([bucket.bucket_row, request.filters, request.search, order])
    return ("objects", ctx.scope.organization_id, ctx.scope.namespace_row, sha256(query).hexdigest())


def _scan_warnings(answer: Answer, many_rows: int) -> list[str]:
    explain = answer.explain
    if explain.rows_read < many_rows:
        return []
    reason = f", for not indexed: {', '.join(explain.unindexed)}" if explain.unindexed else ""
    return [f"{explain.rows_read} objects were read one by one{reason}; paths that are asked for again get an index"]


def _envelope(
    bucket: Bucket,
    page: Page,
    request: ListObjectsRequest,
    answer: Answer,
    following: str | None,
    warnings: list[str],
) -> bytes:
    rest: dict[str, Any] = {
        "pagination": pagination_envelope(
            page,
            # A GET can ask for none of these.
            path=None if request.narrows else f"/v1/buckets/{bucket.bucket_id}/objects",
            has_more=following is not None,
            next_cursor=following,
            total=answer.total,
        ),
        "stats": answer.stats,
        "warnings": warnings or None,
    }
    if request.explain:
        rest["explain"] = msgspec.to_builtins(answer.explain)
    return b'{"results":' + answer.content + b"," + orjson.dumps(rest)[1:]
