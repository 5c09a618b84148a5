"""What commands of uploads have in common, inside the writer's transaction."""

from __future__ import annotations

from headwater.errors import ConflictError, NotFoundError
from headwater.store.transaction import Transaction
from headwater.store.uploads.rows import PROCESSING, UploadBody, UploadRow, find_completed, find_upload, write_upload

EXPIRED = "It was not confirmed before expires_at; create a new upload"


def require_upload(tx: Transaction, bucket_row: int, upload_id: str) -> UploadRow:
    """The bucket's upload, or ``NotFoundError``."""
    upload = find_upload(tx.connection, bucket_row, upload_id)
    if upload is None:
        raise NotFoundError.of("upload", upload_id)
    return upload


def set_state(tx: Transaction, upload: UploadRow, state: str, message: str | None) -> None:
    upload.state, upload.updated_at, upload.body.message = state, tx.now, message
    write_upload(tx.connection, upload)


def same_content(tx: Transaction, bucket_row: int, wanted: UploadBody, sha256: bytes | None) -> UploadRow | None:
    """An earlier upload that can stand for the one that is wanted."""
    same = find_completed(tx.connection, bucket_row, sha256) if sha256 and wanted.skip_duplicates else None
    return None if same is None or (wanted.create_object and same.object_id is None) else same


def require_confirmable(upload: UploadRow, now: int) -> None:
    """Raise ``ConflictError`` for an upload that has failed or expired."""
    if upload.state == PROCESSING or upload.is_open(now):
        return
    raise ConflictError(
        f"the upload {upload.upload_id} has failed: {upload.body.message or EXPIRED}",
        details={"upload_id": upload.upload_id, "status": upload.state_at(now)},
        code="upload_failed",
    )
