"""Batch update and batch delete of documents that are named: each for itself, and honest counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from headwater.catalog.tables.collections import Collection
from headwater.errors import ServiceUnavailableError
from headwater.runtime import Runtime
from headwater.store.commands.batches import DeleteDocuments, DocumentUpdate, UpdateDocuments
from headwater.store.documents.update_data import parse_update
from tests.documents.conftest import MakeCollection, vector_index

pytestmark = pytest.mark.anyio

PATH = "/v1/collections/things/documents"
NOT_FOUND = "Document not found"


async def make(api: httpx2.AsyncClient, document_id: str, path: str = PATH, **body: Any) -> None:
    answer = await api.post(path, json={"document_id": document_id, **body})
    assert answer.status_code == 200, answer.text


async def read(api: httpx2.AsyncClient, document_id: str, path: str = PATH) -> dict[str, Any]:
    answer = await api.get(f"{path}/{document_id}")
    return dict(answer.json()) if answer.status_code == 200 else {}


async def update(api: httpx2.AsyncClient, *updates: tuple[str, dict[str, Any]], path: str = PATH) -> dict[str, Any]:
    listed = [{"document_id": document_id, "update_data": update_data} for document_id, update_data in updates]
    answer = await api.post(f"{path}/batch", json={"updates": listed})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def delete(api: httpx2.AsyncClient, *document_ids: str, path: str = PATH) -> dict[str, Any]:
    answer = await api.request("DELETE", f"{path}/batch", json={"document_ids": list(document_ids)})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def outcomes(answer: dict[str, Any]) -> list[tuple[str, str | None]]:
    assert all(result["success"] == (result["error"] is None) for result in answer["results"])
    return [(result["document_id"], result["error"]) for result in answer["results"]]


async def count(api: httpx2.AsyncClient) -> int:
    return int((await api.get(f"{PATH}/count")).json()["count"])


async def test_each_document_gets_its_own_update(api: httpx2.AsyncClient, things: Collection) -> None:
    await make(api, "a", metadata={"x": 1, "y": 1}, brand="Acme")
    await make(api, "b", metadata={"x": 1, "y": 1})
    answer = await update(
        api, ("a", {"metadata.x": 2}), ("nope", {"z": 1}), ("b", {"metadata": {"y": 2}, "brand": None})
    )
    assert outcomes(answer) == [("a", None), ("nope", NOT_FOUND), ("b", None)]
    assert (answer["updated_count"], answer["failed_count"]) == (2, 1)
    assert answer["message"] == "Updated 2 document(s), 1 failed"
    a, b = await read(api, "a"), await read(api, "b")
    assert (a["metadata"], a["x"], a["y"], a["brand"]) == ({"x": 2, "y": 1}, 2, 1, "Acme")
    assert (b["metadata"], b["y"], b["brand"]) == ({"y": 2}, 2, None)
    assert "x" not in b


async def test_an_update_is_a_new_version_with_a_time_of_its_own(api: httpx2.AsyncClient, things: Collection) -> None:
    await make(api, "a", n=1)
    before = await api.get(f"{PATH}/a")
    await update(api, ("a", {"n": 2}))
    after = await api.get(f"{PATH}/a")
    assert after.headers["etag"] != before.headers["etag"]
    assert after.json()["searchable_at"] == after.json()["_internal"]["updated_at"]
    assert after.json()["_internal"]["created_at"] == before.json()["_internal"]["created_at"]
    await update(api, ("a", {}))
    assert (await api.get(f"{PATH}/a")).content == after.content


async def test_updates_of_one_document_apply_in_their_order(api: httpx2.AsyncClient, things: Collection) -> None:
    await make(api, "a", n=0)
    answer = await update(api, *(("a", {"n": number, f"seen.s{number}": number}) for number in range(450)))
    assert answer["updated_count"] == 450
    document = await read(api, "a")
    assert document["n"] == 449
    assert list(document["seen"].values()) == list(range(450))


async def test_a_document_deleted_twice_in_one_request_is_deleted_once(
    api: httpx2.AsyncClient, things: Collection
) -> None:
    for name in ("a", "b", "c"):
        await make(api, name)
    answer = await delete(api, "a", "nope", "a", "b")
    assert outcomes(answer) == [("a", None), ("nope", NOT_FOUND), ("b", None)]
    assert (answer["deleted_count"], answer["failed_count"]) == (2, 1)
    assert (answer["task_id"], answer["status"], answer["limits"]) == (None, None, None)
    assert (await count(api), await read(api, "a")) == (1, {})


async def test_another_collections_document_is_not_found(
    api: httpx2.AsyncClient, things: Collection, make_collection: MakeCollection
) -> None:
    await make_collection("others")
    await make(api, "theirs", "/v1/collections/others/documents", n=1)
    assert outcomes(await update(api, ("theirs", {"n": 2}))) == [("theirs", NOT_FOUND)]
    assert outcomes(await delete(api, "theirs")) == [("theirs", NOT_FOUND)]
    assert (await read(api, "theirs", "/v1/collections/others/documents"))["n"] == 1


async def test_a_violated_schema_fails_that_document_only(
    api: httpx2.AsyncClient, make_collection: MakeCollection
) -> None:
    schema = {"properties": {"n": {"type": "integer"}}}
    await make_collection("things", document_schema=schema, schema_validation="strict")
    await make(api, "a", n=1)
    await make(api, "b", n=1)
    answer = await update(api, ("a", {"n": "one"}), ("b", {"n": 2}))
    (first, second) = outcomes(answer)
    assert first[1] is not None and "'one' is not of type 'integer'" in first[1]
    assert second == ("b", None)
    assert ((await read(api, "a"))["n"], (await read(api, "b"))["n"]) == (1, 2)


async def test_a_lineage_cycle_fails_that_document_only(api: httpx2.AsyncClient, things: Collection) -> None:
    await make(api, "parent", root_object_id="obj_1")
    await make(api, "child", source_document_id="parent")
    before = await read(api, "parent")
    answer = await update(api, ("parent", {"source_document_id": "child", "n": 1}), ("child", {"n": 1}))
    ((_, error), second) = outcomes(answer)
    assert error is not None and "lineage cycle" in error
    assert second == ("child", None)
    assert await read(api, "parent") == before
    await update(api, ("parent", {"root_object_id": "obj_2"}))
    assert (await read(api, "child"))["_internal"]["lineage"]["root_object_id"] == "obj_2"


async def test_a_dotted_key_through_text_fails_that_document_only(api: httpx2.AsyncClient, things: Collection) -> None:
    await make(api, "a", brand="Acme")
    await make(api, "b", brand={"name": "Acme", "since": 1950})
    answer = await update(api, ("a", {"n": 1, "brand.name": "B"}), ("b", {"brand.name": "B"}))
    assert answer["updated_count"] == 1
    assert "n" not in await read(api, "a")
    assert (await read(api, "b"))["brand"] == {"name": "B", "since": 1950}


async def test_vectors_stay_as_they_are(
    api: httpx2.AsyncClient, make_collection: MakeCollection, runtime: Runtime
) -> None:
    await make_collection("things", vectors=[vector_index("text_extractor_v1_embedding")])
    feature = {"feature_extractor_id": "text_extractor_v1", "payload": {"t": "x"}, "vectors": {"embedding": [1, 2, 3]}}
    await make(api, "a", features=[feature])
    before = runtime.reader.connection.execute("SELECT sequence, data FROM vectors").fetchall()
    assert (await update(api, ("a", {"t": "y"})))["updated_count"] == 1
    assert runtime.reader.connection.execute("SELECT sequence, data FROM vectors").fetchall() == before
    await delete(api, "a")
    assert runtime.reader.connection.execute("SELECT count(*) FROM vectors").get == 0


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, []),
        ({"filters": {"a": 1}}, ["update_data"]),
        ({"update_data": {"a": 1}}, ["filters"]),
        ({"updates": [{"document_id": "a", "update_data": {"n": 2}}], "update_data": {"n": 2}}, []),
        ({"updates": [{"document_id": "a", "update_data": {"n": 2}}], "filters": {"n": 1}}, []),
        ({"updates": []}, ["updates"]),
        ({"updates": [{"document_id": "a", "update_data": {"n": 2}}] * 1001}, ["updates"]),
        ({"updates": [{"document_id": "a", "update_data": {"n": 2}}], "filter": {}}, ["filter"]),
        ({"updates": [{"document_id": "a", "update_data": {"n": 2}}, {"document_id": "a"}]}, ["updates", 1]),
        ({"updates": [{"document_id": "a", "update_data": {"n": 2}}, {"id": "a", "update_data": {}}]}, ["updates", 1]),
        ({"updates": [{"document_id": 7, "update_data": {"n": 2}}]}, ["updates", 0, "document_id"]),
        ({"updates": [{"document_id": "a", "update_data": [1]}]}, ["updates", 0, "update_data"]),
        (
            {
                "updates": [
                    {"document_id": "a", "update_data": {"n": 2}},
                    {"document_id": "a", "update_data": {"vectors": {"e": [1]}}},
                ]
            },
            ["updates", 1, "update_data", "vectors"],
        ),
    ],
)
async def test_a_malformed_update_changes_nothing(
    api: httpx2.AsyncClient, things: Collection, body: dict[str, Any], place: list[str | int]
) -> None:
    await make(api, "a", n=1)
    answer = await api.post(f"{PATH}/batch", json=body)
    assert answer.status_code == 422, answer.text
    items = answer.json()["error"]["details"]["validation_errors"]
    assert ["body", *place] in [item["location"][: len(place) + 1] for item in items]
    assert (await read(api, "a"))["n"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"document_ids": []},
        {"document_ids": ["a"] * 1001},
        {"document_ids": ["a"], "filters": {"n": 1}},
        {"document_ids": "a"},
        {"document_ids": ["a", None]},
        {"document_ids": ["a"], "filter": {"n": 2}},
        {"ids": ["a"]},
        {"document_ids": ["a"], "reason": "r" * 501},
        {"filters": ["a"]},
        {"reason": "spring cleaning"},
    ],
)
async def test_a_malformed_delete_deletes_nothing(
    api: httpx2.AsyncClient, things: Collection, body: dict[str, Any]
) -> None:
    await make(api, "a", n=1)
    answer = await api.request("DELETE", f"{PATH}/batch", json=body)
    assert answer.status_code == 422, answer.text
    assert await count(api) == 1


async def test_a_typo_names_what_is_accepted(api: httpx2.AsyncClient, things: Collection) -> None:
    answer = await api.request("DELETE", f"{PATH}/batch", json={"filter": {"n": 1}})
    [item] = answer.json()["error"]["details"]["validation_errors"]
    assert (item["type"], item["location"]) == ("extra_forbidden", ["body", "filter"])
    assert "document_ids, filters, reason" in item["message"]


async def test_a_frozen_collection_refuses_all_before_anything(
    api: httpx2.AsyncClient, things: Collection, freeze: Callable[[Collection], Awaitable[None]]
) -> None:
    await make(api, "a", n=1)
    await freeze(things)
    body = {"updates": [{"document_id": "a", "update_data": {"n": 2}}]}
    for answer in (
        await api.post(f"{PATH}/batch", json=body),
        await api.request("DELETE", f"{PATH}/batch", json={"document_ids": ["a"]}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "collection_frozen")
    assert (await read(api, "a"))["n"] == 1


async def test_a_missing_collection_is_not_found(api: httpx2.AsyncClient, things: Collection) -> None:
    body = {"updates": [{"document_id": "a", "update_data": {"n": 2}}]}
    answer = await api.post("/v1/collections/nope/documents/batch", json=body)
    assert (answer.status_code, answer.json()["error"]["details"]["resource"]) == (404, "collection")


async def test_what_was_changed_is_told_when_a_later_part_fails(
    api: httpx2.AsyncClient, things: Collection, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(450):
        await make(api, f"d{number}", n=0)
    execute, parts = runtime.store.execute, []

    async def busy(command: Any) -> Any:
        if isinstance(command, UpdateDocuments):
            parts.append(len(command.updates))
            if len(parts) == 2:
                raise ServiceUnavailableError("the queue is full")
        return await execute(command)

    monkeypatch.setattr(runtime.store, "execute", busy)
    answer = await update(api, *((f"d{number}", {"n": 1}) for number in range(450)))
    assert parts == [200, 200]
    assert (answer["updated_count"], answer["failed_count"]) == (200, 250)
    assert answer["results"][199]["success"] and answer["results"][200]["error"] == "the queue is full"
    assert answer["results"][449]["error"] == "Not tried: the queue is full"
    assert [(await read(api, name))["n"] for name in ("d0", "d199", "d200", "d449")] == [1, 1, 0, 0]


async def test_two_clients_on_the_same_documents_lose_no_update(api: httpx2.AsyncClient, things: Collection) -> None:
    names = [f"d{number}" for number in range(300)]
    for name in names:
        await make(api, name, metadata={})
    rounds = [update(api, *((name, {f"metadata.client{client}": 1}) for name in names)) for client in range(4)]
    answers = await asyncio.gather(*rounds)
    assert [answer["updated_count"] for answer in answers] == [300] * 4
    for name in names:
        assert (await read(api, name))["metadata"] == {f"client{client}": 1 for client in range(4)}


async def test_a_document_is_deleted_by_exactly_one_of_many_clients(
    api: httpx2.AsyncClient, things: Collection
) -> None:
    names = [f"d{number}" for number in range(250)]
    for name in names:
        await make(api, name)
    answers = await asyncio.gather(*(delete(api, *names) for _ in range(4)))
    assert sum(answer["deleted_count"] for answer in answers) == 250
    assert sum(answer["failed_count"] for answer in answers) == 750
    assert await count(api) == 0


async def test_a_principal_changes_what_it_may_and_sees_no_more(
    api: httpx2.AsyncClient, things: Collection, runtime: Runtime
) -> None:
    acls = {"hidden": {}, "seen": {"read": ["ann"]}, "theirs": {"write": ["ann"]}, "open": {"public": True}}
    listed = [{"document_id": name, "vectors": {}, "payload": {"n": 1}, "acl": acl} for name, acl in acls.items()]
    body = {"collection_id": "things", "documents": listed}
    assert (await api.post("/v1/namespaces/ns_test/documents/upsert", json=body)).status_code == 200
    await make(api, "plain")
    names = ["plain", *acls, "nope"]
    place = {"namespace_row": things.namespace_row, "collection_row": things.collection_row, "principal": "ann"}
    updates = [DocumentUpdate(name, parse_update({"n": 2}, (), [])) for name in names]
    updated = (await runtime.store.execute(UpdateDocuments(updates=updates, **place)))["errors"]
    deleted = (await runtime.store.execute(DeleteDocuments(document_ids=names, **place)))["errors"]
    for errors in (updated, deleted):
        found = dict(zip(names, errors, strict=True))
        assert found["plain"] == found["hidden"] == found["nope"] == NOT_FOUND
        assert found["theirs"] is None
        assert "may read" in found["seen"] and "may read" in found["open"]
    assert [(await read(api, name)).get("n") for name in acls] == [1, 1, None, 1]
