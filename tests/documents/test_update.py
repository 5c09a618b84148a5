"""PUT, PATCH and DELETE: what they change, what they leave alone, and who wins."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from headwater.catalog.tables.collections import Collection
from headwater.runtime import Runtime
from tests.documents.conftest import MakeCollection

pytestmark = pytest.mark.anyio

PATH = "/v1/collections/things/documents"
BOTH = pytest.mark.parametrize("method", ["PUT", "PATCH"])


async def make(api: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await api.post(PATH, json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def changed(
    api: httpx2.AsyncClient, document: dict[str, Any], body: dict[str, Any], method: str = "PATCH"
) -> dict[str, Any]:
    url = f"{PATH}/{document['document_id']}"
    answer = await api.request(method, url, json=body)
    assert answer.status_code == 200, answer.text
    read = await api.get(url)
    assert read.content == answer.content and read.headers["etag"] == answer.headers["etag"]
    return dict(answer.json())


@BOTH
async def test_metadata_is_merged_and_null_removes(api: httpx2.AsyncClient, things: Collection, method: str) -> None:
    document = await make(api, metadata={"a": 1, "b": 1, "c": {"d": 1}})
    after = await changed(api, document, {"metadata": {"a": None, "b": 2}}, method)
    assert after["metadata"] == {"b": 2, "c": {"d": 1}}
    assert (after["b"], after["c"]) == (2, {"d": 1})
    assert "a" not in after


@BOTH
async def test_root_keys_are_set_whole_and_null_removes(
    api: httpx2.AsyncClient, things: Collection, method: str
) -> None:
    document = await make(api, brand="Acme", sizes={"s": 1, "m": 2}, gone=True)
    after = await changed(api, document, {"sizes": {"l": 3}, "gone": None, "new": [1]}, method)
    assert (after["brand"], after["sizes"], after["new"]) == ("Acme", {"l": 3}, [1])
    assert "gone" not in after


@BOTH
async def test_times_and_version_move(api: httpx2.AsyncClient, things: Collection, method: str) -> None:
    created = await api.post(PATH, json={"a": 1})
    before = created.json()
    answer = await api.request(method, f"{PATH}/{before['document_id']}", json={"a": 2})
    after = answer.json()
    assert after["_internal"]["created_at"] == before["_internal"]["created_at"]
    assert after["_internal"]["updated_at"] >= before["_internal"]["updated_at"]
    assert after["searchable_at"] == after["_internal"]["updated_at"]
    assert answer.headers["etag"] != created.headers["etag"]


@BOTH
@pytest.mark.parametrize("body", [{}, {"_internal": {"x": 1}, "searchable_at": "1999"}, {"metadata": None}])
async def test_a_body_that_asks_for_nothing_changes_nothing(
    api: httpx2.AsyncClient, things: Collection, method: str, body: dict[str, Any]
) -> None:
    created = await api.post(PATH, json={"a": 1})
    answer = await api.request(method, f"{PATH}/{created.json()['document_id']}", json=body)
    assert answer.status_code == 200
    assert answer.content == created.content
    assert answer.headers["etag"] == created.headers["etag"]


async def test_a_dotted_key_sets_one_nested_field(api: httpx2.AsyncClient, things: Collection) -> None:
    document = await make(api, metadata={"a": {"x": 1, "y": 1}, "b": 1}, size={"s": 1})
    body = {"metadata.a.x": 2, "metadata.b": None, "size.m": 2, "fresh.deep": "new", "internal_metadata.run": 7}
    after = await changed(api, document, body)
    assert after["metadata"] == {"a": {"x": 2, "y": 1}}
    assert after["size"] == {"s": 1, "m": 2}
    assert after["fresh"] == {"deep": "new"}
    assert after["_internal"]["metadata"] == {"ingestion_status": "COMPLETED", "run": 7}


async def test_a_key_with_a_dot_that_exists_is_that_key(api: httpx2.AsyncClient, things: Collection) -> None:
    document = await make(api, **{"a.b": 1, "a": {"b": 1}})
    after = await changed(api, document, {"a.b": 2})
    assert (after["a.b"], after["a"]) == (2, {"b": 1})


@pytest.mark.parametrize("key", ["brand.name", "features.payload", "lineage_chain.x", "vectors.e", "document_id.x"])
async def test_a_dotted_key_into_what_is_no_object_is_refused(
    api: httpx2.AsyncClient, things: Collection, key: str
) -> None:
    document = await make(api, brand="Acme")
    answer = await api.patch(f"{PATH}/{document['document_id']}", json={key: 1})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["validation_errors"][0]["location"] == ["body", key]


async def test_a_root_key_changes_the_place_that_supplies_it(api: httpx2.AsyncClient, things: Collection) -> None:
    feature = {"feature_extractor_id": "f_v1", "payload": {"text": "hi", "status": "hidden"}}
    document = await make(api, metadata={"status": "draft"}, features=[feature])
    after = await changed(api, document, {"status": "done", "text": "bye"})
    assert (after["status"], after["text"]) == ("done", "bye")
    assert after["metadata"] == {"status": "done"}
    assert after["_internal"]["features"][0]["payload"] == {"text": "bye", "status": "hidden"}
    after = await changed(api, after, {"status": None})
    assert (after["metadata"], after["status"]) == ({}, "hidden")


async def test_metadata_and_root_key_of_one_name_in_one_patch_are_both_kept(
    api: httpx2.AsyncClient, things: Collection
) -> None:
    document = await make(api, metadata={"brand": "A"})
    after = await changed(api, document, {"metadata": {"brand": "B"}, "brand": "C"})
    assert (after["brand"], after["metadata"]) == ("C", {"brand": "B"})


async def test_a_fetched_document_put_back_with_one_change_changes_only_that(
    api: httpx2.AsyncClient, things: Collection
) -> None:
    feature = {"feature_extractor_id": "f_v1", "payload": {"text": "hi"}, "vectors": {"e": [1, 2]}}
    source_blobs = [{"property": "video", "url": "https://a/v.mp4"}]
    document = await make(
        api,
        brand=None,
        metadata={"status": "draft", "n": None},
        features=[feature],
        source_blobs=source_blobs,
        document_blobs=[{"field": "t", "url": "https://a/t.jpg"}],
        root_object_id="obj_1",
    )
    same = await changed(api, document, document, "PUT")
    for name in ("searchable_at", "_internal"):
        document.pop(name)
        same.pop(name)
    assert same == document
    document["metadata"]["status"] = "done"
    after = await changed(api, document, document, "PUT")
    assert (after["metadata"]["status"], after["status"], after["text"]) == ("done", "done", "hi")


async def test_features_replace_features_and_their_vectors_only(api: httpx2.AsyncClient, things: Collection) -> None:
    first = {"feature_extractor_id": "f", "payload": {"old": 1}, "vectors": {"a": [1], "b": [2]}}
    document = await make(api, features=[first])
    await changed(api, document, {"vectors": {"f_a": [3]}, "features": []})
    url = f"{PATH}/{document['document_id']}?return_vectors=true"
    after = (await api.get(url)).json()
    assert (after["_vectors"], after["f_a"], after["_internal"]["features"]) == (["f_a"], [3.0], [])
    assert "old" not in after
    second = {"feature_extractor_id": "f", "payload": {"new": 1}, "vectors": {"c": [4]}}
    await changed(api, document, {"features": [second]})
    after = (await api.get(url)).json()
    assert (sorted(after["_vectors"]), after["new"]) == (["f_a", "f_c"], 1)


async def test_vectors_leave_the_table_with_the_last_one(
    api: httpx2.AsyncClient, things: Collection, runtime: Runtime
) -> None:
    document = await make(api, features=[{"feature_extractor_id": "f", "vectors": {"a": [1]}}])
    await changed(api, document, {"features": []})
    execute = runtime.reader.connection.execute
    assert execute("SELECT count(*) FROM vectors").get == 0
    assert execute("SELECT count(*) FROM tombstones").get == 1


async def test_fields_without_vectors_leave_the_vector_version_alone(
    api: httpx2.AsyncClient, things: Collection, runtime: Runtime
) -> None:
    document = await make(api, features=[{"feature_extractor_id": "f", "vectors": {"a": [1]}}])
    execute = runtime.reader.connection.execute
    before = execute("SELECT sequence FROM vectors").get
    await changed(api, document, {"x": 1})
    assert execute("SELECT sequence FROM vectors").get == before


async def test_lineage_fields_move_the_lineage(api: httpx2.AsyncClient, things: Collection) -> None:
    parent = await make(api, root_object_id="obj_1", root_bucket_id="bkt_1")
    child = await make(api, name="child", metadata={"n": 1})
    assert child["_internal"]["lineage"] == {"path": "col_things"}
    after = await changed(api, child, {"source_document_id": parent["document_id"]})
    lineage = after["_internal"]["lineage"]
    assert (lineage["root_object_id"], lineage["root_bucket_id"]) == ("obj_1", "bkt_1")
    assert lineage["path"] == "bkt_1/col_things/col_things"
    assert [step["document_id"] for step in lineage["chain"]] == [parent["document_id"], child["document_id"]]
    assert after["name"] == "child" and "source_document_id" not in after


async def test_a_moved_parent_moves_its_children(api: httpx2.AsyncClient, things: Collection) -> None:
    parent = await make(api, root_object_id="obj_1")
    child = await make(api, source_document_id=parent["document_id"])
    await changed(api, parent, {"root_object_id": "obj_2"})
    read = (await api.get(f"{PATH}/{child['document_id']}")).json()
    assert read["_internal"]["lineage"]["root_object_id"] == "obj_2"


async def test_system_fields_are_changed_in_internal(api: httpx2.AsyncClient, things: Collection) -> None:
    document = await make(api, internal_metadata={"run": 1})
    body = {
        "content_hash": "ab",
        "document_schema_version": "v9",
        "internal_metadata": {"run": None, "job": 2},
        "source_blobs": [{"url": "https://a/b"}],
    }
    after = await changed(api, document, body)
    internal = after["_internal"]
    assert (internal["content_hash"], internal["document_schema_version"]) == ("ab", "v9")
    assert internal["metadata"] == {"ingestion_status": "COMPLETED", "job": 2}
    assert [blob["url"] for blob in after["document_blobs"]] == ["https://a/b"]
    assert not body.keys() & after.keys()


@BOTH
async def test_ids_cannot_change(api: httpx2.AsyncClient, things: Collection, method: str) -> None:
    document = await make(api)
    url = f"{PATH}/{document['document_id']}"
    other_id = await api.request(method, url, json={"document_id": "doc_other"})
    assert (other_id.status_code, other_id.json()["error"]["code"]) == (400, "document_id_mismatch")
    elsewhere = await api.request(method, url, json={"collection_id": "col_other"})
    assert (elsewhere.status_code, elsewhere.json()["error"]["code"]) == (400, "collection_id_mismatch")
    assert (await api.request(method, url, json={"document_id": document["document_id"]})).status_code == 200


async def test_a_document_is_reached_only_through_its_collection(
    api: httpx2.AsyncClient, things: Collection, make_collection: MakeCollection
) -> None:
    await make_collection("others")
    document_id = (await make(api))["document_id"]
    for method, body in (("GET", None), ("PUT", {"a": 1}), ("PATCH", {"metadata": 1}), ("DELETE", None)):
        answer = await api.request(method, f"/v1/collections/others/documents/{document_id}", json=body)
        assert answer.status_code == 404
        assert answer.json()["error"]["details"] == {"resource": "document", "id": document_id}
    assert (await api.get(f"{PATH}/{document_id}")).status_code == 200


async def test_a_document_is_reached_through_its_namespace(api: httpx2.AsyncClient, things: Collection) -> None:
    document_id = (await make(api, a=1))["document_id"]
    url = f"/v1/documents/{document_id}"
    assert (await api.patch(url, json={"a": 2})).json()["a"] == 2
    assert (await api.put(url, json={"b": 3})).json()["b"] == 3
    read = await api.get(url)
    assert (read.json()["a"], read.json()["b"]) == (2, 3)
    assert (await api.get("/v1/documents/doc_nope")).status_code == 404
    assert (await api.patch("/v1/documents/doc_nope", json={})).status_code == 404


async def test_if_match_lets_only_the_current_version_through(api: httpx2.AsyncClient, things: Collection) -> None:
    created = await api.post(PATH, json={"a": 1})
    url, etag = f"{PATH}/{created.json()['document_id']}", created.headers["etag"]
    updated = await api.patch(url, json={"a": 2}, headers={"If-Match": f'"0", {etag}'})
    assert updated.status_code == 200
    for method in ("PUT", "PATCH", "DELETE"):
        stale = await api.request(
            method, url, headers={"If-Match": etag}, json=None if method == "DELETE" else {"a": 3}
        )
        assert stale.status_code == 412
        assert stale.json()["error"]["type"] == "PreconditionFailedError"
        assert stale.json()["error"]["details"] == {"expected": [etag], "current": updated.headers["etag"]}
    assert (await api.get(url)).json()["a"] == 2
    assert (await api.patch(url, json={"a": 4}, headers={"If-Match": "*"})).status_code == 200
    assert (await api.patch(url, json={}, headers={"If-Match": f"W/{etag}"})).status_code == 412


async def test_delete_removes_the_document_and_its_vectors(
    api: httpx2.AsyncClient, things: Collection, runtime: Runtime
) -> None:
    document = await make(api, features=[{"feature_extractor_id": "f", "vectors": {"a": [1]}}])
    url = f"{PATH}/{document['document_id']}"
    answer = await api.delete(url)
    assert (answer.status_code, answer.json()) == (200, {"message": "Successfully deleted", "success": True})
    assert (await api.get(url)).status_code == 404
    assert (await api.delete(url)).status_code == 404
    execute = runtime.reader.connection.execute
    assert [execute(f"SELECT count(*) FROM {table}").get for table in ("documents", "vectors", "tombstones")] == [
        0,
        0,
        1,
    ]
    again = await api.post(PATH, json={"document_id": document["document_id"]})
    assert again.status_code == 200


@pytest.mark.parametrize(("method", "body"), [("PUT", {"a": 1}), ("PATCH", {}), ("DELETE", None)])
async def test_a_frozen_collection_refuses_changes_but_not_reads(
    api: httpx2.AsyncClient, things: Collection, freeze: Any, method: str, body: Any
) -> None:
    url = f"{PATH}/{(await make(api))['document_id']}"
    await freeze(things)
    answer = await api.request(method, url, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "collection_frozen")
    assert (await api.get(url)).status_code == 200


async def test_a_strict_schema_refuses_and_a_warning_is_kept(
    api: httpx2.AsyncClient, make_collection: MakeCollection
) -> None:
    schema = {"properties": {"metadata": {"properties": {"price": {"type": "number"}}}}}
    await make_collection("things", document_schema=schema, schema_validation="strict")
    refused = await api.post(PATH, json={"metadata": {"price": "high"}})
    assert refused.status_code == 422
    [item] = refused.json()["error"]["details"]["validation_errors"]
    assert item["location"] == ["body", "metadata", "price"]
    document = await make(api, metadata={"price": 1})
    patch = await api.patch(f"{PATH}/{document['document_id']}", json={"metadata": {"price": "low"}})
    assert patch.status_code == 422
    assert (await api.get(f"{PATH}/{document['document_id']}")).json() == document


async def test_schema_warnings_come_and_go(api: httpx2.AsyncClient, make_collection: MakeCollection) -> None:
    schema = {"properties": {"price": {"type": "number"}}}
    await make_collection("things", document_schema=schema, schema_validation="warn")
    document = await make(api, price="high")
    assert document["_schema_violations"][0]["path"] == "price"
    put = await changed(api, document, document, "PUT")
    assert put["_schema_violations"] == document["_schema_violations"]
    after = await changed(api, document, {"price": 3})
    assert "_schema_violations" not in after
