"""Jobs that confirm uploads: ``uploads.confirm`` for one, ``uploads.confirm_batch`` for many."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import apsw
import msgspec

from headwater.blobs.interface import BlobStore
from headwater.blobs.opening import open_blobs
from headwater.catalog.database import open_reader
from headwater.errors import (
    HeadwaterError,
    InsufficientStorageError,
    InternalServerError,
    NotFoundError,
    ServiceUnavailableError,
    to_wire,
)
from headwater.jobs.registry import Work
from headwater.kit.clock import now_milliseconds
from headwater.kit.secrets import Secret
from headwater.store.commands.upload_confirmations import ConfirmPlan, GiveBack
from headwater.store.uploads.changes import require_confirmable
from headwater.store.uploads.confirm import confirm_upload
from headwater.store.uploads.rows import COMPLETED, UploadRow, find_upload

#: What may be over at the next attempt of the job. Anything else the caller has to mend.
_PASSING = (ServiceUnavailableError, InsufficientStorageError, InternalServerError)


class _Files(NamedTuple):
    connection: apsw.Connection
    blobs: BlobStore


async def confirm_one(work: Work) -> dict[str, Any]:
    """A ``ConfirmPlan`` → ``{"upload_id", "object_id"}``, or ``{"error"}`` when repeating it would not help."""
    plan = msgspec.convert(work.arguments, ConfirmPlan)
    async with _opened(work) as files:
        try:
            upload = await _confirm(work, files, plan)
        except HeadwaterError as error:
            if isinstance(error, _PASSING) and not work.last_attempt:
                raise
            await _give_back(work, plan, error)
            return {"error": to_wire(error)}
    return {"upload_id": upload.upload_id, "object_id": upload.object_id}


async def confirm_many(work: Work) -> dict[str, Any]:
    """``{"plans"}`` → ``{"confirmed_count", "failed_count", "errors"}``. Those that are confirmed are passed over when
    it runs again."""
    plans = msgspec.convert(work.arguments["plans"], list[ConfirmPlan])
    errors: list[dict[str, Any]] = []
    async with _opened(work) as files:
        for number, plan in enumerate(plans):
            try:
                await _confirm(work, files, plan)
            except HeadwaterError as error:
                if isinstance(error, _PASSING) and not work.last_attempt:
                    raise
                errors.append({"upload_id": plan.upload_id, "error": error.message, "error_type": error.type})
            work.progress["confirmed_count"] = number + 1 - len(errors)
    return {"confirmed_count": len(plans) - len(errors), "failed_count": len(errors), "errors": errors}


@asynccontextmanager
async def _opened(work: Work) -> AsyncIterator[_Files]:
    settings = work.settings.model_copy(update={"data": work.directory})
    blobs = open_blobs(settings, Secret.load(work.directory))
    connection = open_reader(work.directory)
    try:
        yield _Files(connection, blobs)
    finally:
        connection.close()
        await blobs.close()


async def _confirm(work: Work, files: _Files, plan: ConfirmPlan) -> UploadRow:
    """The upload, confirmed by now or before."""
    upload = _find(files, plan)
    if upload.state != COMPLETED:
        require_confirmable(upload, now_milliseconds())
        await confirm_upload(work.store, files.blobs, upload, plan)
    return _find(files, plan)


def _find(files: _Files, plan: ConfirmPlan) -> UploadRow:
    upload = find_upload(files.connection, plan.bucket_row, plan.upload_id)
    if upload is None:
        raise NotFoundError.of("upload", plan.upload_id)
    return upload


async def _give_back(work: Work, plan: ConfirmPlan, error: HeadwaterError) -> None:
    # Other bytes may be PUT as long as the link is good; an upload that is gone needs nothing.
    try:
        await work.store.execute(GiveBack(bucket_row=plan.bucket_row, upload_id=plan.upload_id, message=error.message))
    except NotFoundError:
        return
