"""Lists asked for what no list can be: refused, and at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .lists import LIST, Client, fill, post, refusal

pytestmark = pytest.mark.anyio

GET = "/v1/collections/things/documents"


def nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {"brand": "Acme"}
    for _ in range(depth):
        found = {"AND": [found]}
    return found


@pytest.mark.parametrize(
    "body",
    [
        {"filters": {"AND": [{"field": "a", "value": number} for number in range(10_000)]}},
        {"filters": nested(20)},
        {"filters": {"a": 2**64}},
        {"filters": {"field": "a", "operator": "regex", "value": "("}},
        {"filters": {"field": "a", "operator": "regex", "value": "(((a{1000}){1000}){1000})"}},
        {"filters": {"field": "a", "operator": "nearly", "value": 1}},
        {"filters": {"a" * 1001: 1}},
        {"filters": [{"brand": "Acme"}]},
        {"filters": "brand"},
        {"limit": 10**9},
        {"limit": 0},
        {"limit": "ten"},
        {"page_size": 1001},
        {"offset": -1},
        {"offset": 10_001},
        {"offset": 10**30},
        {"page": 10**15},
        {"sort": {"field": ""}},
        {"sort": {"field": "a" * 1001}},
        {"sort": {"field": "a", "direction": "up"}},
        {"sort": ["a"]},
        {"sort": "a:up"},
        {"search": "x" * 1001},
        {"search": 3},
        {"select": ["a"] * 201},
        {"select": [""]},
        {"select": [3]},
        {"select": "a"},
        {"expand": ["a"] * 51},
        {"cursor": "x" * 5000},
        {"cursor": 3},
        {"explain": "perhaps"},
    ],
)
async def test_bodies_that_are_refused(client: Client, collection: dict[str, Any], body: dict[str, Any]) -> None:
    assert (await refusal(client, **body))[0] == 422
    assert (await refusal(client, "/v1/documents/list", **body))[0] == 422


async def test_nesting_deeper_than_any_json_is_refused(client: Client, collection: dict[str, Any]) -> None:
    assert (await client.post(LIST, json={"filters": nested(100)})).status_code == 422
    by_get = await client.get(GET, params={"filters": json.dumps(nested(100))})
    assert by_get.status_code == 422
    assert by_get.json()["error"]["details"]["validation_errors"][0]["location"][:2] == ["query", "filters"]


@pytest.mark.parametrize("text", ["{broken", "[1]", "3", '"brand"', "{'brand': 1}", '{"a": NaN}', '{"a": 1, "a": 2}'])
async def test_filters_of_a_query_string_that_are_no_objects(
    client: Client, collection: dict[str, Any], text: str
) -> None:
    for path in (GET, f"{GET}/count"):
        assert (await client.get(path, params={"filters": text})).status_code == 422
    # A body does not excuse it.
    assert (await client.post(LIST, params={"filters": text}, json={"filters": {}})).status_code == 422


@pytest.mark.parametrize("value", ["' OR 1=1 --", "%", "_", "\x00", "\\", '"', "*", "é\u0301", "a" * 5000])
async def test_values_are_only_values(client: Client, collection: dict[str, Any], value: str) -> None:
    await fill(client, [{"document_id": "plain", "brand": "Acme"}, {"document_id": "odd", "brand": value}])
    for filters in ({"brand": value}, {"field": "brand", "operator": "starts_with", "value": value}):
        found = await post(client, filters=filters)
        assert [document["document_id"] for document in found["results"]] == ["odd"]
    assert len((await post(client, sort="brand"))["results"]) == 2
    groups = (await post(client, group_by="brand"))["groups"]
    assert {group["group_key"] for group in groups} == {"Acme", value}


@pytest.mark.parametrize("path", ["__proto__", "..", ".", "a..b", "$.a", "body", "document_row", "_internal..", "'"])
async def test_paths_that_lead_nowhere(client: Client, collection: dict[str, Any], path: str) -> None:
    await fill(client, [{"document_id": "one", "brand": "Acme"}])
    assert (await post(client, filters={path: 1}))["results"] == []
    assert len((await post(client, sort=path, select=[path]))["results"]) == 1
    assert (await post(client, group_by=path))["groups"][0]["group_key"] is None


async def test_ids_of_others_find_nothing(client: Client, collection: dict[str, Any]) -> None:
    await fill(client, [{"document_id": "one"}])
    for path in ("namespace_id", "_internal.namespace_id", "collection_id", "_internal.internal_id"):
        assert (await post(client, filters={path: "somebody_elses"}, include_total=True))["total_documents"] == 0
