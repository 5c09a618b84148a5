"""Every query about buckets. The companion of a namespace is part of each."""

from __future__ import annotations

import apsw

from headwater.catalog.tables.buckets import Bucket, list_buckets
from headwater.store.buckets.stats import BucketStats, all_stats, stats_of


def stats(connection: apsw.Connection, bucket: Bucket) -> BucketStats:
    return stats_of(connection, bucket.objects_row, bucket.bucket_row)


def all_with_stats(connection: apsw.Connection, objects_row: int | None) -> tuple[list[Bucket], dict[int, BucketStats]]:
    """The buckets, newest first, and what moves with their objects."""
    return list_buckets(connection, objects_row), {} if objects_row is None else all_stats(connection, objects_row)
