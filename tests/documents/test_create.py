from __future__ import annotations

from typing import Any

import httpx2
import pytest

from headwater.catalog.tables.collections import Collection
from headwater.runtime import Runtime
from tests.documents.conftest import MakeCollection

pytestmark = pytest.mark.anyio

PATH = "/v1/collections/things/documents"

#: The literal request of the seed page.
SEED: dict[str, Any] = {
    "collection_id": "collection_123",
    "root_object_id": "<string>",
    "root_bucket_id": "<string>",
    "source_type": "bucket",
    "source_collection_id": "<string>",
    "source_document_id": "<string>",
    "source_object_id": "<string>",
    "lineage_path": "<string>",
    "lineage_chain": [
        {
            "collection_id": "<string>",
            "feature_extractor_id": "<string>",
            "document_id": "doc_frame001",
            "timestamp": "2023-11-07T05:31:56Z",
        }
    ],
    "document_schema_version": "<string>",
    "metadata": {},
    "features": [{"feature_extractor_id": "<string>", "payload": {}, "vectors": {}}],
}


async def test_the_seed_request_is_answered(api: httpx2.AsyncClient, make_collection: MakeCollection) -> None:
    collection = await make_collection("collection_123")
    answer = await api.post("/v1/collections/collection_123/documents", json=SEED)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    internal = document["_internal"]
    assert document["document_id"] == internal["document_id"]
    assert document["collection_id"] == internal["collection_id"] == collection.collection_id
    assert document["metadata"] == {}
    assert internal["document_schema_version"] == "<string>"
    assert internal["lineage"]["path"] == "<string>"
    assert internal["lineage"]["chain"][0]["timestamp"] == "2023-11-07T05:31:56.000Z"
    assert internal["features"] == [{"feature_extractor_id": "<string>", "payload": {}, "vectors": []}]


async def test_user_fields_are_at_the_root_and_nowhere_else(api: httpx2.AsyncClient, things: Collection) -> None:
    body = {
        "brand": "Acme",
        "metadata": {"status": "draft", "brand": "other"},
        "features": [{"feature_extractor_id": "f_v1", "payload": {"text": "hi", "status": "no"}}],
    }
    document = (await api.post(PATH, json=body)).json()
    assert document["brand"] == "Acme"
    assert document["status"] == "draft"
    assert document["text"] == "hi"
    assert document["metadata"] == {"status": "draft", "brand": "other"}
    assert document["document_blobs"] == []
    assert document["searchable_at"] == document["_internal"]["updated_at"]
    assert not {"brand", "status", "text"} & document["_internal"].keys()
    assert document["_internal"]["metadata"] == {"ingestion_status": "COMPLETED"}
    assert document["_internal"]["document_schema_version"] == "v2"


async def test_what_was_created_is_what_is_read(api: httpx2.AsyncClient, things: Collection) -> None:
    body = {"brand": "Ácmé 🪣", "nested": {"a": [1, 2.5, None, {"b": True}]}, "": "empty", "a.b": 1, "nul\0": "\0"}
    created = await api.post(PATH, json=body)
    assert created.status_code == 200, created.text
    read = await api.get(f"{PATH}/{created.json()['document_id']}")
    assert read.content == created.content
    assert read.headers["etag"] == created.headers["etag"]
    assert {name: read.json()[name] for name in body} == body


async def test_the_database_counts_the_document(api: httpx2.AsyncClient, things: Collection, runtime: Runtime) -> None:
    await api.post(PATH, json={})
    await api.post(PATH, json={})
    [count] = runtime.reader.connection.execute(
        "SELECT documents FROM collection_counts WHERE collection_row = ?", (things.collection_row,)
    ).fetchone()
    assert count == 2


async def test_a_given_id_is_kept_and_taken_only_once(api: httpx2.AsyncClient, things: Collection) -> None:
    first = await api.post(PATH, json={"document_id": "my-document"})
    assert first.json()["document_id"] == "my-document"
    second = await api.post(PATH, json={"document_id": "my-document", "x": 1})
    assert second.status_code == 409
    assert second.json()["error"]["type"] == "AlreadyExistsError"
    assert "x" not in (await api.get(f"{PATH}/my-document")).json()


@pytest.mark.parametrize("sent", ["things", "col_things", None])
async def test_the_collection_may_be_repeated_in_the_body(
    api: httpx2.AsyncClient, things: Collection, sent: str | None
) -> None:
    answer = await api.post(PATH, json={"collection_id": sent})
    assert answer.status_code == 200
    assert answer.json()["collection_id"] == "col_things"


async def test_another_collection_in_the_body_is_refused(api: httpx2.AsyncClient, things: Collection) -> None:
    answer = await api.post(PATH, json={"collection_id": "elsewhere"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "collection_id_mismatch"
    assert answer.json()["error"]["details"] == {"body": "elsewhere", "path": "col_things"}


async def test_an_unknown_collection_is_not_found(api: httpx2.AsyncClient, namespace: Any) -> None:
    answer = await api.post("/v1/collections/nope/documents", json={})
    assert answer.status_code == 404
    assert answer.json()["error"]["details"] == {"resource": "collection", "id": "nope"}


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"source_type": "x"}, ["body", "source_type"]),
        ({"lineage_chain": [{"collection_id": "c"}]}, ["body", "lineage_chain", 0, "feature_extractor_id"]),
        (
            {"lineage_chain": [{"collection_id": "c", "feature_extractor_id": "f", "timestamp": "soon"}]},
            ["body", "lineage_chain", 0, "timestamp"],
        ),
        ({"lineage_chain": {}}, ["body", "lineage_chain"]),
        ({"root_object_id": 7}, ["body", "root_object_id"]),
        ({"metadata": []}, ["body", "metadata"]),
        ({"features": {}}, ["body", "features"]),
        ({"features": [[]]}, ["body", "features", 0]),
        ({"features": [{}]}, ["body", "features", 0, "feature_extractor_id"]),
        ({"features": [{"feature_extractor_id": "f", "payload": 1}]}, ["body", "features", 0, "payload"]),
        ({"document_schema_version": 2}, ["body", "document_schema_version"]),
        ({"document_id": ""}, ["body", "document_id"]),
        ({"document_blobs": [{"url": "u"}]}, ["body", "document_blobs", 0, "field"]),
        ({"document_blobs": [{"field": "f", "url": "u", "role": "x"}]}, ["body", "document_blobs", 0, "role"]),
    ],
)
async def test_a_malformed_field_is_named_and_nothing_is_stored(
    api: httpx2.AsyncClient, things: Collection, runtime: Runtime, body: dict[str, Any], location: list[Any]
) -> None:
    answer = await api.post(PATH, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"]["validation_errors"][0]["location"] == location
    assert runtime.reader.connection.execute("SELECT count(*) FROM documents").get == 0


async def test_internal_fields_of_a_body_change_nothing(
    api: httpx2.AsyncClient, things: Collection, runtime: Runtime
) -> None:
    forged = {
        "_internal": {"internal_id": "org_evil", "created_at": "1999-01-01T00:00:00Z"},
        "_vectors": ["x"],
        "_schema_violations": ["x"],
        "searchable_at": "1999-01-01T00:00:00Z",
        "organization_id": "org_evil",
        "internal_id": "org_evil",
        "created_at": "1999-01-01T00:00:00Z",
        "namespace_id": "ns_evil",
    }
    document = (await api.post(PATH, json=forged)).json()
    internal = document["_internal"]
    assert internal["internal_id"].startswith("org_") and internal["internal_id"] != "org_evil"
    assert internal["namespace_id"] == "ns_test"
    assert internal["created_at"] == internal["updated_at"] > "2026"
    assert document["searchable_at"] == internal["updated_at"]
    assert "_vectors" not in document and "_schema_violations" not in document
    # These have no meaning for a document, so they are the user's own.
    assert document["organization_id"] == "org_evil"
    assert document.keys() <= {
        "document_id",
        "collection_id",
        "document_blobs",
        "searchable_at",
        "_internal",
        "organization_id",
        "internal_id",
        "created_at",
        "namespace_id",
    }


async def test_a_frozen_collection_refuses_writes(api: httpx2.AsyncClient, make_collection: MakeCollection) -> None:
    await make_collection("ice", lifecycle_state="frozen")
    answer = await api.post("/v1/collections/ice/documents", json={})
    assert answer.status_code == 409
    assert answer.json()["error"]["type"] == "ConflictError"


async def test_an_idempotency_key_makes_one_document(
    api: httpx2.AsyncClient, things: Collection, runtime: Runtime
) -> None:
    body = {"features": [{"feature_extractor_id": "f", "vectors": {"e": [1, 2]}}]}
    url, headers = f"{PATH}?return_vectors=true", {"Idempotency-Key": "k1"}
    first = await api.post(url, json=body, headers=headers)
    again = await api.post(url, json=body, headers=headers)
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert first.headers["etag"] == again.headers["etag"]
    assert runtime.reader.connection.execute("SELECT count(*) FROM documents").get == 1
    other = await api.post(url, json={"x": 1}, headers=headers)
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "idempotency_key_reused"


async def test_blobs_are_shown_and_plain_urls_pass_through(api: httpx2.AsyncClient, things: Collection) -> None:
    body = {
        "source_blobs": [{"blob_id": "b1", "property": "video", "type": "VIDEO", "url": "https://a/v.mp4"}],
        "document_blobs": [{"field": "thumb", "role": "thumbnail", "url": "s3://bucket/t.jpg", "presigned_url": "x"}],
    }
    plain = (await api.post(PATH, json=body)).json()
    thumbnail = {"role": "thumbnail", "type": "other", "field": "thumb", "url": "s3://bucket/t.jpg"}
    video = {
        "field": "video",
        "role": "source",
        "type": "video",
        "url": "https://a/v.mp4",
        "source_blob_id": "b1",
    }
    assert plain["document_blobs"] == [video, thumbnail]
    assert plain["_internal"]["document_blobs"] == [thumbnail]
    for name in ("return_url", "return_presigned_urls"):
        signed = (await api.get(f"{PATH}/{plain['document_id']}?{name}=true")).json()
        assert signed["document_blobs"] == [{**video, "presigned_url": video["url"]}, thumbnail]
