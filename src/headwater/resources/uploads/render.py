"""Uploads on the wire."""

from __future__ import annotations

from typing import Any

from headwater.blobs.file_links import FileLinks
from headwater.catalog.tables.buckets import Bucket
from headwater.kit.clock import now_milliseconds, to_text
from headwater.store.uploads.rows import UploadRow


def upload_response(bucket: Bucket, upload: UploadRow, *, presigned_url: str | None = None) -> dict[str, Any]:
    body = upload.body
    return {
        "upload_id": upload.upload_id,
        "bucket_id": bucket.bucket_id,
        "filename": body.filename,
        "content_type": body.content_type,
        "file_size_bytes": body.file_size_bytes,
        "presigned_url": presigned_url,
        "presigned_url_expiration": body.expiration_seconds,
        "s3_key": upload.blob_key or upload.staged_key,
        "status": upload.state_at(now_milliseconds()),
        "metadata": body.metadata,
        "create_object_on_confirm": body.create_object,
        "object_metadata": body.object_metadata,
        "blob_property": body.blob_property,
        "blob_type": body.blob_type,
        "file_hash": None if upload.sha256 is None else upload.sha256.hex(),
        "skip_duplicates": body.skip_duplicates,
        "is_duplicate": body.duplicate_of is not None,
        "duplicate_of_upload_id": body.duplicate_of,
        "skipped_unique_key": body.skipped_unique_key,
        "existing_object_id": upload.object_id if body.skipped_unique_key else None,
        "message": body.message,
        "created_at": to_text(upload.created_at),
        "expires_at": to_text(upload.expires_at),
        "completed_at": _time(body.completed_at),
        "verified_at": _time(body.verified_at),
        "etag": body.etag,
        "object_id": upload.object_id,
        "task_id": body.task_id,
    }


def confirmation(upload: UploadRow) -> dict[str, Any]:
    body = upload.body
    return {
        "upload_id": upload.upload_id,
        "status": upload.state,
        "etag": body.etag,
        "file_size_bytes": body.file_size_bytes,
        "file_hash": None if upload.sha256 is None else upload.sha256.hex(),
        "verified_at": _time(body.verified_at),
        "completed_at": _time(body.completed_at),
        "object_id": upload.object_id,
        "task_id": body.task_id,
        "batch_id": None,
        "message": body.message,
    }


def download_link(links: FileLinks, upload: UploadRow) -> str | None:
    """Where to GET the file of an upload that is confirmed; None before."""
    if upload.blob_key is None:
        return None
    reference = links.signer.references.of(upload.blob_key)
    return links.signed(reference, upload.body.content_type, upload.body.filename)


def _time(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else to_text(milliseconds)
