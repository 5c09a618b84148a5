"""Searches while documents come, change and go, and how a search under a filter finds its way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx2
import pytest

from headwater.context import Context
from headwater.retrieval.search import ranking
from headwater.store.find import narrowing
from headwater.store.interface import Store
from headwater.store.search import SearchRequest
from headwater.vectors.interface import Hit

from .conftest import Put, Search, by_vector, ids

pytestmark = pytest.mark.anyio
DOCUMENTS = "/v1/collections/things/documents"


async def test_found_once_stored_and_gone_once_deleted(put: Put, find: Search, client: httpx2.AsyncClient) -> None:
    for number in range(20):
        vector = [1.0, number / 7]
        await put(f"d{number}", vector)
        assert ids(await find(by_vector(vector, top_k=1))) == [f"d{number}"]
    for number in range(20):
        assert (await client.delete(f"{DOCUMENTS}/d{number}")).status_code == 200
        assert f"d{number}" not in ids(await find(by_vector([1.0, number / 7])))


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Awaitable[Any]]], list[int]]:
    """``meanwhile(change)`` makes the change between the first search of the index and the look at its hits. The list
    it gives grows with each search."""

    def arrange(change: Callable[[], Awaitable[Any]]) -> list[int]:
        limits: list[int] = []
        original = ranking.search

        async def search(store: Store, requests: Sequence[SearchRequest]) -> list[list[Hit]]:
            found = await original(store, requests)
            limits.append(requests[0].limit)
            if len(limits) == 1:
                await change()
            return found

        monkeypatch.setattr(ranking, "search", search)
        return limits

    return arrange


async def test_document_whose_vector_changes_meanwhile_is_found_by_its_new_one(
    put: Put, find: Search, client: httpx2.AsyncClient, meanwhile: Any
) -> None:
    for name, vector in {"a": [1.0, 0.0], "b": [1.0, 0.5], "c": [1.0, 1.0]}.items():
        await put(name, vector)

    async def change() -> None:
        features = [{"feature_extractor_id": "text_extractor_v1", "vectors": {"embedding": [0.0, 1.0]}}]
        assert (await client.patch(f"{DOCUMENTS}/a", json={"features": features})).status_code == 200

    limits = meanwhile(change)
    result = await find(by_vector([1.0, 0.0]))
    assert [(hit.document_id, hit.score) for hit in result.hits][-1] == ("a", pytest.approx(0.0))
    assert ids(result) == ["b", "c", "a"]
    assert len(limits) == 2


async def test_documents_that_go_meanwhile_are_made_up_for(
    put: Put, find: Search, client: httpx2.AsyncClient, meanwhile: Any
) -> None:
    for number in range(20):
        await put(f"d{number:02}", [1.0, number / 10])

    async def change() -> None:
        for number in range(6):
            assert (await client.delete(f"{DOCUMENTS}/d{number:02}")).status_code == 200

    limits = meanwhile(change)
    assert ids(await find(by_vector([1.0, 0.0], top_k=3))) == ["d06", "d07", "d08"]
    assert limits[1] > limits[0]


async def plan_of(find: Search, filters: Any) -> str:
    result = await find(by_vector([1.0, 0.0], top_k=2), filters=filters, explain=True)
    [plan] = result.metadata["searches"][0]["plan"]
    return str(plan["compared"])


async def test_ways_of_a_search_under_a_filter(
    put: Put, find: Search, client: httpx2.AsyncClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace = f"/v1/namespaces/{client.headers['X-Namespace']}"
    indexes = {"payload_indexes": [{"field_name": "kind", "type": "keyword"}]}
    assert (await client.patch(namespace, json=indexes)).status_code == 200
    for number in range(60):
        await put(f"d{number}", [1.0, number / 10], kind="last" if number > 56 else "first", free=number)
    assert await plan_of(find, None) == "the nearest documents"
    assert await plan_of(find, {"kind": "last"}) == "3 documents that the field index names"
    assert await plan_of(find, {"free": {"lt": 9}}) == "the nearest documents, each looked at"
    monkeypatch.setattr(narrowing, "naming_is_cheaper", lambda *_: False)
    assert await plan_of(find, {"kind": "first"}) == "the nearest documents, each looked at"
    monkeypatch.setattr(ranking, "_LEAST_LOOK", 8)
    monkeypatch.setattr(ranking, "_MOST_LOOKED_AT", 16)
    assert await plan_of(find, {"free": {"gte": 50}}) == "10 documents that match, for the nearest ones do not"
