"""Groups of objects."""

from __future__ import annotations

from headwater.context import Context
from headwater.resources.documents.schemas_aggregate import AggregateBody
from headwater.resources.documents.service_aggregate import aggregate_matches
from headwater.resources.objects.listing import query_of
from headwater.tenancy.access import access_bucket


async def aggregate_objects(ctx: Context, bucket_identifier: str, body: AggregateBody) -> bytes:
    """The groups of the objects that match, as the JSON of the whole answer."""
    bucket = access_bucket(ctx, bucket_identifier)
    query = query_of(ctx, bucket, body.filters)
    return await aggregate_matches(ctx, query, body, {"bucket_id": bucket.bucket_id})
