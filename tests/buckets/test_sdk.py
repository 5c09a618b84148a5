"""The generated SDK, unchanged, keeps buckets and objects on a live server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mixpeek.api.bucket_objects_api import BucketObjectsApi
from mixpeek.api.buckets_api import BucketsApi
from mixpeek.api.namespaces_api import NamespacesApi
from mixpeek.exceptions import ConflictException, NotFoundException, UnprocessableEntityException
from mixpeek.models import (
    BucketCreateRequest,
    BucketPatchRequest,
    BucketUpdateRequest,
    BulkSoftDeleteRequest,
    CreateNamespaceRequest,
    CreateObjectRequest,
    CreateObjectsBatchRequest,
    ListBucketsRequest,
    ListObjectsRequest,
    ObjectAggregationRequest,
    PatchObjectRequest,
    UpdateObjectRequest,
)

from tests.conftest import Server, generated_client

BUCKET = {
    "bucket_name": "films",
    "bucket_schema": {"properties": {"title": {"type": "string"}, "content": {"type": "text"}}},
    "unique_key": {"fields": ["title"], "default_policy": "insert"},
}
PLAIN = {"bucket_name": "plain", "bucket_schema": BUCKET["bucket_schema"]}


@pytest.fixture
def api(shared_server: Server, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of a namespace named after the test, with two buckets."""
    name = request.node.name.replace("_", "-")[:60]
    with generated_client(shared_server) as client:
        NamespacesApi(client).create_namespace(CreateNamespaceRequest(namespace_name=name))
        client.set_default_header("X-Namespace", name)
        for bucket in (BUCKET, PLAIN):
            BucketsApi(client).create_bucket(BucketCreateRequest.from_dict(bucket))
        yield client


def new_object(**fields: Any) -> Any:
    return CreateObjectRequest.from_dict(fields)


def test_buckets(api: Any) -> None:
    buckets = BucketsApi(api)
    shown = buckets.get_bucket("films")
    assert shown.unique_key.fields == ["title"]
    assert shown.bucket_schema.properties["content"].type == "text"
    assert shown.status == "ACTIVE"
    with pytest.raises(ConflictException):
        buckets.create_bucket(BucketCreateRequest.from_dict(BUCKET))
    changed = buckets.update_bucket("films", BucketUpdateRequest(description="all", metadata={"a": 1}))
    assert (changed.description, changed.metadata) == ("all", {"a": 1})
    assert buckets.patch_bucket("films", BucketPatchRequest(bucket_name="movies")).bucket_name == "movies"
    listed = buckets.list_buckets(list_buckets_request=ListBucketsRequest(search="movies"))
    assert [bucket.bucket_name for bucket in listed.results] == ["movies"]
    assert buckets.list_buckets_get(limit=1, include_total=True).pagination.total == 2
    deleted = buckets.delete_bucket("movies")
    assert deleted["status"] == "PENDING"
    with pytest.raises(NotFoundException):
        buckets.get_bucket("movies")


def test_objects(api: Any) -> None:
    objects = BucketObjectsApi(api)
    blob = {"property": "content", "type": "text", "data": "Once"}
    made = objects.create_object_buckets("films", new_object(title="Heat", blobs=[blob], metadata={"a": 1}))
    assert made.additional_properties["title"] == "Heat"
    assert made.blobs[0].details.size_bytes == 4
    assert made.consistency.retriever_visible == "after_processing"
    with pytest.raises(ConflictException):
        objects.create_object_buckets("films", new_object(title="Heat"))
    again = objects.create_object_buckets("films", new_object(title="Heat", year=1995), policy="upsert")
    assert again.object_id == made.object_id
    read = objects.get_object_buckets("films", made.object_id, return_presigned_urls=True)
    assert read.blobs[0].presigned_url.startswith("http")
    assert (read.document_count, read.status) == (0, "PENDING")
    put = objects.update_object_buckets("films", made.object_id, UpdateObjectRequest(metadata={"a": 2}))
    assert put.additional_properties["metadata"] == {"a": 2}
    patch = PatchObjectRequest.from_dict({"year": 1996, "key_prefix": "/mann"})
    patched = objects.patch_object_buckets("films", made.object_id, patch)
    assert (patched.key_prefix, patched.additional_properties["year"]) == ("/mann", 1996)
    objects.delete_object_buckets("films", made.object_id)
    with pytest.raises(NotFoundException):
        objects.get_object_buckets("films", made.object_id)


def test_many_objects(api: Any) -> None:
    objects = BucketObjectsApi(api)
    request = CreateObjectsBatchRequest(
        objects=[new_object(title=str(n), n=n, idempotency_key=str(n)) for n in range(3)]
    )
    made = objects.create_objects_batch_buckets("plain", request)
    assert [row.object_index for row in made.succeeded] == [0, 1, 2]
    replayed = objects.create_objects_batch_buckets("plain", request)
    assert {row.replayed_by for row in replayed.succeeded} == {"idempotency_key"}
    with pytest.raises(UnprocessableEntityException):
        objects.create_objects_batch_buckets("films", request)
    body = ListObjectsRequest.from_dict({"filters": {"AND": [{"field": "n", "operator": "gte", "value": 1}]}})
    listed = objects.list_objects_buckets("plain", list_objects_request=body)
    # Made in one millisecond, they may stand either way.
    assert sorted(item.additional_properties["n"] for item in listed.results) == [1, 2]
    assert listed.stats.total_objects == 2
    assert len(objects.list_objects_get_buckets("plain", limit=2).results) == 2
    groups = ObjectAggregationRequest.from_dict(
        {"group_by": [{"field": "status"}], "aggregations": [{"function": "count", "alias": "n"}]}
    )
    assert objects.aggregate_objects_buckets("plain", groups).results[0].metrics == {"n": 3}
    ids = [row.object_id for row in made.succeeded]
    hidden = objects.bulk_soft_delete_objects_buckets(
        "plain", BulkSoftDeleteRequest(object_ids=ids[:2], reason="withdrawn")
    )
    assert (hidden.soft_deleted, hidden.requested, hidden.collections) == (2, 2, 0)
    assert len(objects.list_objects_get_buckets("plain").results) == 1
