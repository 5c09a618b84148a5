"""Filters, sorts, search, select, expand and partitions of lists, by GET and by POST."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .lists import DOCUMENTS, LIST, Client, fill, names, post, refusal, walk

pytestmark = pytest.mark.anyio

GET = "/v1/collections/things/documents"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"filters": {"brand": "Acme"}}, "ab"),
        ({"filters": {"AND": [{"field": "brand", "operator": "eq", "value": "Acme"}], "case_sensitive": False}}, "ab"),
        ({"filters": {"field": "price", "operator": "gte", "value": 5}}, "abg"),
        ({"filters": {"price": {"gte": 5, "lt": 6}}}, "abg"),
        ({"filters": {"metadata.category": ["audio", "text"]}}, "acd"),
        ({"filters": {"category": "audio"}}, "ac"),
        ({"filters": {"tags": "y"}}, "ab"),
        ({"filters": {"NOT": [{"brand": "Acme"}, {"brand": "Bolt"}]}}, "cgh"),
        ({"filters": {"OR": []}}, ""),
        ({"filters": {"parts.deep": 7}}, "f"),
        ({"filters": {"_internal.lineage.source_document_id": "a"}}, "h"),
        ({"filters": {"source_document_id": "a"}}, "h"),
        ({"filters": {"text": "Hi"}}, "g"),
        ({"search": "ACME"}, "abc"),
        ({"search": "hi"}, "g"),
        ({"search": "acme", "filters": {"tags": "x"}}, "a"),
        ({"sort": {"field": "price"}}, "hgabcdef"),
        ({"sort": {"field": "price", "direction": "desc"}}, "dcgbahef"),
        ({"sort": "price:desc"}, "dcgbahef"),
        ({"sort": "price"}, "hgabcdef"),
        ({"sort": {"field": "created_at", "direction": "desc"}}, "hgfedcba"),
        ({"sort": {"field": "document_id", "direction": "desc"}, "filters": {"brand": "Bolt"}}, "fed"),
        ({"sort": {"field": "nothing"}}, "abcdefgh"),
        ({"filters": None, "search": "", "sort": None, "select": [], "expand": []}, "abcdefgh"),
    ],
)
async def test_lists_by_post_and_get_and_cursor_agree(
    client: Client, collection: dict[str, Any], asked: dict[str, Any], expected: str
) -> None:
    await fill(client)
    assert await names(client, **asked) == expected
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in asked.items() if value}
    by_get = await client.get(GET, params=texts)
    assert by_get.status_code == 200, by_get.text
    assert "".join(document["document_id"] for document in by_get.json()["results"]) == expected
    walked = await walk(client, **asked, limit=3)
    assert "".join(document["document_id"] for document in walked) == expected
    counted = await post(client, **asked, limit=1, include_total=True)
    assert counted["total_documents"] == counted["pagination"]["total"] == len(expected)


async def test_links_keep_what_was_asked_for(client: Client, collection: dict[str, Any]) -> None:
    await fill(client)
    asked = {"filters": {"price": {"gte": -5}}, "sort": "price:desc", "select": ["price"], "limit": 2}
    first = await post(client, **asked, include_total=True, return_url=True)
    second = (await client.get(first["pagination"]["next_page"])).json()
    assert "".join(document["document_id"] for document in second["results"]) == "ah"
    assert set(second["results"][0]) == {"document_id", "collection_id", "price"}
    assert second["pagination"]["total"] == 4
    back = (await client.get(second["pagination"]["previous_page"])).json()
    assert back["results"] == first["results"]


async def test_a_filter_too_long_for_a_link_leaves_the_cursor(client: Client, collection: dict[str, Any]) -> None:
    await fill(client)
    page = await post(client, filters={"brand": ["Acme", "Bolt", *(f"brand {n}" for n in range(2000))]}, limit=2)
    assert page["pagination"]["next_page"] is None
    assert page["pagination"]["next_cursor"]


async def test_the_body_outranks_the_query_string(client: Client, collection: dict[str, Any]) -> None:
    await fill(client)
    query = {"filters": '{"brand": "Bolt"}', "sort": "price:desc", "search": "bolt", "select": "brand", "limit": "1"}
    body = {"filters": {"brand": "Acme"}, "sort": {"field": "price"}, "search": "acme", "select": ["price"]}
    answer = (await client.post(LIST, params=query, json={**body, "limit": 2})).json()
    assert [document["document_id"] for document in answer["results"]] == ["a", "b"]
    assert "price" in answer["results"][0] and "brand" not in answer["results"][0]
    only_query = (await client.post(LIST, params=query, json={})).json()
    assert [document["document_id"] for document in only_query["results"]] == ["d"]


async def test_flags_of_either_place_turn_vectors_and_urls_on(client: Client, collection: dict[str, Any]) -> None:
    features = [{"feature_extractor_id": "x_v1", "vectors": {"embedding": [0.5, 0.25]}}]
    await fill(client, [{"document_id": "v", "features": features, "brand": "Acme"}])
    for query, body in (({"return_vectors": "true"}, {"return_vectors": False}), ({}, {"return_vectors": True})):
        shown = (await client.post(LIST, params=query, json={**body, "select": ["brand"]})).json()["results"][0]
        assert shown["x_v1_embedding"] == [0.5, 0.25], "a select leaves vectors alone"
        assert "_internal" not in shown
    named = (await post(client, return_vector_names=["embedding"], select=["created_at"]))["results"][0]
    assert set(named) == {
        "document_id",
        "collection_id",
        "x_v1_embedding",
        "_vectors",
        "vector_hydration_incomplete",
        "_internal",
    }
    assert set(named["_internal"]) == {"created_at"}


async def test_expand_shows_documents_inside(client: Client, collection: dict[str, Any]) -> None:
    await fill(client)
    page = await post(client, filters={"document_id": "h"}, expand=["parent", "refers_to"], select=["price"])
    inside = page["results"][0]["_expanded"]
    assert inside["parent"]["document_id"] == "a"
    assert [found and found["document_id"] for found in inside["refers_to"]] == ["b", None]
    by_get = await client.get(GET, params={"filters": '{"document_id":"h"}', "expand": "parent,refers_to"})
    assert by_get.json()["results"][0]["_expanded"] == inside
    assert await refusal(client, expand=[f"field_{number}" for number in range(21)]) == (422, "too_long")


async def test_partitions_are_disjoint_and_complete(client: Client, collection: dict[str, Any]) -> None:
    await fill(client, [{"document_id": f"doc_{number}"} for number in range(60)])
    parts = [await walk(client, partition={"index": index, "count": 4}, limit=4) for index in range(4)]
    found = [document["document_id"] for part in parts for document in part]
    assert sorted(found) == sorted(f"doc_{number}" for number in range(60))
    assert all(parts)
    totals = [
        (await post(client, partition={"index": index, "count": 4}, include_total=True))["total_documents"]
        for index in range(4)
    ]
    assert totals == [len(part) for part in parts]


async def test_a_cursor_alone_stays_in_its_partition(client: Client, collection: dict[str, Any]) -> None:
    await fill(client, [{"document_id": f"doc_{number}"} for number in range(30)])
    part = {"index": 1, "count": 3}
    page = await post(client, partition=part, limit=2)
    whole = [document["document_id"] for document in await walk(client, partition=part)]
    found = [document["document_id"] for document in page["results"]]
    while cursor := page["pagination"]["next_cursor"]:
        page = await post(client, cursor=cursor, limit=2)
        found += [document["document_id"] for document in page["results"]]
    assert found == whole
    first = (await post(client, partition=part, limit=2))["pagination"]["next_cursor"]
    assert await refusal(client, cursor=first, partition={"index": 0, "count": 3}) == (422, "cursor_invalid")


@pytest.mark.parametrize(
    "part", [{"index": 2, "count": 2}, {"index": -1, "count": 2}, {"index": 0, "count": 257}, {"index": 0}, 3, [1]]
)
async def test_partitions_that_are_none_are_refused(client: Client, collection: dict[str, Any], part: Any) -> None:
    assert (await client.post(LIST, json={"partition": part})).status_code == 422


async def test_a_total_and_the_envelope(client: Client, collection: dict[str, Any]) -> None:
    await fill(client, DOCUMENTS[:3])
    page = await post(client, include_total=True, limit=2)
    assert page["total_documents"] == page["stats"]["total_documents"] == page["pagination"]["total"] == 3
    assert set(page) == {"results", "groups", "group_by_field", "pagination", "total_documents", "stats", "warnings"}
    assert page["groups"] is page["group_by_field"] is page["stats"]["total_groups"] is None
