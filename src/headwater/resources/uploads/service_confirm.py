"""Confirming uploads: small files while the request waits, large ones and many of them by a task."""

from __future__ import annotations

from typing import Any

from headwater.catalog.tables.buckets import Bucket
from headwater.context import Context
from headwater.errors import NotEnabledError, ValidationError
from headwater.kit.clock import now_milliseconds
from headwater.resources.tasks import service as tasks
from headwater.resources.uploads import repository
from headwater.resources.uploads.render import confirmation
from headwater.resources.uploads.schemas import BatchConfirmRequest, Confirmation, ConfirmUploadRequest
from headwater.store.buckets.unique_key import POLICIES, Policy
from headwater.store.commands.upload_confirmations import ConfirmMany, ConfirmPlan, HandOver
from headwater.store.uploads.changes import require_confirmable
from headwater.store.uploads.confirm import confirm_upload
from headwater.store.uploads.rows import COMPLETED, PENDING, UploadRow
from headwater.tenancy.access import access_bucket

#: Reading so much again to hash it takes a fifth of a second; whoever sends more can wait for a task.
_AT_ONCE_BYTES = 100_000_000
_BATCH_MESSAGE = "The task confirms the uploads one after the other"


async def confirm(
    ctx: Context,
    bucket_identifier: str,
    upload_id: str,
    request: ConfirmUploadRequest,
    *,
    in_background: bool,
    policy: Policy | None,
) -> dict[str, Any]:
    """Make a blob of what was PUT, and its object. Repeated, it answers what came of the first time."""
    bucket = access_bucket(ctx, bucket_identifier)
    if request.auto_submit_batch:
        raise NotEnabledError(
            "Batches are not part of this deployment yet; confirm without auto_submit_batch",
            details={"feature": "auto_submit_batch"},
        )
    upload = repository.get_upload(ctx.runtime.reader.connection, bucket, upload_id)
    if upload.state == COMPLETED:
        return confirmation(upload)
    require_confirmable(upload, now_milliseconds())
    _check_policy(bucket, upload, policy)
    said = Confirmation(upload_id=upload_id, etag=request.etag, file_size_bytes=request.file_size_bytes)
    plan = _plan(ctx, bucket, said, policy)
    if upload.state != PENDING or in_background or await _is_large(ctx, upload):
        await ctx.execute(HandOver(plan=plan))
    else:
        await confirm_upload(ctx.runtime.store, ctx.runtime.blobs, upload, plan)
        ctx.runtime.catalogue.expire()
    return confirmation(repository.get_upload(ctx.runtime.reader.connection, bucket, upload_id))


async def confirm_many(
    ctx: Context, bucket_identifier: str, request: BatchConfirmRequest, policy: Policy | None
) -> dict[str, Any]:
    """Leave the confirmations to a task, which tells of those that fail."""
    bucket = access_bucket(ctx, bucket_identifier)
    plans = [_plan(ctx, bucket, said, policy) for said in request.confirmations]
    task_id = (await ctx.execute(ConfirmMany(plans=plans)))["task_id"]
    task = tasks.get_task(ctx, task_id)
    return {
        "task_id": task_id,
        "status": task["status"],
        "confirmations_count": len(plans),
        "task": task,
        "message": _BATCH_MESSAGE,
    }


def _plan(ctx: Context, bucket: Bucket, said: Confirmation, policy: Policy | None) -> ConfirmPlan:
    return ConfirmPlan(
        organization_id=ctx.scope.organization_id,
        namespace_row=ctx.scope.namespace_row,
        namespace_id=ctx.scope.namespace_id,
        bucket_row=bucket.bucket_row,
        upload_id=said.upload_id,
        etag=said.etag,
        size_bytes=said.file_size_bytes,
        policy=policy,
    )


def _check_policy(bucket: Bucket, upload: UploadRow, policy: Policy | None) -> None:
    unique_key = bucket.body.get("unique_key")
    if unique_key and upload.body.create_object and policy is None and unique_key.get("default_policy") is None:
        message = f"the bucket has a unique key and no default_policy; send ?policy=, one of {', '.join(POLICIES)}"
        raise ValidationError.at(["query", "policy"], message, "missing")


async def _is_large(ctx: Context, upload: UploadRow) -> bool:
    found = await ctx.runtime.blobs.stat(upload.staged_key)
    return found is not None and found.size_bytes >= _AT_ONCE_BYTES
