"""A bucket as it is shown."""

from __future__ import annotations

from typing import Any

from headwater.catalog.tables.buckets import Bucket
from headwater.kit.clock import to_text
from headwater.store.buckets.stats import BucketStats


def bucket_response(bucket: Bucket, stats: BucketStats) -> dict[str, Any]:
    body = bucket.body
    last_upload_at = stats.last_upload_at
    return {
        "bucket_id": bucket.bucket_id,
        "bucket_name": bucket.bucket_name,
        "description": body.get("description"),
        "bucket_schema": body["bucket_schema"],
        "unique_key": body.get("unique_key"),
        "metadata": body.get("metadata") or {},
        "storage_class": "standard",
        "object_count": stats.objects,
        "failed_object_count": 0,
        "total_size_bytes": stats.size_bytes,
        "storage_stats": {
            "total_size_bytes": stats.size_bytes,
            "avg_size_bytes": stats.size_bytes // max(1, stats.objects),
        },
        # One that is being deleted cannot be seen any more, and none can be locked.
        "status": "ACTIVE",
        "is_locked": False,
        "created_at": to_text(bucket.created_at),
        "updated_at": to_text(bucket.updated_at),
        "last_upload_at": None if last_upload_at is None else to_text(last_upload_at),
    }
