"""Routes of uploads: a link to PUT a file by, then the confirmation that makes an object of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from headwater.http.dependencies import Ctx
from headwater.http.route import Route
from headwater.resources.uploads import listing, service, service_confirm
from headwater.resources.uploads.schemas import (
    BatchConfirmRequest,
    BatchConfirmResponse,
    BatchUploadRequest,
    BatchUploadResponse,
    ConfirmUploadRequest,
    ConfirmUploadResponse,
    CreateUploadRequest,
    ListUploadsRequest,
    UploadList,
    UploadResponse,
)
from headwater.store.buckets.unique_key import Policy

router = APIRouter(route_class=Route, tags=["Uploads"])

_ALL = "/v1/buckets/{bucket_identifier}/uploads"
_ONE = _ALL + "/{upload_id}"
AskedPolicy = Annotated[
    Policy | None, Query(description="What to do when the bucket has an object with the same unique key.")
]


@router.post(_ALL, summary="Create upload", operation_id="create_upload_buckets", response_model=UploadResponse)
async def create_upload(ctx: Ctx, bucket_identifier: str, body: CreateUploadRequest) -> dict[str, Any]:
    """A link to PUT one file by, without a key: `curl -T FILE -H 'Content-Type: …' PRESIGNED_URL`. Then confirm it.

    What the bucket would refuse is refused now, before anything is sent. When the bucket has the content already, by
    `file_hash`, or the object, by its unique key, there is no link and nothing to send.
    """
    return await service.create_upload(ctx, bucket_identifier, body)


@router.post(
    _ALL + "/batch", summary="Create many uploads", operation_id="create_uploads_batch_buckets",
    response_model=BatchUploadResponse,
)  # fmt: skip
async def create_uploads_batch(ctx: Ctx, bucket_identifier: str, body: BatchUploadRequest) -> dict[str, Any]:
    """Up to 100 links. When one of the uploads is refused, none is made."""
    return await service.create_uploads(ctx, bucket_identifier, body)


@router.post(_ALL + "/list", summary="List uploads", operation_id="list_uploads_buckets", response_model=UploadList)
async def list_uploads(ctx: Ctx, bucket_identifier: str, body: ListUploadsRequest | None = None) -> dict[str, Any]:
    """The bucket's uploads that match `filters` and `search`, by `sort`, else the newest first."""
    return await listing.list_uploads(ctx, bucket_identifier, body or ListUploadsRequest())


@router.post(
    _ALL + "/confirm/batch",
    summary="Confirm many uploads",
    operation_id="confirm_uploads_batch_buckets",
    response_model=BatchConfirmResponse,
)
async def confirm_uploads_batch(
    ctx: Ctx, bucket_identifier: str, body: BatchConfirmRequest, policy: AskedPolicy = None
) -> dict[str, Any]:
    """A task that confirms up to 100 uploads. One that fails is named in the task's `errors`, with the reason, and
    does not hold up the others."""
    return await service_confirm.confirm_many(ctx, bucket_identifier, body, policy)


@router.post(
    _ONE + "/confirm",
    summary="Confirm upload",
    operation_id="confirm_upload_buckets",
    response_model=ConfirmUploadResponse,
)
async def confirm_upload(
    ctx: Ctx,
    bucket_identifier: str,
    upload_id: str,
    body: ConfirmUploadRequest | None = None,
    in_background: Annotated[bool, Query(alias="async", description="Leave it to a task.")] = False,
    policy: AskedPolicy = None,
) -> dict[str, Any]:
    """Check what was PUT and make an object of it, unless the upload says otherwise. It may be repeated.

    404 when nothing was PUT; 400 when it is not what was announced, then it can be PUT again. Files of 100 MB and more
    are left to a task in any case: the status is `PROCESSING` until it is done.
    """
    request = body or ConfirmUploadRequest()
    return await service_confirm.confirm(
        ctx, bucket_identifier, upload_id, request, in_background=in_background, policy=policy
    )


@router.get(_ONE, summary="Get upload", operation_id="get_upload_buckets", response_model=UploadResponse)
async def get_upload(
    ctx: Ctx,
    bucket_identifier: str,
    upload_id: str,
    return_presigned_urls: Annotated[bool, Query(description="With a link to GET the file, once confirmed.")] = False,
) -> dict[str, Any]:
    """An upload and what came of it. The link to PUT by is not shown again."""
    return service.get_upload(ctx, bucket_identifier, upload_id, return_presigned_urls=return_presigned_urls)


@router.delete(
    _ONE, summary="Delete upload", operation_id="delete_upload_buckets", status_code=204, response_class=Response
)
async def delete_upload(
    ctx: Ctx,
    bucket_identifier: str,
    upload_id: str,
    delete_s3_object: Annotated[
        bool, Query(description="False leaves what was PUT to be removed within the hour.")
    ] = True,
) -> Response:
    """Give an upload up. One that is confirmed stays: delete the objects that were made from it."""
    await service.delete_upload(ctx, bucket_identifier, upload_id, delete_file=delete_s3_object)
    return Response(status_code=204)
