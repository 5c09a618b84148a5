"""Names and bodies that somebody may send: stored and returned as they are, or refused; never an error of ours."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx2
import pytest

Make = Any
pytestmark = pytest.mark.anyio

NAMES = [
    "a\x00b",
    "../../etc",
    "name with spaces",
    "e\u0301te\u0301",
    "été",
    "\u202etxet",
    "'; DROP TABLE collections; --",
    "__proto__",
    "percent%2fencoded",
    "🗂️🗂️🗂️",
    "col_1234567890",
]


async def test_names_come_back_as_they_went_in(client: httpx2.AsyncClient, make: Make) -> None:
    made = {name: (await make(name))["collection_id"] for name in NAMES}
    assert len(set(made.values())) == len(NAMES)
    for name, collection_id in made.items():
        assert (await client.get(f"/v1/collections/{collection_id}")).json()["collection_name"] == name
        if "/" not in name:
            by_name = await client.get(f"/v1/collections/{quote(name, safe='')}")
            assert by_name.json()["collection_id"] == collection_id
    listed = await client.post("/v1/collections/list", json={"limit": 100, "sort": {"field": "collection_name"}})
    assert [row["collection_name"] for row in listed.json()["results"]] == sorted(NAMES)


@pytest.mark.parametrize("route", ["/v1/collections", "/v1/namespaces", "/v1/namespaces/standalone"])
@pytest.mark.parametrize(
    "body", [[], "x", 7, None, {"collection_name": []}, {"namespace_name": {"a": 1}}, {"x" * 9000: 1}]
)
async def test_a_body_of_another_shape_is_refused(client: httpx2.AsyncClient, route: str, body: Any) -> None:
    refused = await client.post(route, json=body)
    assert refused.status_code == 422, refused.text
    assert refused.json()["error"]["type"] == "ValidationError"


@pytest.mark.parametrize("route", ["/v1/collections/list", "/v1/namespaces/list"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"filters": {"AND": [{"AND": [{"AND": [{"AND": [{"AND": [{}]}]}]}]}]}}, 200),
        ({"filters": {"a." * 500: 1}}, 200),
        ({"filters": {"a." * 501: 1}}, 422),
        ({"filters": {"": 1}}, 200),
        ({"filters": {"field": "", "operator": "eq", "value": 1}}, 200),
        ({"filters": {"created_at": {"gt": "9999-12-31T23:59:59-23:59"}}}, 200),
        ({"filters": {"created_at": {"lt": "0001-01-01T00:00:00+23:59"}}}, 200),
        ({"filters": {"created_at": {"gt": "2026-02-30"}}}, 200),
        ({"filters": {"x": 10**18, "y": -1.5e300}}, 200),
        ({"filters": {"field": ["a"], "operator": "eq"}}, 200),
        ({"filters": {"OR": [{"field": "a", "operator": ["eq"]}]}}, 422),
        ({"sort": {"field": "a." * 5000}}, 200),
        ({"sort": {"field": ""}}, 422),
        ({"sort": {"field": "a", "direction": ["asc"]}}, 422),
        ({"search": "x" * 100_000}, 200),
        ({"search": 7}, 422),
        ({"cursor": "é" * 100}, 422),
        ({"limit": "ten"}, 422),
    ],
)
async def test_strange_lists(
    client: httpx2.AsyncClient, make: Make, route: str, body: dict[str, Any], status: int
) -> None:
    await make("articles")
    answer = await client.post(route, json=body)
    assert answer.status_code == status, answer.text
