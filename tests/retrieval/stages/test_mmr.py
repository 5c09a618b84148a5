"""``mmr`` against its formula, written out."""

from __future__ import annotations

import math
import struct
import time
from typing import Any

import numpy as np
import pydantic
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from headwater.context import Context
from headwater.errors import QueryTimeoutError, ValidationError
from headwater.retrieval.hits import Hit
from headwater.retrieval.registry import STAGES
from headwater.retrieval.stage import Searched, StageResult
from headwater.retrieval.stages.mmr import choose, relevance
from headwater.retrieval.stages.similarities import Similarities, Weighted, of_vectors
from headwater.vectors.interface import VectorData
from tests.retrieval.conftest import Put

from .rows import call_of, hits_of, ids, outcome, run_of
from .test_attribute_filter import find, run_in

NEVER = float("inf")
small = st.integers(-3, 3).map(float)
dense = st.lists(small, min_size=3, max_size=3)
sparse = st.dictionaries(st.integers(0, 5), st.integers(1, 3).map(float), min_size=1, max_size=4)


def packed(vector: Any) -> VectorData | None:
    if vector is None:
        return None
    values = list(vector.values()) if isinstance(vector, dict) else vector
    data = struct.pack(f"<{len(values)}f", *values)
    if isinstance(vector, dict):
        return VectorData("v", "sparse", 1, len(values), data, struct.pack(f"<{len(values)}I", *vector))
    return VectorData("v", "dense", 1, len(values), data)


def plain_similarity(one: Any, other: Any, metric: str) -> float:
    if one is None or other is None:
        return 0.0
    if isinstance(one, dict):
        one, other = ([vector.get(index, 0.0) for index in range(6)] for vector in (one, other))
    product = sum(a * b for a, b in zip(one, other, strict=True))
    if metric == "dot":
        return float(product)
    if metric == "euclidean":
        return 1 / (1 + math.dist(one, other))
    lengths = math.hypot(*one) * math.hypot(*other)
    return product / lengths if lengths else 0.0


@given(
    st.lists(st.none() | dense, min_size=1, max_size=8) | st.lists(st.none() | sparse, min_size=1, max_size=8),
    st.sampled_from(["cosine", "dot", "euclidean"]),
)
def test_similarities_of_vectors(vectors: list[Any], metric: Any) -> None:
    similarities = of_vectors([packed(vector) for vector in vectors], metric)

    for index, one in enumerate(vectors):
        expected = [plain_similarity(one, other, metric) for other in vectors]
        assert similarities.to(index).tolist() == pytest.approx(expected, abs=1e-5)


class Matrix:
    """Similarities that are given."""

    def __init__(self, rows: list[list[float]]) -> None:
        self.rows = rows

    def to(self, index: int) -> Any:
        return np.array(self.rows[index])


def plain_choice(
    scores: list[float | None], matrix: list[list[float]], trade_off: float, count: int
) -> list[tuple[int, float]]:
    given_scores = [score for score in scores if score is not None]
    low, high = min(given_scores, default=0), max(given_scores, default=0)
    worth = [0 if score is None else (score - low) / (high - low) if high > low else 1 for score in scores]
    chosen: list[tuple[int, float]] = []
    while len(chosen) < min(count, len(scores)):
        best = None
        for row in range(len(scores)):
            if any(row == index for index, _ in chosen):
                continue
            likeness = max((matrix[index][row] for index, _ in chosen), default=0)
            value = trade_off * worth[row] - (1 - trade_off) * likeness
            if best is None or value > best[1]:
                best = (row, value)
        assert best is not None
        chosen.append(best)
    return chosen


@given(st.data())
def test_choice(data: st.DataObject) -> None:
    # Powers of two, so that both ways of calculating round alike.
    scores = data.draw(st.lists(st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=8))
    cells = st.sampled_from([-1.0, -0.5, 0.0, 0.25, 0.5, 1.0])
    matrix = [data.draw(st.lists(cells, min_size=len(scores), max_size=len(scores))) for _ in scores]
    trade_off, count = data.draw(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])), data.draw(st.integers(1, 10))
    assume({0.0, 1.0} <= set(scores) or len(set(scores) - {None}) <= 1)

    chosen = choose(relevance(scores), Matrix(matrix), trade_off, count, deadline=NEVER)

    assert chosen == plain_choice(scores, matrix, trade_off, count)


def test_weights_are_shares() -> None:
    parts: list[tuple[float, Similarities]] = [(1.0, Matrix([[1.0, 0.0]])), (3.0, Matrix([[1.0, 1.0]]))]

    assert Weighted(parts).to(0).tolist() == [1.0, 0.75]


def test_by_fields() -> None:
    """A missing field is like nothing, not even like another missing one."""
    bodies: list[dict[str, Any]] = [
        {"brand": "x", "tags": ["a", "b"]},
        {"brand": "x", "tags": ["b", "a"]},
        {"brand": "y"},
        {},
    ]
    hits = hits_of(bodies, [1.0, 0.9, 0.5, 0.0])

    found = outcome("mmr", hits, diversity_fields=["brand", "tags"], **{"lambda": 0.5}).hits

    assert ids(found) == ["d1", "d3", "d4", "d2"]
    assert [one.shown()["scores"]["mmr"] for one in found] == pytest.approx([0.5, 0.25, 0.0, -0.05])
    weighted = {"diversity_field_weights": {"brand": 0, "tags": 1}}
    assert ids(outcome("mmr", hits, lambda_=0.5, top_n=2, diversity_fields=["brand", "tags"], **weighted).hits) == [
        "d1",
        "d3",
    ]


def test_without_anything_to_compare_it_is_the_order_of_relevance() -> None:
    result = outcome("mmr", hits_of([{}, {}, {}], [0.1, None, 0.9]), top_k=2)

    assert ids(result.hits) == ["d3", "d1"]
    assert len(result.warnings) == 1


def test_it_stops_when_the_time_is_over() -> None:
    with pytest.raises(QueryTimeoutError):
        choose(relevance([1.0]), None, 0.5, 1, deadline=time.monotonic() - 1)


@pytest.mark.parametrize(
    "parameters",
    [
        {"lambda": 1.5},
        {"lambda": float("nan")},
        {"lambda": True},
        {"top_k": 501},
        {"diversity_feature_uri": "a", "diversity_fields": ["b"]},
        {"diversity_fields": []},
        {"diversity_fields": ["a"], "diversity_field_weights": {"b": 1}},
        {"diversity_fields": ["a"], "diversity_field_weights": {"a": 0}},
        {"diversity_fields": ["a"], "diversity_field_weights": {"a": -1}},
        {"diversity_features": [{"feature_uri": "a", "weight": 0}]},
        {"diversity_features": [{"weight": 1}]},
        {"similarity_metric": "hamming"},
    ],
)
def test_bad_parameters(parameters: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        call_of("mmr", parameters)


async def scored(context: Context, *collections: str) -> list[Hit]:
    """All documents, the earlier the better."""
    hits = (await find(run_in(context, *collections), conditions={})).hits
    for place, hit in enumerate(hits):
        hit.score = 1.0 - place / 10
    return hits


async def diversified(context: Context, hits: list[Hit], searched: str | None = None, **parameters: Any) -> StageResult:
    run = run_of(context, searched=None if searched is None else Searched(searched, "unused"))
    return await STAGES["mmr"].run(run, call_of("mmr", parameters), hits)


@pytest.mark.anyio
async def test_by_the_stored_vectors_of_the_search_before(context: Context, put: Put) -> None:
    for name, vector in {"a": [1, 0], "b": [0.99, 0.01], "c": [0, 1], "d": None}.items():
        await put(name, vector)
    hits = await scored(context, "things")

    result = await diversified(context, hits, "mixpeek://text_extractor@v1/embedding", lambda_=0.5)

    assert ids(result.hits) == ["a", "c", "d", "b"]
    assert result.warnings == ["1 of 4 rows have no vector to compare, so nothing is like them"]


@pytest.mark.anyio
async def test_several_features_several_collections_and_several_vectors_a_document(
    context: Context, put: Put, make: Any
) -> None:
    await make("others")
    await put("a", {"embedding": [1, 0], "words": [[1, 0], [0, 1]]})
    await put("b", {"embedding": [1, 0], "words": [[-1, 0]]})
    await put("c", {"embedding": [0, 1]}, in_collection="others")
    hits = await scored(context, "things", "others")
    features = [{"feature_uri": "mixpeek://text_extractor@v1/embedding"}, {"feature_uri": "words", "weight": 0.5}]

    result = await diversified(context, hits, lambda_=0, diversity_features=features)

    # The first is the first of equals. Then c is 0, and b is 2/3 of 1 and 1/3 of the cosine of (-1, 0) and (1/2, 1/2).
    assert ids(result.hits) == ["a", "c", "b"]
    likeness = 2 / 3 - math.sqrt(0.5) / 3
    assert [hit.added["scores"]["mmr"] for hit in result.hits] == pytest.approx([0, 0, -likeness], abs=1e-6)


@pytest.mark.anyio
async def test_a_feature_that_no_collection_has(context: Context, put: Put) -> None:
    await put("a", [1, 0])
    hits = await scored(context, "things")

    with pytest.raises(ValidationError) as caught:
        await diversified(context, hits, diversity_feature_uri="mixpeek://image_extractor@v1/clip")

    assert "mixpeek://text_extractor@v1/embedding" in caught.value.message
    assert (await diversified(context, [], diversity_feature_uri="mixpeek://image_extractor@v1/clip")).hits == []
