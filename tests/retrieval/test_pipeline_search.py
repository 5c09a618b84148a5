"""Pipelines with a search: pages of it, filters in front of it, and stages behind it."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.retrieval.conftest import Put

pytestmark = pytest.mark.anyio

COUNT = 30


def search(**parameters: Any) -> dict[str, Any]:
    query = {"input_mode": "vector", "value": "{{INPUT.vector}}"}
    return {
        "stage_name": "find",
        "stage_id": "feature_search",
        "parameters": {
            "searches": [{"feature_uri": "mixpeek://text_extractor@v1/embedding", "query": query}],
            **parameters,
        },
    }


def where(**parameters: Any) -> dict[str, Any]:
    return {"stage_name": "where", "stage_id": "attribute_filter", "parameters": parameters}


class Execute:
    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def __call__(self, stages: list[dict[str, Any]], **body: Any) -> dict[str, Any]:
        inputs = {"vector": [1.0, 0.0], **body.pop("inputs", {})}
        body = {"collection_identifiers": ["things"], "stages": stages, "inputs": inputs, **body}
        answer = await self.client.post("/v1/retrievers/execute", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
async def run(client: httpx2.AsyncClient, put: Put) -> Execute:
    """``d00`` is the nearest to (1, 0), ``d01`` the next."""
    for number in range(COUNT):
        brand = "Acme" if number % 2 else "Bolt"
        await put(f"d{number:02}", [1.0, number / 10], n=number, brand=brand)
    return Execute(client)


def ids(answer: dict[str, Any]) -> list[str]:
    return [document["document_id"] for document in answer["documents"]]


def numbered(*numbers: int) -> list[str]:
    return [f"d{number:02}" for number in numbers]


async def test_page_has_the_size_that_the_search_states(run: Execute) -> None:
    answer = await run([search(final_top_k=7)])

    assert ids(answer) == numbered(*range(7))
    assert all(document["score"] for document in answer["documents"])
    assert len(ids(await run([search()]))) == 10
    assert len(ids(await run([search()], limit=3))) == 3


async def test_pages_by_cursor(run: Execute) -> None:
    seen, cursor = [], None
    for returned in (4, 4, 2):
        answer = await run([search(final_top_k=10)], pagination={"method": "cursor", "limit": 4, "cursor": cursor})
        seen += ids(answer)
        cursor = answer["pagination"]["cursor"]
        assert answer["pagination"] == {
            "method": "cursor",
            "limit": 4,
            "returned": returned,
            "total": max(10, len(seen)),
            "cursor": cursor,
            "has_next": cursor is not None,
        }

    assert seen == numbered(*range(10))


async def test_page_past_final_top_k_looks_further(run: Execute) -> None:
    page = {"method": "offset", "page_size": 4, "page_number": 3}

    assert ids(await run([search(final_top_k=5)], pagination=page)) == numbered(8, 9, 10, 11)
    # What comes after the search decides by what the search states.
    behind = [search(final_top_k=5), {"stage_id": "sort_attribute", "parameters": {"field": "n"}}]
    assert ids(await run(behind, pagination=page)) == []


async def test_pages_by_number(run: Execute) -> None:
    page = {"method": "offset", "page_size": 5, "page_number": 2}

    answer = await run([search(final_top_k=12)], pagination=page)

    assert ids(answer) == numbered(*range(5, 10))
    assert answer["pagination"] == {**page, "returned": 5, "total": 12, "has_next": True}
    last = await run([search(final_top_k=12)], pagination={**page, "page_number": 9})
    assert (ids(last), last["pagination"]["has_next"]) == ([], False)


async def test_pages_by_key(run: Execute) -> None:
    seen, after = [], None
    while True:
        page = {"method": "keyset", "limit": 4, "after": after}
        answer = await run([search(final_top_k=10)], pagination=page)
        seen += ids(answer)
        after = answer["pagination"]["after"]
        if after is None:
            break

    assert seen == numbered(*range(len(seen)))
    assert len(seen) >= 10


async def test_scroll_keeps_its_rows(run: Execute, client: httpx2.AsyncClient, put: Put) -> None:
    first = await run([search(final_top_k=10)], pagination={"method": "scroll", "limit": 4})
    assert ids(first) == numbered(0, 1, 2, 3)
    assert first["pagination"]["total"] >= 10
    await put("d000", [1.0, 0.0], n=0)
    await client.delete("/v1/collections/things/documents/d05")

    page = {"method": "scroll", "limit": 4, "scroll_id": first["pagination"]["scroll_id"]}
    second = await run([search(final_top_k=10)], pagination=page)

    assert ids(second) == numbered(4, 6, 7)
    assert second["documents"][0]["score"] == pytest.approx(1 / 1.16**0.5)
    assert second["pagination"]["returned"] == 3
    # The same page once more, for whoever did not get it.
    assert ids(await run([search(final_top_k=10)], pagination=page)) == numbered(4, 6, 7)


@pytest.mark.parametrize("scroll_id", ["x", "", "A" * 60])
async def test_unknown_scroll(run: Execute, client: httpx2.AsyncClient, scroll_id: str) -> None:
    body = {"stages": [search()], "pagination": {"method": "scroll", "scroll_id": scroll_id}}

    answer = await client.post("/v1/retrievers/execute", json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "scroll_not_found")


@pytest.mark.parametrize(
    "pagination",
    [
        {"method": "pages"},
        {"method": "cursor", "cursor": "x"},
        {"method": "cursor", "cursor": "eyJvZmZzZXQiOi0xfQ=="},
        {"method": "cursor", "limit": 501},
        {"method": "offset", "page_number": 0},
        {"method": "offset", "page_size": True},
        {"method": "keyset", "after": {"score": "x", "id": 1}},
        {"method": "scroll", "scroll_ttl": 5},
        {"method": "scroll", "scroll_id": 7},
        "cursor",
    ],
)
async def test_pages_that_cannot_be(run: Execute, client: httpx2.AsyncClient, pagination: Any) -> None:
    body = {"stages": [search()], "inputs": {"vector": [1, 0]}, "pagination": pagination}

    assert (await client.post("/v1/retrievers/execute", json=body)).status_code == 422


async def test_filter_in_front_of_a_search_becomes_part_of_it(run: Execute) -> None:
    stages = [
        where(field="brand", value="{{INPUT.brand}}"),
        where(conditions={"n": {"gte": 10}}),
        search(final_top_k=3),
    ]

    answer = await run(stages, inputs={"brand": "Acme"})

    assert ids(answer) == numbered(11, 13, 15)
    assert all("score" in document for document in answer["documents"])
    assert answer["optimization_applied"] is True
    assert answer["optimization_summary"]["rules_applied"] == ["push_down_filters"]
    assert answer["optimization_summary"]["optimized_stage_count"] == 1
    relaxed = await run(stages)
    assert ids(relaxed) == numbered(10, 11, 12)


async def test_filter_of_the_request_narrows_the_search(run: Execute) -> None:
    answer = await run([{**search(final_top_k=2), "pre_filters": {"n": {"gte": 4}}}], filters={"brand": "Acme"})

    assert ids(answer) == numbered(5, 7)


async def test_filter_behind_a_search_looks_at_its_rows(run: Execute) -> None:
    answer = await run([search(final_top_k=6), where(field="brand", value="Acme")])

    assert ids(answer) == numbered(1, 3, 5)
    assert answer["optimization_applied"] is False


async def test_sort_and_limit_behind_a_search(run: Execute) -> None:
    stages = [
        search(final_top_k=6),
        {"stage_id": "sort_attribute", "parameters": {"field": "n", "direction": "desc"}},
        {"stage_id": "limit", "parameters": {"limit": 2}},
    ]

    assert ids(await run(stages)) == numbered(5, 4)


async def test_explain_says_why_a_row_stands_there(run: Execute) -> None:
    [document] = (await run([search(final_top_k=1)], explain=True))["documents"]

    [why] = document["_explain"]["searches"]
    assert why["rank"] == 1


async def test_facets_are_at_the_top(run: Execute) -> None:
    answer = await run([search(final_top_k=1, facets=["brand"])])

    assert answer["facets"] == [
        {"key": "brand", "values": [{"value": "Acme", "count": 15}, {"value": "Bolt", "count": 15}]}
    ]


async def test_empty_query_is_refused(run: Execute, client: httpx2.AsyncClient) -> None:
    body = {"stages": [search()], "inputs": {}}

    assert (await client.post("/v1/retrievers/execute", json=body)).status_code == 400


async def test_features_are_checked_when_a_retriever_is_made(run: Execute, client: httpx2.AsyncClient) -> None:
    wrong = {"stage_id": "feature_search", "parameters": {"searches": [{"feature_uri": "nope", "query": [1, 0]}]}}
    body = {"retriever_name": "r", "collection_identifiers": ["things"]}

    refused = await client.post("/v1/retrievers", json={**body, "stages": [wrong]})

    assert refused.status_code == 422
    assert "mixpeek://text_extractor@v1/embedding" in refused.text
    made = await client.post("/v1/retrievers", json={**body, "stages": [search(fusion="dbsf")]})
    assert made.json()["fusion"] == "dbsf"
    assert made.json()["feature_dependencies"] == [
        {"scheme": "mixpeek", "extractor": "text_extractor", "version": "v1", "output": "embedding"}
    ]
