"""Listing buckets: filters, search, sort and pages over the buckets of one namespace."""

from __future__ import annotations

from typing import Any

import apsw

from headwater.context import Context
from headwater.http.pagination import Page
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
    selection = object_page.selection_of(
        request,
        scope=f"buckets:{scope.organization_id}:{scope.namespace_row}",
        id_field="bucket_id",
        searched=("bucket_id", "bucket_name", "description"),
    )
    key = ctx.runtime.secret.derive("cursors")

    # All of it in the reader's thread: there may be thousands of buckets.
    def read(connection: apsw.Connection) -> Selected:
        buckets, stats = repository.all_with_stats(connection, objects_row)
        shown = [bucket_response(bucket, stats.get(bucket.bucket_row, BucketStats())) for bucket in buckets]
        matching = object_page.select(shown, selection)
        return matching, object_page.cut(matching, selection, page, key)

    matching, cut = await ctx.runtime.reader.run(read)
    return object_page.list_answer(page, cut, path="/v1/buckets", stats=_stats(matching))


def unresolved_namespace_page(page: Page, identifier: str) -> dict[str, Any]:
    """The empty page for an ``X-Namespace`` that names nothing."""
    empty = object_page.list_answer(page, object_page.Slice([], 0, None), path="/v1/buckets", stats=_stats([]))
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
