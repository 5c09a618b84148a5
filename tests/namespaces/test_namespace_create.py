"""Creating, getting and changing namespaces."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import httpx2
import pytest

from headwater.runtime import Runtime

pytestmark = pytest.mark.anyio


async def create(client: httpx2.AsyncClient, name: str = "products", **body: Any) -> httpx2.Response:
    return await client.post("/v1/namespaces", json={"namespace_name": name, **body})


async def made(client: httpx2.AsyncClient, name: str = "products", **body: Any) -> dict[str, Any]:
    answer = await create(client, name, **body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def stored_names(runtime: Runtime) -> list[str]:
    rows = runtime.reader.connection.execute("SELECT namespace_name FROM namespaces WHERE state = 'active'")
    return sorted(name for (name,) in rows)


async def test_a_namespace_is_found_by_id_and_by_name(client: httpx2.AsyncClient) -> None:
    namespace = await made(client, description="The shop")
    assert namespace["namespace_id"].startswith("ns_")
    assert [entry["feature_extractor_id"] for entry in namespace["feature_extractors"]] == ["passthrough_extractor_v1"]
    assert (namespace["mode"], namespace["auto_create_indexes"], namespace["namespace_ready"]) == (
        "managed",
        False,
        True,
    )
    for identifier in (namespace["namespace_id"], "products"):
        got = await client.get(f"/v1/namespaces/{identifier}")
        assert got.json() == namespace
    missing = await client.get("/v1/namespaces/ns_nope")
    assert missing.status_code == 404
    assert missing.json()["error"]["details"] == {"resource": "namespace", "id": "ns_nope"}


async def test_a_name_and_an_id_are_taken_once(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    await made(client, namespace_id="my-shop")
    name = await create(client)
    assert (name.status_code, name.json()["error"]["code"]) == (409, "namespace_name_taken")
    assert name.json()["error"]["type"] == "AlreadyExistsError"
    assert name.json()["error"]["details"] == {"resource": "namespace", "name": "products"}
    identifier = await create(client, "other", namespace_id="my-shop")
    assert (identifier.status_code, identifier.json()["error"]["code"]) == (409, "namespace_id_taken")
    assert stored_names(runtime) == ["products", "test"]


async def test_an_id_never_hides_the_namespace_of_that_name(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    await made(client, namespace_id="my-shop")
    identifier = await create(client, "other", namespace_id="products")
    assert (identifier.status_code, identifier.json()["error"]["code"]) == (409, "namespace_id_taken")
    name = await create(client, "my-shop")
    assert (name.status_code, name.json()["error"]["code"]) == (409, "namespace_name_taken")
    assert stored_names(runtime) == ["products", "test"]


async def test_of_many_concurrent_creates_of_a_name_one_succeeds(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    answers = await asyncio.gather(*(create(client) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert stored_names(runtime) == ["products", "test"]


async def test_two_organizations_have_a_namespace_of_the_same_id(
    client: httpx2.AsyncClient, stranger: httpx2.AsyncClient
) -> None:
    ours = await made(client, namespace_id="shop", description="ours")
    theirs = await made(stranger, namespace_id="shop", description="theirs")
    assert ours["namespace_id"] == theirs["namespace_id"] == "shop"
    assert (await client.get("/v1/namespaces/shop")).json()["description"] == "ours"
    assert (await stranger.get("/v1/namespaces/shop")).json()["description"] == "theirs"
    for caller in (client, stranger):
        answer = await caller.post(
            "/v1/collections",
            json={"collection_name": "things", "source": {"type": "none"}},
            headers={"X-Namespace": "shop"},
        )
        assert answer.status_code == 200, answer.text
    assert (await stranger.delete("/v1/namespaces/shop")).status_code == 200
    assert (await client.get("/v1/namespaces/shop")).json()["collection_count"] == 1
    assert (await stranger.get("/v1/namespaces/shop")).status_code == 404


async def test_another_organizations_namespace_looks_missing(
    client: httpx2.AsyncClient, stranger: httpx2.AsyncClient
) -> None:
    ours = await made(client)
    for method, suffix, body in (
        ("GET", "", None),
        ("GET", "/stats", None),
        ("PUT", "", {"namespace_name": "stolen"}),
        ("PATCH", "", {"description": "stolen"}),
        ("DELETE", "", None),
    ):
        foreign = await stranger.request(method, f"/v1/namespaces/{ours['namespace_id']}{suffix}", json=body)
        random = await stranger.request(method, f"/v1/namespaces/ns_0000000000{suffix}", json=body)
        assert foreign.status_code == random.status_code == 404
        assert foreign.text.replace(ours["namespace_id"], "ns_0000000000") == random.text
    assert (await client.get("/v1/namespaces/products")).json() == ours


@pytest.mark.parametrize(
    ("change", "location"),
    [
        ({"namespace_name": "ab"}, ["body", "namespace_name"]),
        ({"namespace_name": "x" * 65}, ["body", "namespace_name"]),
        ({"namespace_id": "no spaces"}, ["body", "namespace_id"]),
        ({"namespace_id": "-x"}, ["body", "namespace_id"]),
        ({"ttl_seconds": 59}, ["body", "ttl_seconds"]),
        ({"vector_configs": [{"name": "a", "dimension": 0}]}, ["body", "vector_configs", 0, "dimension"]),
        ({"vector_configs": [{"name": "a", "dimension": 65537}]}, ["body", "vector_configs", 0, "dimension"]),
        ({"vector_configs": [{"name": "a", "dimension": 2, "metric": "l2"}]}, ["body", "vector_configs", 0, "metric"]),
        ({"vector_configs": [{"name": "_internal", "dimension": 2}]}, ["body", "vector_configs", 0]),
        ({"vector_configs": [{"name": "a", "dimension": 2}] * 2}, ["body"]),
        ({"payload_indexes": [{"field_name": "a", "type": "vector"}]}, ["body", "payload_indexes", 0, "type"]),
        ({"payload_indexes": [{"field_name": "a", "type": "text"}] * 2}, ["body"]),
        ({"payload_indexes": [{"field_name": "document_id", "type": "text"}]}, ["body", "payload_indexes", 0]),
        (
            {"payload_indexes": [{"field_name": "a", "type": "text", "is_protected": True}]},
            ["body", "payload_indexes", 0],
        ),
        ({"feature_extractors": [{"version": "v1"}]}, ["body", "feature_extractors", 0, "feature_extractor_name"]),
        ({"colour": "red"}, ["body", "colour"]),
    ],
)
async def test_a_malformed_body_is_refused_at_its_place(
    client: httpx2.AsyncClient, runtime: Runtime, change: dict[str, Any], location: list[Any]
) -> None:
    refused = await client.post("/v1/namespaces", json={"namespace_name": "products", **change})
    assert refused.status_code == 422, refused.text
    assert refused.json()["error"]["details"]["validation_errors"][0]["location"] == location
    assert stored_names(runtime) == ["test"]


@pytest.mark.parametrize("change", [{"scope": "system"}, {"features": ["faces"]}])
async def test_what_this_deployment_lacks_is_named(client: httpx2.AsyncClient, change: dict[str, Any]) -> None:
    refused = await create(client, **change)
    assert refused.status_code == 403
    assert refused.json()["error"]["type"] == "NotEnabledError"


async def test_vector_configs_alone_make_it_standalone(client: httpx2.AsyncClient) -> None:
    configs = [{"name": "embedding", "dimension": 4}]
    # Generated clients send ``mode: managed`` unasked.
    namespace = await made(client, mode="managed", vector_configs=configs)
    assert namespace["mode"] == "standalone"
    assert namespace["vector_configs"] == [{"name": "embedding", "dimension": 4, "metric": "cosine"}]
    assert (namespace["dynamic_vector_indexes"], namespace["auto_create_indexes"]) == (False, True)
    free = await made(client, "free", mode="standalone")
    assert (free["dynamic_vector_indexes"], free["vector_configs"]) == (True, [])


async def test_the_standalone_route(client: httpx2.AsyncClient) -> None:
    configs = [{"name": "embedding", "dimension": 4, "metric": "euclidean"}]
    answer = await client.post("/v1/namespaces/standalone", json={"namespace_id": "mine", "vector_configs": configs})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "namespace_id": "mine",
        "namespace_name": "mine",
        "mode": "standalone",
        "status": "active",
        "vector_configs": configs,
        "tiering": "auto",
        "document_count": 0,
    }
    named = await client.post("/v1/namespaces/standalone", json={"namespace_name": "ours"})
    assert named.json()["namespace_id"].startswith("ns_")
    assert (await client.get("/v1/namespaces/ours")).json()["auto_create_indexes"] is True
    taken = await client.post("/v1/namespaces/standalone", json={"namespace_id": "mine"})
    assert taken.status_code == 409
    nothing = await client.post("/v1/namespaces/standalone", json={})
    assert nothing.status_code == 422


async def test_patch_changes_what_is_sent(client: httpx2.AsyncClient) -> None:
    before = await made(client, description="old", payload_indexes=[{"field_name": "price", "type": "float"}])
    patched = await client.patch(
        "/v1/namespaces/products",
        json={
            "description": "new",
            "feature_extractors": [
                {"feature_extractor_name": "text_extractor", "version": "v1"},
                {"feature_extractor_name": "passthrough_extractor", "version": "v1"},
            ],
        },
    )
    assert patched.status_code == 200, patched.text
    after = patched.json()
    assert after["description"] == "new"
    assert [entry["feature_extractor_id"] for entry in after["feature_extractors"]] == [
        "passthrough_extractor_v1",
        "text_extractor_v1",
    ]
    assert after["payload_indexes"] == before["payload_indexes"]
    assert (await client.get("/v1/namespaces/products")).json() == after
    unknown = await client.patch("/v1/namespaces/products", json={"descriptoin": "typo"})
    assert unknown.status_code == 422
    clash = await client.patch("/v1/namespaces/products", json={"namespace_name": "test"})
    assert clash.status_code == 409
    assert (await client.get("/v1/namespaces/products")).json() == after


async def test_put_replaces_the_payload_indexes(client: httpx2.AsyncClient) -> None:
    await made(client, payload_indexes=[{"field_name": "price", "type": "float"}])
    replaced = await client.put(
        "/v1/namespaces/products",
        json={"namespace_name": "goods", "payload_indexes": [{"field_name": "brand", "type": "keyword"}]},
    )
    assert replaced.status_code == 200, replaced.text
    assert replaced.json()["namespace_name"] == "goods"
    shown = replaced.json()["payload_indexes"]
    assert [(entry["field_name"], entry["type"], entry["is_protected"]) for entry in shown] == [
        ("brand", "keyword", False)
    ]
    assert replaced.json()["payload_index_count"] == 1
    kept = await client.put("/v1/namespaces/goods", json={})
    assert kept.json()["payload_indexes"] == shown
    protected = await client.put(
        "/v1/namespaces/goods", json={"payload_indexes": [{"field_name": "created_at", "type": "datetime"}]}
    )
    assert protected.status_code == 422


async def test_an_expiry_is_set_moved_and_cleared(client: httpx2.AsyncClient) -> None:
    namespace = await made(client, ttl_seconds=3600)
    lifetime = datetime.fromisoformat(namespace["expires_at"]) - datetime.fromisoformat(namespace["created_at"])
    assert abs(lifetime.total_seconds() - 3600) < 60
    url = "/v1/namespaces/products"
    moved = await client.patch(url, json={"expires_at": "2030-01-01T02:00:00+02:00"})
    assert moved.json()["expires_at"] == "2030-01-01T00:00:00.000Z"
    untouched = await client.patch(url, json={"description": "x"})
    assert untouched.json()["expires_at"] == "2030-01-01T00:00:00.000Z"
    both = await client.patch(url, json={"expires_at": "2031-01-01T00:00:00Z", "ttl_seconds": 60})
    assert both.status_code == 422
    cleared = await client.patch(url, json={"ttl_seconds": None})
    assert cleared.json()["expires_at"] is None
