"""The ``uploads`` table: an upload as the code sees it, and the queries that find one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import msgspec

from headwater import ids
from headwater.blobs.keys import folder_of
from headwater.scope import NamespaceScope

PENDING, PROCESSING, COMPLETED, FAILED = "PENDING", "PROCESSING", "COMPLETED", "FAILED"
_COLUMNS = (
    "upload_row, upload_id, namespace_row, bucket_row, state, staged_key, blob_key, sha256, object_id, expires_at,"
    " created_at, updated_at, body"
)


_HAS_OBJECT = (
    "EXISTS (SELECT 1 FROM collections c JOIN documents d ON d.namespace_row = c.namespace_row"
    " AND d.document_id = u.object_id AND d.collection_row = c.collection_row WHERE c.collection_row = u.bucket_row)"
)


class UploadBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What was asked for, and what came of it. Times are milliseconds."""

    filename: str
    content_type: str
    #: As declared, then as found.
    file_size_bytes: int | None = None
    expiration_seconds: int = 3600
    metadata: dict[str, Any] = {}
    create_object: bool = True
    object_metadata: dict[str, Any] | None = None
    blob_property: str | None = None
    blob_type: str | None = None
    skip_duplicates: bool = True
    etag: str | None = None
    verified_at: int | None = None
    completed_at: int | None = None
    task_id: str | None = None
    duplicate_of: str | None = None
    skipped_unique_key: bool = False
    message: str | None = None


@dataclass(slots=True)
class UploadRow:
    upload_row: int
    upload_id: str
    namespace_row: int
    bucket_row: int
    state: str
    staged_key: str
    blob_key: str | None
    sha256: bytes | None
    object_id: str | None
    expires_at: int
    created_at: int
    updated_at: int
    body: UploadBody

    def is_open(self, now: int) -> bool:
        """Whether bytes may come and be confirmed."""
        return self.state == PENDING and now < self.expires_at

    def state_at(self, now: int) -> str:
        """One that was not confirmed in time has failed, whether the job that says so has come round or not."""
        return FAILED if self.state == PENDING and now >= self.expires_at else self.state


_decode_body = msgspec.json.Decoder(UploadBody).decode


def _upload_of(row: Sequence[Any]) -> UploadRow:
    columns: list[Any] = [*row[:12], _decode_body(row[12])]
    return UploadRow(*columns)


def find_upload(connection: apsw.Connection, bucket_row: int, upload_id: str) -> UploadRow | None:
    """The bucket's upload with that id."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM uploads WHERE upload_id = ? AND bucket_row = ?", (upload_id, bucket_row)
    ).fetchone()
    return None if row is None else _upload_of(row)


def staged_key(scope: NamespaceScope, upload_id: str) -> str:
    """Where a PUT stores the bytes of the upload."""
    return f"{folder_of(scope)}/{upload_id}"


def is_staged(key: str) -> bool:
    """Whether the key is one of an upload, known or not."""
    return _name_of(key).startswith(ids.UPLOAD)


def _name_of(key: str) -> str:
    return key.partition("/")[2]


def find_by_staged_key(connection: apsw.Connection, key: str) -> UploadRow | None:
    """The upload whose bytes are PUT under that key."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM uploads WHERE upload_id = ? AND staged_key = ?", (_name_of(key), key)
    ).fetchone()
    return None if row is None else _upload_of(row)


def find_completed(connection: apsw.Connection, bucket_row: int, sha256: bytes) -> UploadRow | None:
    """The oldest upload of the bucket with that content that still has its bytes, and its object if it made one."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM uploads u WHERE bucket_row = ? AND sha256 = ? AND state = 'COMPLETED'"
        " AND EXISTS (SELECT 1 FROM blobs b WHERE b.blob_key = u.blob_key AND b.unused_since IS NULL)"
        f" AND (object_id IS NULL OR {_HAS_OBJECT}) ORDER BY upload_row LIMIT 1",
        (bucket_row, sha256),
    ).fetchone()
    return None if row is None else _upload_of(row)


def newest_uploads(connection: apsw.Connection, bucket_row: int, limit: int, offset: int) -> Iterator[UploadRow]:
    """Uploads of the bucket, the newest first; all of them with a limit of -1."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM uploads WHERE bucket_row = ? ORDER BY created_at DESC, upload_row DESC"
        " LIMIT ? OFFSET ?",
        (bucket_row, limit, offset),
    )
    return map(_upload_of, rows)


def expired_uploads(connection: apsw.Connection, now: int, limit: int) -> list[UploadRow]:
    """Up to so many uploads that were not confirmed in time."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM uploads WHERE state = 'PENDING' AND expires_at <= ? ORDER BY expires_at LIMIT ?",
        (now, limit),
    )
    return [_upload_of(row) for row in rows]


def insert_upload(connection: apsw.Connection, upload: UploadRow) -> None:
    connection.execute(f"INSERT INTO uploads ({_COLUMNS}) VALUES ({', '.join('?' * 13)})", _values(upload))


def write_upload(connection: apsw.Connection, upload: UploadRow) -> None:
    """Write a changed upload under its row."""
    connection.execute(f"REPLACE INTO uploads ({_COLUMNS}) VALUES ({', '.join('?' * 13)})", _values(upload))


def _values(upload: UploadRow) -> tuple[Any, ...]:
    return (
        upload.upload_row,
        upload.upload_id,
        upload.namespace_row,
        upload.bucket_row,
        upload.state,
        upload.staged_key,
        upload.blob_key,
        upload.sha256,
        upload.object_id,
        upload.expires_at,
        upload.created_at,
        upload.updated_at,
        msgspec.json.encode(upload.body),
    )
