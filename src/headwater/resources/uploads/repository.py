"""Queries of uploads."""

from __future__ import annotations

from typing import NamedTuple

import apsw

from headwater.catalog.tables.buckets import Bucket
from headwater.errors import NotFoundError
from headwater.store.uploads.rows import UploadRow, find_upload, newest_uploads


class Total(NamedTuple):
    """Uploads of one status."""

    status: str
    uploads: int
    #: How many of them have a known size, and the sum of those.
    sized: int
    size_bytes: int


def get_upload(connection: apsw.Connection, bucket: Bucket, upload_id: str) -> UploadRow:
    """The bucket's upload, or ``NotFoundError``."""
    upload = find_upload(connection, bucket.bucket_row, upload_id)
    if upload is None:
        raise NotFoundError.of("upload", upload_id)
    return upload


def newest(connection: apsw.Connection, bucket: Bucket, limit: int = -1, offset: int = 0) -> list[UploadRow]:
    """The bucket's uploads, the newest first; all of them without a limit."""
    return list(newest_uploads(connection, bucket.bucket_row, limit, offset))


def totals(connection: apsw.Connection, bucket: Bucket, now: int) -> list[Total]:
    size = "CAST(body AS TEXT) ->> '$.file_size_bytes'"
    rows = connection.execute(
        "SELECT CASE WHEN state = 'PENDING' AND expires_at <= ?2 THEN 'FAILED' ELSE state END AS status, count(*),"
        f" count({size}), coalesce(sum({size}), 0) FROM uploads WHERE bucket_row = ?1 GROUP BY status",
        (bucket.bucket_row, now),
    )
    return [Total(*row) for row in rows]
