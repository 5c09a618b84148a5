"""Making, changing and deleting objects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from .conftest import MakeBucket, MakeObject
from .test_buckets import error

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("bucket")]

OBJECTS = "/v1/buckets/things/objects"


async def test_a_new_object_is_shown_as_it_was_made(client: httpx2.AsyncClient, bucket: dict[str, Any]) -> None:
    body = {"title": "Runner", "metadata": {"category": "shoe"}, "key_prefix": "/shoes", "free": [1, {"a": None}]}
    made = (await client.post(OBJECTS, json=body)).json()
    assert made.pop("consistency")["poll"]["endpoint"].endswith(made["object_id"])
    assert made | body == made
    assert made["object_id"].startswith("obj_")
    assert made["bucket_id"] == bucket["bucket_id"]
    assert (made["status"], made["lifecycle_state"], made["blobs"]) == ("PENDING", "active", [])
    assert made["source_details"] == [{"type": "bucket", "source_id": bucket["bucket_id"]}]
    read = (await client.get(f"{OBJECTS}/{made['object_id']}")).json()
    assert read.pop("document_count") == 0
    assert read == made
    assert (await client.get("/v1/buckets/things")).json()["object_count"] == 1


async def test_an_object_of_another_bucket_or_namespace_is_not_there(
    client: httpx2.AsyncClient, make_bucket: MakeBucket, make_object: MakeObject
) -> None:
    made = await make_object(title="x")
    await make_bucket("other")
    for path in (f"/v1/buckets/other/objects/{made['object_id']}", f"{OBJECTS}/obj_nothing"):
        for method in ("GET", "DELETE"):
            answer = await client.request(method, path)
            assert error(answer)[:2] == (404, "object_not_found")
        assert error(await client.patch(path, json={"title": "y"}))[:2] == (404, "object_not_found")


async def test_documents_of_an_object_are_counted(
    client: httpx2.AsyncClient, collection: dict[str, Any], make_object: MakeObject
) -> None:
    made = await make_object(title="x")
    for _ in range(2):
        body = {"root_object_id": made["object_id"]}
        await client.post(f"/v1/collections/{collection['collection_id']}/documents", json=body)
    path = f"{OBJECTS}/{made['object_id']}"
    assert (await client.get(path)).json()["document_count"] == 2
    assert "document_count" not in (await client.get(f"{path}?include_document_count=false")).json()
    # Without cascade they stay.
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(f"/v1/collections/{collection['collection_id']}/documents/count")).json()["count"] == 2
    again = await make_object(title="x")
    await client.post(
        f"/v1/collections/{collection['collection_id']}/documents", json={"root_object_id": again["object_id"]}
    )
    assert (await client.delete(f"{OBJECTS}/{again['object_id']}?cascade=true")).status_code == 204
    assert (await client.get(f"/v1/collections/{collection['collection_id']}/documents/count")).json()["count"] == 2
    # An object that nothing was made of goes all the same.
    alone = await make_object(title="x")
    assert (await client.delete(f"{OBJECTS}/{alone['object_id']}?cascade=true")).status_code == 204


async def test_a_document_shows_its_root_object(
    client: httpx2.AsyncClient,
    collection: dict[str, Any],
    make_object: MakeObject,
    with_key: Callable[..., Awaitable[dict[str, str]]],
) -> None:
    made = await make_object(title="x", blobs=[{"property": "content", "type": "text", "data": "y"}])
    path = f"/v1/collections/{collection['collection_id']}/documents"
    document = (await client.post(path, json={"root_object_id": made["object_id"]})).json()
    one = f"{path}/{document['document_id']}?expand=root_object"
    shown = (await client.get(f"{one}&return_url=true")).json()["_expanded"]["root_object"]
    assert shown["title"] == "x"
    assert (await client.get(shown["blobs"][0]["presigned_url"])).content == b"y"
    # Whoever sees some of the documents sees no objects.
    narrow = await with_key(scopes=[{"resource_type": "collection", "resource_id": "things"}])
    assert (await client.get(one, headers=narrow)).json()["_expanded"] == {"root_object": None}
    await client.delete(f"{OBJECTS}/{made['object_id']}")
    assert (await client.get(one)).json()["_expanded"] == {"root_object": None}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"object_id": "obj_mine"}, ["body", "object_id"]),
        ({"_internal": {}}, ["body", "_internal"]),
        ({"lifecycle_state": "active"}, ["body", "lifecycle_state"]),
        ({"auto_process": True}, ["body", "auto_process"]),
        ({"title": 7}, ["body", "title"]),
        ({"price": True}, ["body", "price"]),
        ({"metadata": {"price": "7"}}, ["body", "metadata", "price"]),
        ({"picture": "no url"}, ["body", "picture"]),
        ({"blobs": [{"property": "nothing", "type": "text", "data": "x"}]}, ["body", "blobs", 0, "property"]),
        ({"blobs": [{"property": "title", "type": "number", "data": 7}]}, ["body", "blobs", 0, "type"]),
        ({"blobs": [{"property": "title", "type": "string", "data": 7}]}, ["body", "blobs", 0, "data"]),
        ({"blobs": [{"property": "title", "type": "string"}]}, ["body", "blobs", 0]),
        ({"blobs": [{"property": "title", "type": "string", "data": "x", "more": 1}]}, ["body", "blobs", 0, "more"]),
        (
            {"blobs": [{"property": "title", "type": "string", "data": "x", "checksum": "sha256:7"}]},
            ["body", "blobs", 0, "checksum"],
        ),
        ({"edges": [{"type": "x"}]}, ["body", "edges", 0, "target_object_id"]),
        ({"idempotency_key": "k" * 256}, ["body", "idempotency_key"]),
    ],
)
async def test_an_object_that_does_not_fit_is_refused(
    client: httpx2.AsyncClient, body: dict[str, Any], place: list[Any]
) -> None:
    answer = await client.post(OBJECTS, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"]["validation_errors"][0]["location"] == place
    assert (await client.get("/v1/buckets/things")).json()["object_count"] == 0


async def test_the_schema_requires_defaults_and_looks_inside(
    client: httpx2.AsyncClient, make_bucket: MakeBucket
) -> None:
    properties = {
        "id": {"type": "integer", "required": True},
        "kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
        "day": {"type": "date"},
        "at": {"type": "datetime"},
        "shop": {"type": "object", "properties": {"name": {"type": "string", "required": True}}},
        "tags": {"type": "array", "items": {"type": "string"}},
    }
    await make_bucket("strict", bucket_schema={"properties": properties})
    path = "/v1/buckets/strict/objects"
    made = (await client.post(path, json={"id": 7, "day": "2026-01-05", "at": "2026-01-05T10:00:00Z"})).json()
    assert made["kind"] == "a"
    wrong = {"kind": "c", "day": "5.1.2026", "at": "noon", "shop": {}, "tags": ["x", 7]}
    answer = await client.post(path, json=wrong)
    places = [item["location"][1:] for item in answer.json()["error"]["details"]["validation_errors"]]
    assert places == [["id"], ["kind"], ["day"], ["at"], ["shop", "name"], ["tags", 1]]
    assert (await client.post(path, json={"metadata": {"id": 7}})).status_code == 200


async def test_put_and_patch_set_fields(client: httpx2.AsyncClient, make_object: MakeObject) -> None:
    made = await make_object(title="x", metadata={"a": 1, "b": 2}, free=1)
    path = f"{OBJECTS}/{made['object_id']}"
    put = (await client.put(path, json={"metadata": {"a": 7, "free": 2, "new": 3}, "key_prefix": "/p"})).json()
    assert put["metadata"] == {"a": 7, "b": 2}
    assert (put["free"], put["new"], put["key_prefix"]) == (2, 3, "/p")
    patched = (await client.patch(path, json={"metadata": {"c": 1}, "free": None})).json()
    assert patched["metadata"] == {"c": 1}
    assert "free" not in patched
    assert patched["created_at"] == made["created_at"]
    assert (await client.put(path, json={"blobs": []})).status_code == 422
    assert (await client.patch(path, json={"status": "COMPLETED"})).status_code == 422
    assert (await client.patch(path, json={"title": 7})).status_code == 422
    read = (await client.get(f"{path}?include_document_count=false")).json()
    assert read == patched


async def test_blob_metadata_goes_to_the_root_where_it_is_free(client: httpx2.AsyncClient) -> None:
    blobs = [
        {"property": "title", "type": "STRING", "data": "x", "metadata": {"a": 1, "b": 1, "status": "no"}},
        {"property": "price", "type": "number", "data": 7, "metadata": {"b": 2, "c": 2}},
    ]
    made = (await client.post(OBJECTS, json={"a": 0, "blobs": blobs})).json()
    assert (made["a"], made["b"], made["c"], made["status"]) == (0, 1, 2, "PENDING")
    assert made["blobs"][1]["properties"]["value"] == 7


async def test_an_idempotency_key_answers_with_the_first_object(
    client: httpx2.AsyncClient, make_object: MakeObject, make_bucket: MakeBucket
) -> None:
    first = await make_object(title="x", idempotency_key="k")
    assert (await make_object(title="y", idempotency_key="k"))["object_id"] == first["object_id"]
    assert (await client.get(f"{OBJECTS}/{first['object_id']}")).json()["title"] == "x"
    await make_bucket("other")
    assert (await make_object("other", idempotency_key="k"))["object_id"] != first["object_id"]
    await client.delete(f"{OBJECTS}/{first['object_id']}")
    assert (await make_object(idempotency_key="k"))["object_id"] != first["object_id"]


class TestUniqueKeys:
    KEYED = "/v1/buckets/keyed/objects"

    @pytest.fixture(autouse=True)
    async def keyed(self, make_bucket: MakeBucket) -> None:
        await make_bucket("keyed", unique_key={"fields": ["title", "price"]})

    async def test_each_policy_does_what_it_says(self, client: httpx2.AsyncClient) -> None:
        body = {"title": "x", "price": 1}
        assert error(await client.post(self.KEYED, json=body))[:2] == (400, "policy_required")
        missing = await client.post(f"{self.KEYED}?policy=update", json=body)
        assert error(missing)[:2] == (404, "object_not_found")
        made = (await client.post(f"{self.KEYED}?policy=insert", json=body)).json()
        taken = await client.post(f"{self.KEYED}?policy=insert", json={"price": 1.0, "title": "x"})
        assert error(taken)[:2] == (409, "unique_key_taken")
        assert taken.json()["error"]["details"]["existing_object_id"] == made["object_id"]
        for number, policy in enumerate(("update", "upsert")):
            answer = await client.post(f"{self.KEYED}?policy={policy}", json=body | {"n": number})
            assert answer.json()["object_id"] == made["object_id"]
            assert answer.json()["n"] == number
        other = (await client.post(f"{self.KEYED}?policy=upsert", json=body | {"price": 2})).json()
        assert other["object_id"] != made["object_id"]

    async def test_a_key_may_come_as_blobs(self, client: httpx2.AsyncClient) -> None:
        path = f"{self.KEYED}?policy=upsert"
        made = (await client.post(path, json={"title": "x", "price": 1})).json()
        blobs = [{"property": "price", "type": "number", "data": 1}]
        same = (await client.post(path, json={"title": "x", "blobs": blobs})).json()
        assert same["object_id"] == made["object_id"]
        kept = f"{self.KEYED}/{made['object_id']}"
        assert (await client.patch(kept, json={"free": 1})).status_code == 200

    @pytest.mark.parametrize("value", [None, "", "x" * 256])
    async def test_a_key_wants_values(self, client: httpx2.AsyncClient, value: Any) -> None:
        answer = await client.post(f"{self.KEYED}?policy=insert", json={"title": value, "price": 1})
        assert error(answer)[0] == 422

    async def test_the_fields_of_the_key_never_change(self, client: httpx2.AsyncClient) -> None:
        body = {"title": "x", "price": 1}
        made = (await client.post(f"{self.KEYED}?policy=insert", json=body)).json()
        path = f"{self.KEYED}/{made['object_id']}"
        assert error(await client.patch(path, json={"title": "y"}))[:2] == (422, "unique_key_fixed")
        assert (await client.patch(path, json={"title": "x", "free": 1})).json()["free"] == 1
        # What is deleted gives its key back.
        await client.delete(path)
        assert (await client.post(f"{self.KEYED}?policy=insert", json=body)).status_code == 200

    async def test_one_of_many_racing_inserts_wins(self, client: httpx2.AsyncClient) -> None:
        body = {"title": "x", "price": 1}
        race = [client.post(f"{self.KEYED}?policy=insert", json=body) for _ in range(8)]
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*race))
        assert statuses == [200] + [409] * 7
        upserts = [client.post(f"{self.KEYED}?policy=upsert", json=body | {"n": n}) for n in range(8)]
        made = {answer.json()["object_id"] for answer in await asyncio.gather(*upserts)}
        assert len(made) == 1
        assert (await client.get("/v1/buckets/keyed")).json()["object_count"] == 1
