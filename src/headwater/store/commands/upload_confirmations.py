"""Commands that confirm uploads: hand to a job, complete, give back."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater import ids
from headwater.blobs.keys import References
from headwater.scope import NamespaceScope
from headwater.store.blobs.uses import StoredBlob, add_blobs, find_by_content, record_uses
from headwater.store.buckets import objects
from headwater.store.buckets.companion import require_bucket
from headwater.store.buckets.content import NewBlob, ObjectContent
from headwater.store.buckets.objects import Target
from headwater.store.buckets.unique_key import Policy
from headwater.store.commands.base import Command, handles
from headwater.store.transaction import Transaction
from headwater.store.uploads.changes import require_confirmable, require_upload, same_content, set_state
from headwater.store.uploads.rows import COMPLETED, FAILED, PENDING, PROCESSING, UploadRow

CONFIRM_JOB = "uploads.confirm"
CONFIRM_MANY_JOB = "uploads.confirm_batch"


class ConfirmPlan(msgspec.Struct, kw_only=True):
    """What a confirmation is about. Part of a job's arguments, so it is plain."""

    organization_id: str
    namespace_row: int
    namespace_id: str
    bucket_row: int
    upload_id: str
    #: What the caller says about the bytes that were PUT.
    etag: str | None = None
    size_bytes: int | None = None
    policy: Policy | None = None

    @property
    def scope(self) -> NamespaceScope:
        return NamespaceScope(self.organization_id, self.namespace_row, self.namespace_id)


class HandOver(Command):
    """Leave the confirmation of an upload to a job. Answers ``{"task_id"}``: that of the job that is at it already,
    if there is one."""

    plan: ConfirmPlan


class ConfirmMany(Command):
    """Leave confirmations of one bucket to a job. Answers ``{"task_id"}``."""

    plans: list[ConfirmPlan]


class CompleteUpload(Command):
    """The bytes of an upload are sealed under a key of their own: make a blob of them, and the object if one is
    wanted. Answers ``{"blob_key"}``, the key of the blob that there is now: another one when the content was there
    already, or when somebody else was faster.

    ``ConflictError`` when the upload cannot be confirmed any more, and whatever refuses the object.
    """

    plan: ConfirmPlan
    blob: StoredBlob
    etag: str
    #: ``References.root`` of the store.
    root: str


class GiveBack(Command):
    """A job could not confirm the upload: it waits for other bytes while its link is good, and has failed then."""

    bucket_row: int
    upload_id: str
    message: str


@handles(HandOver)
def hand_over(tx: Transaction, command: HandOver) -> dict[str, Any]:
    plan = command.plan
    upload = require_upload(tx, plan.bucket_row, plan.upload_id)
    if upload.state == PROCESSING:
        return {"task_id": upload.body.task_id}
    require_confirmable(upload, tx.now)
    upload.body.task_id = tx.enqueue(
        CONFIRM_JOB,
        msgspec.to_builtins(plan),
        organization_id=plan.organization_id,
        namespace_row=upload.namespace_row,
    )
    set_state(tx, upload, PROCESSING, None)
    return {"task_id": upload.body.task_id}


@handles(ConfirmMany)
def confirm_many(tx: Transaction, command: ConfirmMany) -> dict[str, Any]:
    plan = command.plans[0]
    require_bucket(tx, plan.organization_id, plan.namespace_row, plan.bucket_row)
    task_id = tx.enqueue(
        CONFIRM_MANY_JOB,
        {"plans": msgspec.to_builtins(command.plans)},
        organization_id=plan.organization_id,
        namespace_row=plan.namespace_row,
    )
    return {"task_id": task_id}


@handles(GiveBack, frees_space=True)
def give_back(tx: Transaction, command: GiveBack) -> None:
    upload = require_upload(tx, command.bucket_row, command.upload_id)
    if upload.state == PROCESSING:
        set_state(tx, upload, PENDING if tx.now < upload.expires_at else FAILED, command.message)


@handles(CompleteUpload)
def complete_upload(tx: Transaction, command: CompleteUpload) -> dict[str, Any]:
    plan = command.plan
    target = Target(*require_bucket(tx, plan.organization_id, plan.namespace_row, plan.bucket_row))
    upload = require_upload(tx, plan.bucket_row, plan.upload_id)
    if upload.state != COMPLETED:
        require_confirmable(upload, tx.now)
        upload.sha256, upload.body.etag = command.blob.sha256, command.etag
        upload.body.file_size_bytes = command.blob.size_bytes
        upload.body.verified_at = upload.body.completed_at = tx.now
        if not _take_duplicate(tx, upload):
            _make_blob(tx, target, upload, command)
        set_state(tx, upload, COMPLETED, upload.body.message)
    return {"blob_key": upload.blob_key}


def _take_duplicate(tx: Transaction, upload: UploadRow) -> bool:
    """Whether an earlier upload has the same content and stands for this one."""
    same = same_content(tx, upload.bucket_row, upload.body, upload.sha256)
    if same is None:
        return False
    upload.blob_key, upload.body.duplicate_of = same.blob_key, same.upload_id
    if upload.body.create_object:
        upload.object_id = same.object_id
        upload.body.message = f"The upload {same.upload_id} has the same content; this one stands for the same object"
    elif same.blob_key is not None:
        # It is kept for objects to come, whatever becomes of the earlier one and its object.
        record_uses(tx, upload.namespace_row, "upload", upload.upload_row, [same.blob_key])
        upload.body.message = f"The upload {same.upload_id} has the same content; its bytes are not stored again"
    return True


def _make_blob(tx: Transaction, target: Target, upload: UploadRow, command: CompleteUpload) -> None:
    namespace_row = target.namespace.namespace_row
    known = find_by_content(tx.connection, namespace_row, command.blob.sha256)
    upload.blob_key = (known or command.blob).blob_key
    stored = [] if known else [command.blob]
    if upload.body.create_object:
        upload.object_id = _create_object(tx, target, upload, command, stored)
    else:
        # It is kept for objects to come.
        add_blobs(tx, namespace_row, stored)
        record_uses(tx, namespace_row, "upload", upload.upload_row, [upload.blob_key])


def _create_object(
    tx: Transaction, target: Target, upload: UploadRow, command: CompleteUpload, stored: list[StoredBlob]
) -> str:
    body, blob_key = upload.body, upload.blob_key
    assert blob_key is not None and body.blob_property is not None and body.blob_type is not None
    blob = NewBlob(
        blob_id=ids.new_blob_id(),
        property_name=body.blob_property,
        type=body.blob_type,
        properties={"url": References(command.root).of(blob_key)},
        details={
            "filename": body.filename,
            "size_bytes": command.blob.size_bytes,
            "mime_type": body.content_type,
            "hash": f"sha256:{command.blob.sha256.hex()}",
        },
        blob_key=blob_key,
    )
    content = ObjectContent(fields=body.object_metadata or {}, blobs=[blob], stored=stored)
    return objects.create(tx, target, ids.new_object_id(), content, command.plan.policy).row.document_id
