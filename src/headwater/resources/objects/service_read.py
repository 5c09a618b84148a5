"""Showing single objects."""

from __future__ import annotations

from headwater.context import Context
from headwater.resources.objects import repository
from headwater.resources.objects.render import with_links, with_members
from headwater.tenancy.access import access_bucket


async def get_object(
    ctx: Context, bucket_identifier: str, object_id: str, *, with_urls: bool, include_document_count: bool
) -> bytes:
    """The object's JSON, or ``NotFoundError``."""
    bucket = access_bucket(ctx, bucket_identifier)
    row = repository.get_object(ctx.runtime.reader.connection, bucket, object_id)
    count = None
    if include_document_count:
        count = await ctx.runtime.find(repository.count_documents, ctx.scope.namespace_row, object_id)
    content = with_links(row.body, ctx.file_links) if with_urls else row.body
    return with_members(content, document_count=count)
