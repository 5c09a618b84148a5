"""Bodies and answers of the upload routes."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, field_validator

from headwater.http.models import ClosedModel, LenientModel
from headwater.resources.documents.schemas_read import Pagination
from headwater.resources.tasks.schemas import TaskResponse

MAX_BATCH = 100
_NAME = r"[A-Za-z0-9!#$&^_.+-]+"
_VALUE = r'(?:[A-Za-z0-9!#$&^_.+-]+|"[^"\\\x00-\x1f\x7f]*")'
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}(?: *; *{_NAME}={_VALUE})*")

_CREATE: dict[str, Any] = {
    "filename": "trail-runner.jpg",
    "content_type": "image/jpeg",
    "file_size_bytes": 48213,
    "blob_property": "photo",
    "object_metadata": {"title": "Trail runner"},
}
_UPLOAD: dict[str, Any] = {
    "upload_id": "upl_5t0q8w2e6r1y3u7i",
    "bucket_id": "bkt_a1b2c3d4",
    "filename": "trail-runner.jpg",
    "content_type": "image/jpeg",
    "file_size_bytes": 48213,
    "presigned_url": "http://127.0.0.1:8420/v1/_storage/kx0JvQ",
    "presigned_url_expiration": 3600,
    "s3_key": "ns_4t8w2e6r1y/upl_5t0q8w2e6r1y3u7i",
    "status": "PENDING",
    "metadata": {},
    "create_object_on_confirm": True,
    "object_metadata": {"title": "Trail runner"},
    "blob_property": "photo",
    "blob_type": "image",
    "file_hash": None,
    "skip_duplicates": True,
    "is_duplicate": False,
    "duplicate_of_upload_id": None,
    "skipped_unique_key": False,
    "existing_object_id": None,
    "message": None,
    "created_at": "2026-01-05T09:30:00.000Z",
    "expires_at": "2026-01-05T10:30:00.000Z",
    "completed_at": None,
    "verified_at": None,
    "etag": None,
    "object_id": None,
    "task_id": None,
}
_CONFIRMED: dict[str, Any] = {
    "upload_id": "upl_5t0q8w2e6r1y3u7i",
    "status": "COMPLETED",
    "etag": "5d41402abc4b2a76b9719d911017c592",
    "file_size_bytes": 48213,
    "file_hash": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    "verified_at": "2026-01-05T09:31:00.000Z",
    "completed_at": "2026-01-05T09:31:00.000Z",
    "object_id": "obj_9f2k1m7q0a4z",
    "task_id": None,
    "batch_id": None,
    "message": None,
}


class CreateUploadRequest(ClosedModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_CREATE]})

    filename: Annotated[StrictStr, Field(min_length=1, max_length=255)] = Field(
        description="Kept to show and to download under; it is no path."
    )
    content_type: Annotated[StrictStr, Field(max_length=255)] = Field(
        description="MIME type; the PUT has to send the same."
    )
    file_size_bytes: Annotated[StrictInt, Field(ge=1)] | None = Field(
        None, description="When it is given, the PUT has to be exactly that long."
    )
    presigned_url_expiration: StrictInt = Field(3600, ge=60, le=86_400, description="Seconds.")
    metadata: dict[str, Any] = Field(
        {}, description="For your own bookkeeping: only in the upload, never in the object."
    )
    create_object_on_confirm: StrictBool = True
    object_metadata: dict[str, Any] | None = Field(None, description="Root fields of the object.")
    blob_property: Annotated[StrictStr, Field(pattern="^[a-zA-Z0-9_]+$", max_length=100)] | None = Field(
        None,
        description="The schema's property that the file is for. When absent: the one named like the file, else the"
        " only one that takes such files.",
    )
    blob_type: StrictStr | None = Field(None, description="What `content_type` says, when absent.")
    file_hash: Annotated[StrictStr, Field(pattern="^[a-f0-9]{64}$")] | None = Field(
        None, description="SHA-256 of the file; it is checked when the upload is confirmed."
    )
    skip_duplicates: StrictBool = Field(
        True, description="Answer an earlier upload of the same content, if the bucket has one, instead of a new one."
    )

    @field_validator("filename")
    @classmethod
    def _is_no_path(cls, name: str) -> str:
        if any(character in name for character in "/\\") or name in (".", "..") or not name.isprintable():
            raise ValueError("a filename has no slashes or control characters; send the name alone, without a folder")
        return name

    @field_validator("content_type")
    @classmethod
    def _is_media_type(cls, text: str) -> str:
        if _MEDIA_TYPE.fullmatch(text) is None:
            raise ValueError("must be a MIME type such as image/jpeg or text/plain; charset=utf-8")
        return text


class BatchUploadRequest(ClosedModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"uploads": [_CREATE], "shared_object_metadata": {"category": "shoes"}}]}
    )

    uploads: list[CreateUploadRequest] = Field(min_length=1, max_length=MAX_BATCH)
    shared_metadata: dict[str, Any] | None = Field(None, description="An upload's own values outrank these.")
    shared_object_metadata: dict[str, Any] | None = Field(None, description="An upload's own values outrank these.")


class ConfirmUploadRequest(LenientModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"etag": '"5d41402abc4b2a76b9719d911017c592"'}]})

    etag: StrictStr | None = Field(None, description="The `ETag` that the PUT answered, with or without quotes.")
    file_size_bytes: Annotated[StrictInt, Field(ge=1)] | None = None
    auto_submit_batch: StrictBool = Field(False, description="Not part of this deployment yet: true is refused.")


class Confirmation(LenientModel):
    upload_id: StrictStr
    etag: StrictStr | None = None
    file_size_bytes: Annotated[StrictInt, Field(ge=1)] | None = None


class BatchConfirmRequest(LenientModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"confirmations": [{"upload_id": "upl_5t0q8w2e6r1y3u7i"}]}]}
    )

    confirmations: list[Confirmation] = Field(min_length=1, max_length=MAX_BATCH)


class ListUploadsRequest(LenientModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"filters": {"status": "PENDING"}, "limit": 50}]})

    filters: dict[str, Any] | None = Field(None, description="A filter over uploads as they are shown.")
    sort: dict[str, Any] | None = Field(None, description='`{"field", "direction"}`; the newest first when absent.')
    search: StrictStr | None = Field(None, description="Part of the file's name or of a value in `metadata`.")
    return_presigned_urls: StrictBool = Field(False, description="With a link to GET the file, once it is confirmed.")
    limit: StrictInt = Field(20, ge=1, le=100)
    offset: StrictInt = Field(0, ge=0)


class UploadResponse(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_UPLOAD]})

    upload_id: str
    bucket_id: str
    filename: str
    content_type: str
    file_size_bytes: int | None = Field(description="As announced, then as found.")
    presigned_url: str | None = Field(
        description="When it is made: where to PUT the file, with this `content_type` and no key. It is shown once."
    )
    presigned_url_expiration: int
    s3_key: str = Field(description="Where the file is in the store.")
    status: str = Field(description="`PENDING`, `PROCESSING`, and in the end `COMPLETED` or `FAILED`.")
    metadata: dict[str, Any]
    create_object_on_confirm: bool
    object_metadata: dict[str, Any] | None
    blob_property: str | None
    blob_type: str | None
    file_hash: str | None = Field(description="SHA-256: as announced, then as found.")
    skip_duplicates: bool
    is_duplicate: bool = Field(description="The bucket had this content already; there is nothing to PUT.")
    duplicate_of_upload_id: str | None
    skipped_unique_key: bool = Field(description="The bucket has an object with this unique key; nothing to PUT.")
    existing_object_id: str | None
    message: str | None
    created_at: str
    expires_at: str
    completed_at: str | None
    verified_at: str | None
    etag: str | None
    object_id: str | None = Field(description="The object that it became.")
    task_id: str | None


class BatchUploadResponse(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"uploads": [_UPLOAD], "total": 1}]})

    uploads: list[UploadResponse]
    total: int


class ConfirmUploadResponse(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_CONFIRMED]})

    upload_id: str
    status: str = Field(description="`COMPLETED`, or `PROCESSING` while a task is at it.")
    etag: str | None
    file_size_bytes: int | None
    file_hash: str | None
    verified_at: str | None
    completed_at: str | None
    object_id: str | None
    task_id: str | None
    batch_id: str | None
    message: str | None


_TASK: dict[str, Any] = {
    "task_id": "task_5t0q8w2e6r1y3u7i",
    "task_type": "api_buckets_uploads_batch_confirm",
    "status": "PENDING",
    "inputs": [],
    "outputs": [],
    "additional_data": {"created_at": "2026-01-05T09:30:00.000Z", "updated_at": "2026-01-05T09:30:00.000Z"},
    "error": None,
    "error_message": None,
}


class BatchConfirmResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "task_id": "task_5t0q8w2e6r1y3u7i",
                    "status": "PENDING",
                    "confirmations_count": 1,
                    "task": _TASK,
                    "message": "The task confirms the uploads one after the other",
                }
            ]
        }
    )

    task_id: str
    status: str
    confirmations_count: int
    task: TaskResponse
    message: str


class UploadStats(BaseModel):
    total_uploads: int
    total_size_bytes: int
    uploads_by_status: dict[str, int]
    avg_file_size_bytes: float
    unique_buckets: int


class UploadList(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "results": [_UPLOAD | {"presigned_url": None}],
                    "pagination": {
                        "total": 1,
                        "page": 1,
                        "page_size": 20,
                        "total_pages": 1,
                        "next_page": None,
                        "previous_page": None,
                        "next_cursor": None,
                    },
                    "stats": {
                        "total_uploads": 1,
                        "total_size_bytes": 48213,
                        "uploads_by_status": {"PENDING": 1},
                        "avg_file_size_bytes": 48213.0,
                        "unique_buckets": 1,
                    },
                }
            ]
        }
    )

    results: list[UploadResponse]
    pagination: Pagination
    stats: UploadStats = Field(description="Over all uploads that match.")
