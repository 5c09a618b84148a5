"""Fusion of several searches, against the formulas written out."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from headwater.errors import NotEnabledError
from headwater.retrieval.fusion import contributions, fuse

from .conftest import Put, Search, ids

pytestmark = pytest.mark.anyio
FIRST = [("a", 0.9), ("b", 0.6), ("c", 0.3)]
SECOND = [("c", 12.0), ("d", 4.0)]


def fused(method: str, *weights: float) -> dict[str, float]:
    first, second = weights or (1.0, 1.0)
    return fuse(method, [contributions(method, FIRST, first), contributions(method, SECOND, second)])


def test_reciprocal_rank() -> None:
    assert fused("rrf", 1.0, 0.5) == pytest.approx({"a": 1 / 61, "b": 1 / 62, "c": 1 / 63 + 0.5 / 61, "d": 0.5 / 62})


def test_weighted_and_max() -> None:
    assert fused("weighted", 1.0, 0.5) == pytest.approx({"a": 0.9, "b": 0.6, "c": 0.3 + 6.0, "d": 2.0})
    assert fused("max", 0.1, 0.1) == {"a": 0.9, "b": 0.6, "c": 12.0, "d": 4.0}


def test_distribution() -> None:
    deviation = statistics.pstdev([0.9, 0.6, 0.3])
    expected = {name: (score - 0.6 + 3 * deviation) / (6 * deviation) for name, score in FIRST}
    second = {"c": (12 - 8 + 12) / 24, "d": (4 - 8 + 12) / 24}
    assert fused("dbsf") == pytest.approx(expected | {"c": expected["c"] + second["c"], "d": second["d"]})


def test_distribution_of_equal_scores_and_of_none() -> None:
    assert contributions("dbsf", [("a", 2.0), ("b", 2.0)], 0.8) == {"a": 0.4, "b": 0.4}
    assert contributions("dbsf", []) == {}


def test_learned_is_not_part_of_this() -> None:
    with pytest.raises(NotEnabledError, match="rrf, dbsf"):
        contributions("learned", FIRST)


@pytest.fixture
async def stored(put: Put) -> None:
    await put("both", {"embedding": [1.0, 0.2], "other": [0.2, 1.0]}, kind="x", root_object_id="obj_1")
    await put("left", {"embedding": [1.0, 0.0], "other": [-1.0, 0.1]}, kind="x", root_object_id="obj_1")
    await put("right", {"other": [0.0, 1.0]}, kind="y", root_object_id="obj_2")
    await put("far", {"embedding": [0.0, 1.0]}, kind=["x", "y"])


def two(**more: Any) -> dict[str, Any]:
    first = {"feature_uri": "embedding", "query": [1.0, 0.0], "top_k": 2}
    second = {"feature_uri": "other", "query": [0.0, 1.0], "top_k": 2, "weight": 0.5}
    return {"searches": [first, second], **more}


async def test_two_searches_become_one(stored: None, find: Search) -> None:
    result = await find(two(final_top_k=2))
    assert ids(result) == ["both", "left"]
    assert [hit.score for hit in result.hits] == pytest.approx([1 / 62 + 0.5 / 62, 1 / 61])
    left, other = "mixpeek://text_extractor@v1/embedding", "mixpeek://text_extractor@v1/other"
    assert result.hits[0].added["feature_scores"].keys() == {left, other}
    assert result.hits[1].added["feature_scores"] == pytest.approx({left: 1.0})
    assert result.metadata["fusion"] == "rrf"


async def test_searches_of_the_same_feature_have_scores_of_their_own(stored: None, find: Search) -> None:
    search = {"feature_uri": "embedding", "query": [1.0, 0.0]}
    result = await find({"searches": [search, {**search, "query": [0.0, 1.0]}]})
    name = "mixpeek://text_extractor@v1/embedding"
    [left] = [hit for hit in result.hits if hit.document_id == "left"]
    assert left.added["feature_scores"] == pytest.approx({name: 1.0, f"{name}#2": 0.0})


async def test_weighted_by_the_raw_scores(stored: None, find: Search) -> None:
    result = await find(two(fusion="weighted"))
    scores = {hit.document_id: hit.score for hit in result.hits}
    assert scores == pytest.approx({"left": 1.0, "both": 1.5 / 1.04**0.5, "right": 0.5})


async def test_why_a_document_stands_where_it_does(stored: None, find: Search) -> None:
    result = await find(two(), filters={"kind": "x"}, explain=True)
    [both] = [hit for hit in result.hits if hit.document_id == "both"]
    whys = both.shown()["_explain"]["searches"]
    assert [(why["search"], why["rank"]) for why in whys] == [(0, 2), (1, 1)]
    assert sum(why["contribution"] for why in whys) == pytest.approx(both.score)
    assert whys[0]["score"] == both.added["feature_scores"][whys[0]["feature_uri"]]
    [plan] = result.metadata["searches"][0]["plan"]
    assert plan["collection_id"] == both.collection_id
    assert plan["looked_at"] == 3
    assert "_explain" not in (await find(two())).hits[0].shown()


async def test_groups(stored: None, find: Search) -> None:
    asked = {"searches": [{"feature_uri": "embedding", "query": [1.0, 0.0]}]}
    every = await find(asked | {"group_by": {"field": "kind", "group_size": 5}})
    shown = [hit.shown() for hit in every.hits]
    assert [(row["group_key"], row["count"], row["score"]) for row in shown] == [
        ("x", 3, pytest.approx(1.0)),
        ("y", 1, pytest.approx(0.0)),
    ]
    assert [document["document_id"] for document in shown[0]["documents"]] == ["left", "both", "far"]
    assert shown[0]["documents"][0]["score"] == pytest.approx(1.0)
    first = await find(asked | {"group_by": {"field": "kind", "output_mode": "first"}})
    assert ids(first) == ["left", "far"]
    flat = await find(asked | {"group_by": {"field": "kind", "output_mode": "flatten", "max_per_group": 2}})
    assert ids(flat) == ["left", "both", "far"]
    one = await find(asked | {"group_by": {"field": "kind", "limit": 1}})
    assert [hit.shown()["group_key"] for hit in one.hits] == ["x"]


async def test_best_document_of_each_object(stored: None, find: Search, put: Put) -> None:
    await put("alone", [1.0, 0.1])
    asked = {"searches": [{"feature_uri": "embedding", "query": [1.0, 0.0]}], "rollup": "root_object"}
    result = await find(asked)
    assert ids(result) == ["left", "alone", "far"]
    assert [hit.added["rollup"] for hit in result.hits] == [
        {"root_object_id": "obj_1", "matches": 2},
        {"root_object_id": None, "matches": 1},
        {"root_object_id": None, "matches": 1},
    ]


async def test_groups_are_looked_for_until_there_are_enough(find: Search, put: Put) -> None:
    for number in range(30):
        await put(f"d{number:02}", [1.0, number / 100], kind="near" if number < 28 else f"far {number}")
    asked = {"searches": [{"feature_uri": "embedding", "query": [1.0, 0.0]}]}
    result = await find(asked | {"group_by": {"field": "kind", "limit": 2, "output_mode": "first"}})
    assert ids(result) == ["d00", "d28"]
