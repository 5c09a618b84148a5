"""Confirming an upload: its bytes are sealed, read, compared with what was said of them, and become a blob.

Sealed is a copy under a key that no link leads to: whatever is PUT from then on changes the copy no more. Until the
commit the bytes of the PUT stay as well, so a confirmation that was cut short is simply repeated.
"""

from __future__ import annotations

import contextlib

from headwater.blobs.digests import digest
from headwater.blobs.interface import BlobInfo, BlobStore
from headwater.blobs.keys import new_key
from headwater.errors import BadRequestError, HeadwaterError, NotFoundError
from headwater.kit.failpoints import cross
from headwater.store.blobs.uses import StoredBlob
from headwater.store.commands.upload_confirmations import CompleteUpload, ConfirmPlan
from headwater.store.interface import Store
from headwater.store.uploads.rows import UploadRow


async def confirm_upload(store: Store, blobs: BlobStore, upload: UploadRow, plan: ConfirmPlan) -> None:
    """Make a blob of the upload, and its object. ``NotFoundError`` when nothing was PUT, ``BadRequestError`` when it
    is not what was announced: then it can be PUT again."""
    sealed = new_key(plan.scope)
    try:
        await blobs.copy(upload.staged_key, sealed)
    except NotFoundError as error:
        raise _nothing_sent(upload) from error
    info = await digest(blobs, sealed)
    try:
        _check(upload, plan, info)
    except BadRequestError:
        await _discard(blobs, sealed)
        raise
    cross("upload.sealed")
    try:
        outcome = await store.execute(_command(blobs, upload, plan, info))
    except HeadwaterError as error:
        # After a failure it may have been committed all the same, and the sealed bytes have to stay.
        if error.status < 500:
            await _discard(blobs, sealed)
        raise
    cross("upload.completed")
    if outcome["blob_key"] != sealed:
        await _discard(blobs, sealed)
    await _discard(blobs, upload.staged_key)


def _command(blobs: BlobStore, upload: UploadRow, plan: ConfirmPlan, info: BlobInfo) -> CompleteUpload:
    assert info.sha256 is not None
    sha256 = bytes.fromhex(info.sha256)
    blob = StoredBlob(info.key, sha256, info.size_bytes, upload.body.content_type, upload.body.filename)
    return CompleteUpload(plan=plan, blob=blob, etag=info.etag, root=blobs.references.root)


def _check(upload: UploadRow, plan: ConfirmPlan, info: BlobInfo) -> None:
    etag = None if plan.etag is None else plan.etag.strip().strip('"')
    if etag is not None and etag != info.etag:
        raise _mismatch(upload, "ETag", info.etag, etag)
    for size in (upload.body.file_size_bytes, plan.size_bytes):
        if size is not None and size != info.size_bytes:
            raise _mismatch(upload, "size", info.size_bytes, size)
    if upload.sha256 is not None and upload.sha256.hex() != info.sha256:
        raise _mismatch(upload, "SHA-256", info.sha256, upload.sha256.hex())


def _mismatch(upload: UploadRow, what: str, found: object, expected: object) -> BadRequestError:
    return BadRequestError(
        f"the {what} of what was PUT for the upload {upload.upload_id} is {found}, not {expected};"
        " PUT the file again and confirm it",
        details={"upload_id": upload.upload_id, "found": found, "expected": expected},
        code="upload_mismatch",
    )


def _nothing_sent(upload: UploadRow) -> NotFoundError:
    return NotFoundError(
        f"no file was PUT for the upload {upload.upload_id}; PUT it to its presigned_url, then confirm it",
        details={"resource": "upload_content", "id": upload.upload_id},
        code="upload_content_not_found",
    )


async def _discard(blobs: BlobStore, key: str) -> None:
    # What cannot be removed now is removed with the other files that no row names.
    with contextlib.suppress(HeadwaterError):
        await blobs.delete(key)
