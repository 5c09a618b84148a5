"""Upsert: all or nothing, replacement, lineage in any order, names of vectors, idempotency."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from headwater.store.commands.collections import SetLifecycle, UpdateCollection
from headwater.store.commands.namespaces import CreateNamespace

pytestmark = pytest.mark.anyio

Client = httpx2.AsyncClient
URL = "/v1/namespaces/test/documents/upsert"


def item(number: int, **more: Any) -> dict[str, Any]:
    return {
        "document_id": f"item_{number}",
        "vectors": {"embedding": [1.0, float(number), 0.5]},
        "payload": {"n": number},
        **more,
    }


async def upsert(client: Client, *documents: dict[str, Any], status: int = 200, **body: Any) -> dict[str, Any]:
    answer = await client.post(URL, json={"documents": list(documents), **body})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def get(client: Client, document_id: str, **query: Any) -> dict[str, Any]:
    answer = await client.get(f"/v1/documents/{document_id}", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def total(client: Client, collection: str = "_direct_upsert") -> int:
    answer = await client.get(f"/v1/collections/{collection}/documents/count")
    return int(answer.json()["count"]) if answer.status_code == 200 else 0


async def test_upsert_makes_the_system_collection_and_answers(client: Client) -> None:
    answer = await upsert(client, item(1), item(2), options={"write_token": True})
    assert answer["inserted"] == 2
    assert answer["document_ids"] == ["item_1", "item_2"]
    assert answer["write_token"].startswith("wt_")
    assert answer["dropped_payload_fields"] == {}
    assert answer["unsearchable_document_ids"] == []
    assert answer["consistency"]["write_token_available"] is True
    assert await total(client) == 2
    stored = await get(client, "item_1")
    assert stored["n"] == 1
    assert stored["searchable_at"] == stored["_internal"]["updated_at"]
    assert stored["_internal"]["lineage"] == {"source_type": "direct_upsert", "path": stored["collection_id"]}
    assert stored["_internal"]["metadata"] == {"ingestion_status": "COMPLETED"}
    assert (await upsert(client, item(3)))["write_token"] is None


async def test_all_forms_of_vectors_come_back(client: Client, collection: dict[str, Any]) -> None:
    vectors = {
        "dense": [0.5, 0.25],
        "sparse": {"indices": [4, 90], "values": [0.5, 1.25]},
        "multi": [[0.5, 1.0], [0.25, 2.0]],
    }
    await upsert(client, {"document_id": "v", "vectors": vectors}, collection_id="things")
    stored = await get(client, "v", return_vectors=True)
    assert {name: stored[name] for name in vectors} == vectors


async def test_replacing_keeps_row_and_creation(client: Client, runtime: Any) -> None:
    await upsert(client, item(1, payload={"a": 1}, metadata={"kept": False}), item(2))
    before = await get(client, "item_1")

    def rows() -> dict[str, int]:
        found = runtime.reader.connection.execute("SELECT document_id, document_row FROM documents")
        return dict(found.fetchall())

    rows_before = rows()
    again = {"document_id": "item_1", "vectors": {"embedding": [0.0, 0.0, 2.0]}, "payload": {"b": 2}}
    answer = await upsert(client, again, item(3))
    after = await get(client, "item_1", return_vectors=True)
    assert answer["inserted"] == 2
    assert rows_before.items() <= rows().items()
    assert "a" not in after
    assert after["b"] == 2
    assert after["embedding"] == [0.0, 0.0, 2.0]
    assert after["_internal"]["created_at"] == before["_internal"]["created_at"]
    assert after["_internal"]["metadata"] == {"ingestion_status": "COMPLETED"}
    assert await total(client) == 3


async def test_replacing_without_vectors_removes_the_point(client: Client, runtime: Any) -> None:
    await upsert(client, item(1))
    answer = await upsert(client, item(1, vectors={}))
    assert answer["unsearchable_document_ids"] == ["item_1"]
    assert (await get(client, "item_1", return_vectors=True))["_vectors"] == []
    assert runtime.reader.connection.execute("SELECT count(*) FROM tombstones").get == 1


async def test_an_id_of_another_collection_is_refused_with_its_place(
    client: Client, collection: dict[str, Any]
) -> None:
    await upsert(client, item(1), collection_id="things")
    answer = await upsert(client, item(2), item(1), status=409)
    assert answer["error"]["type"] == "AlreadyExistsError"
    assert answer["error"]["details"]["collection_id"] == collection["collection_id"]
    assert await total(client) == 0, "nothing of the batch is stored"


def _broken(**change: Any) -> Callable[[dict[str, Any]], None]:
    def apply(document: dict[str, Any]) -> None:
        for name, value in change.items():
            if value is KeyError:
                del document[name]
            else:
                document[name] = value

    return apply


_BROKEN = {
    "no id": (_broken(document_id=KeyError), ["document_id"]),
    "id is a number": (_broken(document_id=5), ["document_id"]),
    "empty id": (_broken(document_id=""), ["document_id"]),
    "id twice": (_broken(document_id="item_3"), ["document_id"]),
    "no vectors": (_broken(vectors=KeyError), ["vectors"]),
    "vectors is a list": (_broken(vectors=[1.0]), ["vectors"]),
    "empty vector": (_broken(vectors={"embedding": []}), ["vectors", "embedding"]),
    "text in a vector": (_broken(vectors={"embedding": [1.0, "x", 0.0]}), ["vectors", "embedding"]),
    "boolean in a vector": (_broken(vectors={"embedding": [1.0, True, 0.0]}), ["vectors", "embedding"]),
    "null in a vector": (_broken(vectors={"embedding": [1.0, None, 0.0]}), ["vectors", "embedding"]),
    "nested too deep": (_broken(vectors={"embedding": [[[1.0]]]}), ["vectors", "embedding"]),
    "1e39": (_broken(vectors={"embedding": [1e39, 0.0, 0.0]}), ["vectors", "embedding"]),
    "norm overflow": (_broken(vectors={"embedding": [3e38, 3e38, 3e38]}), ["vectors", "embedding"]),
    "all zero": (_broken(vectors={"embedding": [0.0, 0.0, 0.0]}), ["vectors", "embedding"]),
    "wrong length": (_broken(vectors={"embedding": [1.0, 2.0]}), ["vectors", "embedding"]),
    "another kind": (_broken(vectors={"embedding": {"indices": [1], "values": [1.0]}}), ["vectors", "embedding"]),
    "reserved vector name": (_broken(vectors={"document_id": [1.0]}), ["vectors", "document_id"]),
    "too wide": (_broken(vectors={"wide": [1.0] * 65_537}), ["vectors", "wide"]),
    "payload is a list": (_broken(payload=[]), ["payload"]),
    "metadata is text": (_broken(metadata="x"), ["metadata"]),
    "unknown key": (_broken(payloads={}), ["payloads"]),
    "unknown source_type": (_broken(source_type="x"), ["source_type"]),
    "step without extractor": (
        _broken(lineage_chain=[{"collection_id": "c"}]),
        ["lineage_chain", 0, "feature_extractor_id"],
    ),
    "acl with a number": (_broken(acl={"read": [1]}), ["acl", "read", 0]),
    "not an object": (None, []),
}


@pytest.mark.parametrize("case", _BROKEN)
async def test_one_wrong_document_of_a_hundred_stores_nothing(
    client: Client, collection: dict[str, Any], case: str
) -> None:
    documents: list[Any] = [item(number) for number in range(100)]
    apply, place = _BROKEN[case]
    if apply is None:
        documents[57] = "text"
    else:
        apply(documents[57])
    answer = await upsert(client, *documents, status=422, collection_id="things")
    location = answer["error"]["details"]["validation_errors"][0]["location"]
    assert location == ["body", "documents", 57, *place]
    assert await total(client, "things") == 0
    listed = await client.get("/v1/collections/things/documents")
    assert listed.json()["results"] == []


async def test_the_same_hundred_without_the_fault_are_stored(client: Client, collection: dict[str, Any]) -> None:
    await upsert(client, *(item(number) for number in range(100)), collection_id="things")
    assert await total(client, "things") == 100


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"documents": None}, ["body", "documents"]),
        ({"documents": {}}, ["body", "documents"]),
        ({"documents": [{}] * 1001}, ["body", "documents"]),
        ({"documents": [], "docs": []}, ["body", "docs"]),
        ({"documents": [], "options": {"writeToken": True}}, ["body", "options", "writeToken"]),
        ({"documents": [], "options": {"write_token": "yes"}}, ["body", "options", "write_token"]),
        ({"documents": [], "options": {"idempotency_key": "x" * 256}}, ["body", "options", "idempotency_key"]),
        ({"documents": [], "collection_id": 5}, ["body", "collection_id"]),
    ],
)
async def test_bodies_that_do_not_fit(client: Client, body: dict[str, Any], place: list[str]) -> None:
    answer = await client.post(URL, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"]["validation_errors"][0]["location"] == place


async def test_unknown_places_are_404(client: Client) -> None:
    await upsert(client, item(1), status=404, collection_id="nope")
    answer = await client.post("/v1/namespaces/ns_nope/documents/upsert", json={"documents": []})
    assert answer.status_code == 404


async def test_declared_vector_configs_are_strict(client: Client, runtime: Any, organization_id: str) -> None:
    configs = [{"name": "embedding", "dimension": 3, "metric": "cosine"}]
    await runtime.store.execute(
        CreateNamespace(
            organization_id=organization_id,
            namespace_id="ns_strict",
            namespace_name="strict",
            body={"vector_configs": configs},
        )
    )
    url = "/v1/namespaces/ns_strict/documents/upsert"
    unknown = item(2, vectors={"other": [1.0]})
    answer = await client.post(url, json={"documents": [item(1), unknown]})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["details"]["validation_errors"][0]["location"] == ["body", "documents", 1, "vectors", "other"]
    assert "embedding" in error["message"]
    fitting = await client.post(url, json={"documents": [item(1), item(2, vectors={})]})
    assert fitting.status_code == 200, fitting.text
    assert fitting.json()["unsearchable_document_ids"] == ["item_2"]


async def test_reserved_payload_names_are_reported(client: Client) -> None:
    payload = {"source_type": "web", "_internal": {}, "brand": "Acme", "metadata": {"status": "live"}}
    answer = await upsert(client, item(1, payload=payload, metadata={"tier": 1}))
    assert answer["dropped_payload_fields"] == {"item_1": ["source_type", "_internal"]}
    assert len(answer["warnings"]) == 1
    stored = await get(client, "item_1")
    assert (stored["brand"], stored["metadata"], stored["status"]) == ("Acme", {"status": "live"}, "live")
    assert stored["_internal"]["metadata"] == {"ingestion_status": "COMPLETED", "tier": 1}
    assert "tier" not in stored


async def test_acl_is_stored(client: Client) -> None:
    await upsert(client, item(1, acl={"read": ["alice"]}), item(2))
    assert (await get(client, "item_1"))["_internal"]["_acl"] == {"read": ["alice"], "write": [], "public": False}
    assert "_acl" not in (await get(client, "item_2"))["_internal"]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
@pytest.mark.parametrize("together", [True, False])
async def test_parents_may_come_after_their_children(client: Client, order: list[int], together: bool) -> None:
    tree = [
        item(0, source_type="bucket", root_object_id="obj_1", root_bucket_id="bkt_1"),
        item(1, source_document_id="item_0"),
        item(2, source_document_id="item_1"),
    ]
    documents = [tree[number] for number in order]
    for batch in [documents] if together else [[document] for document in documents]:
        await upsert(client, *batch)
    lineage = (await get(client, "item_2"))["_internal"]["lineage"]
    assert lineage["root_object_id"] == "obj_1"
    assert [step["document_id"] for step in lineage["chain"]] == ["item_0", "item_1", "item_2"]
    assert lineage["path"].startswith("bkt_1/")
    assert lineage["source_type"] == "direct_upsert"


async def test_cycles_in_one_batch_and_across_batches_are_refused(client: Client) -> None:
    around = [item(number, source_document_id=f"item_{(number + 1) % 3}") for number in range(3)]
    answer = await upsert(client, *around, item(9, source_document_id="item_0"), status=409)
    cycle = answer["error"]["details"]["cycle"]
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {"item_0", "item_1", "item_2"}
    await upsert(client, *around[:2])
    assert (await upsert(client, around[2], status=409))["error"]["code"] == "lineage_cycle"
    assert await total(client) == 2


async def test_frozen_collections_refuse(
    client: Client, runtime: Any, collection: dict[str, Any], organization_id: str
) -> None:
    await runtime.store.execute(
        SetLifecycle(
            organization_id=organization_id,
            namespace_row=collection["namespace_row"],
            collection_row=collection["collection_row"],
            lifecycle_state="frozen",
        )
    )
    answer = await upsert(client, item(1), status=409, collection_id="things")
    assert answer["error"]["code"] == "collection_frozen"


SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer", "maximum": 50}, "metadata": {"required": ["status"]}},
}


@pytest.mark.parametrize("mode", ["off", "warn", "strict"])
async def test_document_schema_off_warn_strict(
    client: Client, runtime: Any, collection: dict[str, Any], organization_id: str, mode: str
) -> None:
    await runtime.store.execute(
        UpdateCollection(
            organization_id=organization_id,
            namespace_row=collection["namespace_row"],
            collection_row=collection["collection_row"],
            changes={"document_schema": SCHEMA, "schema_validation": mode},
        )
    )
    wrong = item(57, payload={"n": 57, "metadata": {}})
    if mode == "strict":
        answer = await upsert(client, item(1), wrong, status=422, collection_id="things")
        errors = answer["error"]["details"]["validation_errors"]
        assert [error["location"] for error in errors] == [
            ["body", "documents", 1, "payload", "n"],
            ["body", "documents", 1, "payload", "metadata"],
        ]
        assert await total(client, "things") == 0
        return
    await upsert(client, item(1), wrong, collection_id="things")
    stored = await get(client, "item_57")
    found = [violation["path"] for violation in stored.get("_schema_violations", [])]
    assert found == ([] if mode == "off" else ["n", "metadata"])
    assert "_schema_violations" not in await get(client, "item_1")


async def test_the_same_key_does_the_work_once(client: Client) -> None:
    body = {"documents": [item(1), item(2)]}
    headers = {"Idempotency-Key": "once"}
    answers = await asyncio.gather(*(client.post(URL, json=body, headers=headers) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1, "byte for byte"
    sequence = (await client.get("/v1/documents/item_1")).headers["ETag"]
    again = await client.post(URL, json={"options": {"idempotency_key": "fresh"}, **body})
    assert again.status_code == 200
    assert (await client.get("/v1/documents/item_1")).headers["ETag"] != sequence, "another key writes again"
    replayed = await client.post(URL, json=body, headers=headers)
    assert replayed.content == answers[0].content


async def test_the_same_key_with_another_body_conflicts(client: Client) -> None:
    headers = {"Idempotency-Key": "once"}
    assert (await client.post(URL, json={"documents": [item(1)]}, headers=headers)).status_code == 200
    other = await client.post(URL, json={"documents": [item(2)]}, headers=headers)
    assert other.status_code == 409
    assert other.json()["error"]["type"] == "ConflictError"
    assert await total(client) == 1


async def test_a_refused_request_does_not_use_up_its_key(client: Client) -> None:
    headers = {"Idempotency-Key": "once"}
    wrong = await client.post(URL, json={"documents": [item(1, vectors={"embedding": "x"})]}, headers=headers)
    assert wrong.status_code == 422
    right = await client.post(URL, json={"documents": [item(1)]}, headers=headers)
    assert right.status_code == 200


async def test_two_different_keys_in_one_request_contradict_each_other(client: Client) -> None:
    body = {"documents": [item(1)], "options": {"idempotency_key": "a"}}
    answer = await client.post(URL, json=body, headers={"Idempotency-Key": "b"})
    assert answer.status_code == 400


@pytest.mark.parametrize("document_id", ["a\x00b", "\x00", "ünï/codé ✓ \U0001f600", 'a"b\\c', "' OR 1=1 --", "x" * 512])
async def test_ids_may_be_any_text(client: Client, document_id: str) -> None:
    for number in (1, 2):
        answer = await upsert(client, {**item(number), "document_id": document_id})
        assert answer["document_ids"] == [document_id]
    found = await client.post("/v1/documents/batch-get", json={"document_ids": [document_id, document_id[:-1] + "?"]})
    assert [document["n"] for document in found.json()["documents"]] == [2]
    assert found.json()["not_found"] == [document_id[:-1] + "?"]
    child = {**item(3), "document_id": "child", "source_document_id": document_id}
    await upsert(client, child)
    assert (await get(client, "child"))["_internal"]["lineage"]["chain"][0]["document_id"] == document_id
    assert await total(client) == 2
