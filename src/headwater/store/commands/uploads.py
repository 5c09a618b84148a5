"""Commands of uploads: issue, delete, expire, forget. Confirming is in ``upload_confirmations``."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.catalog.database import fetch_all
from headwater.catalog.tables.buckets import Bucket
from headwater.errors import BadRequestError, ConflictError, ValidationError
from headwater.store.buckets.companion import require_bucket
from headwater.store.buckets.keys import find_object
from headwater.store.buckets.objects import Target
from headwater.store.buckets.unique_key import key_digest
from headwater.store.commands.base import Command, handles
from headwater.store.documents.records import load_by_row
from headwater.store.transaction import Transaction
from headwater.store.uploads.changes import EXPIRED, require_upload, same_content, set_state
from headwater.store.uploads.forget import remove_uploads
from headwater.store.uploads.rows import (
    COMPLETED,
    FAILED,
    PENDING,
    PROCESSING,
    UploadBody,
    UploadRow,
    expired_uploads,
    insert_upload,
)


class NewUpload(msgspec.Struct, array_like=True):
    upload_id: str
    staged_key: str
    #: As declared by the caller.
    sha256: bytes | None
    body: UploadBody


class CreateUploads(Command):
    """Issue uploads to a bucket. Answers a list of ``{"upload_id", "duplicate"}``, in order: with ``duplicate`` the
    id is that of an earlier upload of the same content, and nothing was made."""

    organization_id: str
    namespace_row: int
    bucket_row: int
    uploads: list[NewUpload]


class DeleteUpload(Command):
    """Answers ``{"staged_key"}``. ``BadRequestError`` for an upload that is confirmed, ``ConflictError`` for one that
    is being confirmed."""

    bucket_row: int
    upload_id: str


class ExpireUploads(Command):
    """Give up to ``limit`` uploads up that were not confirmed in time. Answers ``{"staged_keys"}``."""

    limit: int = 100


class ForgetUploads(Command):
    """Forget up to ``limit`` uploads that failed, or that became no object, more than ``age_milliseconds`` ago.

    Answers ``{"forgotten"}``.
    """

    age_milliseconds: int
    limit: int = 1000


@handles(CreateUploads)
def create_uploads(tx: Transaction, command: CreateUploads) -> list[dict[str, Any]]:
    target = Target(*require_bucket(tx, command.organization_id, command.namespace_row, command.bucket_row))
    return [_issue(tx, target, upload) for upload in command.uploads]


def _issue(tx: Transaction, target: Target, new: NewUpload) -> dict[str, Any]:
    same = same_content(tx, target.bucket.bucket_row, new.body, new.sha256)
    if same is not None:
        return {"upload_id": same.upload_id, "duplicate": True}
    upload = UploadRow(
        upload_row=tx.next_sequence(),
        upload_id=new.upload_id,
        namespace_row=target.namespace.namespace_row,
        bucket_row=target.bucket.bucket_row,
        state=PENDING,
        staged_key=new.staged_key,
        blob_key=None,
        sha256=new.sha256,
        object_id=None,
        expires_at=tx.now + new.body.expiration_seconds * 1000,
        created_at=tx.now,
        updated_at=tx.now,
        body=new.body,
    )
    _skip_taken_key(tx, target.bucket, upload)
    insert_upload(tx.connection, upload)
    return {"upload_id": new.upload_id, "duplicate": False}


def _skip_taken_key(tx: Transaction, bucket: Bucket, upload: UploadRow) -> None:
    """Where the object could only be refused for its unique key, nothing need be sent."""
    if not upload.body.create_object or (bucket.body.get("unique_key") or {}).get("default_policy") != "insert":
        return
    try:
        digest = key_digest(bucket, upload.body.object_metadata or {})
    except ValidationError:
        # It has no such key yet; confirming it will say so.
        return
    row = None if digest is None else find_object(tx, bucket.bucket_row, "unique", digest)
    existing = None if row is None else load_by_row(tx.connection, bucket.bucket_row, row)
    if existing is not None:
        upload.state, upload.object_id, upload.body.skipped_unique_key = COMPLETED, existing.document_id, True
        upload.body.message = f"The object {existing.document_id} has this unique key already; there is nothing to send"


@handles(DeleteUpload, frees_space=True)
def delete_upload(tx: Transaction, command: DeleteUpload) -> dict[str, Any]:
    upload = require_upload(tx, command.bucket_row, command.upload_id)
    if upload.state == COMPLETED:
        raise BadRequestError(
            f"the upload {upload.upload_id} is confirmed; delete the objects that were made from it instead",
            details={"upload_id": upload.upload_id, "status": COMPLETED},
            code="upload_confirmed",
        )
    if upload.state == PROCESSING:
        raise ConflictError(
            f"the upload {upload.upload_id} is being confirmed; wait for its task {upload.body.task_id}",
            details={"upload_id": upload.upload_id, "status": PROCESSING, "task_id": upload.body.task_id},
            code="upload_processing",
        )
    tx.execute("DELETE FROM uploads WHERE upload_row = ?", (upload.upload_row,))
    return {"staged_key": upload.staged_key}


@handles(ExpireUploads, frees_space=True)
def expire_uploads(tx: Transaction, command: ExpireUploads) -> dict[str, Any]:
    expired = list(expired_uploads(tx.connection, tx.now, command.limit))
    for upload in expired:
        set_state(tx, upload, FAILED, EXPIRED)
    return {"staged_keys": [upload.staged_key for upload in expired]}


@handles(ForgetUploads, frees_space=True)
def forget_uploads(tx: Transaction, command: ForgetUploads) -> dict[str, Any]:
    rows = fetch_all(
        tx.connection,
        "SELECT upload_row FROM uploads WHERE object_id IS NULL AND state IN ('COMPLETED', 'FAILED')"
        " AND updated_at < ? LIMIT ?",
        (tx.now - command.age_milliseconds, command.limit),
    )
    return {"forgotten": remove_uploads(tx, [row for (row,) in rows])}
