"""Listing buckets: filters, search, sort and pages over the buckets of one namespace."""

from __future__ import annotations

from typing import Any

import apsw

from headwater.context import Context
from headwater.http.pagination import Page, pagination_envelope
from headwater.resources.buckets import repository
from headwater.resources.buckets.render import bucket_response
from headwater.resources.buckets.schemas import ListBucketsRequest
from headwater.resources.collections import object_page
from headwater.resources.collections.listing import unresolved_namespace
from headwater.store.buckets.stats import BucketStats

Selected = tuple[list[dict[str, Any]], object_page.Slice]


async def list_buckets(ctx: Context, request: ListBucketsRequest, page: Page) -> dict[str, Any]:
    assert ctx.namespace is not None
    objects_row, scope = ctx.namespace.objects_row, ctx.scope
    selection = _selection(request, f"buckets:{scope.organization_id}:{scope.namespace_row}")
    key = ctx.runtime.secret.derive("cursors")

    # All of it in the reader's thread: there may be thousands of buckets.
    def read(connection: apsw.Connection) -> Selected:
        buckets, stats = repository.all_with_stats(connection, objects_row)
        shown = [bucket_response(bucket, stats.get(bucket.bucket_row, BucketStats())) for bucket in buckets]
        matching = object_page.select(shown, selection)
        return matching, object_page.cut(matching, selection, page, key)

    return _answer(page, *await ctx.runtime.reader.run(read))


def _selection(request: ListBucketsRequest, scope: str) -> object_page.Selection:
    return object_page.Selection(
        scope=scope,
        id_field="bucket_id",
        searched=("bucket_id", "bucket_name", "description"),
        filters=request.filters,
        sort=object_page.sort_of(request.sort, request.sorts),
        search=request.search,
        case_sensitive=request.case_sensitive,
    )


def _answer(page: Page, matching: list[dict[str, Any]], cut: object_page.Slice) -> dict[str, Any]:
    return {
        "results": cut.rows,
        "pagination": pagination_envelope(
            page,
            path="/v1/buckets",
            has_more=cut.next_cursor is not None,
            next_cursor=cut.next_cursor,
            total=cut.total,
        ),
        "total_count": cut.total,
        "stats": _stats(matching),
        "warnings": [],
    }


def unresolved_namespace_page(page: Page, identifier: str) -> dict[str, Any]:
    """The empty page for an ``X-Namespace`` that names nothing."""
    empty = _answer(page, [], object_page.Slice([], 0, None))
    return empty | {"warnings": [unresolved_namespace(identifier)]}


def _stats(matching: list[dict[str, Any]]) -> dict[str, Any]:
    objects = sum(item["object_count"] for item in matching)
    size = sum(item["total_size_bytes"] for item in matching)
    count = max(1, len(matching))
    return {
        "total_objects": objects,
        "total_size_bytes": size,
        "avg_objects_per_bucket": objects / count,
        "avg_size_per_bucket": size / count,
    }
