"""A text index that comes after the documents, changes, and goes; and what nobody sees of it."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from headwater.errors import ValidationError
from headwater.reconcile import rebuild, verify
from headwater.runtime import Runtime
from headwater.settings import Settings
from headwater.store.commands.text import FillTextIndex
from headwater.store.text.indexes import load_text_index
from tests.jobs import work

from .conftest import Warehouse

pytestmark = pytest.mark.anyio
FEATURE = {"feature_extractor_id": "own_v1", "vectors": {"embedding": [0.5, 0.25]}}


@pytest.fixture
async def bare(client: httpx2.AsyncClient, runtime: Runtime, collection: dict[str, Any]) -> Warehouse:
    """The warehouse before anything is declared."""
    return Warehouse(client, runtime, collection["collection_id"])


def weights(warehouse: Warehouse) -> dict[str, bool]:
    """Which documents have a row of vectors, and whether their text has weights."""
    rows = warehouse.runtime.reader.connection.execute(
        "SELECT document_id, lexical IS NOT NULL FROM vectors JOIN documents USING (document_row)"
    )
    return {document_id: bool(has) for document_id, has in rows}


async def test_without_a_text_field_nothing_is_weighed_and_a_search_says_how(bare: Warehouse) -> None:
    await bare.create("a", "river")
    await bare.create("b", "river", features=[FEATURE])
    assert weights(bare) == {"b": False}
    with pytest.raises(ValidationError, match="declare one with PATCH") as refusal:
        await bare.find("river")
    assert refusal.value.code == "text_index_missing"


async def test_documents_that_exist_are_found_once_the_job_is_done(bare: Warehouse) -> None:
    for number in range(5):
        await bare.create(f"d{number}", "river", features=[FEATURE] if number % 2 else [])
    etag = (await bare.client.get(f"{bare.path}/d1")).headers["etag"]
    await bare.declare("title")
    index = load_text_index(bare.runtime.reader.connection, bare.row_of(bare.collection_id))
    assert index is not None
    assert index.state == "filling"
    await bare.create("new", "rivers")
    assert set(await bare.find("river")) == {"new"}
    await work(bare.runtime)
    index = load_text_index(bare.runtime.reader.connection, bare.row_of(bare.collection_id))
    assert index is not None
    assert index.state == "live"
    assert set(await bare.find("river")) == {"new", *(f"d{number}" for number in range(5))}
    answer = await bare.client.get(f"{bare.path}/d1?return_vectors=true")
    assert answer.headers["etag"] == etag
    assert answer.json()["own_v1_embedding"] == [0.5, 0.25]


async def test_a_fill_that_is_cut_short_goes_on_while_documents_change(bare: Warehouse) -> None:
    for number in range(6):
        await bare.create(f"d{number}", "river")
    await bare.declare("title")
    fill = FillTextIndex(collection_row=bare.row_of(bare.collection_id), limit=2)
    assert await bare.runtime.store.execute(fill) == {"filled": 2, "more": True}
    await bare.ok("PATCH", f"{bare.path}/d0", {"title": "glacier"})
    await bare.ok("PATCH", f"{bare.path}/d5", {"title": "glacier"})
    await bare.ok("DELETE", f"{bare.path}/d4")
    await work(bare.runtime)
    assert set(await bare.find("river")) == {"d1", "d2", "d3"}
    assert set(await bare.find("glacier")) == {"d0", "d5"}


async def test_another_field_takes_the_place_of_the_first(bare: Warehouse) -> None:
    await bare.declare("title")
    await bare.create("a", "river", body="glacier")
    await bare.declare("body")
    await work(bare.runtime)
    assert (await bare.find("river"), set(await bare.find("glacier"))) == ({}, {"a"})


async def test_a_field_that_is_taken_away_leaves_nothing_behind(bare: Warehouse) -> None:
    await bare.declare("title")
    await bare.create("a", "river")
    await bare.create("b", "river", features=[FEATURE])
    assert weights(bare) == {"a": True, "b": True}
    await bare.declare()
    with pytest.raises(ValidationError, match="no field of the namespace"):
        await bare.find("river")
    await work(bare.runtime)
    assert weights(bare) == {"b": False}
    assert bare.runtime.reader.connection.execute("SELECT count(*) FROM text_indexes").get == 0
    [entry] = [bare.runtime.store.writer.index.entry(bare.row_of(bare.collection_id), 0)]  # type: ignore[attr-defined]
    assert entry.shard.count() == 1


async def test_ensuring_the_indexes_weighs_what_lost_its_weights(bare: Warehouse) -> None:
    await bare.declare("title")
    await bare.create("a", "river")
    bare.runtime.store.writer.connection.execute("UPDATE vectors SET lexical = NULL")  # type: ignore[attr-defined]
    await bare.ok("POST", f"{bare.namespace}/ensure-indexes?force_rebuild=true")
    await work(bare.runtime)
    assert weights(bare) == {"a": True}
    assert set(await bare.find("river")) == {"a"}


async def test_weights_are_no_vectors_to_anybody(warehouse: Warehouse) -> None:
    await warehouse.create("a", "river")
    await warehouse.create("b", "river", features=[FEATURE])
    got = await warehouse.ok("GET", f"{warehouse.path}/a?return_vectors=true")
    assert not any("lexical" in name or name == "" for name in got)
    listed = await warehouse.ok("GET", f"{warehouse.path}?return_vectors=true")
    assert {name for row in listed["results"] for name in row} & {"", "%lexical"} == set()
    stats = await warehouse.ok("GET", f"/v1/collections/{warehouse.collection_id}/features")
    assert "lexical" not in str(stats)
    lifecycle = await warehouse.ok("GET", f"/v1/collections/{warehouse.collection_id}/lifecycle")
    assert lifecycle["vector_document_count"] == 1


async def test_a_purged_collection_leaves_no_text_index(warehouse: Warehouse) -> None:
    await warehouse.create("a", "river")
    await warehouse.ok("DELETE", f"/v1/collections/{warehouse.collection_id}")
    await work(warehouse.runtime)
    for table in ("text_indexes", "vectors"):
        assert warehouse.runtime.reader.connection.execute(f"SELECT count(*) FROM {table}").get == 0


async def test_verify_finds_a_text_that_weighs_something_else_and_rebuild_mends_it(
    warehouse: Warehouse, settings: Settings
) -> None:
    await warehouse.create("a", "river")
    await warehouse.create("b", "glacier")
    store = warehouse.runtime.store
    await store.query("checkpoint")
    store.writer.connection.execute(  # type: ignore[attr-defined]
        "UPDATE vectors SET lexical = zeroblob(8) WHERE document_row = (SELECT min(document_row) FROM vectors)"
    )
    await store.close()
    report = await verify(settings.data, settings)
    found = {(difference.kind, difference.identifier.rpartition("/")[2]) for difference in report.differences}
    assert found == {("text index", "a"), ("index", "a")}
    assert report.vectors == 0
    await rebuild(settings.data, settings)
    assert (await verify(settings.data, settings)).ok
