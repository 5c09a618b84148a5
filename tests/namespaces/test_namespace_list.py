"""Listing namespaces and counting what is in them."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def filled(client: httpx2.AsyncClient) -> dict[str, Any]:
    """Namespaces ``alpha`` and ``beta`` beside ``test``; alpha has two collections and three documents."""
    made = {}
    for name in ("alpha", "beta"):
        answer = await client.post(
            "/v1/namespaces",
            json={"namespace_name": name, "payload_indexes": [{"field_name": name, "type": "keyword"}]},
        )
        made[name] = answer.json()
    headers = {"X-Namespace": made["alpha"]["namespace_id"]}
    for name, count in (("one", 2), ("two", 1)):
        body = {"collection_name": name, "source": {"type": "none"}}
        assert (await client.post("/v1/collections", json=body, headers=headers)).status_code == 200
        for _ in range(count):
            stored = await client.post(f"/v1/collections/{name}/documents", json={"a": 1}, headers=headers)
            assert stored.status_code == 200, stored.text
    return made


async def names(client: httpx2.AsyncClient, **body: Any) -> list[str]:
    listed = await client.post("/v1/namespaces/list", json=body)
    assert listed.status_code == 200, listed.text
    return [namespace["namespace_name"] for namespace in listed.json()["results"]]


async def test_all_or_some_of_them(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    by_name = {"sort": {"field": "namespace_name"}}
    assert await names(client, **by_name) == ["alpha", "beta", "test"]
    assert await names(client, filters={"namespace_name": "beta"}) == ["beta"]
    assert await names(client, filters={"namespace_id": filled["alpha"]["namespace_id"]}) == ["alpha"]
    assert await names(client, search="ALP") == ["alpha"]
    assert await names(client, filters={"document_count": {"gt": 0}}) == ["alpha"]
    assert await names(client, sorts=[{"field": "namespace_name", "direction": "desc"}], limit=1) == ["test"]


async def test_the_list_counts_and_pages(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    listed = (await client.get("/v1/namespaces?limit=2&include_total=true")).json()
    assert (len(listed["results"]), listed["total_count"], listed["pagination"]["total"]) == (2, 3, 3)
    rest = (await client.get(f"/v1/namespaces?limit=2&cursor={listed['pagination']['next_cursor']}")).json()
    assert len(rest["results"]) == 1
    stats = listed["stats"]
    assert (stats["total_documents"], stats["total_collections"], stats["total_payload_indexes"]) == (3, 2, 2)
    assert stats["avg_documents_per_namespace"] == 1.0


async def test_the_summary_leaves_the_long_members_out(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    full = (await client.get("/v1/namespaces")).json()["results"][0]
    summary = (await client.get("/v1/namespaces?view=summary")).json()["results"][0]
    left_out = {"payload_indexes", "feature_extractors", "vector_inference_map", "vector_configs"}
    assert full.keys() - summary.keys() == left_out
    assert summary["payload_index_count"] == full["payload_index_count"]
    assert (await client.get("/v1/namespaces?view=half")).status_code == 422


async def test_unknown_keys_are_named(client: httpx2.AsyncClient) -> None:
    listed = await client.post("/v1/namespaces/list", json={"note": "no JSON body provided"})
    assert listed.status_code == 200
    assert "note" in listed.json()["warnings"][0]


async def test_statistics(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    alpha, beta = (filled[name]["namespace_id"] for name in ("alpha", "beta"))
    stats = (await client.get("/v1/namespaces/alpha/stats")).json()
    assert stats == {
        "namespace_id": alpha,
        "document_count": 3,
        "document_count_complete": True,
        "bucket_count": 0,
        "collection_count": 2,
        "object_count": 0,
    }
    batch = await client.post("/v1/namespaces/stats/batch", json={"namespace_ids": [alpha, beta, "ns_nope"]})
    assert batch.json()["stats"].keys() == {alpha, beta}
    assert batch.json()["stats"][alpha] == stats
    assert batch.json()["stats"][beta]["document_count"] == 0
    many = await client.post("/v1/namespaces/stats/batch", json={"namespace_ids": ["x"] * 101})
    assert many.status_code == 422


async def test_strangers_see_nothing_of_it(
    client: httpx2.AsyncClient, filled: dict[str, Any], stranger: httpx2.AsyncClient
) -> None:
    assert (await stranger.get("/v1/namespaces")).json()["total_count"] == 0
    ids = [namespace["namespace_id"] for namespace in filled.values()]
    batch = await stranger.post("/v1/namespaces/stats/batch", json={"namespace_ids": ids})
    assert batch.json() == {"stats": {}}
