"""The generated SDK, unchanged, makes, confirms, lists and deletes uploads on a live server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from mixpeek.api.bucket_uploads_api import BucketUploadsApi
from mixpeek.api.buckets_api import BucketsApi
from mixpeek.api.namespaces_api import NamespacesApi
from mixpeek.api.tasks_api import TasksApi
from mixpeek.exceptions import BadRequestException, NotFoundException, UnprocessableEntityException
from mixpeek.models import (
    BatchConfirmRequest,
    BatchUploadRequest,
    BucketCreateRequest,
    ConfirmUploadRequest,
    CreateNamespaceRequest,
    CreateUploadRequest,
    ListUploadsRequest,
)

from tests.conftest import Server, generated_client

PHOTO = b"\x89PNG pixels"
BUCKET = {"bucket_name": "shop", "bucket_schema": {"properties": {"photo": {"type": "image"}}}}


@pytest.fixture
def uploads(shared_server: Server, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The SDK's uploads in a namespace named after the test, with a bucket ``shop``."""
    name = request.node.name.replace("_", "-")[:60]
    with generated_client(shared_server) as client:
        NamespacesApi(client).create_namespace(CreateNamespaceRequest(namespace_name=name))
        client.set_default_header("X-Namespace", name)
        BucketsApi(client).create_bucket(BucketCreateRequest.from_dict(BUCKET))
        yield BucketUploadsApi(client)


def new(**fields: Any) -> CreateUploadRequest:
    return CreateUploadRequest(filename="photo.png", content_type="image/png", **fields)


def put(upload: Any, content: bytes = PHOTO) -> str:
    answer = httpx2.put(upload.presigned_url, content=content, headers={"Content-Type": upload.content_type})
    assert answer.status_code == 200, answer.text
    return str(answer.headers["ETag"])


def test_one_upload_from_link_to_object(uploads: Any) -> None:
    made = uploads.create_upload_buckets("shop", new(file_size_bytes=len(PHOTO)))
    assert (made.status, made.blob_property) == ("PENDING", "photo")
    tag = put(made)
    confirmed = uploads.confirm_upload_buckets(
        "shop", made.upload_id, confirm_upload_request=ConfirmUploadRequest(etag=tag, file_size_bytes=len(PHOTO))
    )
    assert (confirmed.status, confirmed.file_size_bytes) == ("COMPLETED", len(PHOTO))
    shown = uploads.get_upload_buckets("shop", made.upload_id, return_presigned_urls=True)
    # The client leaves this answer as the plain object that it is.
    assert shown["object_id"] == confirmed.object_id
    assert httpx2.get(shown["presigned_url"]).content == PHOTO
    with pytest.raises(BadRequestException):
        uploads.delete_upload_buckets("shop", made.upload_id)


def test_many_uploads_by_a_task(uploads: Any) -> None:
    request = BatchUploadRequest(uploads=[new(skip_duplicates=False), new(skip_duplicates=False)])
    made = uploads.create_uploads_batch_buckets("shop", request)
    assert made.total == 2
    for upload in made.uploads:
        put(upload)
    confirmations = [{"upload_id": upload.upload_id} for upload in made.uploads]
    begun = uploads.confirm_uploads_batch_buckets("shop", BatchConfirmRequest(confirmations=confirmations))
    assert begun.confirmations_count == 2
    tasks = TasksApi(uploads.api_client)
    while (task := tasks.get_task(begun.task_id)).status in ("PENDING", "IN_PROGRESS"):
        time.sleep(0.1)
    assert task.status == "COMPLETED"
    listed = uploads.list_uploads_buckets("shop", list_uploads_request=ListUploadsRequest(return_presigned_urls=True))
    assert listed.stats.uploads_by_status == {"COMPLETED": 2}
    assert {httpx2.get(upload.presigned_url).content for upload in listed.results} == {PHOTO}


def test_refusals_are_typed(uploads: Any) -> None:
    with pytest.raises(UnprocessableEntityException):
        uploads.create_upload_buckets("shop", new(blob_property="nobody"))
    pending = uploads.create_upload_buckets("shop", new())
    with pytest.raises(NotFoundException):
        uploads.confirm_upload_buckets("shop", pending.upload_id)
    uploads.delete_upload_buckets("shop", pending.upload_id)
    with pytest.raises(NotFoundException):
        uploads.get_upload_buckets("shop", pending.upload_id)
