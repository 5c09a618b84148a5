"""Listing collections: filters, search, sort, pages, and the namespace that is not there."""

from __future__ import annotations

import base64
from typing import Any

import httpx2
import pytest

Make = Any
pytestmark = pytest.mark.anyio


@pytest.fixture
async def seven(make: Make) -> list[dict[str, Any]]:
    """Collections ``c0`` … ``c6``, with rank 6 … 0 and every other one of team ads."""
    return [
        await make(f"c-{n}", description=f"Number {n}", metadata={"rank": 6 - n, "team": ["ads", "search"][n % 2]})
        for n in range(7)
    ]


async def names(client: httpx2.AsyncClient, query: str = "", **body: Any) -> list[str]:
    listed = await client.post(f"/v1/collections/list{query}", json=body)
    assert listed.status_code == 200, listed.text
    return [collection["collection_name"] for collection in listed.json()["results"]]


async def test_an_empty_body_lists_all(client: httpx2.AsyncClient, seven: list[dict[str, Any]]) -> None:
    listed = await client.post("/v1/collections/list", headers={"Content-Type": "application/json"})
    assert listed.status_code == 200
    page = listed.json()
    assert {row["collection_id"] for row in page["results"]} == {row["collection_id"] for row in seven}
    assert page["total_count"] == 7
    assert page["pagination"] == {
        "total": None,
        "page": 1,
        "page_size": 10,
        "total_pages": None,
        "next_page": None,
        "previous_page": None,
        "next_cursor": None,
    }
    assert page["stats"]["total_feature_extractors"] == 7
    assert page["warnings"] == []
    got = await client.get("/v1/collections")
    assert got.json() == page


async def test_filters_search_and_sort(client: httpx2.AsyncClient, seven: list[dict[str, Any]]) -> None:
    by_name = {"sort": {"field": "collection_name"}}
    assert await names(client, filters={"metadata.team": "search"}, **by_name) == ["c-1", "c-3", "c-5"]
    assert await names(client, filters={"metadata.rank": {"lt": 2}}, **by_name) == ["c-5", "c-6"]
    assert await names(client, search="NUMBER 4") == ["c-4"]
    assert await names(client, search="NUMBER 4", case_sensitive=True) == []
    assert await names(client, search=seven[2]["collection_id"]) == ["c-2"]
    by_rank = {"sorts": [{"field": "metadata.rank", "direction": "desc"}], "sort": {"field": "collection_name"}}
    assert await names(client, **by_rank) == [f"c-{n}" for n in range(7)]
    assert await names(client, sort={"field": "metadata.rank"}, limit=2) == ["c-6", "c-5"]


async def test_what_has_no_sort_value_comes_last_both_ways(client: httpx2.AsyncClient, make: Make) -> None:
    await make("none")
    await make("text", metadata={"k": "b"})
    await make("number", metadata={"k": 2})
    await make("several", metadata={"k": [1, "z"]})
    await make("flag", metadata={"k": False})
    ascending = await names(client, sort={"field": "metadata.k", "direction": "asc"})
    assert ascending == ["several", "number", "text", "flag", "none"]
    descending = await names(client, sort={"field": "metadata.k", "direction": "desc"})
    assert descending == ["flag", "several", "text", "number", "none"]


@pytest.mark.parametrize(
    "body",
    [{}, {"sort": {"field": "metadata.rank"}}, {"sort": {"field": "metadata.team", "direction": "desc"}},
     {"sort": {"field": "nothing"}}, {"filters": {"metadata.rank": {"gte": 0}}}],
)  # fmt: skip
async def test_a_cursor_walk_meets_every_collection_once(
    client: httpx2.AsyncClient, seven: list[dict[str, Any]], body: dict[str, Any]
) -> None:
    found: list[str] = []
    cursor = None
    while cursor is not None or not found:
        listed = await client.post("/v1/collections/list", json={"limit": 3, "offset": 0, "cursor": cursor, **body})
        page = listed.json()
        found += [row["collection_id"] for row in page["results"]]
        cursor = page["pagination"]["next_cursor"]
    assert sorted(found) == sorted(row["collection_id"] for row in seven)


async def test_pages_by_number(client: httpx2.AsyncClient, seven: list[dict[str, Any]]) -> None:
    listed = (await client.get("/v1/collections?limit=3&page=2&include_total=true")).json()
    assert len(listed["results"]) == 3
    pagination = listed["pagination"]
    assert (pagination["page"], pagination["total"], pagination["total_pages"]) == (2, 7, 3)
    following = (await client.get(pagination["next_page"])).json()
    assert len(following["results"]) == 1
    assert following["pagination"]["next_page"] is None
    before = (await client.get(pagination["previous_page"])).json()
    assert before["pagination"]["page"] == 1


async def test_a_bent_or_foreign_cursor_is_refused(client: httpx2.AsyncClient, seven: list[dict[str, Any]]) -> None:
    first = (await client.post("/v1/collections/list", json={"limit": 2})).json()
    cursor = first["pagination"]["next_cursor"]
    assert (await client.post("/v1/collections/list", json={"limit": 2, "cursor": cursor})).status_code == 200
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    bent = [cursor[:-1], cursor + "A", "x", "%%%", "AAAA"]
    for at in range(0, len(raw), 7):
        changed = bytearray(raw)
        changed[at] ^= 1
        bent.append(base64.urlsafe_b64encode(changed).decode().rstrip("="))
    for text in bent:
        refused = await client.post("/v1/collections/list", json={"cursor": text})
        assert refused.status_code == 422, text
    other = await client.post("/v1/collections/list", json={"cursor": cursor, "filters": {"enabled": True}})
    assert other.status_code == 422
    namespace = (await client.post("/v1/namespaces", json={"namespace_name": "other"})).json()["namespace_id"]
    elsewhere = await client.post("/v1/collections/list", json={"cursor": cursor}, headers={"X-Namespace": namespace})
    assert elsewhere.status_code == 422


@pytest.mark.parametrize(
    "body",
    [{"limit": 0}, {"limit": 1001}, {"offset": 10001}, {"filters": {"AND": 1}}, {"sort": {"direction": "asc"}},
     {"sorts": [{"field": "a", "direction": "up"}]}, {"sorts": [1]}],
)  # fmt: skip
async def test_a_malformed_list_is_refused(client: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    assert (await client.post("/v1/collections/list", json=body)).status_code == 422


async def test_an_unknown_key_of_a_list_is_dropped(client: httpx2.AsyncClient, seven: list[dict[str, Any]]) -> None:
    assert len(await names(client, note="no JSON body provided")) == 7


async def test_a_namespace_that_is_not_there_is_an_empty_page(client: httpx2.AsyncClient, make: Make) -> None:
    await make("articles")
    for answer in (
        await client.get("/v1/collections", headers={"X-Namespace": "nowhere"}),
        await client.post("/v1/collections/list", json={}, headers={"X-Namespace": "nowhere"}),
    ):
        assert answer.status_code == 200
        assert answer.headers["X-Namespace-Unresolved"] == "true"
        assert (answer.json()["results"], answer.json()["total_count"]) == ([], 0)
        warning = answer.json()["warnings"][0]
        assert (warning["resource"], warning["id"], warning["reason"]) == ("namespace", "nowhere", "unresolved")
    here = await client.get("/v1/collections")
    assert "X-Namespace-Unresolved" not in here.headers
    elsewhere = await client.get("/v1/collections/articles", headers={"X-Namespace": "nowhere"})
    assert elsewhere.status_code == 404
    del client.headers["X-Namespace"]
    missing = await client.get("/v1/collections")
    assert missing.status_code == 400


async def test_the_system_collection_is_hidden_but_there(client: httpx2.AsyncClient, runtime: Any) -> None:
    from headwater.store.commands.collections import EnsureSystemCollection

    (organization_id, row) = runtime.reader.connection.execute(
        "SELECT organization_id, namespace_row FROM namespaces"
    ).fetchone()
    for _ in range(2):
        await runtime.store.execute(EnsureSystemCollection(organization_id=organization_id, namespace_row=row))
    assert await names(client) == []
    assert await names(client, include_system=True) == ["_direct_upsert"]
    assert len((await client.get("/v1/collections?include_system=true")).json()["results"]) == 1
    assert (await client.get("/v1/collections/_direct_upsert")).status_code == 200
    renamed = await client.patch("/v1/collections/_direct_upsert", json={"collection_name": "mine"})
    assert renamed.status_code == 409


async def test_nobody_takes_the_name_of_the_system_collection(client: httpx2.AsyncClient) -> None:
    taken = await client.post("/v1/collections", json={"collection_name": "_direct_upsert", "source": {"type": "none"}})
    assert taken.status_code == 409
