"""Random documents, filters and vectors: what a search finds is what comparing every listed document finds, whatever is
indexed and whichever way the search takes."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest

from headwater.context import Context
from headwater.retrieval.search import ranking
from headwater.store.commands.fields import FillFieldPaths, LearnFieldPaths
from headwater.store.find import narrowing

from .conftest import Put, Search, by_vector

pytestmark = pytest.mark.anyio

SCALARS = [None, True, False, 0, 1, 1.5, -2, "a", "A", "ab", "2026-01-05", "2026-01-05T10:00:00+01:00"]
PATHS = ["a", "b", "tags", "m.x", "metadata.n", "document_id", "missing"]
QUERIES = 40


def body_of(chance: random.Random) -> dict[str, Any]:
    values: dict[str, Any] = {
        "a": chance.choice(SCALARS),
        "b": chance.choice([chance.choice(SCALARS), chance.sample(SCALARS, 2), {"x": 1}]),
        "tags": chance.sample(["a", "b", "c", 1, True], chance.randrange(4)),
        "m": {"x": chance.choice(SCALARS)},
        "metadata": {"n": chance.randrange(5)},
    }
    return {name: values[name] for name in values if chance.random() < 0.8}


def vector_of(chance: random.Random) -> list[float]:
    # Few directions, so that many scores are equal.
    while not any(vector := [float(chance.randrange(-2, 3)) for _ in range(3)]):
        pass
    return vector


def condition_of(chance: random.Random) -> dict[str, Any]:
    operator = chance.choice(
        ["eq", "ne", "in", "nin", "gt", "gte", "lt", "lte", "exists", "is_null", "contains", "starts_with", "text"]
    )
    value: Any = chance.choice(SCALARS)
    if operator in ("in", "nin"):
        value = chance.sample(SCALARS, 3)
    elif operator in ("gt", "gte", "lt", "lte"):
        value = chance.choice([0, 1, 1.5, "a", "2026-01-05"])
    elif operator in ("exists", "is_null"):
        value = chance.random() < 0.5
    elif operator in ("contains", "starts_with", "text"):
        value = chance.choice(["a", "A", "b", "d1"])
    return {"field": chance.choice(PATHS), "operator": operator, "value": value}


def filter_of(chance: random.Random, depth: int = 2) -> dict[str, Any]:
    if depth == 0 or chance.random() < 0.5:
        return condition_of(chance)
    parts = [filter_of(chance, depth - 1) for _ in range(chance.randrange(1, 3))]
    return {chance.choice(["AND", "OR", "NOT"]): parts}


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(one, other, strict=True)) / (math.hypot(*one) * math.hypot(*other))


def assert_is_best(found: list[tuple[str, float]], scores: dict[str, float], size: int) -> None:
    """The best ``size`` documents, those of equal score in any order: their floats differ in the last bits."""
    expected = sorted(scores.values(), reverse=True)[:size]
    assert [score for _, score in found] == pytest.approx(expected, abs=1e-5)
    assert len({name for name, _ in found}) == len(found)
    for name, score in found:
        assert score == pytest.approx(scores[name], abs=1e-5)


async def listed(client: httpx2.AsyncClient, filters: Any) -> list[str]:
    answer = await client.post("/v1/documents/list", json={"filters": filters, "limit": 1000})
    assert answer.status_code == 200, answer.text
    return [document["document_id"] for document in answer.json()["results"]]


async def index_some(context: Context, chance: random.Random) -> None:
    for collection in context.runtime.catalogue.collections(context.scope.namespace_row):
        row, paths = collection.collection_row, chance.sample(PATHS, chance.randrange(len(PATHS)))
        learn = LearnFieldPaths(namespace_row=context.scope.namespace_row, collection_row=row, paths=paths)
        await context.runtime.store.execute(learn)
        # Sometimes they are being filled while the queries come.
        await context.runtime.store.execute(FillFieldPaths(collection_row=row, limit=chance.choice([10, 1000])))
    context.runtime.catalogue.expire()


#: The ways to search under a filter: by named documents, among the nearest ones, and by all that match after that.
WAYS = {
    "named": {"most": 10_000, "least": 64},
    "nearest": {"most": 10_000, "least": 8},
    "all": {"most": 8, "least": 8},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", [1, 2])
async def test_search_agrees_with_list(
    seed: int,
    way: str,
    context: Context,
    client: httpx2.AsyncClient,
    put: Put,
    make: Any,
    find: Search,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(narrowing, "naming_is_cheaper", lambda *_: way == "named")
    monkeypatch.setattr(ranking, "_MOST_LOOKED_AT", WAYS[way]["most"])
    monkeypatch.setattr(ranking, "_LEAST_LOOK", WAYS[way]["least"])
    monkeypatch.setattr(ranking, "_SLICE_BYTES", 8 * 7)
    chance = random.Random(seed)
    await make("others")
    vectors: dict[str, list[float]] = {}
    places: dict[str, str] = {}
    for number in range(80):
        name, vector = f"d{number}", vector_of(chance) if chance.random() < 0.9 else None
        places[name] = chance.choice(["things", "others"])
        await put(name, vector, places[name], **body_of(chance))
        if vector is not None:
            vectors[name] = vector
        if number == 40:
            await index_some(context, chance)
    for name in chance.sample(sorted(vectors), 5):
        answer = await client.delete(f"/v1/collections/{places[name]}/documents/{name}")
        assert answer.status_code == 200, answer.text
        del vectors[name]
    for _ in range(QUERIES):
        filters, own, query, size = filter_of(chance), filter_of(chance), vector_of(chance), chance.choice([1, 3, 10])
        both = await listed(client, {"AND": [filters, own]})
        result = await find(by_vector(query, filters=own) | {"final_top_k": size}, filters=filters)
        scores = {name: cosine(query, vectors[name]) for name in both if name in vectors}
        found = [(hit.document_id, hit.score or 0.0) for hit in result.hits]
        assert_is_best(found, scores, size)
