"""Searches in the storage process: scores, order, restriction, and what is refused."""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headwater.errors import ServiceUnavailableError, ValidationError
from headwater.settings import Settings
from headwater.store import costs
from headwater.store.builder import build
from headwater.store.commands.generations import AdoptGeneration, BeginGeneration
from headwater.store.search import SearchRequest, packed_rows, search
from headwater.vectors.edge import EdgeShard, IndexFailedError
from headwater.vectors.interface import Distance, Hit, PointChange, VectorData, VectorSpec

from .conftest import COLLECTION, WIDTH, vector

pytestmark = pytest.mark.anyio


def dense(*values: float, name: str = "v") -> VectorData:
    return VectorData(name, "dense", 1, len(values), np.array(values, "<f4").tobytes())


def rows_of(hits: list[Hit]) -> list[int]:
    return [hit.document_row for hit in hits]


async def test_several_searches_are_answered_in_their_order(harness: Any) -> None:
    rows = [(await harness.put(f"d{seed}", seed))["sequence"] for seed in range(5)]
    requests = [SearchRequest(COLLECTION, vector(seed), limit=1) for seed in (3, 1)]
    found = await search(harness.store, requests)
    assert [rows_of(hits) for hits in found] == [[rows[3]], [rows[1]]]
    assert [hits[0].score for hits in found] == pytest.approx([1.0, 1.0])
    assert found[0][0].sequence == rows[3]
    assert await search(harness.store, []) == []


async def test_within_looks_at_these_documents_only(harness: Any) -> None:
    rows = [(await harness.put(f"d{seed}", seed))["sequence"] for seed in range(20)]
    only = rows[4:9]
    requests = [
        SearchRequest(COLLECTION, vector(0), limit=50, within=packed_rows(only)),
        SearchRequest(COLLECTION, vector(0), limit=50, within=packed_rows([])),
        SearchRequest(COLLECTION, vector(0), limit=50, within=packed_rows([10**9])),
    ]
    some, none, unknown = await search(harness.store, requests)
    assert sorted(rows_of(some)) == only
    assert (none, unknown) == ([], [])


async def test_hits_below_the_least_score_are_left_out(harness: Any) -> None:
    for seed in range(20):
        await harness.put(f"d{seed}", seed)
    [every] = await search(harness.store, [SearchRequest(COLLECTION, vector(0), limit=20)])
    [some] = await search(harness.store, [SearchRequest(COLLECTION, vector(0), limit=20, min_score=every[4].score)])
    assert some == every[:5]


async def test_a_collection_without_points_has_no_hits(harness: Any) -> None:
    assert await search(harness.store, [SearchRequest(COLLECTION, vector(0), limit=5)]) == [[]]


async def test_a_query_that_does_not_fit_is_refused_with_both_shapes(harness: Any) -> None:
    await harness.put("a", 1)
    with pytest.raises(ValidationError, match=f"the index v: expected dense of {WIDTH}, got dense of 3") as refusal:
        await search(harness.store, [SearchRequest(COLLECTION, dense(1, 2, 3), limit=5)])
    assert refusal.value.code == "vector_dimension_mismatch"
    assert refusal.value.details is not None
    assert refusal.value.details["expected"] == {"kind": "dense", "dimensions": WIDTH}
    assert refusal.value.details["got"] == {"kind": "dense", "dimensions": 3}
    sparse = VectorData("v", "sparse", 1, 1, np.array([1], "<f4").tobytes(), np.array([7], "<u4").tobytes())
    with pytest.raises(ValidationError, match=f"expected dense of {WIDTH}, got sparse"):
        await search(harness.store, [SearchRequest(COLLECTION, sparse, limit=5)])


async def test_an_unknown_index_is_refused_with_those_there_are(harness: Any) -> None:
    with pytest.raises(ValidationError, match="no vector index 'w'; it has v"):
        await search(harness.store, [SearchRequest(COLLECTION, dense(1, 2, name="w"), limit=5)])


async def test_a_shard_that_fails_a_search_is_given_up_and_never_answers_less(
    harness: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.put("a", 1)

    def fail(*_: Any, **__: Any) -> None:
        raise IndexFailedError("planted")

    monkeypatch.setattr(EdgeShard, "search", fail)
    for _ in range(2):
        with pytest.raises(ServiceUnavailableError, match="built again") as refusal:
            await search(harness.store, [SearchRequest(COLLECTION, vector(1), limit=5)])
        assert (refusal.value.code, refusal.value.retry_after_seconds) == ("index_rebuilding", 2)
    assert rows("SELECT state FROM generations") == [("damaged",)]


@pytest.mark.parametrize(
    ("small", "limit", "named", "exact"),
    [(50_000, 5, False, True), (0, 5, False, False), (0, 100, False, False), (0, 101, False, True), (0, 5, True, True)],
)
async def test_a_graph_is_followed_for_few_neighbours_in_a_large_collection(
    harness: Any, monkeypatch: pytest.MonkeyPatch, small: int, limit: int, named: bool, exact: bool
) -> None:
    row = (await harness.put("a", 1))["sequence"]
    asked = []

    def note(*_: Any, **how: Any) -> list[Hit]:
        asked.append(how["exact"])
        return []

    monkeypatch.setattr(costs, "SMALL", small)
    monkeypatch.setattr(EdgeShard, "count", lambda _: 100_000 if small == 0 else small)
    monkeypatch.setattr(EdgeShard, "search", note)
    within = packed_rows([row]) if named else None
    await search(harness.store, [SearchRequest(COLLECTION, vector(1), limit, within)])
    assert asked == [exact]


@pytest.mark.parametrize(
    ("matching", "documents", "cheaper"),
    [
        (200, 200_000, True),
        (2_000, 200_000, True),
        (20_000, 200_000, False),
        (100, 1_000, True),
        (40_000, 50_000, False),
    ],
)
def test_few_matching_documents_are_named_and_many_are_looked_for(matching: int, documents: int, cheaper: bool) -> None:
    assert costs.naming_is_cheaper(matching, documents, 10) is cheaper


async def test_more_collections_than_may_be_open_are_all_searched(harness: Any, settings: Settings) -> None:
    connection = harness.store.writer.connection
    for row in range(2, 7):
        connection.execute(
            "INSERT INTO collections SELECT ?1, 1, 'col_' || ?1, 'c' || ?1, 'active', body, 0, 0 FROM collections"
            " WHERE collection_row = 1",
            (row,),
        )
    for row in range(1, 7):
        await harness.put(f"d{row}", row, collection_row=row)
    await harness.reopen(settings.model_copy(update={"max_open_shards": 2}))
    found = await search(harness.store, [SearchRequest(row, vector(row), limit=1) for row in range(1, 7)])
    assert [hits[0].score for hits in found] == pytest.approx([1.0] * 6)


async def test_every_document_is_found_as_soon_as_it_is_acknowledged_while_a_generation_is_built(harness: Any) -> None:
    for seed in range(200):
        await harness.put(f"before{seed}", seed)
    begun = await harness.store.execute(BeginGeneration(collection_row=COLLECTION))
    lost: list[int] = []
    done = asyncio.Event()

    async def create_and_search(writer: int) -> None:
        for turn in count():
            if done.is_set():
                return
            seed = 1000 * (writer + 1) + turn
            row = (await harness.put(f"during{seed}", seed))["sequence"]
            if await harness.nearest(seed) != row:
                lost.append(seed)

    async with asyncio.TaskGroup() as tasks:
        for writer in range(4):
            tasks.create_task(create_and_search(writer))
        points = await asyncio.to_thread(build, harness.directory, COLLECTION, begun["generation"])
        adopt = AdoptGeneration(collection_row=COLLECTION, generation=begun["generation"], indexed=points)
        await harness.store.execute(adopt)
        while (await harness.store.query("status"))["catching_up"]:
            await asyncio.sleep(0.01)
        done.set()
    assert lost == []
    assert len(harness.index_directories()) == 1


# --- the shard ----------------------------------------------------------------


def shard_of(directory: Path, spec: VectorSpec, vectors: list[VectorData]) -> EdgeShard:
    shard = EdgeShard.create(directory, [spec])
    shard.apply([PointChange(row, row, [each]) for row, each in enumerate(vectors, 1)], [spec])
    return shard


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        ("cosine", [(1, 1.0), (3, 0.6), (2, 0.0)]),
        ("dot", [(3, 6.0), (1, 1.0), (2, 0.0)]),
        ("euclidean", [(1, 1.0), (2, 1 / (1 + 2**0.5)), (3, 1 / (1 + 89**0.5))]),
        ("manhattan", [(1, 1.0), (2, 1 / 3), (3, 1 / 14)]),
    ],
)
def test_a_larger_score_is_better_whatever_the_distance(
    tmp_path: Path, distance: Distance, expected: list[tuple[int, float]]
) -> None:
    spec = VectorSpec("v", "dense", 2, distance)
    shard = shard_of(tmp_path, spec, [dense(1, 0), dense(0, 1), dense(6, 8)])
    hits = shard.search(dense(1, 0), distance, 3, exact=True)
    shard.close()
    assert rows_of(hits) == [row for row, _ in expected]
    assert [hit.score for hit in hits] == pytest.approx([score for _, score in expected], abs=1e-6)


@pytest.mark.parametrize("limit", [1, 5, 60])
def test_of_equal_scores_the_earlier_documents_are_found(tmp_path: Path, limit: int) -> None:
    spec = VectorSpec("v", "dense", 2, "cosine")
    shard = shard_of(tmp_path, spec, [dense(0, 1), *[dense(1, 1)] * 100, dense(1, 0.9)])
    hits = shard.search(dense(1, 1), "cosine", limit, exact=True)
    shard.close()
    assert rows_of(hits) == list(range(2, 2 + limit))


def test_multi_vectors_are_ranked_by_their_best_rows(tmp_path: Path) -> None:
    def multi(*rows: list[float]) -> VectorData:
        return VectorData("v", "multi", len(rows), 2, np.array(rows, "<f4").tobytes())

    spec = VectorSpec("v", "multi", 2, "cosine")
    shard = shard_of(tmp_path, spec, [multi([1, 0], [0, 1]), multi([1, 0]), multi([-1, 0])])
    both = shard.search(multi([1, 0], [0, 1]), "cosine", 3, exact=True)
    one = shard.search(dense(0, 1), "cosine", 1, exact=True)
    shard.close()
    assert [(hit.document_row, hit.score) for hit in both] == [(1, 2.0), (2, 1.0), (3, -1.0)]
    assert rows_of(one) == [1]


def test_a_name_that_no_point_has_yet_finds_nothing(tmp_path: Path) -> None:
    shard = shard_of(tmp_path, VectorSpec("v", "dense", 2), [dense(1, 0)])
    assert shard.search(dense(1, 0, name="later"), "cosine", 3, exact=True) == []
    shard.close()
