"""Sparse vectors, several vectors a document, other distances, and namespaces that bring their own vectors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2
import pytest

from headwater.context import Context
from headwater.errors import BadRequestError, ValidationError
from headwater.tenancy.access import resolve_namespace

from .conftest import Put, Search, ids

pytestmark = pytest.mark.anyio


def asking(feature_uri: str, query: Any, **more: Any) -> dict[str, Any]:
    return {"searches": [{"feature_uri": feature_uri, "query": query, **more}]}


async def test_sparse_by_their_product(put: Put, find: Search) -> None:
    await put("ab", {"indices": [1, 2], "values": [1.0, 2.0]}, output="terms")
    await put("b", {"indices": [2], "values": [3.0]}, output="terms")
    await put("c", {"indices": [9], "values": [1.0]}, output="terms")
    result = await find(asking("terms", {"indices": [2, 1], "values": [1.0, 0.5]}))
    assert [(hit.document_id, hit.score) for hit in result.hits] == [("b", 3.0), ("ab", 2.5)]
    other_spelling = {"input_mode": "vector", "value": {"indices": [9], "values": [2.0]}}
    assert ids(await find(asking("terms", other_spelling))) == ["c"]
    with pytest.raises(ValidationError, match="dense"):
        await find(asking("terms", [1.0]))
    with pytest.raises(ValidationError, match="random needs an index of dense vectors"):
        await find(asking("terms", "", on_empty="random"))


async def test_each_row_of_the_query_finds_its_best(put: Put, find: Search) -> None:
    await put("both", {"tokens": [[1.0, 0.0], [0.0, 1.0]]})
    await put("left", {"tokens": [[1.0, 0.0], [0.9, 0.1]]})
    result = await find(asking("tokens", [[1.0, 0.0], [0.0, 1.0]]))
    assert ids(result) == ["both", "left"]
    assert result.hits[0].score == pytest.approx(2.0)
    assert ids(await find(asking("tokens", [0.0, 1.0])))[0] == "both"
    reference = {"document_ref": {"collection_id": "things", "document_id": "left"}}
    assert ids(await find(asking("tokens", reference)))[0] == "left"


async def test_closest_first_for_distances(client: httpx2.AsyncClient, context: Context, find: Search) -> None:
    configs = [{"name": "place", "dimension": 2, "metric": "euclidean"}]
    made = await client.post("/v1/namespaces/standalone", json={"namespace_name": "maps", "vector_configs": configs})
    assert made.status_code == 200, made.text
    documents = [{"document_id": name, "vectors": {"place": vector}} for name, vector in PLACES.items()]
    stored = await client.post("/v1/namespaces/maps/documents/upsert", json={"documents": documents})
    assert stored.status_code == 200, stored.text
    maps = replace(context, namespace=resolve_namespace(context.runtime, context.key, "maps"))
    result = await find(asking("place", [0.0, 0.0], min_score=0.1), ctx=maps)
    assert [(hit.document_id, hit.score) for hit in result.hits] == [
        ("here", pytest.approx(1.0)),
        ("near", pytest.approx(0.5)),
        ("far", pytest.approx(1 / 6)),
    ]


PLACES = {"far": [3.0, 4.0], "near": [1.0, 0.0], "here": [0.0, 0.0], "further": [30.0, 40.0]}


async def test_optional_search_of_an_empty_index(put: Put, find: Search, client: httpx2.AsyncClient) -> None:
    await put("a", {"embedding": [1.0, 0.0], "other": [1.0]})
    await put("b", {"embedding": [1.0, 1.0]})
    assert (await client.delete("/v1/collections/things/documents/a")).status_code == 200
    empty = {"feature_uri": "other", "query": [1.0], "optional": True}
    result = await find({"searches": [{"feature_uri": "embedding", "query": [1.0, 0.0]}, empty]})
    assert ids(result) == ["b"]
    assert result.warnings == [
        "search 1 was skipped: no vector of mixpeek://text_extractor@v1/other is there to compare with"
    ]
    assert (await find(asking("other", [1.0]))).hits == []
    with pytest.raises(BadRequestError, match="every search was skipped"):
        await find({"searches": [empty]})
