"""Searching text ranks as BM25 does, whatever has happened to the documents."""

from __future__ import annotations

import random

import httpx2
import pytest

from headwater.store.builder import build
from headwater.store.commands.generations import AdoptGeneration, BeginGeneration
from tests.jobs import work

from .conftest import Warehouse
from .model import scores

pytestmark = pytest.mark.anyio

_WORDS = ["river", "rivers", "source", "water", "watering", "spring", "well", "the", "of", "and", "mountain", "glacier"]
_WORDS += ["delta", "stream", "streaming"]


def _text(choose: random.Random) -> str:
    return " ".join(choose.choices(_WORDS, k=choose.randint(0, 60)))


async def _agrees(warehouse: Warehouse, texts: dict[str, str], choose: random.Random) -> None:
    for _ in range(8):
        query = " ".join(choose.choices(_WORDS, k=choose.randint(1, 4)))
        expected, found = scores(texts, query), await warehouse.find(query)
        assert found == pytest.approx(expected, rel=1e-4), query
        assert list(found.values()) == sorted(found.values(), reverse=True)


async def test_scores_are_those_of_the_formula(warehouse: Warehouse) -> None:
    choose = random.Random(1)
    texts = {f"d{number}": _text(choose) for number in range(60)}
    for document_id, text in texts.items():
        await warehouse.create(document_id, text)
    await _agrees(warehouse, texts, choose)


async def test_every_kind_of_write_moves_what_is_found(warehouse: Warehouse) -> None:
    choose = random.Random(2)
    texts = {f"d{number}": _text(choose) for number in range(40)}
    documents = [{"document_id": name, "vectors": {}, "payload": {"title": text}} for name, text in texts.items()]
    body = {"collection_id": warehouse.collection_id, "documents": documents}
    await warehouse.ok("POST", f"{warehouse.namespace}/documents/upsert", body)
    await _agrees(warehouse, texts, choose)

    texts |= {"d1": "glacier", "d2": ""}
    await warehouse.ok("PATCH", f"{warehouse.path}/d1", {"title": "glacier"})
    await warehouse.ok("PATCH", f"{warehouse.path}/d2", {"title": None})
    texts["d3"] = "well of water"
    await warehouse.ok("PUT", f"{warehouse.path}/d3", {"title": "well of water"})
    await warehouse.ok("DELETE", f"{warehouse.path}/d4")
    del texts["d4"]
    await _agrees(warehouse, texts, choose)

    bulk = {
        "filters": {"field": "title", "operator": "exists", "value": True},
        "update_data": {"title": "delta stream"},
    }
    await warehouse.ok("PATCH", f"{warehouse.path}/bulk", bulk)
    await work(warehouse.runtime)
    await _agrees(warehouse, await _titles(warehouse), choose)


async def _titles(warehouse: Warehouse) -> dict[str, str]:
    listed = await warehouse.ok("GET", f"{warehouse.path}?limit=1000")
    return {document["document_id"]: document.get("title") or "" for document in listed["results"]}


async def test_all_strings_of_all_declared_fields_are_found(warehouse: Warehouse) -> None:
    await warehouse.create("a", "river", tags=["spring", 7, None, {"x": "well"}], body="mountain")
    await warehouse.create("b", {"nested": "river"})
    assert set(await warehouse.find("spring")) == {"a"}
    assert set(await warehouse.find("river")) == {"a"}
    assert [await warehouse.find(word) for word in ("well", "mountain")] == [{}, {}]


async def test_words_are_stemmed_and_stop_words_left_out(warehouse: Warehouse) -> None:
    await warehouse.create("a", "The Rivers were watering")
    assert set(await warehouse.find("river")) == {"a"}
    assert await warehouse.find("the were") == {}
    assert await warehouse.find("") == {}


async def test_equal_scores_are_in_the_order_of_creation(warehouse: Warehouse) -> None:
    for number in range(30):
        await warehouse.create(f"d{number:02}", "river")
    assert list(await warehouse.find("river", limit=7)) == [f"d{number:02}" for number in range(7)]


async def test_a_document_is_found_by_its_text_and_keeps_its_vectors(warehouse: Warehouse) -> None:
    feature = {"feature_extractor_id": "own_v1", "vectors": {"embedding": [0.5, 0.25]}}
    await warehouse.create("a", "river", features=[feature])
    await warehouse.ok("PATCH", f"{warehouse.path}/a", {"title": "glacier"})
    assert (await warehouse.find("river"), set(await warehouse.find("glacier"))) == ({}, {"a"})
    shown = await warehouse.ok("GET", f"{warehouse.path}/a?return_vectors=true")
    assert shown["own_v1_embedding"] == [0.5, 0.25]


async def test_copies_of_documents_are_found(warehouse: Warehouse, client: httpx2.AsyncClient) -> None:
    await warehouse.create("a", "river")
    await warehouse.create("b", "glacier")
    cloned = await warehouse.ok("POST", f"{warehouse.namespace}/clone", {"namespace_name": "copy"})
    await work(warehouse.runtime)
    copy = cloned["namespace"]["namespace_id"]
    client.headers["X-Namespace"] = copy
    [collection] = (await warehouse.ok("POST", "/v1/collections/list", {}))["results"]
    assert set(await warehouse.find("river", collection_id=collection["collection_id"])) == {"a"}

    body = {"export": {"rows": [{"document_id": "c", "title": "a river"}]}, "mapping": {}}
    await warehouse.ok("POST", f"/v1/collections/{collection['collection_id']}/import", body)
    assert set(await warehouse.find("river", collection_id=collection["collection_id"])) == {"a", "c"}
    assert set(await warehouse.find("river")) == {"a"}


async def test_a_rebuilt_index_finds_the_same(warehouse: Warehouse) -> None:
    choose = random.Random(3)
    texts = {f"d{number}": _text(choose) for number in range(30)}
    for number, (document_id, text) in enumerate(texts.items()):
        feature = {"feature_extractor_id": "own_v1", "vectors": {"embedding": [0.5, 0.25]}}
        await warehouse.create(document_id, text, features=[feature] if number % 2 else [])
    store, row = warehouse.runtime.store, warehouse.row_of(warehouse.collection_id)
    begun = await store.execute(BeginGeneration(collection_row=row))
    await warehouse.ok("DELETE", f"{warehouse.path}/d0")
    await warehouse.ok("PATCH", f"{warehouse.path}/d1", {"title": "glacier"})
    points = build(warehouse.runtime.settings.data, row, begun["generation"])
    await store.execute(AdoptGeneration(collection_row=row, generation=begun["generation"], indexed=points))
    while (await store.query("status"))["catching_up"]:
        pass
    await _agrees(warehouse, {name: text for name, text in (texts | {"d1": "glacier"}).items() if name != "d0"}, choose)
