"""Listing the uploads of a bucket."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, NamedTuple

import apsw

from headwater.catalog.tables.buckets import Bucket
from headwater.context import Context
from headwater.http.pagination import Page, pagination_envelope
from headwater.kit.clock import now_milliseconds
from headwater.resources.collections import object_page
from headwater.resources.uploads import repository
from headwater.resources.uploads.render import download_link, upload_response
from headwater.resources.uploads.repository import Total
from headwater.resources.uploads.schemas import ListUploadsRequest
from headwater.store.uploads.rows import UploadRow
from headwater.tenancy.access import access_bucket


class _Found(NamedTuple):
    """A page of uploads as they are shown, and the totals of all that match."""

    rows: list[dict[str, Any]]
    totals: list[Total]


async def list_uploads(ctx: Context, bucket_identifier: str, request: ListUploadsRequest) -> dict[str, Any]:
    """The uploads that match, by ``sort``, else the newest first."""
    bucket = access_bucket(ctx, bucket_identifier)
    chosen = any((request.filters, request.search, request.sort))
    found = await ctx.runtime.reader.run(
        lambda connection: (_selected if chosen else _newest)(ctx, connection, bucket, request)
    )
    count = sum(total.uploads for total in found.totals)
    page = Page(request.limit, request.offset, None, include_total=True)
    pagination = pagination_envelope(page, path=None, has_more=request.offset + request.limit < count, total=count)
    return {"results": found.rows, "pagination": pagination, "stats": _stats(found.totals)}


def _newest(ctx: Context, connection: apsw.Connection, bucket: Bucket, request: ListUploadsRequest) -> _Found:
    uploads = repository.newest(connection, bucket, request.limit, request.offset)
    totals = repository.totals(connection, bucket, now_milliseconds())
    return _Found([_shown(ctx, bucket, upload, request) for upload in uploads], totals)


def _selected(ctx: Context, connection: apsw.Connection, bucket: Bucket, request: ListUploadsRequest) -> _Found:
    uploads = {upload.upload_id: upload for upload in repository.newest(connection, bucket)}
    objects = [upload_response(bucket, upload) for upload in uploads.values()]
    selection = object_page.Selection(
        scope="",
        id_field="upload_id",
        searched=(),
        filters=request.filters,
        sort=object_page.sort_of(request.sort, None),
    )
    matching = [row for row in object_page.select(objects, selection) if _is_found(row, request.search)]
    page = matching[request.offset : request.offset + request.limit]
    return _Found([_shown(ctx, bucket, uploads[row["upload_id"]], request) for row in page], _totals(matching))


def _is_found(row: dict[str, Any], search: str | None) -> bool:
    texts = [row["filename"], *map(str, row["metadata"].values())]
    return not search or any(search.lower() in text.lower() for text in texts)


def _shown(ctx: Context, bucket: Bucket, upload: UploadRow, request: ListUploadsRequest) -> dict[str, Any]:
    url = download_link(ctx.file_links, upload) if request.return_presigned_urls else None
    return upload_response(bucket, upload, presigned_url=url)


def _totals(rows: list[dict[str, Any]]) -> list[Total]:
    counts = Counter(row["status"] for row in rows)
    sizes: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row["file_size_bytes"] is not None:
            sizes[row["status"]].append(row["file_size_bytes"])
    return [Total(status, count, len(sizes[status]), sum(sizes[status])) for status, count in counts.items()]


def _stats(totals: list[Total]) -> dict[str, Any]:
    size_bytes = sum(total.size_bytes for total in totals)
    return {
        "total_uploads": sum(total.uploads for total in totals),
        "total_size_bytes": size_bytes,
        "uploads_by_status": {total.status: total.uploads for total in totals},
        "avg_file_size_bytes": size_bytes / max(1, sum(total.sized for total in totals)),
        "unique_buckets": min(1, len(totals)),
    }
