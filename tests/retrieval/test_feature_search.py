"""Feature search by vectors and documents: which documents, in which order, with which scores."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from headwater.context import Context
from headwater.errors import BadRequestError, NotEnabledError, NotFoundError, ValidationError

from .conftest import Put, Search, by_vector, ids

pytestmark = pytest.mark.anyio
#: Vectors by how near they are to [1, 0].
NEARNESS = {"best": [1.0, 0.0], "good": [1.0, 0.5], "poor": [1.0, 2.0], "worst": [-1.0, 0.1]}


@pytest.fixture
async def stored(put: Put) -> None:
    for number, (name, vector) in enumerate(NEARNESS.items()):
        await put(name, vector, number=number, even=number % 2 == 0, tags=["all", name])


async def test_nearest_first_with_cosine_scores(stored: None, find: Search) -> None:
    result = await find(by_vector([2.0, 0.0]))
    assert ids(result) == ["best", "good", "poor", "worst"]
    scores = [hit.score for hit in result.hits]
    assert scores == pytest.approx([1.0, 1 / 1.25**0.5, 1 / 5**0.5, -1 / 1.01**0.5])
    assert result.hits[0].shown()["number"] == 0
    assert result.metadata["searches"][0]["found"] == 4


async def test_only_the_page_is_loaded(stored: None, find: Search) -> None:
    result = await find(by_vector([1.0, 0.0]), wanted=2)
    assert [hit.document is not None for hit in result.hits] == [True, True, False, False]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"top_k": 2}, 2),
        ({"final_top_k": 3}, 3),
        ({"searches.top_k": 2}, 2),
        ({"searches.top_k": 1, "final_top_k": 3}, 3),
        ({}, 4),
    ],
)
async def test_size_of_the_answer(stored: None, find: Search, sizes: dict[str, int], expected: int) -> None:
    of_search = {key.removeprefix("searches."): size for key, size in sizes.items() if "." in key}
    of_stage = {key: size for key, size in sizes.items() if "." not in key}
    result = await find(by_vector([1.0, 0.0], **of_search) | of_stage, wanted=1)
    assert len(result.hits) == expected


async def test_deep_page_enlarges_the_pool(stored: None, find: Search) -> None:
    assert len((await find(by_vector([1.0, 0.0]) | {"final_top_k": 1}, wanted=4)).hits) == 4


async def test_min_score_and_top_k_above_the_ceiling(stored: None, find: Search) -> None:
    result = await find(by_vector([1.0, 0.0], min_score=0.5, top_k=9000))
    assert ids(result) == ["best", "good"]
    assert result.limits == [{"name": "top_k", "requested": 9000, "applied": 5000, "ceiling": 5000, "stage": "find"}]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"even": True}, ["best", "poor"]),
        ({"number": {"gte": 1}}, ["good", "poor", "worst"]),
        ({"field": "tags", "operator": "contains", "value": "worst"}, ["worst"]),
        ({"document_id": ["poor", "good"]}, ["good", "poor"]),
        ({"number": 99}, []),
        ({"NOT": [{"even": True}]}, ["good", "worst"]),
    ],
)
async def test_filters(stored: None, find: Search, filters: Any, expected: list[str]) -> None:
    assert ids(await find(by_vector([1.0, 0.0]), filters=filters)) == expected
    assert ids(await find(by_vector([1.0, 0.0], filters=filters))) == expected
    assert ids(await find(by_vector([1.0, 0.0], filters=filters), filters={"number": {"gte": 2}})) == [
        name for name in expected if name in ("poor", "worst")
    ]


async def test_equal_scores_stand_by_their_ids(put: Put, find: Search) -> None:
    for name in ("c", "a", "e", "b", "d", "g", "f", "h"):
        await put(name, [1.0, 0.0])
    await put("first", [1.0, 0.1])
    assert ids(await find(by_vector([1.0, 0.1]) | {"final_top_k": 4})) == ["first", "a", "b", "c"]


async def test_by_document(stored: None, find: Search) -> None:
    query = {"input_mode": "document", "document_ref": {"collection_id": "things", "document_id": "good"}}
    assert ids(await find(by_vector(query)))[0] == "good"
    without = ids(await find(by_vector(query | {"exclude_self": True}) | {"final_top_k": 2}))
    assert without == ["best", "poor"]


async def test_document_that_cannot_be_searched_by(put: Put, stored: None, find: Search, context: Context) -> None:
    def by(document_id: str) -> dict[str, Any]:
        return by_vector({"document_ref": {"collection_id": "things", "document_id": document_id}})

    with pytest.raises(NotFoundError):
        await find(by("nobody"))
    await put("plain", None)
    with pytest.raises(BadRequestError, match="has no vector"):
        await find(by("plain"))
    end_user = replace(context, key=replace(context.key, body={**context.key.body, "principal_id": "nina"}))
    with pytest.raises(NotFoundError):
        await find(by("best"), ctx=end_user)
    assert ids(await find(by_vector([1.0, 0.0]), ctx=end_user)) == []


@pytest.mark.parametrize(
    "query",
    [
        [1.0, 0.0],
        [[1.0, 0.0]],
        {"input_mode": "vector", "value": [1.0, 0.0]},
        {"input_mode": "vector", "vector": [1.0, 0.0]},
        {"input_mode": "content", "value": [1.0, 0.0]},
        {"input_mode": "vector", "value": "[1.0, 0.0]"},
        {"vector": [1, 0]},
    ],
)
async def test_spellings_of_a_vector(stored: None, find: Search, query: Any) -> None:
    assert ids(await find(by_vector(query)))[0] == "best"


async def test_spellings_of_a_search(stored: None, find: Search) -> None:
    spellings: list[dict[str, Any]] = [
        {"queries": [{"vector_name": "embedding", "vector": [1.0, 0.0], "limit": 1}]},
        {"feature_uris": [{"uri": "embedding", "input": {"vector": [1.0, 0.0]}}], "limit": 1},
        {"feature_searches": [{"feature_address": "embedding", "query_input": [1.0, 0.0]}], "top_k": 1},
        {"feature_uri": "embedding", "query": [1.0, 0.0], "limit": 1, "collection_ids": ["things"]},
    ]
    for parameters in spellings:
        assert ids(await find(parameters)) == ["best"], parameters
    mapped = {"searches": [{"feature_uri": "embedding", "input_mapping": {"vector": "v"}}]}
    assert ids(await find(mapped, inputs={"v": [1.0, 0.0]}))[0] == "best"


@pytest.mark.parametrize(
    ("query", "error", "text"),
    [
        ([1.0, 0.0, 0.0], ValidationError, "expected dense of 2, got dense of 3"),
        ([[1.0, 0.0], [0.0, 1.0]], ValidationError, "expected dense of 2, got multi of 2"),
        ({"indices": [1], "values": [1.0]}, ValidationError, "got sparse"),
        ([0.0, 0.0], ValidationError, "length zero"),
        (["a"], ValidationError, "vector 'query' has a string"),
        (5, ValidationError, "an object, a text or a vector"),
        ({"input_mode": "smell"}, ValidationError, "input_mode"),
        ({"input_mode": "vector", "value": "no json"}, ValidationError, "a list of numbers"),
        ({"input_mode": "multi_content", "values": ["a"]}, ValidationError, "several contents"),
        ({"input_mode": "content", "value": "https://example.com/a.png"}, NotEnabledError, "images"),
        ({"input_mode": "image", "image": "aGk="}, NotEnabledError, "images"),
        ({"input_mode": "document", "document_ref": {"document_id": "best"}}, ValidationError, "collection_id"),
        ({"input_mode": "vector", "value": ""}, BadRequestError, "empty"),
        ({"input_mode": "text", "value": "  "}, BadRequestError, "empty"),
    ],
)
async def test_queries_that_are_refused(
    stored: None, find: Search, query: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        await find(by_vector(query))


async def test_empty_query_skipped_or_random(stored: None, find: Search) -> None:
    empty = {"feature_uri": "embedding", "query": "", "on_empty": "skip"}
    result = await find({"searches": [empty, {"feature_uri": "embedding", "query": [1.0, 0.0]}]})
    assert ids(result)[0] == "best"
    assert result.warnings == ["search 0 was skipped: its query is empty"]
    assert result.metadata["fusion"] is None
    with pytest.raises(BadRequestError, match="every search was skipped"):
        await find({"searches": [empty]})
    chance = by_vector("", on_empty="random")
    assert ids(await find(chance)) == ids(await find(chance))
    assert len(ids(await find(chance))) == 4


async def test_optional_search_of_an_unknown_feature(stored: None, find: Search) -> None:
    unknown = {"feature_uri": "elsewhere", "query": [1.0], "optional": True}
    result = await find({"searches": [unknown, {"feature_uri": "embedding", "query": [1.0, 0.0]}]})
    assert ids(result)[0] == "best"
    assert "skipped" in result.warnings[0]


async def test_several_collections(
    put: Put, stored: None, make: Callable[..., Awaitable[Any]], find: Search, client: httpx2.AsyncClient
) -> None:
    await make("others")
    await make("wider")
    await put("between", [1.0, 0.2], "others")
    await put("wide", [1.0, 0.0, 0.0], "wider")
    result = await find(by_vector([1.0, 0.0]))
    assert ids(result)[:3] == ["best", "between", "good"]
    assert "vectors have another form" in result.warnings[0]
    only = by_vector([1.0, 0.0], collection_identifiers=["others"])
    assert ids(await find(only)) == ["between"]
    assert ids(await find(by_vector([1.0, 0.0]) | {"collection_ids": "others"})) == ["between"]
    with pytest.raises(NotFoundError):
        await find(by_vector([1.0, 0.0]) | {"collection_ids": ["elsewhere"]})


async def test_filter_only(stored: None, find: Search) -> None:
    result = await find({}, filters={"even": True})
    assert ids(result) == ["best", "poor"]
    assert [hit.score for hit in result.hits] == [None, None]
    assert "score" not in result.hits[0].shown()
    with pytest.raises(BadRequestError, match="send query, searches, pre_filters or filters"):
        await find({})


async def test_facets_count_all_that_match(stored: None, find: Search) -> None:
    asked = by_vector([1.0, 0.0]) | {"final_top_k": 1, "facets": ["even", {"key": "tags", "limit": 2}]}
    result = await find(asked, filters={"number": {"lt": 3}})
    assert ids(result) == ["best"]
    assert result.facets == [
        {"key": "even", "values": [{"value": True, "count": 2}, {"value": False, "count": 1}]},
        {"key": "tags", "values": [{"value": "all", "count": 3}, {"value": "best", "count": 1}]},
    ]
    assert result.metadata["facets"] == result.facets


async def test_time_is_up(stored: None, find: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any) -> None:
        import asyncio

        await asyncio.sleep(60)

    monkeypatch.setattr("headwater.retrieval.search.engine.rank", never)
    result = await find(by_vector([1.0, 0.0]) | {"hard_timeout_ms": 1})
    assert result.hits == []
    assert result.degraded[0]["stage"] == "find"
