"""Making, changing, listing and deleting buckets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from headwater.store.purge_job import purge_collection, purge_namespace

from .conftest import SCHEMA, MakeBucket, MakeObject

pytestmark = pytest.mark.anyio


def error(answer: httpx2.Response) -> tuple[int, str | None, str]:
    body = answer.json()["error"]
    return answer.status_code, body.get("code"), body["message"]


async def test_a_new_bucket_is_shown_as_it_was_made(client: httpx2.AsyncClient) -> None:
    body = {
        "name": "films",
        "schema": {"properties": {"Titel": {"type": "STRING", "required": True, "ours": 1}}, "more": [1]},
        "description": "Trailers",
        "metadata": {"team": "x"},
        "unique_key": {"fields": ["Titel"], "default_policy": "upsert"},
    }
    made = (await client.post("/v1/buckets", json=body)).json()
    assert made["bucket_id"].startswith("bkt_")
    assert made["bucket_schema"] == {
        "properties": {"Titel": {"type": "string", "required": True, "ours": 1}},
        "more": [1],
    }
    assert (made["object_count"], made["total_size_bytes"], made["status"]) == (0, 0, "ACTIVE")
    for identifier in ("films", made["bucket_id"]):
        assert (await client.get(f"/v1/buckets/{identifier}")).json() == made


async def test_a_name_is_taken_in_its_namespace_only(
    client: httpx2.AsyncClient, bucket: dict[str, Any], make_bucket: MakeBucket
) -> None:
    again = await client.post("/v1/buckets", json={"bucket_name": "things", "bucket_schema": SCHEMA})
    assert error(again)[:2] == (409, "bucket_name_taken")
    # A collection may have the name, and another namespace's bucket too.
    collection = {"collection_name": "things", "source": {"type": "none"}}
    assert (await client.post("/v1/collections", json=collection)).status_code == 200
    await client.post("/v1/namespaces", json={"namespace_name": "other"})
    client.headers["X-Namespace"] = "other"
    assert (await make_bucket())["bucket_id"] != bucket["bucket_id"]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"properties": {"a": {"type": "keyword"}}}, "'string'"),
        ({"properties": {"a": {"type": "document"}}}, "'pdf'"),
        ({"properties": {"a": {"type": "JSON"}}}, "'object'"),
        ({"properties": {"a": {"type": "binary"}}}, "types are"),
        ({"properties": {"a": {"type": 7}}}, "types are"),
        ({"properties": {"a": "string"}}, "a field is an object"),
        ({"properties": {"a": {"type": "string", "required": "yes"}}}, "required"),
        ({"properties": {"a": {"type": "string", "enum": "x"}}}, "enum"),
        ({"properties": {"a": {"type": "array", "items": {"type": "x"}}}}, "types are"),
        ({"properties": {"a": {"type": "object", "properties": []}}}, "properties"),
        ({"properties": {"a": {"type": "integer", "default": "many"}}}, "whole number"),
        ({"properties": {"a": {"type": "string", "enum": ["x"], "default": "y"}}}, "one of"),
        ({"properties": {"object_id": {"type": "string"}}}, "member of every object"),
        ({"properties": {"key_prefix": {"type": "string"}}}, "member of every object"),
        ({"properties": {"a\x00": {"type": "string"}}}, "printable"),
        ({"properties": {"": {"type": "string"}}}, "printable"),
        ({"properties": {"a" * 101: {"type": "string"}}}, "printable"),
        ({"properties": {f"f{number}": {"type": "string"} for number in range(10_000)}}, "1000 fields"),
        ({"properties": []}, "a schema is"),
        ({}, "a schema is"),
    ],
)
async def test_a_schema_that_is_none_is_refused(client: httpx2.AsyncClient, schema: Any, said: str) -> None:
    answer = await client.post("/v1/buckets", json={"bucket_name": "b", "bucket_schema": schema})
    assert answer.status_code == 422, answer.text
    assert said in answer.json()["error"]["message"]
    assert (await client.get("/v1/buckets")).json()["total_count"] == 0


async def test_deep_schemas_are_refused(client: httpx2.AsyncClient) -> None:
    field: dict[str, Any] = {"type": "string"}
    for _ in range(20):
        field = {"type": "object", "properties": {"a": field}}
    answer = await client.post("/v1/buckets", json={"bucket_name": "b", "bucket_schema": {"properties": {"a": field}}})
    assert answer.status_code == 422
    assert "deep" in answer.json()["error"]["message"]


@pytest.mark.parametrize("fields", [["nothing"], ["content"], ["title", "title"], []])
async def test_a_unique_key_of_other_fields_is_refused(client: httpx2.AsyncClient, fields: list[str]) -> None:
    body = {"bucket_name": "b", "bucket_schema": SCHEMA, "unique_key": {"fields": fields}}
    assert (await client.post("/v1/buckets", json=body)).status_code == 422


@pytest.mark.parametrize("name", ["destination", "ingest_filter", "source_adapter", "storage_class"])
async def test_what_is_not_built_is_not_promised(client: httpx2.AsyncClient, name: str) -> None:
    value = "archive" if name == "storage_class" else {"connection_id": "conn_1"}
    body = {"bucket_name": "b", "bucket_schema": SCHEMA, name: value}
    assert (await client.post("/v1/buckets", json=body)).status_code == 403


async def test_update_changes_what_is_sent(client: httpx2.AsyncClient, bucket: dict[str, Any]) -> None:
    changed = (await client.put("/v1/buckets/things", json={"name": "stuff", "metadata": {"a": 1}})).json()
    assert changed["bucket_name"] == "stuff"
    assert changed["metadata"] == {"a": 1}
    assert changed["bucket_schema"] == bucket["bucket_schema"]
    assert (await client.get("/v1/buckets/things")).status_code == 404
    patched = (await client.patch("/v1/buckets/stuff", json={"metadata": {"b": 2}})).json()
    assert patched["metadata"] == {"b": 2}


@pytest.mark.parametrize(
    ("field", "breaks"),
    [
        ({"type": "string"}, False),
        ({"type": "string", "required": True}, True),
        ({"type": "number"}, True),
        (None, True),
    ],
)
async def test_a_schema_that_breaks_objects_wants_force(
    client: httpx2.AsyncClient, bucket: dict[str, Any], field: Any, breaks: bool
) -> None:
    properties = {**SCHEMA["properties"], "new": {"type": "integer"}} | {"title": field}
    schema = {"properties": {name: value for name, value in properties.items() if value is not None}}
    answer = await client.put("/v1/buckets/things", json={"bucket_schema": schema})
    if not breaks:
        assert answer.status_code == 200
        return
    status, code, message = error(answer)
    assert (status, code) == (409, "schema_break")
    assert "title" in message
    forced = await client.put("/v1/buckets/things?force_schema_break=true", json={"bucket_schema": schema})
    assert forced.json()["bucket_schema"] == schema


async def test_only_the_policy_of_a_unique_key_changes(client: httpx2.AsyncClient, make_bucket: MakeBucket) -> None:
    await make_bucket("keyed", unique_key={"fields": ["title", "price"]})
    same = {"unique_key": {"fields": ["price", "title"], "default_policy": "insert"}}
    changed = (await client.patch("/v1/buckets/keyed", json=same)).json()
    assert changed["unique_key"] == {"fields": ["title", "price"], "default_policy": "insert"}
    other = await client.patch("/v1/buckets/keyed", json={"unique_key": {"fields": ["title"]}})
    assert error(other)[:2] == (422, "unique_key_fixed")
    dropped = await client.patch(
        "/v1/buckets/keyed?force_schema_break=true", json={"bucket_schema": {"properties": {}}}
    )
    assert dropped.status_code == 422
    await make_bucket("plain")
    added = await client.patch("/v1/buckets/plain", json={"unique_key": {"fields": ["title"]}})
    assert error(added)[:2] == (422, "unique_key_fixed")


async def test_list_filters_sorts_and_counts(
    client: httpx2.AsyncClient, make_bucket: MakeBucket, make_object: MakeObject
) -> None:
    for name in ("apples", "berries", "cherries"):
        await make_bucket(name, metadata={"team": name[0]})
    await make_object("berries", title="x")
    listed = (await client.get("/v1/buckets?include_total=true")).json()
    assert [item["bucket_name"] for item in listed["results"]] == ["cherries", "berries", "apples"]
    assert listed["stats"] == {
        "total_objects": 1,
        "total_size_bytes": 0,
        "avg_objects_per_bucket": 1 / 3,
        "avg_size_per_bucket": 0.0,
    }
    body = {
        "sort": {"field": "bucket_name"},
        "filters": {"field": "metadata.team", "operator": "in", "value": ["a", "b"]},
        "limit": 1,
    }
    first = (await client.post("/v1/buckets/list", json=body)).json()
    assert [item["bucket_name"] for item in first["results"]] == ["apples"]
    assert first["total_count"] == 2
    rest = await client.post("/v1/buckets/list", json=body | {"cursor": first["pagination"]["next_cursor"]})
    assert [item["object_count"] for item in rest.json()["results"]] == [1]
    assert (await client.post("/v1/buckets/list")).json()["total_count"] == 3
    assert (await client.get("/v1/buckets?search=BERR")).json()["results"][0]["bucket_name"] == "berries"


async def test_a_namespace_that_is_none_has_an_empty_list(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v1/buckets", headers={"X-Namespace": "nowhere"})
    assert answer.headers["X-Namespace-Unresolved"] == "true"
    assert answer.json()["results"] == []


async def test_delete_hides_at_once_and_a_task_removes_the_rest(
    client: httpx2.AsyncClient, runtime: Any, bucket: dict[str, Any], make_bucket: MakeBucket, make_object: MakeObject
) -> None:
    blob = {"property": "content", "type": "text", "data": "x"}
    made = await make_object(title="x", idempotency_key="k", blobs=[blob])
    deleted = (await client.delete("/v1/buckets/things")).json()
    assert deleted["object_count"] == 1
    assert deleted["bucket_id"] == bucket["bucket_id"]
    assert (await client.get(f"/v1/tasks/{deleted['task_id']}")).json()["task_type"] == "api_buckets_delete"
    for path in ("/v1/buckets/things", f"/v1/buckets/{bucket['bucket_id']}/objects/{made['object_id']}"):
        assert (await client.get(path)).status_code == 404
    # The name is free while the old objects are still being removed.
    await make_bucket()
    await make_object(title="x", idempotency_key="k")
    rows = dict(runtime.reader.connection.execute("SELECT collection_id, collection_row FROM collections"))
    await purge_collection(runtime.store, {"collection_row": rows[bucket["bucket_id"]]})
    assert _left(runtime) == {"documents": 1, "object_keys": 1, "bucket_stats": 1, "collections": 1, "blob_uses": 0}
    assert runtime.reader.connection.execute("SELECT count(*) FROM blobs WHERE unused_since IS NULL").get == 0


def _left(runtime: Any) -> dict[str, int]:
    tables = ("documents", "object_keys", "bucket_stats", "collections", "blob_uses")
    return {name: runtime.reader.connection.execute(f"SELECT count(*) FROM {name}").get for name in tables}


async def test_a_namespace_that_is_deleted_takes_its_buckets_along(
    client: httpx2.AsyncClient, runtime: Any, bucket: dict[str, Any], make_object: MakeObject
) -> None:
    await make_object(title="x", idempotency_key="k")
    deleted = (await client.delete(f"/v1/namespaces/{client.headers['X-Namespace']}")).json()
    assert (await client.get(f"/v1/buckets/{bucket['bucket_id']}")).status_code == 404
    tasks = (await client.post("/v1/tasks/list", json={}, headers={"X-Namespace": ""})).json()["results"]
    assert [task["task_id"] for task in tasks] == [deleted["task_id"]]
    for (row,) in runtime.reader.connection.execute("SELECT namespace_row FROM namespaces").fetchall():
        await purge_namespace(runtime.store, {"namespace_row": row})
    assert not any(_left(runtime).values())
    assert runtime.reader.connection.execute("SELECT count(*) FROM namespaces").get == 0


async def test_the_companion_is_no_namespace(
    client: httpx2.AsyncClient, bucket: dict[str, Any], make_object: MakeObject
) -> None:
    made = await make_object(title="x")
    listed = (await client.get("/v1/namespaces")).json()["results"]
    assert len(listed) == 1
    assert listed[0]["bucket_count"] == 1
    assert listed[0]["document_count"] == 0
    assert (await client.get("/v1/collections")).json()["total_count"] == 0
    assert (await client.get(f"/v1/collections/{bucket['bucket_id']}")).status_code == 404
    assert (await client.get(f"/v1/documents/{made['object_id']}")).status_code == 404
    assert (await client.post("/v1/documents/list", json={})).json()["results"] == []


async def test_a_key_of_one_bucket_reaches_that_bucket(
    client: httpx2.AsyncClient,
    bucket: dict[str, Any],
    make_bucket: MakeBucket,
    with_key: Callable[..., Awaitable[dict[str, str]]],
) -> None:
    await make_bucket("other")
    scope = {"resource_type": "bucket", "resource_id": bucket["bucket_id"]}
    headers = await with_key(scopes=[scope])
    assert (await client.get("/v1/buckets/things", headers=headers)).status_code == 200
    made = await client.post("/v1/buckets/things/objects", json={"title": "x"}, headers=headers)
    assert made.status_code == 200
    for path in ("/v1/buckets/other", "/v1/buckets", "/v1/collections"):
        assert (await client.get(path, headers=headers)).status_code == 403, path
    # A scope of a collection with the same name is no scope of the bucket.
    other = await with_key(scopes=[{"resource_type": "collection", "resource_id": "things"}])
    assert (await client.get("/v1/buckets/things", headers=other)).status_code == 403


async def test_keys_of_end_users_are_refused(
    client: httpx2.AsyncClient, bucket: dict[str, Any], with_key: Callable[..., Awaitable[dict[str, str]]]
) -> None:
    headers = await with_key(principal_id="anna")
    answer = await client.get("/v1/buckets/things", headers=headers)
    assert error(answer)[:2] == (403, "principal_key")
